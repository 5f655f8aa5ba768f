/* Files by build-id from the debuginfod servers that DEBUGINFOD_URLS names
 * (debuginfod(8)). The client library is loaded when a file is first asked for:
 * whoever has none needs none. */
#ifndef HD_SYMBOLS_FETCH_H
#define HD_SYMBOLS_FETCH_H

#include "symbols/symbols.h"

struct hd_fetch;

/* *fetch is NULL where DEBUGINFOD_URLS names no server. False: want of memory. */
bool hd_fetch_create(struct hd_fetch **fetch, const struct hd_symbol_options *options);
void hd_fetch_destroy(struct hd_fetch *fetch); /* takes NULL */

/* Fetches the program of this build-id (lower-case hex), or its debug file, into
 * the client's own cache and gives the path (of PATH_MAX) there. False where there
 * is none; `reason` (of HD_REASON) says why in half a sentence. A server that does
 * not answer is asked once: later calls fail at once. Whether the file is what
 * it should be is for the caller to see. */
bool hd_fetch(struct hd_fetch *fetch, const char *build_id, bool program, char *path, char *reason);

/* To be called in a forked child: the connections are the parent's, and so is the progress. */
void hd_fetch_forked(struct hd_fetch *fetch); /* takes NULL */

#endif
