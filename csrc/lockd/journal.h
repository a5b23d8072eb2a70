/*
 * Between a decision and its answer: what must not be lost is stored first.
 *
 * Decisions are handed in in batches; dispatch_decisions() is called for
 * each batch, in order, when its records are stored: at once where there is
 * none or no state file, else when a thread has committed them.  All that
 * comes while a commit is under way goes into the next one.
 */
#ifndef VOUCH_LOCKD_JOURNAL_H
#define VOUCH_LOCKD_JOURNAL_H

struct lockd;
struct lockd_journal;
struct vouch_decisions;
struct vouch_error;

/* Close the state file.  NULL is allowed. */
void journal_free(struct lockd_journal *journal);

/*
 * Open the state file, or none (path NULL), and give the table what it
 * remembers: sequences, stamps, the epoch of its tokens.  *was_clean_r tells
 * whether the last daemon ended properly.  0, or -1: the file is damaged, in
 * use, not to be written, or of another program.
 */
int journal_open(struct lockd *daemon, const char *path,
                 struct lockd_journal **journal_r, struct vouch_error *err);

/* What the state file says of the last daemon; 1 without a file. */
int journal_was_clean(const struct lockd_journal *journal);

/* The epoch for the tokens of this run. */
unsigned long long journal_epoch(const struct lockd_journal *journal);

/* Fill the table with what is remembered.  0 or -1. */
int journal_restore(struct lockd_journal *journal, struct vouch_error *err);

/* Take all decisions out of the list, and answer them in time. */
void journal_commit(struct lockd_journal *journal,
                    struct vouch_decisions *decisions);

/* At the end: store what is left, and that it was a clean end. */
int journal_finish(struct lockd_journal *journal, struct vouch_error *err);

#endif
