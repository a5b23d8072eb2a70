/*
 * FLoM's return codes, by name and in words.
 *
 * Those of 0 and above travel in messages, too; the others are told by
 * client functions.  All of FLoM 1.7.2 are here, also those that nothing of
 * ours returns: scripts and programs know them by name.
 */
#ifndef VOUCH_FLOM_ERROR_CODES_H
#define VOUCH_FLOM_ERROR_CODES_H

/* RC(symbol, code, text), each once. */
#define VOUCH_FLOM_RC_LIST(RC) \
    RC(INACTIVE_FEATURE, 13, "WARNING: this feature is not active") \
    RC(RESOURCE_IS_NOT_TRANSACTIONAL, 12, \
       "WARNING: the resource is not transactional, nothing was rolled back") \
    RC(API_IMMUTABLE_HANDLE, 11, \
       "WARNING: the handle cannot be changed in this state") \
    RC(ELEMENT_NAME_NOT_AVAILABLE, 10, "WARNING: there is no element name") \
    RC(NETWORK_TIMEOUT, 9, "WARNING: no answer came in time") \
    RC(CONNECTION_CLOSED, 8, "WARNING: the peer closed the connection") \
    RC(CONNECTION_REFUSED, 7, "WARNING: nobody answers there") \
    RC(LOCK_IMPOSSIBLE, 6, "WARNING: the request can never be satisfied") \
    RC(LOCK_CANT_WAIT, 5, \
       "WARNING: the resource is not there, and the request may neither create it nor wait") \
    RC(LOCK_BUSY, 4, \
       "WARNING: the resource is locked, and the request may not wait") \
    RC(LOCK_CANT_LOCK, 3, "WARNING: the lock was refused") \
    RC(LOCK_WAIT_RESOURCE, 2, "INFO: waiting for the resource to be created") \
    RC(LOCK_ENQUEUED, 1, "INFO: waiting for the lock") \
    RC(OK, 0, "OK: no error") \
    RC(INTERNAL_ERROR, -1, "ERROR: internal error") \
    RC(DAEMON_NOT_STARTED, -2, "ERROR: the daemon was not started") \
    RC(NETWORK_EVENT_ERROR, -3, "ERROR: unexpected event on a socket") \
    RC(NULL_OBJECT, -4, "ERROR: an object is missing") \
    RC(INVALID_OPTION, -5, "ERROR: invalid option or argument") \
    RC(OBJ_CORRUPTED, -6, "ERROR: an object is not what it should be") \
    RC(OUT_OF_RANGE, -7, "ERROR: a value is out of its range") \
    RC(INVALID_PREFIX_SIZE, -8, "ERROR: invalid size of a message prefix") \
    RC(BUFFER_OVERFLOW, -9, "ERROR: something is too long") \
    RC(INVALID_MSG_LENGTH, -10, "ERROR: invalid length of a message") \
    RC(INVALID_PROPERTY_VALUE, -11, "ERROR: invalid value of a property") \
    RC(CONTAINER_FULL, -12, "ERROR: there is no more room") \
    RC(PROTOCOL_ERROR, -13, "ERROR: the peer broke the protocol") \
    RC(INVALID_RESOURCE_NAME, -14, "ERROR: invalid resource name") \
    RC(PROTOCOL_LEVEL_MISMATCH, -15, \
       "ERROR: the peer speaks another level of the protocol") \
    RC(MSG_DESERIALIZE_ERROR, -16, "ERROR: a message cannot be read") \
    RC(API_INVALID_SEQUENCE, -17, \
       "ERROR: this function cannot be called in this state") \
    RC(INVALID_AI_FAMILY_ERROR, -18, "ERROR: invalid address family") \
    RC(INVALID_IP_ADDRESS, -19, "ERROR: invalid IP address") \
    RC(INVALID_IPV6_NETWORK_INTERFACE, -20, \
       "ERROR: invalid network interface") \
    RC(NEW_OBJ, -21, "ERROR: an object could not be made") \
    RC(NO_CERTIFICATE, -22, "ERROR: the peer has shown no certificate") \
    RC(UNIQUE_ID_DOES_NOT_MATCH, -23, \
       "ERROR: the peer's unique id is not the common name of its certificate") \
    RC(NO_TLS_CONNECTION, -24, "ERROR: this is not a TLS connection") \
    RC(INVALID_TIMESTAMP_FORMAT, -25, "ERROR: invalid format of a timestamp") \
    RC(RESOURCE_INIT_ERROR, -26, "ERROR: the resource could not be made") \
    RC(CONNECTION_CLOSED_BY_SERVER, -27, \
       "ERROR: the daemon closed the connection") \
    RC(OBJ_NOT_FOUND_ERROR, -28, "ERROR: an object was not found") \
    RC(ACCEPT_ERROR, -100, \
       "ERROR: 'accept' function returned an error condition") \
    RC(BIND_ERROR, -101, \
       "ERROR: 'bind' function returned an error condition") \
    RC(CHDIR_ERROR, -102, \
       "ERROR: 'chdir' function returned an error condition") \
    RC(CLOSE_ERROR, -103, \
       "ERROR: 'close' function returned an error condition") \
    RC(CLOSEDIR_ERROR, -104, \
       "ERROR: 'closedir' function returned an error condition") \
    RC(CONNECT_ERROR, -105, \
       "ERROR: 'connect' function returned an error condition") \
    RC(EXECVP_ERROR, -106, \
       "ERROR: 'execvp' function returned an error condition") \
    RC(FCNTL_ERROR, -107, \
       "ERROR: 'fcntl' function returned an error condition") \
    RC(FLOCK_ERROR, -108, \
       "ERROR: 'flock' function returned an error condition") \
    RC(FORK_ERROR, -109, \
       "ERROR: 'fork' function returned an error condition") \
    RC(GETADDRINFO_ERROR, -110, \
       "ERROR: 'getaddrinfo' function returned an error condition") \
    RC(GETIFADDRS_ERROR, -111, \
       "ERROR: 'getifaddrs' function returned an error condition") \
    RC(GETNAMEINFO_ERROR, -112, \
       "ERROR: 'getnameinfo' function returned an error condition") \
    RC(GETSOCKNAME_ERROR, -113, \
       "ERROR: 'getsockname' function returned an error condition") \
    RC(GETSOCKOPT_ERROR, -114, \
       "ERROR: 'getsockopt' function returned an error condition") \
    RC(GETTIMEOFDAY_ERROR, -115, \
       "ERROR: 'gettimeofday' function returned an error condition") \
    RC(INET_NTOP_ERROR, -116, \
       "ERROR: 'inet_ntop' function returned an error condition") \
    RC(LISTEN_ERROR, -117, \
       "ERROR: 'listen' function returned an error condition") \
    RC(LOCALTIME_R_ERROR, -118, \
       "ERROR: 'localtime_r' function returned an error condition") \
    RC(MALLOC_ERROR, -119, \
       "ERROR: 'malloc' function returned an error condition") \
    RC(OPEN_ERROR, -120, \
       "ERROR: 'open' function returned an error condition") \
    RC(OPENDIR_ERROR, -121, \
       "ERROR: 'opendir' function returned an error condition") \
    RC(PIPE_ERROR, -122, \
       "ERROR: 'pipe' function returned an error condition") \
    RC(POLL_ERROR, -123, \
       "ERROR: 'poll' function returned an error condition") \
    RC(READ_ERROR, -124, \
       "ERROR: 'read' function returned an error condition") \
    RC(REALPATH_ERROR, -125, \
       "ERROR: 'realpath' function returned an error condition") \
    RC(RECV_ERROR, -126, \
       "ERROR: 'recv' function returned an error condition") \
    RC(RECVFROM_ERROR, -127, \
       "ERROR: 'recvfrom' function returned an error condition") \
    RC(REGCOMP_ERROR, -128, \
       "ERROR: 'regcomp' function returned an error condition") \
    RC(REGEXEC_ERROR, -129, \
       "ERROR: 'regexec' function returned an error condition") \
    RC(SEND_ERROR, -130, \
       "ERROR: 'send' function returned an error condition") \
    RC(SENDTO_ERROR, -131, \
       "ERROR: 'sendto' function returned an error condition") \
    RC(SETSID_ERROR, -132, \
       "ERROR: 'setsid' function returned an error condition") \
    RC(SETSOCKOPT_ERROR, -133, \
       "ERROR: 'setsockopt' function returned an error condition") \
    RC(SIGACTION_ERROR, -134, \
       "ERROR: 'sigaction' function returned an error condition") \
    RC(SIGADDSET_ERROR, -135, \
       "ERROR: 'sigaddset' function returned an error condition") \
    RC(SIGEMPTYSET_ERROR, -136, \
       "ERROR: 'sigemptyset' function returned an error condition") \
    RC(SIGNAL_ERROR, -137, \
       "ERROR: 'signal' function returned an error condition") \
    RC(SIGPROCMASK_ERROR, -138, \
       "ERROR: 'sigprocmask' function returned an error condition") \
    RC(SOCKET_ERROR, -139, \
       "ERROR: 'socket' function returned an error condition") \
    RC(SNPRINTF_ERROR, -140, \
       "ERROR: 'snprintf' function returned an error condition") \
    RC(UNLINK_ERROR, -141, \
       "ERROR: 'unlink' function returned an error condition") \
    RC(WAIT_ERROR, -142, \
       "ERROR: 'wait' function returned an error condition") \
    RC(WRITE_ERROR, -143, \
       "ERROR: 'write' function returned an error condition") \
    RC(G_ARRAY_NEW_ERROR, -200, \
       "ERROR: 'g_array_new' function returned an error condition") \
    RC(G_BASE64_DECODE_ERROR, -201, \
       "ERROR: 'g_base64_decode' function returned an error condition") \
    RC(G_BASE64_ENCODE_ERROR, -202, \
       "ERROR: 'g_base64_encode' function returned an error condition") \
    RC(G_KEY_FILE_LOAD_FROM_FILE_ERROR, -203, \
       "ERROR: 'g_key_file_load_from_file' function returned an error condition") \
    RC(G_KEY_FILE_NEW_ERROR, -204, \
       "ERROR: 'g_key_file_new' function returned an error condition") \
    RC(G_MARKUP_PARSE_CONTEXT_NEW_ERROR, -205, \
       "ERROR: 'g_markup_parse_context_new' function returned an error condition") \
    RC(G_MARKUP_PARSE_CONTEXT_PARSE_ERROR, -206, \
       "ERROR: 'g_markup_parse_context_parse' function returned an error condition") \
    RC(G_NODE_APPEND_DATA_ERROR, -207, \
       "ERROR: 'g_node_append_data' function returned an error condition") \
    RC(G_NODE_NEW_ERROR, -208, \
       "ERROR: 'g_node_new' function returned an error condition") \
    RC(G_NODE_PREPEND_DATA_ERROR, -209, \
       "ERROR: 'g_node_prepend_data' function returned an error condition") \
    RC(G_PTR_ARRAY_REMOVE_INDEX_FAST_ERROR, -210, \
       "ERROR: 'g_ptr_array_remove_index_fast' function returned an error condition") \
    RC(G_QUEUE_NEW_ERROR, -211, \
       "ERROR: 'g_queue_new' function returned an error condition") \
    RC(G_STRDUP_ERROR, -212, \
       "ERROR: 'g_strdup' function returned an error condition") \
    RC(G_STRNDUP_ERROR, -213, \
       "ERROR: 'g_strndup' function returned an error condition") \
    RC(G_STRSPLIT_ERROR, -214, \
       "ERROR: 'g_strsplit' function returned an error condition") \
    RC(G_THREAD_NEW_ERROR, -215, \
       "ERROR: 'g_thread_new' function returned an error condition") \
    RC(G_TRY_MALLOC_ERROR, -216, \
       "ERROR: 'g_try_malloc' function returned an error condition") \
    RC(G_TRY_REALLOC_ERROR, -217, \
       "ERROR: 'g_try_realloc' function returned an error condition") \
    RC(GET_FIELD_ID_ERROR, -300, \
       "ERROR: 'get_field_id' function returned an error condition") \
    RC(GET_OBJECT_CLASS_ERROR, -301, \
       "ERROR: 'get_object_class' function returned an error condition") \
    RC(NEW_DIRECT_BYTE_BUFFER_ERROR, -302, \
       "ERROR: 'new_direct_byte_buffer' function returned an error condition") \
    RC(SSL_CTX_CHECK_PRIVATE_KEY_ERROR, -400, \
       "ERROR: 'OpenSSL SSL_CTX_check_private_key' function returned an error") \
    RC(SSL_CTX_LOAD_VERIFY_LOCATIONS_ERROR, -401, \
       "ERROR: 'OpenSSL SSL_CTX_load_verify_locations' function returned an error") \
    RC(SSL_CTX_NEW_ERROR, -402, \
       "ERROR: 'OpenSSL SSL_CTX_new' function returned an error") \
    RC(SSL_CTX_USE_CERTIFICATE_FILE_ERROR, -403, \
       "ERROR: 'OpenSSL SSL_CTX_use_certificate_file' function returned an error") \
    RC(SSL_CTX_USE_PRIVATEKEY_FILE_ERROR, -404, \
       "ERROR: 'OpenSSL SSL_CTX_use_PrivateKey_file' function returned an error") \
    RC(SSL_ACCEPT_ERROR, -405, \
       "ERROR: 'OpenSSL SSL_accept' function returned an error") \
    RC(SSL_CONNECT_ERROR, -406, \
       "ERROR: 'OpenSSL SSL_connect' function returned an error") \
    RC(SSL_GET_VERIFY_RESULT_ERROR, -407, \
       "ERROR: 'OpenSSL SSL_get_verify_result' function returned an error") \
    RC(SSL_NEW_ERROR, -408, \
       "ERROR: 'OpenSSL SSL_new' function returned an error") \
    RC(SSL_READ_ERROR, -409, \
       "ERROR: 'OpenSSL SSL_read' function returned an error") \
    RC(SSL_SET_EX_DATA_ERROR, -410, \
       "ERROR: 'OpenSSL SSL_set_ex_data' function returned an error") \
    RC(SSL_SET_FD_ERROR, -411, \
       "ERROR: 'OpenSSL SSL_set_fd' function returned an error") \
    RC(SSL_WRITE_ERROR, -412, \
       "ERROR: 'OpenSSL SSL_write' function returned an error") \
    RC(TLS_NO_VALID_METHOD, -413, \
       "ERROR: there is no TLS protocol that can be used")

#define VOUCH_FLOM_RC_NUMBER(symbol, code, text) \
    VOUCH_FLOM_RC_##symbol = (code),
enum vouch_flom_rc { VOUCH_FLOM_RC_LIST(VOUCH_FLOM_RC_NUMBER) };
#undef VOUCH_FLOM_RC_NUMBER

/* The code in words, beginning with "OK:", "INFO:", "WARNING:" or "ERROR:";
 * of any number. */
const char *vouch_flom_rc_text(int code);

#endif
