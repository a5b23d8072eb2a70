/*
 * A new program of two files, both with our header; the other is two.c.
 */
#include <flom.h>
#include <stdio.h>

const char *element_of(const char *socket, const char *name);

int
main(int argc, char **argv)
{
    const char *element = argc == 2 ? element_of(argv[1], "a.b") : "";

    if (flom_handle_get_locked_element(NULL) != NULL)
        return 1;
    puts(element);
    return 0;
}
