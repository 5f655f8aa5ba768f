#include "format.h"

#include "modules.h"
#include "sampling.h"

/* Frames and records a line: far from the longest line that a reader takes. */
enum { FRAMES_PER_LINE = 4096, RECORDS_PER_LINE = 65536 };
enum { FRAMES_A_PIECE = HD_PIECE_BYTES / (HD_NUMBER_BYTES + 1) };

static void put_command(struct hd_output *output, const struct hd_series *series)
{
  hd_put(output, ",\"command\":[");
  for (size_t at = 0; at < series->command_length;) {
    const char *argument = series->command + at;
    if (at)
      hd_put(output, ",");
    hd_put_string(output, argument);
    while (series->command[at++])
      ;
  }
  hd_put(output, "]");
}

static void put_identity(struct hd_output *output, const struct hd_series *series)
{
  hd_put_text_member(output, "host", series->host);
  hd_put_text_member(output, "boot_id", series->boot_id);
  hd_put_member(output, "pid", (uint64_t)series->pid);
  hd_put_member(output, "start_ns", series->start_ns);
  hd_put_member(output, "image_ns", series->image_ns);
  if (series->is_late)
    hd_put(output, ",\"attached\":true");
}

/* Names and numbers, the first without a comma. */
static void put_object(struct hd_output *output, const char *name, const char *const names[],
                       const uint64_t values[], size_t count)
{
  hd_put(output, ",\"");
  hd_put(output, name);
  hd_put(output, "\":{\"");
  for (size_t i = 0; i < count; i++) {
    hd_put(output, i ? ",\"" : "");
    hd_put(output, names[i]);
    hd_put(output, "\":");
    hd_put_number(output, values[i]);
  }
  hd_put(output, "}");
}

static void put_costs(struct hd_output *output, const struct hd_costs *costs)
{
  static const char *const names[] = {"samples", "recording_ns", "writing_ns", "memory"};
  const uint64_t values[] = {costs->samples, costs->recording_ns, costs->writing_ns, costs->memory};
  hd_put_member(output, "cpu_ns", costs->cpu_ns);
  put_object(output, "agent", names, values, sizeof values / sizeof *values);
}

static void put_memory(struct hd_output *output, const struct hd_circumstances *circumstances)
{
  static const char *const kinds[] = {"brk",   "arenas", "stacks",    "go",
                                      "files", "shared", "anonymous", "other"};
  static const char *const figures[] = {"system", "used", "mapped"};
  const struct hd_regions *r = &circumstances->regions;
  const struct hd_malloc_figures *m = &circumstances->malloc;
  const uint64_t bytes[] = {r->brk,   r->arenas, r->stacks,    r->go,
                            r->files, r->shared, r->anonymous, r->other};
  const uint64_t said[] = {m->system, m->used, m->mapped};
  if (r->known)
    put_object(output, "resident", kinds, bytes, sizeof bytes / sizeof *bytes);
  if (m->known)
    put_object(output, "malloc", figures, said, sizeof said / sizeof *said);
}

