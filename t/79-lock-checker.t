use v5.16;
use warnings;
use Test::More;
use lib 't/lib';

use VouchTest::LockChecker qw(violations);

# The checker of the chaos test: logs that are good pass, and each kind of log
# that must fail does.

my $id = 0;

# A hold: hold('alpha', 1, 2, ...) from second 1 to 2.
sub hold {
    my ($name, $from, $until, %is) = @_;
    my %all = (
        where    => 'unix',
        mode     => 'EX',
        quantity => 1,
        element  => q(),
        token    => "1." . ++$id,
        how      => 'released',
        pid      => 1000 + $id,
        id       => $is{pid} ? "$is{pid}.$id" : "1.$id",
        %is
    );
    my @event = (
        { what => 'ask', t => $from - 0.5, map { $_ => $all{$_} } qw(id pid where name mode quantity) },
        {
            what => 'grant',
            t    => $from,
            map { $_ => $all{$_} } qw(id element token), $is{resumes} ? 'resumes' : ()
        },
    );
    $event[0]{name} = $name;
    push @event, { what => 'sure', id => $all{id}, t => $is{sure} } if $is{sure};
    push @event, { what => 'end', id => $all{id}, t => $until, how => $all{how} } if defined $until;
    return @event;
}

sub writes {
    my ($hold, $key, @n) = @_;
    my ($grant) = grep { $_->{what} eq 'grant' } @$hold;
    return map { {
        what  => 'write',
        id    => $grant->{id},
        token => $grant->{token},
        key   => $key,
        n     => abs,
        ok    => $_ > 0
    } } @n;
}

sub good { my ($name, @event) = @_; is join("\n", violations(@event)), q(), $name; return }

sub bad {
    my ($like, $name, @event) = @_;
    my @found = violations(@event);
    like join("\n", @found), $like, $name;
    return;
}

subtest 'one after the other' => sub {
    good('nothing',                 ());
    good('two, apart',              hold('a', 1, 2), hold('a', 3, 4));
    good('two, not the same',       hold('a', 1, 3), hold('b', 2, 4));
    good('the same name elsewhere', hold('a', 1, 3), hold('a', 2, 4, where => 'tcp'));
    bad(qr/at the same time/, 'two at once',          hold('a', 1, 3), hold('a', 2, 4));
    bad(qr/at the same time/, 'in any order',         hold('a', 2, 4), hold('a', 1, 3));
    bad(qr/at the same time/, 'one inside the other', hold('a', 1, 9), hold('a', 2, 3));
};

subtest 'modes' => sub {
    my @mode     = qw(NL CR CW PR PW EX);
    my $together = '111111 111110 111000 110100 110000 100000';
    my @row      = split ' ', $together;
    for my $one (0 .. 5) {
        for my $other (0 .. 5) {
            my @log   = (hold('a', 1, 3, mode => $mode[$one]), hold('a', 2, 4, mode => $mode[$other]));
            my @found = violations(@log);
            is @found ? 0 : 1, substr($row[$one], $other, 1), "$mode[$one] and $mode[$other]";
        }
    }
};

subtest 'trees' => sub {
    good('brothers',               hold('/t/a', 1, 3), hold('/t/b',  2, 4));
    good('names that begin alike', hold('/t/a', 1, 3), hold('/t/ab', 2, 4));
    bad(qr/at the same time/, 'parent and child', hold('/t',     1, 3), hold('/t/a/b', 2, 4));
    bad(qr/at the same time/, 'child and parent', hold('/t/a/b', 1, 3), hold('/t',     2, 4));
    good('readers', hold('/t', 1, 3, mode => 'PR'), hold('/t/a', 2, 4, mode => 'PR'));
};

subtest 'how many' => sub {
    good('three of three', map { hold('p[3]', 1 + $_, 9) } 1 .. 3);
    bad(qr/one too many: 4 of 3/, 'four of three', map { hold('p[3]', 1 + $_, 9) } 1 .. 4);
    bad(
        qr/one too many: 4 of 3/,
        'units',
        hold('p[3]', 1, 9, quantity => 2),
        hold('p[3]', 2, 9, quantity => 2)
    );
    good('elements', hold('r.g', 1, 9, element => 'r'), hold('r.g', 2, 9, element => 'g'));
    bad(
        qr/at the same time/,
        'one element twice',
        hold('r.g', 1, 9, element => 'r'),
        hold('r.g', 2, 9, element => 'r')
    );
    bad(
        qr/one too many/,
        'of numbers',
        hold('_s_n[1]', 1, 9, element => 1),
        hold('_s_n[1]', 2, 9, element => 2)
    );
};

