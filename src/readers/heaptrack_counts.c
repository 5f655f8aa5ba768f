/* What was allocated and freed: a count a size and stack. */
#include "readers/heaptrack.h"

/* The trace is one that is there, or 0. */
static bool site_of(struct hd_heaptrack *heaptrack, uint32_t trace, uint32_t *site,
                    struct hd_error *error)
{
  uint32_t *have = trace ? &heaptrack->traces.items[trace - 1].site : &heaptrack->empty_site;
  if (!*have) {
    if (!hd_vec_push(&heaptrack->sites, trace))
      return hd_fail_memory(error);
    *have = (uint32_t)heaptrack->sites.count;
  }
  *site = *have;
  return true;
}

static bool add_info(struct hd_heaptrack *heaptrack, uint64_t size, uint32_t trace,
                     struct hd_error *error)
{
  struct hd_heaptrack_info info = {.size = size};
  if (heaptrack->infos.count >= HD_MAX_ITEMS)
    return hd_heaptrack_fail(heaptrack, error, "there are more of these than any recording has");
  if (!site_of(heaptrack, trace, &info.site, error))
    return false;
  return hd_vec_push(&heaptrack->infos, info) || hd_fail_memory(error);
}

/* "size trace" off the front of a line. */
static bool take_info(const struct hd_heaptrack *heaptrack, struct hd_heaptrack_line *line,
                      uint64_t *size, uint32_t *trace)
{
  uint64_t number;
  if (!hd_heaptrack_hex(line, size) || !hd_heaptrack_hex(line, &number) ||
      *size > (uint64_t)HD_MAX_SUM || number > heaptrack->traces.count)
    return false;
  *trace = (uint32_t)number;
  return true;
}

bool hd_heaptrack_info(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                       struct hd_error *error)
{
  uint64_t size;
  uint32_t trace;
  if (!take_info(heaptrack, &line, &size, &trace) || line.at != line.end)
    return hd_heaptrack_fail(heaptrack, error, "no size and trace above: the file is damaged");
  return add_info(heaptrack, size, trace, error);
}

/* --- infos of raw recordings, by their contents */

struct info_key {
  uint64_t size, site;
};

static bool info_equal(const void *context, uint32_t id, const void *key)
{
  const struct hd_heaptrack *heaptrack = context;
  const struct hd_heaptrack_info *have = &heaptrack->infos.items[id - 1];
  const struct info_key *want = key;
  return have->size == want->size && have->site == want->site;
}

static bool raw_info(struct hd_heaptrack *heaptrack, uint64_t size, uint32_t trace, uint32_t *info,
                     struct hd_error *error)
{
  uint32_t site = 0, found;
  if (!site_of(heaptrack, trace, &site, error))
    return false;
  struct info_key key = {size, site};
  uint64_t hash = hd_hash(&key, sizeof key);
  found = hd_index_find(&heaptrack->info_index, hash, info_equal, heaptrack, &key);
  if (!found) {
    if (!add_info(heaptrack, size, trace, error))
      return false;
    found = (uint32_t)heaptrack->infos.count;
    if (!hd_index_add(&heaptrack->info_index, hash, found))
      return hd_fail_memory(error);
  }
  *info = found - 1;
  return true;
}

/* --- events */

static bool count_allocation(struct hd_heaptrack *heaptrack, uint32_t number,
                             struct hd_error *error)
{
  struct hd_heaptrack_info *info = &heaptrack->infos.items[number];
  info->live++;
  info->all++;
  heaptrack->events++;
  heaptrack->live += info->size;
  if (heaptrack->live <= heaptrack->peak)
    return true;
  heaptrack->peak = heaptrack->live;
  heaptrack->peak_stamp = heaptrack->stamp;
  return heaptrack->peak <= (uint64_t)HD_MAX_SUM ||
         hd_heaptrack_fail(heaptrack, error,
                           "more than 2^60 bytes are in use here: no program has so much, the "
                           "file is damaged");
}