static void put_header(struct hd_output *output, const struct hd_capture *capture,
                       const struct hd_series *series, const struct hd_circumstances *circumstances)
{
  hd_put(output, "{\"heapdiff\":1,\"kind\":\"heap\"");
  put_identity(output, series);
  hd_put_member(output, "time_ns", capture->time_ns);
  hd_put_member(output, "mono_ns", capture->mono_ns);
  hd_put_member(output, "sequence", series->sequence);
  hd_put_text_member(output, "reason", capture->reason);
  if (circumstances->label[0])
    hd_put_text_member(output, "label", circumstances->label);
  hd_put_text_member(output, "program", series->program);
  put_command(output, series);
  hd_put_text_member(output, "recorder", "heapdiff-agent " HD_AGENT_VERSION);
  hd_put_member(output, "rate", hd_sampling_rate());
  hd_put(output, ",\"measures\":[\"inuse_space\",\"inuse_objects\",\"alloc_space\","
                 "\"alloc_objects\"");
  hd_put(output, hd_mappings_are_recorded() ? ",\"mmap_space\",\"mmap_objects\"]" : "]");
  hd_put_member(output, "rss", capture->usage.rss);
  hd_put_member(output, "rss_peak", capture->usage.rss_peak);
  hd_put_member(output, "threads", capture->usage.threads);
  hd_put_text_member(output, "allocator", series->allocator);
  hd_put(output, ",\"limits\":{\"cgroup\":");
  hd_put_number(output, circumstances->limits.cgroup);
  hd_put_member(output, "rlimit", hd_limits_resource(&circumstances->limits));
  hd_put(output, "}");
  put_memory(output, circumstances);
  put_costs(output, &circumstances->costs);
  hd_put(output, ",\"dropped\":{\"stacks\":");
  hd_put_number(output, capture->stacks_dropped);
  hd_put_member(output, "allocations", capture->allocations_dropped);
  hd_put(output, "}");
  hd_put_member(output, "truncated_stacks", capture->truncated);
  hd_put_member(output, "failed_snapshots", series->failed);
  hd_put_member(output, "locked_ns", capture->locked_ns);
  hd_put(output, "}\n");
}

static void put_module(struct hd_output *output, const struct hd_module *module)
{
  hd_put(output, "{\"module\":{\"path\":");
  hd_put_string(output, module->path);
  if (module->build_id_length) {
    hd_put(output, ",\"build_id\":\"");
    hd_put_hex(output, module->build_id, module->build_id_length);
    hd_put(output, "\"");
  }
  hd_put_member(output, "load", module->load);
  hd_put_member(output, "size", module->code_size);
  hd_put_member(output, "offset", module->code_offset);
  hd_put(output, module->gone ? ",\"gone\":true}}\n" : ",\"gone\":false}}\n");
}

static char *write_frame(char *at, const struct hd_frame *frame)
{
  at = frame->module ? hd_write_number(at, frame->module - 1) : hd_write(at, "null");
  at = hd_write(at, ",");
  at = hd_write_number(at, frame->offset);
  return hd_write(at, "]");
}

static void put_frames(struct hd_output *output, uint32_t count)
{
  for (uint32_t i = 0; i < count && !output->error; i++) {
    char *at = hd_output_room(output);
    at = hd_write(at, i % FRAMES_PER_LINE ? ",[" : "{\"frames\":[[");
    at = write_frame(at, hd_frame_at(i));
    if (i % FRAMES_PER_LINE == FRAMES_PER_LINE - 1 || i == count - 1)
      at = hd_write(at, "]}\n");
    hd_output_filled(output, at);
  }
}

static char *write_ages(char *at, const struct hd_capture *capture, uint32_t record)
{
  const uint32_t *ages = &capture->ages[(size_t)(record - 1) * capture->buckets];
  if (!capture->totals[record - 1].live_objects)
    return at;
  at = hd_write(at, ",\"ages\":[");
  for (uint32_t k = 0; k < capture->buckets; k++) {
    if (!ages[k])
      continue;
    at = hd_write(at, "[");
    at = hd_write_number(at, k);
    at = hd_write(at, ",");
    at = hd_write_number(at, ages[k]);
    at = hd_write(at, "],");
  }
  return hd_write(at[-1] == ',' ? at - 1 : at, "]");
}

/* What was mapped comes last, where it is recorded. */
static char *write_values(char *at, const struct hd_totals *totals, const struct hd_mapped *mapped)
{
  const uint64_t values[] = {totals->live_bytes, totals->live_objects, totals->bytes,
                             totals->objects,    mapped->bytes,        mapped->objects};
  size_t count = hd_mappings_are_recorded() ? 6 : 4;
  at = hd_write(at, "{\"values\":");
  for (size_t i = 0; i < count; i++) {
    *at++ = i ? ',' : '[';
    at = hd_write_number(at, values[i]);
  }
  return hd_write(at, "]");
}

