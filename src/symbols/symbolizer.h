/* Inside symbolization: the answers that no cache has. */
#ifndef HD_SYMBOLS_SYMBOLIZER_H
#define HD_SYMBOLS_SYMBOLIZER_H

#include "symbols/cache.h"
#include "symbols/symbols.h"

/* As hd_symbolize, from the module's files alone. */
bool hd_symbolizer_resolve(struct hd_symbolizer *symbolizer, const char *path,
                           const char *build_id, enum hd_symbol_places places,
                           const uint64_t *offsets, size_t count, struct hd_symbol_batch *batch,
                           struct hd_error *error);
/* As hd_symbolize_addresses, likewise. */
bool hd_symbolizer_resolve_addresses(struct hd_symbolizer *symbolizer, const char *path,
                                     const uint64_t *addresses, size_t count, bool as_written,
                                     struct hd_symbol_batch *batch, struct hd_error *error);
struct hd_cache *hd_symbolizer_cache(struct hd_symbolizer *symbolizer);

#endif
