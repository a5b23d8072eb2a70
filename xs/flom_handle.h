/*
 * FLoM's Perl module: its functions, made by vxs_flom_boot() in the package
 * Vouch::Flom, and its handles.
 */
#ifndef VOUCH_XS_FLOM_HANDLE_H
#define VOUCH_XS_FLOM_HANDLE_H

#include "bridge.h"

/* Functions and constants, once. */
void vxs_flom_boot(pTHX);

/* A handle of a class, to be initialised; Perl owns it. */
SV *vxs_flom_raw(pTHX_ const char *class_name);

/* Who frees it: Perl, with the object, or who calls handle_delete. */
void vxs_flom_own(pTHX_ SV *object, int owned);

/* What DESTROY does: free it, if it is Perl's to free. */
void vxs_flom_destroy(pTHX_ SV *object);

/* The value of a field; dies if there is none of the name. */
SV *vxs_flom_field(pTHX_ SV *object, const char *name);

#endif
