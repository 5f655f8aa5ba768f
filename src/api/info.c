/* `info`: what each snapshot is, what it holds, and what could be symbolized. */
#include "api/session.h"

#include "analysis/headline.h"
#include "analysis/rss_parts.h"
#include "analysis/view.h"
#include "base/buffer.h"
#include "base/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct teller {
  struct hd_session *session;
  const struct hd_handle *handle;
  struct hd_view *view;
  struct hd_pool *pool; /* of the snapshot at hand */
  const struct hd_profile *profile;
  bool short_of_memory;
};

static const struct hd_cell nothing = {.kind = HD_CELL_EMPTY};

static struct hd_cell text(struct teller *teller, const char *value)
{
  if (!value || !value[0])
    return nothing;
  const char *kept = hd_view_text(teller->view, value);
  teller->short_of_memory |= !kept;
  return hd_cell_text(kept);
}

static struct hd_cell path_cell(struct teller *teller)
{
  return text(teller, teller->handle->name);
}

static struct hd_cell format_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.format);
}

static struct hd_cell kind_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.kind);
}

static struct hd_cell recorder_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.recorder);
}

static struct hd_cell program_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.program);
}

static struct hd_cell command_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.command);
}

static struct hd_cell host_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.host);
}

static struct hd_cell reason_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.reason);
}

static struct hd_cell label_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.label);
}

static struct hd_cell allocator_cell(struct teller *teller)
{
  return text(teller, teller->profile->meta.allocator);
}

static struct hd_cell pid_cell(struct teller *teller)
{
  int64_t pid = teller->profile->meta.pid;
  return pid ? hd_cell_of(HD_CELL_COUNT, pid) : nothing;
}

static struct hd_cell time_cell(struct teller *teller)
{
  int64_t time = teller->profile->meta.time_ns;
  return time ? hd_cell_of(HD_CELL_TIME, time) : nothing;
}

static struct hd_cell sequence_cell(struct teller *teller)
{
  int64_t sequence = teller->profile->meta.sequence;
  return sequence >= 0 ? hd_cell_of(HD_CELL_COUNT, sequence) : nothing;
}

static struct hd_cell threads_cell(struct teller *teller)
{
  int64_t threads = teller->profile->meta.threads;
  return threads >= 0 ? hd_cell_of(HD_CELL_COUNT, threads) : nothing;
}

static struct hd_cell rss_cell(struct teller *teller)
{
  int64_t rss = teller->profile->meta.rss;
  return rss >= 0 ? hd_cell_bytes(rss, false) : nothing;
}

/* What the resident set is made of, a line each. */
static struct hd_cell parts_cell(struct teller *teller)
{
  int64_t parts[HD_RSS_PARTS];
  const char **lines = hd_arena_alloc(&teller->view->arena, HD_RSS_PARTS * sizeof *lines);
  size_t count = 0;
  teller->short_of_memory |= !lines;
  if (!lines || !hd_rss_parts(teller->profile, parts))
    return nothing;
  for (int i = 0; i < HD_RSS_PARTS; i++) {
    char size[HD_UNITS_TEXT], line[HD_UNITS_TEXT + 80];
    if (!parts[i])
      continue;
    hd_format_bytes(size, parts[i], -1, false);
    snprintf(line, sizeof line, "%9s  %s", size,
             hd_rss_part_title(teller->profile, (enum hd_rss_part)i));
    lines[count] = hd_view_text(teller->view, line);
    teller->short_of_memory |= !lines[count++];
  }
  return (struct hd_cell){.kind = HD_CELL_LIST, .texts = lines, .count = count};
}

static struct hd_cell part_cell(struct teller *teller, enum hd_rss_part part)
{
  int64_t parts[HD_RSS_PARTS];
  return hd_rss_parts(teller->profile, parts) ? hd_cell_of(HD_CELL_BYTES, parts[part]) : nothing;
}

#define PART_CELL(name, part)                                                                      \
  static struct hd_cell name##_part_cell(struct teller *teller)                                    \
  {                                                                                                \
    return part_cell(teller, part);                                                                \
  }
PART_CELL(heap, HD_RSS_HEAP)
PART_CELL(allocator, HD_RSS_ALLOCATOR)
PART_CELL(stacks, HD_RSS_STACKS)
PART_CELL(go, HD_RSS_GO)
PART_CELL(files, HD_RSS_FILES)
PART_CELL(shared, HD_RSS_SHARED)
PART_CELL(rest, HD_RSS_REST)
#undef PART_CELL

