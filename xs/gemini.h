/*
 * gemini.c: URLs and requests of Gemini as hashes; part of bridge.h.
 */
#ifndef VOUCH_XS_GEMINI_H
#define VOUCH_XS_GEMINI_H

extern const MGVTBL vxs_request_reader_vtbl;
extern const MGVTBL vxs_header_reader_vtbl;

/* Take a URL in an argument apart, or die. */
void vxs_url_parse(pTHX_ SV *sv, struct vouch_url *url_r);

/* A reference to a new hash of what a URL has. */
SV *vxs_url_facts(pTHX_ const struct vouch_url *url);

/* The same of a request; undef for NULL. */
SV *vxs_request_facts(pTHX_ const struct vouch_request *request);

/* A Vouch::Gemini::RequestReader for a reference to an array of names, or die. */
SV *vxs_request_reader_new(pTHX_ SV *hosts, IV port, int titan);

#endif