static bool raw_allocation(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                           struct hd_error *error)
{
  struct hd_heaptrack_line rest = line;
  uint64_t size, pointer;
  uint32_t trace, info = 0;
  if (!take_info(heaptrack, &rest, &size, &trace) || !hd_heaptrack_hex(&rest, &pointer) ||
      rest.at != rest.end)
    return hd_heaptrack_bad_row(heaptrack, "is no allocation at a trace above", line, error);
  if (!raw_info(heaptrack, size, trace, &info, error))
    return false;
  if (!hd_heaptrack_blocks_add(&heaptrack->blocks, pointer, info))
    return hd_fail_memory(error);
  return count_allocation(heaptrack, info, error);
}

/* A number of the table of infos and the end of the line behind it; NULL where there is
 * none. At least LONGEST_EVENT bytes are there. */
enum { MOST_DIGITS = 8, LONGEST_EVENT = 2 + MOST_DIGITS + 1 };

static const char *event_info(const struct hd_heaptrack *heaptrack, const char *at,
                              struct hd_heaptrack_info **info)
{
  uint64_t number = 0;
  const char *first = at;
  for (unsigned digit; at - first < MOST_DIGITS && (digit = hd_heaptrack_digits[(uint8_t)*at]);
       at++)
    number = number << 4 | (digit - 1);
  if (at == first || *at != '\n' || number >= heaptrack->infos.count)
    return NULL;
  *info = &heaptrack->infos.items[number];
  return at + 1;
}

void hd_heaptrack_events(struct hd_heaptrack *heaptrack)
{
  struct hd_stream *stream = heaptrack->stream;
  const char *start = (const char *)stream->data, *at = start, *end = start + stream->length;
  uint64_t events = 0;
  while (end - at >= LONGEST_EVENT && (*at == '+' || *at == '-') && at[1] == ' ') {
    struct hd_heaptrack_info *info;
    const char *next = event_info(heaptrack, at + 2, &info);
    if (!next)
      break;
    if (*at == '-') {
      if (!info->live)
        break;
      info->live--;
      heaptrack->live -= info->size;
    } else {
      if (heaptrack->live + info->size > (uint64_t)HD_MAX_SUM)
        break;
      info->live++;
      info->all++;
      heaptrack->live += info->size;
      if (heaptrack->live > heaptrack->peak) {
        heaptrack->peak = heaptrack->live;
        heaptrack->peak_stamp = heaptrack->stamp;
      }
    }
    events++;
    at = next;
  }
  heaptrack->events += events;
  stream->line += events;
  if (at > start)
    stream->consume(stream, (size_t)(at - start));
}

bool hd_heaptrack_allocation(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                             struct hd_error *error)
{
  uint64_t info;
  struct hd_heaptrack_line rest = line;
  if (heaptrack->raw)
    return raw_allocation(heaptrack, line, error);
  if (!hd_heaptrack_hex(&rest, &info) || rest.at != rest.end || info >= heaptrack->infos.count)
    return hd_heaptrack_bad_row(heaptrack, "is no allocation of a kind above", line, error);
  return count_allocation(heaptrack, (uint32_t)info, error);
}

bool hd_heaptrack_free(struct hd_heaptrack *heaptrack, struct hd_heaptrack_line line,
                       struct hd_error *error)
{
  uint64_t number;
  struct hd_heaptrack_line rest = line;
  bool good = hd_heaptrack_hex(&rest, &number) && rest.at == rest.end;
  if (good && heaptrack->raw) {
    number = hd_heaptrack_blocks_take(&heaptrack->blocks, number);
    if (!number)
      return true; /* of a block from before the recording */
    number--;
  }
  if (!good || number >= heaptrack->infos.count || !heaptrack->infos.items[number].live)
    return hd_heaptrack_bad_row(heaptrack, "frees what is not in use", line, error);
  struct hd_heaptrack_info *info = &heaptrack->infos.items[number];
  info->live--;
  heaptrack->live -= info->size;
  heaptrack->events++;
  return true;
}