static struct hd_cell system_cell(struct teller *teller)
{
  int64_t system = teller->profile->meta.system;
  return system >= 0 ? hd_cell_bytes(system, false) : nothing;
}

static struct hd_cell system_free_cell(struct teller *teller)
{
  int64_t bytes = teller->profile->meta.system_free;
  return bytes >= 0 ? hd_cell_bytes(bytes, false) : nothing;
}

static struct hd_cell peak_cell(struct teller *teller)
{
  int64_t peak = teller->profile->meta.rss_peak;
  return peak >= 0 ? hd_cell_bytes(peak, false) : nothing;
}

static struct hd_cell limit_cell(struct teller *teller)
{
  int64_t cgroup = teller->profile->meta.limit_cgroup, rlimit = teller->profile->meta.limit_rlimit;
  int64_t least = !cgroup || (rlimit && rlimit < cgroup) ? rlimit : cgroup;
  return least ? hd_cell_bytes(least, false) : nothing;
}

static struct hd_cell rate_cell(struct teller *teller)
{
  uint64_t rate = teller->profile->meta.rate;
  return rate > 1 ? hd_cell_bytes((int64_t)rate, false) : nothing;
}

static struct hd_cell raw_rate_cell(struct teller *teller)
{
  uint64_t rate = teller->profile->meta.rate;
  return rate ? hd_cell_of(HD_CELL_BYTES, (int64_t)rate) : nothing;
}

static struct hd_cell sampling_cell(struct teller *teller)
{
  uint64_t rate = teller->profile->meta.rate;
  bool sampled = false;
  for (int i = 0; i < HD_MEASURES; i++)
    sampled |= teller->profile->has[i] && hd_measures[i].noise == HD_NOISE_POISSON;
  if (!sampled)
    return nothing;
  return rate == 1  ? hd_cell_text("every allocation recorded")
         : rate > 1 ? hd_cell_text("by bytes, Poisson; values are estimates")
                    : nothing;
}

static struct hd_cell total_cell(struct teller *teller, enum hd_measure measure)
{
  if (!teller->profile->has[measure])
    return nothing;
  return hd_measure_cell(measure, llround(hd_profile_total(teller->profile, measure)), false);
}

