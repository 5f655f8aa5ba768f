/* leaky-service: a small server as one finds them, without the network. Requests
 * come at a steady pace; each is a line of text that is parsed and answered.
 *
 * Known answer, a request being one call of serve():
 *   cache_put    leaks: every request has a new key, nothing is ever evicted
 *   index_load   a plateau: one page of 32 KiB a round until there are 128
 *   parse_line   shrinks: 512 line buffers of 4 KiB at first, one given back
 *                every second round until 128 are left; inlined into serve()
 *   log_append   grows by doubling (realloc), slowly
 *   session_open churn: eight sessions live at a time
 *   respond      churn: freed before the next request
 * `--truth` writes the exact figures. */
#ifndef SERVICE_H
#define SERVICE_H

#include <stddef.h>

/* cache.c */
void cache_put(const char *key, unsigned request);
size_t cache_count(void);

/* index.c */
void index_load(void);

/* log.c */
void log_append(unsigned request);

/* session.c */
void session_open(unsigned request);
size_t respond(const char *line, size_t length);

#endif
