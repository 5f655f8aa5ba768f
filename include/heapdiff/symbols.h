/* Addresses of a program or library as functions, files and lines. */
#ifndef HEAPDIFF_SYMBOLS_H
#define HEAPDIFF_SYMBOLS_H

#include <heapdiff/session.h>
#include <heapdiff/view.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hd_addr_query {
  const char *module;        /* a program, a library or its debug file */
  const uint64_t *addresses; /* as nm has them: of the file, not of a process; repeats allowed */
  size_t count;
  bool mangled;              /* names as the compiler wrote them */
};

/* The chain of inlined calls at each address, in the order given. A module that cannot be
 * used is an error; what it lacks is one of the session's notes. */
bool hd_addr(hd_session *session, const struct hd_addr_query *query, hd_view **view,
             struct hd_error *error);

#ifdef __cplusplus
}
#endif

#endif
