#include "readers/pprof.h"

#include <string.h>

/* An id may be this much larger than twice the table's length and still be in
 * the array: memory stays in proportion to the file. */
enum { SLACK = 1024 };

static bool equal(const void *context, uint32_t position, const void *key)
{
  const struct hd_pprof_ids *ids = context;
  uint64_t wanted;
  memcpy(&wanted, key, sizeof wanted);
  return ids->ids.items[position - 1] == wanted;
}

uint32_t hd_pprof_ids_find_sparse(const struct hd_pprof_ids *ids, uint64_t id)
{
  return hd_index_find(&ids->sparse, hd_hash(&id, sizeof id), equal, ids, &id);
}

bool hd_pprof_ids_push(struct hd_pprof_ids *ids, uint64_t id, size_t place)
{
  return ids->ids.count < HD_MAX_ITEMS && hd_vec_reserve(&ids->places, 1) &&
         hd_vec_push(&ids->ids, id) && hd_vec_push(&ids->places, place);
}

bool hd_pprof_ids_build(struct hd_pprof_ids *ids, uint32_t *duplicate)
{
  *duplicate = 0;
  ids->dense_count = 2 * (uint64_t)ids->ids.count + SLACK;
  ids->dense = hd_alloc_zeroed((size_t)ids->dense_count, sizeof *ids->dense);
  if (!ids->dense) {
    ids->dense_count = 0;
    return false;
  }
  ids->in_order = true;
  for (size_t i = 0; i < ids->ids.count; i++) {
    ids->in_order &= ids->ids.items[i] == i + 1;
    uint64_t id = ids->ids.items[i];
    uint32_t position = (uint32_t)i + 1;
    if (hd_pprof_ids_find(ids, id)) {
      *duplicate = position;
      return true;
    }
    if (id < ids->dense_count)
      ids->dense[id] = position;
    else if (!hd_index_add(&ids->sparse, hd_hash(&id, sizeof id), position))
      return false;
  }
  return true;
}

void hd_pprof_ids_deinit(struct hd_pprof_ids *ids)
{
  hd_vec_deinit(&ids->ids);
  hd_vec_deinit(&ids->places);
  hd_free(ids->dense);
  ids->dense = NULL;
  ids->dense_count = 0;
  hd_index_deinit(&ids->sparse);
}