static char *write_sampled(char *at, const struct hd_record *record, const struct hd_totals *totals)
{
  at = hd_write(at, "{\"size\":");
  at = hd_write_number(at, record->size);
  at = hd_write(at, ",\"rate\":");
  at = hd_write_number(at, record->rate);
  at = hd_write(at, ",\"live\":");
  at = hd_write_number(at, totals->live_objects);
  at = hd_write(at, ",\"alloc\":");
  return hd_write_number(at, totals->objects);
}

/* The longest record fits into a piece: six numbers, and two for each bucket of ages. */
_Static_assert(256 + HD_AGE_BUCKETS_MAX * 2 * (HD_NUMBER_BYTES + 2) <= HD_PIECE_BYTES,
               "a record at once");

static char *write_record(char *at, const struct hd_capture *capture, uint32_t id)
{
  static const struct hd_mapped nothing;
  const struct hd_totals *totals = &capture->totals[id - 1];
  if (hd_sampling_is_exact())
    at = write_values(at, totals, &nothing);
  else
    at = write_sampled(at, hd_record_at(id - 1), totals);
  return hd_write(write_ages(at, capture, id), "}");
}

static void put_stack(struct hd_output *output, const struct hd_stack *stack)
{
  hd_put(output, "{\"stack\":[");
  for (uint32_t i = 0; i < stack->count;) {
    char *at = hd_output_room(output);
    for (uint32_t end = i + FRAMES_A_PIECE; i < end && i < stack->count; i++) {
      if (i)
        *at++ = ',';
      at = hd_write_number(at, stack->frames[i] - 1);
    }
    hd_output_filled(output, at);
  }
  hd_put(output, stack->truncated ? "],\"truncated\":true,\"records\":[" : "],\"records\":[");
}

static void put_mapped(struct hd_output *output, const struct hd_capture *capture, uint32_t stack)
{
  static const struct hd_totals nothing;
  put_stack(output, hd_stack_at(stack - 1));
  char *at = write_values(hd_output_room(output), &nothing, &capture->mapped[stack]);
  hd_output_filled(output, hd_write(at, "}]}\n"));
}

/* Writes a stack's records, in several lines where they are very many, and what it
 * has mapped; returns how many lines. */
static uint32_t put_records(struct hd_output *output, const struct hd_capture *capture,
                            uint32_t stack, uint32_t *records)
{
  uint32_t lines = 0, in_line = 0;
  for (uint32_t id = capture->first[stack]; id && !output->error; id = capture->next[id]) {
    if (in_line == 0) {
      put_stack(output, hd_stack_at(stack - 1));
      lines++;
    }
    char *at = hd_output_room(output);
    if (in_line)
      *at++ = ',';
    at = write_record(at, capture, id);
    ++*records;
    if (++in_line == RECORDS_PER_LINE || !capture->next[id]) {
      at = hd_write(at, "]}\n");
      in_line = 0;
    }
    hd_output_filled(output, at);
  }
  if (capture->mapped && capture->mapped[stack].objects) {
    put_mapped(output, capture, stack);
    lines++;
    ++*records;
  }
  return lines;
}

void hd_format_snapshot(struct hd_output *output, const struct hd_capture *capture,
                        const struct hd_series *series,
                        const struct hd_circumstances *circumstances)
{
  uint32_t stacks = 0, records = 0;
  put_header(output, capture, series, circumstances);
  for (uint32_t i = 0; i < capture->modules; i++)
    put_module(output, hd_module_at(i));
  put_frames(output, capture->frames);
  for (uint32_t id = 1; id <= capture->stacks && !output->error; id++)
    stacks += put_records(output, capture, id, &records);
  hd_put(output, "{\"end\":{\"strings\":0");
  hd_put_member(output, "modules", capture->modules);
  hd_put_member(output, "frames", capture->frames);
  hd_put_member(output, "stacks", stacks);
  hd_put_member(output, "records", records);
  hd_put(output, "}}\n");
  hd_output_flush(output);
}
