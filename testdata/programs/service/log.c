/* An array that grows by doubling: realloc moves it from size to size. */
#include "../truth.h"
#include "service.h"

#include <stdlib.h>

static unsigned *entries;
static size_t used, room;

void log_append(unsigned request)
{
  if (used == room) {
    size_t wanted = room ? room * 2 : 256;
    truth_forget(entries);
    unsigned *grown = COUNTED(realloc(entries, wanted * sizeof *grown), wanted * sizeof *grown);
    if (!grown)
      abort();
    entries = grown;
    room = wanted;
  }
  entries[used++] = request;
}
