package Vouch::Flom 0.001;

use v5.16;
use warnings;

use File::Basename      qw(dirname);
use File::Spec          ();
use Vouch               ();
use Vouch::Error        ();
use Vouch::Flom::Handle ();

# The functions and constants of FLoM's Perl module; xs/flom.c makes them.
BEGIN {
    _boot();
    @Vouch::Flom::flom_handle_t::ISA = ('Vouch::Flom::Handle');
}

# The folder with a Flom.pm, for PERL5LIB.
sub drop_in_dir {
    my $dir = File::Spec->catdir(dirname(File::Spec->rel2abs(__FILE__)), 'Flom', 'drop-in');
    return _there($dir, 'Flom.pm');
}

# The folder with libflom.so.0 and flom.h: beside what XSLoader has loaded.
sub library_dir {
    my ($loaded) = grep { m{/auto/Vouch/Vouch\.\w+\z} } @DynaLoader::dl_shared_objects;
    my $dir = File::Spec->rel2abs(dirname($loaded // __FILE__));
    return _there(File::Spec->catdir($dir, 'libflom'), 'libflom.so.0');
}

sub _there {
    my ($dir, $file) = @_;
    return $dir if -e "$dir/$file";
    return Vouch::Error->throw(
        code    => 'file',
        message => "$file is not in $dir: Vouch has not been built, or has been installed in part"
    );
}

# Give another package, and that of its C names, all there is here.
sub _be {
    my ($class, $package) = @_;
    my $new = sub {
        my $handle = handle_new(@_);
        return $handle && bless $handle, "${package}::flom_handle_t";
    };
    for my $name (
        grep { /\A(?:handle_|strerror\z|(?:RC|ES|LOCK|HANDLE)_|(?:TRUE|FALSE)\z)/ }
        keys %Vouch::Flom::
        )
    {
        my $code = $name eq 'handle_new' ? $new : $class->can($name);
        _define("${package}::$name",       $code);
        _define("${package}c::flom_$name", $code) if $name =~ /\A[a-z]/;
    }
    _define("${package}::flom_handle_t::ISA", ['Vouch::Flom::Handle']);
    return;
}

sub _define {
    my ($name, $what) = @_;
    no strict 'refs';    ## no critic (ProhibitNoStrict)
    *{$name} = $what;
    return;
}

1;

__END__

=head1 NAME

Vouch::Flom - FLoM's Perl module, for the scripts that use it

=head1 SYNOPSIS

    use v5.16;
    use warnings;
    use Vouch::Flom;

    my $handle = Vouch::Flom::handle_new();
    Vouch::Flom::handle_set_resource_name($handle, 'backup');
    my $code = Vouch::Flom::handle_lock($handle);
    die Vouch::Flom::strerror($code), "\n" if $code != Vouch::Flom::RC_OK;
    # ...
    Vouch::Flom::handle_unlock($handle);
    Vouch::Flom::handle_delete($handle);

=head1 DESCRIPTION

The functions and constants of the module C<Flom> that comes with FLoM 1.7.2:
names, numbers, defaults, return codes and states of a handle are the same, and
so are the words in which it dies for a wrong argument. It speaks to the daemon
of Vouch, and to that of FLoM. For new programs there is L<Vouch::Lock>.

=head2 Scripts that say "use Flom;"

They run unchanged with a folder on C<PERL5LIB> in which Vouch has a F<Flom.pm>:

=for example begin sh

    flom -d 10000 -- true    # a daemon that stays for ten seconds
    export PERL5LIB=$(perl -MVouch::Flom -e 'print Vouch::Flom->drop_in_dir'):$PERL5LIB
    perl -e '
        use Flom;
        my $handle = Flom::handle_new();
        Flom::handle_set_resource_name($handle, "red.green.blue");
        print Flom::handle_lock($handle) == Flom::RC_OK ? "locked\n" : "not locked\n";
        print Flom::handle_get_locked_element($handle), "\n";
        Flom::handle_delete($handle);
    '
    # prints: locked
    # prints: red

=for example end

The C names are there, too: C<Flomc::flom_handle_lock> and so on.

=head2 Programs in C and C++

Programs that were linked to FLoM's C<libflom.so.0> run unchanged with the one
that comes with Vouch. It is in a folder of its own, so that it takes the place
of no other:

=for example begin sh

    dir=$(perl -MVouch::Flom -e 'print Vouch::Flom->library_dir')
    cat >program.c <<'C'
    #include <flom.h>
    #include <stdio.h>
    int main(void)
    {
        flom_handle_t *handle = flom_handle_new();
        flom_handle_set_resource_name(handle, "fromC");
        puts(flom_strerror(flom_handle_lock(handle)));
        flom_handle_delete(handle);
        return 0;
    }
    C
    cc -o program program.c -I"$dir" -L"$dir" -lflom
    LD_LIBRARY_PATH=$dir ./program
    # prints: OK: no error

=for example end

A program to be installed is rather linked with C<-Wl,-rpath,$dir>. F<flom.h>
says what the functions do; F<examples/lock.c> does the same with F<vouch.h>.
There is no such library on macOS.

=head2 What differs from FLoM

=over 4

=item *

A name that is invalid, or the reserved C<_RESOURCE>, is refused with
C<RC_INVALID_RESOURCE_NAME>. FLoM returns 0 and locks what was set before.

=item *

After a timeout the same handle may lock again. FLoM loses the next grant.

=item *

After a refusal another name may be set and locked. FLoM locks the first one.

=item *

A lock costs no descriptor, and a process without any is told so
(C<RC_SOCKET_ERROR>). FLoM loses one each time, and then aborts.

=item *

A daemon that refuses a waiting request does so: FLoM takes it for a grant.

=item *

A handle that has been deleted is as good as undef, not a wild pointer.

=item *

C<tls_> files that are links stay links, to be followed when they are used.

=back

=head1 CLASS METHODS

=head2 drop_in_dir

    my $dir = Vouch::Flom->drop_in_dir;

The folder with the F<Flom.pm> for C<PERL5LIB>. Throws a L<Vouch::Error> if it is
not there.

=head2 library_dir

    my $dir = Vouch::Flom->library_dir;

The folder with F<libflom.so.0>, F<flom.h> and F<flom_errors.h>, likewise.

=head1 FUNCTIONS

None is exported. Where nothing else is said they return a code: C<RC_OK>, which is
0, or one of L</Codes>.

=head2 handle_new

    my $handle = Vouch::Flom::handle_new();

A handle (L<Vouch::Flom::Handle>) that is set to what the configuration files
say, F</etc/flom.conf> and F<~/.flom>, which are read once; undef if one of them
has a value that is none. It lives, and holds its lock, until C<handle_delete>.

=head2 handle_init

    my $handle = Vouch::Flom::flom_handle_t->new;
    my $code   = Vouch::Flom::handle_init($handle);

The same for a handle that lives as long as the variable.

=head2 handle_delete

    Vouch::Flom::handle_delete($handle);

Unlock, and free the handle. Returns nothing.

=head2 handle_clean

    my $code = Vouch::Flom::handle_clean($handle);

Unlock, and make it a handle no more. C<RC_API_INVALID_SEQUENCE> after a lock that
was not obtained: unlock first.

=head2 handle_lock

    my $code = Vouch::Flom::handle_lock($handle);

Connect to the daemon, which must be there: none is started. Lock, and wait as
long as C<resource_timeout> says. C<RC_OK>, and the state is C<HANDLE_STATE_LOCKED>;
C<RC_CONNECT_ERROR>, and it has not changed; any other code of a daemon, and it is
C<HANDLE_STATE_CONNECTED>: unlock, or lock again. C<RC_API_INVALID_SEQUENCE> if it is
locked already.

Handlers of signals run at once, and may die: then nothing is locked, and the
request is withdrawn.

=head2 handle_unlock

    my $code = Vouch::Flom::handle_unlock($handle);

Unlock and disconnect. When it returns, the daemon has taken the lock back.
C<RC_SEND_ERROR> if the daemon had gone before, C<RC_LOCK_CANT_LOCK> if it had
taken the lock back. C<RC_API_INVALID_SEQUENCE> if nothing has been locked, or
tried to.

=head2 handle_unlock_rollback

    my $code = Vouch::Flom::handle_unlock_rollback($handle);

The same, and a transactional sequence (C<_S_name[1]>) takes its number back. Of
any other resource C<RC_RESOURCE_IS_NOT_TRANSACTIONAL>, but unlocked.

=head2 handle_get_locked_element

    my $element = Vouch::Flom::handle_get_locked_element($handle);

The element, number or time that came with the lock, or undef.

=head2 strerror

    my $text = Vouch::Flom::strerror($code);

A code in words.

=head1 PROPERTIES

Each has a function to get it and one to set it, which returns
C<RC_API_IMMUTABLE_HANDLE> in a state in which it may not be set: all may be set
before a lock and after an unlock; those with a star also after a lock that was
not obtained. Texts may be undef.

=over 4

=item handle_get_resource_name, handle_set_resource_name *

What to lock; C<_RESOURCE> until it is set.

=item handle_get_resource_timeout, handle_set_resource_timeout *

Milliseconds to wait for each answer; 0: do not wait; -1, the default: for ever.

=item handle_get_lock_mode, handle_set_lock_mode *

C<LOCK_MODE_EX> until it is set.

=item handle_get_resource_quantity, handle_set_resource_quantity *

Units of a numeric resource; 1. The sign is dropped, 0 changes nothing.

=item handle_get_resource_idle_lifespan, handle_set_resource_idle_lifespan *

Milliseconds that the daemon keeps the resource when nobody uses it; 0. The sign
is dropped, 0 changes nothing.

=item handle_get_resource_create, handle_set_resource_create

1: create the resource if it is not there; 0: wait until somebody does.

=item handle_get_socket_name, handle_set_socket_name

The unix socket of the daemon, F</tmp/flom-USER>. Setting it forgets both
addresses.

=item handle_get_unicast_address, handle_set_unicast_address,
handle_get_unicast_port, handle_set_unicast_port

Host and port (28015) of the daemon. Setting the address forgets the socket and
the multicast address.

=item handle_get_multicast_address, handle_set_multicast_address,
handle_get_multicast_port, handle_set_multicast_port

The group and port (28015) to ask for a daemon. Setting the address forgets the
other two.

=item handle_get_network_interface, handle_set_network_interface

For link-local IPv6 addresses. C<RC_INVALID_IPV6_NETWORK_INTERFACE> if there is none
of this name.

=item handle_get_discovery_attempts, handle_set_discovery_attempts,
handle_get_discovery_timeout, handle_set_discovery_timeout,
handle_get_discovery_ttl, handle_set_discovery_ttl

How often to ask (2), how many milliseconds to wait each time (500), how many
networks away (1). Signs are dropped; 0 attempts, and a TTL of 0, mean 1.

=item handle_get_tls_certificate, handle_set_tls_certificate,
handle_get_tls_private_key, handle_set_tls_private_key,
handle_get_tls_ca_certificate, handle_set_tls_ca_certificate

Files; TLS is used if all three are set. C<RC_REALPATH_ERROR> if one is not there.

=item handle_get_tls_check_peer_id, handle_set_tls_check_peer_id

1: the daemon's certificate must have its unique id for its name.

=item handle_get_trace_filename, handle_set_trace_filename

In every state: from now on all handles write their traces to this file, which is
emptied. C<FLOM_TRACE_MASK> says what is traced: C<0x80000> the calls.

=back

=head1 CONSTANTS

=head2 Codes

    if ($code == Vouch::Flom::RC_LOCK_BUSY) { ... }

=over 4

=item C<RC_OK>

0: done.

=item C<RC_LOCK_BUSY>

4: locked by another, and C<resource_timeout> is 0.

=item C<RC_LOCK_CANT_WAIT>

5: it is not there, C<resource_create> is 0 and so is C<resource_timeout>.

=item C<RC_LOCK_IMPOSSIBLE>

6: more than there will ever be.

=item C<RC_NETWORK_TIMEOUT>

9: C<resource_timeout> is over. The request has been withdrawn.

=item C<RC_API_IMMUTABLE_HANDLE>

11: not to be set in this state.

=item C<RC_RESOURCE_IS_NOT_TRANSACTIONAL>

12: unlocked, and nothing to roll back.

=item C<RC_LOCK_CANT_LOCK>

3: the daemon has refused, or taken back, what waited or was held.

=item C<RC_NULL_OBJECT>

-4: the handle is undef, or has been deleted.

=item C<RC_INVALID_OPTION>

-5: a configuration file has a value that is none, or socket and address are set
both.

=item C<RC_OUT_OF_RANGE>

-7: C<lock_mode> is none of the six.

=item C<RC_BUFFER_OVERFLOW>

-9: the name of the socket is too long.

=item C<RC_INVALID_PROPERTY_VALUE>

-11: the name of the socket is empty.

=item C<RC_CONTAINER_FULL>

-12: the name of the resource is too long for a message.

=item C<RC_PROTOCOL_ERROR>

-13: the daemon does not say what it should, or refuses by its rules.

=item C<RC_INVALID_RESOURCE_NAME>

-14: a name that is none, or the reserved one.

=item C<RC_API_INVALID_SEQUENCE>

-17: not in this state of the handle.

=item C<RC_INVALID_IPV6_NETWORK_INTERFACE>

-20: no interface of this name.

=item C<RC_CONNECT_ERROR>

-105: no daemon.

=item C<RC_GETADDRINFO_ERROR>

-110: no such host.

=item C<RC_OPEN_ERROR>

-120: the trace cannot be written.

=item C<RC_REALPATH_ERROR>

-125: a file that is not there.

=item C<RC_RECV_ERROR>

-126: the daemon has closed the connection.

=item C<RC_SEND_ERROR>

-130: the daemon has gone, and the lock with it.

=item C<RC_SOCKET_ERROR>

-139: no descriptor is left.

=item C<RC_SSL_CONNECT_ERROR>

-406: the handshake failed.

=item C<RC_SSL_GET_VERIFY_RESULT_ERROR>

-407: the certificate of the daemon is not to be trusted.

=item C<RC_SSL_READ_ERROR>

-409: the daemon has closed the connection, as it does when it does not trust
ours.

=item C<RC_UNIQUE_ID_DOES_NOT_MATCH>

-23: the daemon's certificate does not have its unique id for its name.

=item C<RC_NO_TLS_CONNECTION>

-24: C<tls_check_peer_id> without the three files.

=item C<RC_MALLOC_ERROR>

-119: out of memory.

=item C<RC_SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR>,
C<RC_SSL_CTX_USE_CERTIFICATE_FILE_ERROR>, C<RC_SSL_CTX_USE_PRIVATEKEY_FILE_ERROR>

-401, -403, -404: a TLS file of ours is of no use, or key and certificate do not
belong together.

=item C<RC_INACTIVE_FEATURE>, C<RC_ELEMENT_NAME_NOT_AVAILABLE>,
C<RC_CONNECTION_CLOSED>, C<RC_CONNECTION_REFUSED>, C<RC_LOCK_WAIT_RESOURCE>,
C<RC_LOCK_ENQUEUED>, C<RC_INTERNAL_ERROR>, C<RC_DAEMON_NOT_STARTED>,
C<RC_NETWORK_EVENT_ERROR>, C<RC_OBJ_CORRUPTED>, C<RC_INVALID_PREFIX_SIZE>,
C<RC_INVALID_MSG_LENGTH>, C<RC_PROTOCOL_LEVEL_MISMATCH>,
C<RC_MSG_DESERIALIZE_ERROR>, C<RC_INVALID_AI_FAMILY_ERROR>,
C<RC_INVALID_IP_ADDRESS>, C<RC_NEW_OBJ>, C<RC_NO_CERTIFICATE>,
C<RC_INVALID_TIMESTAMP_FORMAT>, C<RC_RESOURCE_INIT_ERROR>,
C<RC_CONNECTION_CLOSED_BY_SERVER>, C<RC_OBJ_NOT_FOUND_ERROR>,
C<RC_ACCEPT_ERROR>, C<RC_BIND_ERROR>, C<RC_CHDIR_ERROR>, C<RC_CLOSE_ERROR>,
C<RC_CLOSEDIR_ERROR>, C<RC_EXECVP_ERROR>, C<RC_FCNTL_ERROR>, C<RC_FLOCK_ERROR>,
C<RC_FORK_ERROR>, C<RC_GETIFADDRS_ERROR>, C<RC_GETNAMEINFO_ERROR>,
C<RC_GETSOCKNAME_ERROR>, C<RC_GETSOCKOPT_ERROR>, C<RC_GETTIMEOFDAY_ERROR>,
C<RC_INET_NTOP_ERROR>, C<RC_LISTEN_ERROR>, C<RC_LOCALTIME_R_ERROR>,
C<RC_OPENDIR_ERROR>, C<RC_PIPE_ERROR>, C<RC_POLL_ERROR>, C<RC_READ_ERROR>,
C<RC_RECVFROM_ERROR>, C<RC_REGCOMP_ERROR>, C<RC_REGEXEC_ERROR>,
C<RC_SENDTO_ERROR>, C<RC_SETSID_ERROR>, C<RC_SETSOCKOPT_ERROR>,
C<RC_SIGACTION_ERROR>, C<RC_SIGADDSET_ERROR>, C<RC_SIGEMPTYSET_ERROR>,
C<RC_SIGNAL_ERROR>, C<RC_SIGPROCMASK_ERROR>, C<RC_SNPRINTF_ERROR>,
C<RC_UNLINK_ERROR>, C<RC_WAIT_ERROR>, C<RC_WRITE_ERROR>,
C<RC_G_ARRAY_NEW_ERROR>, C<RC_G_BASE64_DECODE_ERROR>,
C<RC_G_BASE64_ENCODE_ERROR>, C<RC_G_KEY_FILE_LOAD_FROM_FILE_ERROR>,
C<RC_G_KEY_FILE_NEW_ERROR>, C<RC_G_MARKUP_PARSE_CONTEXT_NEW_ERROR>,
C<RC_G_MARKUP_PARSE_CONTEXT_PARSE_ERROR>, C<RC_G_NODE_APPEND_DATA_ERROR>,
C<RC_G_NODE_NEW_ERROR>, C<RC_G_NODE_PREPEND_DATA_ERROR>,
C<RC_G_PTR_ARRAY_REMOVE_INDEX_FAST_ERROR>, C<RC_G_QUEUE_NEW_ERROR>,
C<RC_G_STRDUP_ERROR>, C<RC_G_STRNDUP_ERROR>, C<RC_G_STRSPLIT_ERROR>,
C<RC_G_THREAD_NEW_ERROR>, C<RC_G_TRY_MALLOC_ERROR>, C<RC_G_TRY_REALLOC_ERROR>,
C<RC_GET_FIELD_ID_ERROR>, C<RC_GET_OBJECT_CLASS_ERROR>,
C<RC_NEW_DIRECT_BYTE_BUFFER_ERROR>, C<RC_SSL_CTX_CHECK_PRIVATE_KEY_ERROR>,
C<RC_SSL_CTX_NEW_ERROR>, C<RC_SSL_ACCEPT_ERROR>, C<RC_SSL_NEW_ERROR>,
C<RC_SSL_SET_EX_DATA_ERROR>, C<RC_SSL_SET_FD_ERROR>, C<RC_SSL_WRITE_ERROR>,
C<RC_TLS_NO_VALID_METHOD>

Rare, or never returned here.

=back

=head2 Others

    Vouch::Flom::handle_set_lock_mode($handle, Vouch::Flom::LOCK_MODE_PR);

=over 4

=item C<LOCK_MODE_NL>, C<LOCK_MODE_CR>, C<LOCK_MODE_CW>, C<LOCK_MODE_PR>,
C<LOCK_MODE_PW>, C<LOCK_MODE_EX>

0 to 5: null lock, concurrent read, concurrent write, protected read, protected
write, exclusive.

=item C<LOCK_MODE_N>, C<LOCK_MODE_INVALID>

6, how many there are, and 7.

=item C<HANDLE_STATE_INIT>, C<HANDLE_STATE_CONNECTED>, C<HANDLE_STATE_LOCKED>,
C<HANDLE_STATE_DISCONNECTED>, C<HANDLE_STATE_CLEANED>

22 to 26.

=item C<ES_OK>, C<ES_REQUESTER_CANT_WAIT>, C<ES_UNABLE_TO_EXECUTE_COMMAND>,
C<ES_RESOURCE_BUSY>, C<ES_GENERIC_ERROR>

0 and 96 to 99: how the command C<flom> ends.

=item C<TRUE>, C<FALSE>

1 and 0.

=back

=head1 ERRORS

    TypeError in method 'flom_handle_lock', argument 1 of type 'flom_handle_t *'
    OverflowError in method 'flom_handle_set_unicast_port', argument 2 of type 'int'
    RuntimeError Usage: flom_handle_lock(handle);

A function dies for an argument of a wrong type, for a number that is no C int,
and for a wrong number of arguments. All else is told by a code.

=head1 THREADS AND FORK

See L<Vouch::Flom::Handle/"THREADS AND FORK">.

=head1 SEE ALSO

L<flom(1)>, L<Vouch::Lock>

=head1 AUTHOR

The Vouch authors

=head1 LICENSE

The same terms as Perl itself.

=cut
