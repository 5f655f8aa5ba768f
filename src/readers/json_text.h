/* A snapshot that is one JSON text, held whole. */
#ifndef HD_READERS_JSON_TEXT_H
#define HD_READERS_JSON_TEXT_H

#include "base/stream.h"

#include <jansson.h>

/* jansson goes down this deep (its JSON_PARSER_MAX_DEPTH). */
enum { HD_JSON_DEPTH = 2048 };

/* Reads all of the stream. An error names the line or, where `by_line` is false
 * because the format is one long line, the offset; `too_deep` is what it says past
 * that depth. The caller drops *root. */
bool hd_json_text_read(struct hd_stream *stream, bool by_line, const char *too_deep,
                       json_t **root, struct hd_error *error);

#endif
