MODULE = Vouch    PACKAGE = Vouch::Lock::Settings

SV *
_new()
  CODE:
    RETVAL = vxs_settings_new(aTHX);
  OUTPUT:
    RETVAL

void
_read_usual(self, home)
    struct vouch_flom_settings *self
    SV *home
  PREINIT:
    struct vouch_error err;
    char path[4096];
  CODE:
    vouch_error_clear(&err);
    if (vouch_flom_config_file_read_usual(
            VOUCH_FLOM_SYSTEM_CONFIG,
            SvOK(home) ? vxs_name(aTHX_ home, "HOME") : NULL, self, path,
            sizeof(path), &err) != 0)
        vxs_throw(aTHX_ &err);

void
_read(self, path)
    struct vouch_flom_settings *self
    SV *path
  PREINIT:
    struct vouch_error why;
    struct vouch_error err;
    const char *name;
  CODE:
    vouch_error_clear(&why);
    vouch_error_clear(&err);
    name = vxs_name(aTHX_ path, "a file name");
    if (vouch_flom_config_file_read(name, self, &why) != 0) {
        (void) vouch_error_set(&err, why.code, "%s%s%s",
                               why.code == VOUCH_E_FILE ? "" : name,
                               why.code == VOUCH_E_FILE ? "" : ": ", why.text);
        err.sys_errno = why.sys_errno;
        vxs_throw(aTHX_ &err);
    }

void
_set(self, group, key, value)
    struct vouch_flom_settings *self
    SV *group
    SV *key
    SV *value
  PREINIT:
    struct vouch_error err;
  CODE:
    vouch_error_clear(&err);
    if (vouch_flom_settings_set(self, vxs_name(aTHX_ group, "a group"),
                                vxs_name(aTHX_ key, "a key"),
                                vxs_name(aTHX_ value, "a setting"), &err) == -1)
        vxs_throw(aTHX_ &err);

void
_nowhere(self)
    struct vouch_flom_settings *self
  CODE:
    (void) vouch_flom_settings_set_text(&self->socket_name, NULL, NULL);
    (void) vouch_flom_settings_set_text(&self->unicast_address, NULL, NULL);
    (void) vouch_flom_settings_set_text(&self->multicast_address, NULL, NULL);

SV *
_copy(self)
    struct vouch_flom_settings *self
  CODE:
    RETVAL = vxs_settings_copy(aTHX_ self);
  OUTPUT:
    RETVAL

int
_conflict(self)
    struct vouch_flom_settings *self
  CODE:
    RETVAL = vouch_flom_settings_check(self);
  OUTPUT:
    RETVAL

void
_facts(self)
    struct vouch_flom_settings *self
  PPCODE:
    PUTBACK;
    vxs_push_settings(aTHX_ self);
    return;
