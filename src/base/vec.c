#include "base/vec.h"

#include <stdint.h>
#include <string.h>

bool hd_vec_reserve_(void **items, size_t count, size_t *capacity, size_t more, size_t item_size)
{
  if (more <= *capacity - count)
    return true;
  size_t wanted = *capacity + *capacity / 2;
  if (wanted < 8)
    wanted = 8;
  if (more > SIZE_MAX / item_size - count)
    return false;
  if (wanted < count + more)
    wanted = count + more;
  if (wanted > SIZE_MAX / item_size)
    return false;
  void *grown = hd_realloc(*items, wanted * item_size);
  if (!grown)
    return false;
  *items = grown;
  *capacity = wanted;
  return true;
}
