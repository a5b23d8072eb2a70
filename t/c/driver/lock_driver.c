/*
 * The lock table on standard input and output: a line in, a line out.
 * t/70-lock-model.t drives it.
 */
#include "lock_script_run.h"

int
main(void)
{
    static struct script script;
    char line[4096];

    (void) script_run(&script, "new");
    while (fgets(line, sizeof(line), stdin) != NULL) {
        puts(script_run(&script, line));
        if (fflush(stdout) != 0)
            return 1;
    }
    script_free(&script);
    return 0;
}