subtest 'numbers' => sub {
    good('each once', map { hold('_s_n[1]', $_, $_ + 0.5, element => $_) } 1 .. 3);
    bad(qr/has what another had/, 'one twice', map { hold('_s_n[1]', $_, $_ + 0.5, element => 7) } 1 .. 2);
    bad(
        qr/has what another had/,
        'one twice, rolled back',
        hold('_s_n[1]', 1, 2, element => 7, how => 'rolled back'),
        hold('_s_n[1]', 3, 4, element => 7)
    );
    bad(qr/has what another had/,
        'a time twice', map { hold('_t_%S[1]', $_, $_ + 0.5, element => 'x') } 1 .. 2);
    good(
        'back and again',
        hold('_S_n[1]', 1, 2, element => 7, how => 'rolled back'),
        hold('_S_n[1]', 3, 4, element => 7)
    );
    good(
        'lost and again',
        hold('_S_n[1]', 1, 2, element => 7, how => 'lost'),
        hold('_S_n[1]', 3, 4, element => 7)
    );
    my @spent = (hold('_S_n[1]', 1, 2, element => 7), hold('_S_n[1]', 3, 4, element => 7));
    bad(qr/has what another had/, 'spent and again', @spent);
    good('unless the daemon crashed as it was told', @spent, { what => 'crash', where => 'unix', t => 2.1 });
    good('or while it was being ended', @spent, { what => 'crash', where => 'unix', t => 1.2, over => 2.1 });
    bad(
        qr/has what another had/,
        'not after that',
        @spent, { what => 'crash', where => 'unix', t => 1.2, over => 1.4 }
    );
    bad(qr/has what another had/, 'not long after', @spent, { what => 'crash', where => 'unix', t => 3.5 });
    bad(qr/has what another had/, 'not another daemon', @spent,
        { what => 'crash', where => 'tcp', t => 2.1 });
};

subtest 'lost, and seen later' => sub {
    my @old = hold('a', 1, 5, how => 'lost', sure => 2);
    my @new = hold('a', 3, 4);
    good('another has it meanwhile', @old, @new);
    my @early = hold('a', 1.5, 4);
    bad(qr/at the same time/, 'but not while it was surely held', @old, @early);
    good('the storage refuses the old one', @old, @new, writes(\@old, 'k', 1, -3), writes(\@new, 'k', 2));
    bad(qr/wrote to k after this/, 'or not', @old, @new, writes(\@old, 'k', 1, 3), writes(\@new, 'k', 2));
    bad(
        qr/took 1\.\d+ after 1\.\d+/,
        'the storage is looked at, too',
        @old, @new,
        writes(\@old, 'k', 3),
        writes(\@new, 'k', 2)
    );
    my @small = hold('a', 3, 4, token => '0.9');
    bad(qr/smaller token than one before/, 'a token that does not grow', @old, @small);
    my @again = hold('a', 6, 7, token => $old[1]{token}, resumes => $old[0]{id});
    good('taken up again with its token', @old, @again);
    bad(qr/at the same time/, 'while another had it', hold('a', 5.5, 8), @again);
};

subtest 'killed' => sub {
    my @killed = hold('a', 1, undef, pid => 77);
    my $kill   = { what => 'kill', pid => 77, t => 2 };
    good('then it is free', @killed, $kill, hold('a', 3, 4));
    bad(qr/never ended/, 'a hold without an end', @killed);
    my @sure = hold('a', 1, undef, pid => 77, sure => 1.9);
    bad(qr/at the same time/, 'not before', @sure, $kill, hold('a', 1.5, 4));
};

subtest 'who waits' => sub {
    my %ask = (
        what     => 'ask',
        id       => '5.1',
        pid      => 5,
        t        => 1,
        where    => 'unix',
        name     => 'a',
        mode     => 'EX',
        quantity => 1
    );
    bad(qr/neither served nor told/, 'for ever', {%ask});
    good('told', {%ask}, { what => 'told', id => '5.1', t => 2, reason => 'timeout' });
    good('or killed', {%ask}, { what => 'kill', pid => 5, t => 2 });
    bad(qr/without a question/, 'a grant that nobody asked for', { what => 'grant', id => '6.1', t => 1 });
};

done_testing;