#define HD_MEASURE(id, ...)                                                                        \
  static struct hd_cell id##_cell(struct teller *teller)                                           \
  {                                                                                                \
    return total_cell(teller, HD_##id);                                                            \
  }
#include "model/measures.def"
#undef HD_MEASURE

static struct hd_cell stacks_cell(struct teller *teller)
{
  return hd_cell_of(HD_CELL_COUNT, (int64_t)teller->profile->stacks.count);
}

static struct hd_cell records_cell(struct teller *teller)
{
  return hd_cell_of(HD_CELL_COUNT, (int64_t)teller->profile->records.count);
}

static struct hd_cell addresses_cell(struct teller *teller)
{
  return hd_cell_of(HD_CELL_COUNT, (int64_t)teller->pool->locations.count);
}

static struct hd_cell symbolized_cell(struct teller *teller)
{
  int64_t count = 0;
  for (size_t i = 0; i < teller->pool->locations.count; i++)
    count += teller->pool->locations.items[i].symbolized;
  return hd_cell_of(HD_CELL_COUNT, count);
}

static struct hd_cell truncated_cell(struct teller *teller)
{
  uint64_t count = teller->profile->meta.truncated_stacks;
  return count ? hd_cell_of(HD_CELL_COUNT, (int64_t)count) : nothing;
}

static struct hd_cell dropped_cell(struct teller *teller)
{
  uint64_t count = teller->profile->meta.dropped_allocations;
  return count ? hd_cell_of(HD_CELL_COUNT, (int64_t)count) : nothing;
}

static struct hd_cell cost_cell(struct teller *teller, enum hd_cell_kind kind, uint64_t value)
{
  return teller->profile->meta.costs.cpu_ns ? hd_cell_of(kind, (int64_t)value) : nothing;
}

static struct hd_cell cpu_cell(struct teller *teller)
{
  return cost_cell(teller, HD_CELL_DURATION, teller->profile->meta.costs.cpu_ns);
}

static struct hd_cell samples_cell(struct teller *teller)
{
  return cost_cell(teller, HD_CELL_COUNT, teller->profile->meta.costs.samples);
}

static uint64_t recorder_ns(const struct teller *teller)
{
  const struct hd_recorder_costs *costs = &teller->profile->meta.costs;
  return costs->recording_ns + costs->writing_ns;
}

static struct hd_cell recorder_cpu_cell(struct teller *teller)
{
  return cost_cell(teller, HD_CELL_DURATION, recorder_ns(teller));
}

static struct hd_cell recorder_share_cell(struct teller *teller)
{
  uint64_t cpu = teller->profile->meta.costs.cpu_ns;
  struct hd_cell cell = {.kind = HD_CELL_RATIO};
  if (!cpu)
    return nothing;
  cell.number = (double)recorder_ns(teller) / (double)cpu;
  return cell;
}

static struct hd_cell recorder_memory_cell(struct teller *teller)
{
  const struct hd_recorder_costs *costs = &teller->profile->meta.costs;
  return costs->cpu_ns ? hd_cell_bytes((int64_t)costs->memory, false) : nothing;
}

/* One line a module: path, build-id, how many of its addresses have names, and
 * why the others have none. */
static const char *module_line(struct teller *teller, const struct hd_pool_module *module)
{
  const struct hd_pool *pool = teller->pool;
  const char *build_id = hd_pool_text(pool, module->build_id);
  const char *path = hd_pool_text(pool, module->path);
  struct hd_buffer line = HD_BUFFER_INIT;
  hd_buffer_printf(&line, "%s  %s", path[0] ? path : "(no path)",
                   build_id[0] ? build_id : "no build-id");
  if (module->wanted)
    hd_buffer_printf(&line, "  %" PRIu32 " of %" PRIu32 " addresses named", module->resolved,
                     module->wanted);
  if (module->asked && module->status[0])
    hd_buffer_printf(&line, " (%s%s)", module->status,
                     module->resolved && !module->verified ? ", unverified" : "");
  if (module->reason[0])
    hd_buffer_printf(&line, ": %s", module->reason);
  const char *kept = line.failed ? NULL : hd_view_text(teller->view, hd_buffer_text(&line));
  hd_buffer_deinit(&line);
  return kept;
}

static struct hd_cell modules_cell(struct teller *teller)
{
  size_t count = teller->pool->modules.count;
  const char **lines = hd_arena_alloc(&teller->view->arena, (count + 1) * sizeof *lines);
  if (!lines) {
    teller->short_of_memory = true;
    return nothing;
  }
  for (size_t i = 0; i < count; i++) {
    lines[i] = module_line(teller, &teller->pool->modules.items[i]);
    if (!lines[i])
      teller->short_of_memory = true;
  }
  return (struct hd_cell){.kind = HD_CELL_LIST, .texts = lines, .count = count};
}

static struct hd_cell comments_cell(struct teller *teller)
{
  const struct hd_profile *profile = teller->profile;
  size_t count = profile->comments.count;
  const char **lines = hd_arena_alloc(&teller->view->arena, (count + 1) * sizeof *lines);
  for (size_t i = 0; lines && i < count; i++) {
    lines[i] =
        hd_view_text(teller->view, hd_strings_text(&profile->strings, profile->comments.items[i]));
    teller->short_of_memory |= !lines[i];
  }
  teller->short_of_memory |= !lines;
  return count && lines ? (struct hd_cell){.kind = HD_CELL_LIST, .texts = lines, .count = count}
                        : nothing;
}

static const struct {
  const char *key, *title;
  struct hd_cell (*cell)(struct teller *teller);
  enum hd_audience audience;
} fields[] = {
    {"path", "file", path_cell, HD_FOR_ALL},
    {"format", "format", format_cell, HD_FOR_ALL},
    {"kind", "kind", kind_cell, HD_FOR_ALL},
    {"recorder", "recorder", recorder_cell, HD_FOR_ALL},
    {"program", "program", program_cell, HD_FOR_ALL},
    {"command", "command", command_cell, HD_FOR_ALL},
    {"pid", "pid", pid_cell, HD_FOR_ALL},
    {"host", "host", host_cell, HD_FOR_ALL},
    {"time_ns", "time", time_cell, HD_FOR_ALL},
    {"sequence", "sequence", sequence_cell, HD_FOR_ALL},
    {"reason", "reason", reason_cell, HD_FOR_ALL},
    {"label", "label", label_cell, HD_FOR_ALL},
    {"rate", "", raw_rate_cell, HD_FOR_PROGRAMS},
    {"sampled_every", "sampled every", rate_cell, HD_FOR_PEOPLE},
    {"sampling", "sampling", sampling_cell, HD_FOR_ALL},
#define HD_MEASURE(id, name, ...) {name, name, id##_cell, HD_FOR_ALL},
#include "model/measures.def"
#undef HD_MEASURE
    {"rss", "rss", rss_cell, HD_FOR_ALL},
    {"rss_parts", "rss, estimated", parts_cell, HD_FOR_PEOPLE},
    {"rss_heap", "", heap_part_cell, HD_FOR_PROGRAMS},
    {"rss_allocator", "", allocator_part_cell, HD_FOR_PROGRAMS},
    {"rss_stacks", "", stacks_part_cell, HD_FOR_PROGRAMS},
    {"rss_go", "", go_part_cell, HD_FOR_PROGRAMS},
    {"rss_files", "", files_part_cell, HD_FOR_PROGRAMS},
    {"rss_shared", "", shared_part_cell, HD_FOR_PROGRAMS},
    {"rss_rest", "", rest_part_cell, HD_FOR_PROGRAMS},
    {"rss_peak", "rss peak", peak_cell, HD_FOR_ALL},
    {"system", "from the system", system_cell, HD_FOR_ALL},
    {"system_free", "free of it", system_free_cell, HD_FOR_ALL},
    {"limit", "memory limit", limit_cell, HD_FOR_ALL},
    {"process_threads", "process threads", threads_cell, HD_FOR_ALL},
    {"allocator", "allocator", allocator_cell, HD_FOR_ALL},
    {"stacks", "stacks", stacks_cell, HD_FOR_ALL},
    {"truncated_stacks", "cut stacks", truncated_cell, HD_FOR_ALL},
    {"records", "records", records_cell, HD_FOR_ALL},
    {"dropped_allocations", "dropped", dropped_cell, HD_FOR_ALL},
    {"cpu_ns", "cpu time", cpu_cell, HD_FOR_ALL},
    {"recorder_samples", "samples", samples_cell, HD_FOR_ALL},
    {"recorder_cpu_ns", "agent cpu", recorder_cpu_cell, HD_FOR_ALL},
    {"recorder_share", "agent share", recorder_share_cell, HD_FOR_ALL},
    {"recorder_memory", "agent memory", recorder_memory_cell, HD_FOR_ALL},
    {"addresses", "addresses", addresses_cell, HD_FOR_ALL},
    {"symbolized", "symbolized", symbolized_cell, HD_FOR_ALL},
    {"modules", "modules", modules_cell, HD_FOR_ALL},
    {"comments", "comments", comments_cell, HD_FOR_ALL},
};

enum { FIELDS = sizeof fields / sizeof *fields };

static bool tell(struct teller *teller, const struct hd_profile *profile, struct hd_error *error)
{
  struct hd_import import = {0};
  teller->profile = profile;
  if (!hd_pool_import(teller->pool, profile, hd_session_demangle, &import, error))
    return false;
  hd_import_deinit(&import);
  if (!hd_session_symbolize(teller->session, teller->pool, error))
    return false;
  struct hd_cell *cells = hd_grid_add_row(teller->view, HD_TONE_PLAIN);
  if (!cells)
    return hd_fail_memory(error);
  for (size_t i = 0; i < FIELDS; i++)
    cells[i] = fields[i].cell(teller);
  return !teller->short_of_memory || hd_fail_memory(error);
}

static bool take(void *context, struct hd_profile *profile, struct hd_error *error)
{
  struct teller *teller = context;
  bool fine = hd_pool_create(&teller->pool, error) && tell(teller, profile, error);
  hd_session_note_losses(teller->session, teller->handle->name, profile);
  hd_pool_destroy(teller->pool);
  teller->pool = NULL;
  hd_profile_destroy(profile);
  return fine;
}

bool hd_info(hd_session *session, hd_view **view, struct hd_error *error)
{
  struct teller teller = {.session = session};
  bool fine = hd_view_create("heapdiff.info/1", HD_VIEW_GRID, view, error);
  for (size_t i = 0; fine && i < FIELDS; i++) {
    struct hd_column column = {fields[i].key, fields[i].title, fields[i].audience, true, 0};
    fine = hd_vec_push(&(*view)->grid.columns, column) || hd_fail_memory(error);
  }
  teller.view = *view;
  struct hd_sink sink = {take, &teller};
  if (fine)
    (*view)->grid.records = true;
  for (size_t i = 0; fine && i < session->chosen.count; i++) {
    teller.handle = &session->chosen.items[i];
    fine = hd_session_read_chosen(session, teller.handle, &sink, error);
  }
  if (fine && !(*view)->grid.rows.count)
    fine = hd_fail_input(error, "there is no snapshot in what was named");
  fine = fine && hd_session_give_notes(session, *view, error);
  if (!fine) {
    hd_view_destroy(*view);
    *view = NULL;
  }
  return fine;
}
