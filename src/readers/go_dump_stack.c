#include "readers/go_dump.h"

#include "readers/go_labels.h"

#include <string.h>

#define NS_A_MINUTE 60e9

/* What a goroutine does, among the labels; a name that no program's own label has. */
static const char state_label[] = "goroutine state";

/* --- frames ------------------------------------------------------------------- */

static bool is_frame(const void *context, uint32_t id, const void *key)
{
  const struct hd_profile *profile = context;
  const struct hd_frame *want = key;
  const struct hd_frame *have =
      &profile->frames.items[profile->locations.items[id - 1].first_frame];
  return have->function == want->function && have->file == want->file && have->line == want->line;
}

static bool add_call(struct hd_go_stacks *stacks, struct hd_error *error)
{
  const struct hd_frame *call = &stacks->call;
  uint32_t key[] = {call->function, call->file, call->line};
  uint64_t hash = hd_hash(key, sizeof key);
  uint32_t id = hd_index_find(&stacks->locations, hash, is_frame, stacks->profile, call);
  if (!id) {
    if (!hd_profile_add_location(stacks->profile, 0, 0, call, 1, false, &id, error))
      return false;
    if (!hd_index_add(&stacks->locations, hash, id))
      return hd_fail_memory(error);
  }
  stacks->call = (struct hd_frame){0};
  return hd_vec_push(&stacks->stack, id) || hd_fail_memory(error);
}

bool hd_go_call(struct hd_go_stacks *stacks, struct hd_scan name, bool creator,
                struct hd_error *error)
{
  hd_scan_trim(&name);
  stacks->creator = creator;
  return hd_profile_string(stacks->profile, name.at, hd_scan_left(&name), &stacks->call.function,
                           error);
}

bool hd_go_place(struct hd_go_stacks *stacks, struct hd_scan place, struct hd_error *error)
{
  static const char *const tails[] = {" +0x", " fp=0x"};
  uint64_t line;
  /* "goroutine running on other thread; stack unavailable" */
  if (!stacks->call.function) {
    stacks->excused = true;
    return true;
  }
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    const char *tail = memmem(place.at, hd_scan_left(&place), tails[i], strlen(tails[i]));
    place.end = tail ? tail : place.end;
  }
  hd_scan_trim(&place);
  const char *colon = memrchr(place.at, ':', hd_scan_left(&place));
  struct hd_scan number = {colon ? colon + 1 : place.end, place.end};
  if (colon && hd_scan_uint(&number, &line) && number.at == number.end && line <= INT32_MAX) {
    stacks->call.line = (uint32_t)line;
    if (!hd_profile_string(stacks->profile, place.at, (size_t)(colon - place.at),
                           &stacks->call.file, error))
      return false;
  }
  if (!add_call(stacks, error))
    return false;
  /* Nothing of the goroutine follows: what does may look like a call. */
  return !stacks->creator || hd_go_end(stacks, error);
}

/* --- goroutines --------------------------------------------------------------- */

static bool is_group(const void *context, uint32_t id, const void *key)
{
  const struct hd_go_stacks *stacks = context;
  const struct hd_go_group *have = &stacks->groups.items[id - 1], *want = key;
  return have->stack == want->stack && have->labels == want->labels;
}

bool hd_go_end(struct hd_go_stacks *stacks, struct hd_error *error)
{
  struct hd_go_group made = {.labels = stacks->labels};
  if (!stacks->open)
    return true;
  stacks->open = false;
  stacks->call = (struct hd_frame){0};
  if (!hd_profile_add_stack(stacks->profile, stacks->stack.items, stacks->stack.count,
                            stacks->elided, &made.stack, error))
    return hd_error_at(error, stacks->line, -1);
  uint32_t key[] = {made.stack, made.labels};
  uint64_t hash = hd_hash(key, sizeof key);
  uint32_t id = hd_index_find(&stacks->group_index, hash, is_group, stacks, &made);
  if (!id) {
    if (!hd_vec_push(&stacks->groups, made) ||
        !hd_index_add(&stacks->group_index, hash, (uint32_t)stacks->groups.count))
      return hd_fail_memory(error);
    id = (uint32_t)stacks->groups.count;
  }
  struct hd_go_group *group = &stacks->groups.items[id - 1];
  group->count++;
  group->wait = group->wait < stacks->wait ? stacks->wait : group->wait;
  return true;
}

static bool add_number(struct hd_profile *profile, const char *key, uint64_t number,
                       struct hd_label *label, struct hd_error *error)
{
  *label = (struct hd_label){.number = (int64_t)(number & INT64_MAX)};
  return hd_profile_string(profile, key, strlen(key), &label->key, error);
}

static bool read_labels(struct hd_go_stacks *stacks, const struct hd_go_header *header,
                        struct hd_error *error)
{
  struct hd_label labels[HD_GO_MAX_LABELS + 3];
  struct hd_profile *profile = stacks->profile;
  size_t count = 0;
  if (header->labels.at < header->labels.end &&
      !hd_go_labels_read(profile, header->labels.at, hd_scan_left(&header->labels), labels, &count,
                         error))
    return false;
  if (!hd_go_label(profile, state_label, header->state.at, hd_scan_left(&header->state),
                   &labels[count++], error))
    return false;
  if (header->locked && !hd_go_label(profile, "locked", "to thread", 9, &labels[count++], error))
    return false;
  if (header->bubble && !add_number(profile, "bubble", header->bubble, &labels[count++], error))
    return false;
  return hd_profile_add_labels(profile, labels, count, &stacks->labels, error);
}

bool hd_go_begin(struct hd_go_stacks *stacks, const struct hd_go_header *header, int64_t line,
                 struct hd_error *error)
{
  if (!hd_go_end(stacks, error))
    return false;
  stacks->open = true;
  stacks->elided = stacks->excused = stacks->creator = false;
  stacks->line = line;
  stacks->stack.count = 0;
  stacks->wait = (double)header->minutes * NS_A_MINUTE;
  return read_labels(stacks, header, error);
}

bool hd_go_records(struct hd_go_stacks *stacks, struct hd_error *error)
{
  for (size_t i = 0; i < stacks->groups.count; i++) {
    const struct hd_go_group *group = &stacks->groups.items[i];
    struct hd_record record = {group->stack, group->labels, 0, 1, 1};
    double values[HD_MEASURES] = {0};
    values[HD_GOROUTINES] = group->count;
    values[HD_LONGEST_WAIT] = group->wait;
    if (!hd_profile_add_record(stacks->profile, record, values, error))
      return false;
  }
  return true;
}

void hd_go_stacks_deinit(struct hd_go_stacks *stacks)
{
  hd_vec_deinit(&stacks->stack);
  hd_vec_deinit(&stacks->groups);
  hd_index_deinit(&stacks->locations);
  hd_index_deinit(&stacks->group_index);
  *stacks = (struct hd_go_stacks){.profile = NULL};
}
