/*
 * How flom ends, if not as the command it ran.
 */
#ifndef VOUCH_CMD_EXIT_STATUS_H
#define VOUCH_CMD_EXIT_STATUS_H

enum flom_exit {
    FLOM_EXIT_OK = 0,
    FLOM_EXIT_CANT_WAIT = 96,
    FLOM_EXIT_CANT_EXECUTE = 97,
    FLOM_EXIT_BUSY = 98,
    FLOM_EXIT_ERROR = 99
};

#endif
