#include "capture.h"

#include "clock.h"
#include "memory.h"
#include "modules.h"
#include "sampling.h"
#include "tables.h"
#include "ticker.h"

#include <errno.h>
#include <string.h>

/* A thread that was stopped for good inside the agent must not keep the program
 * from ending. */
enum { LOCK_TIMEOUT_MS = 5000 };
/* So many may come between the reservation and the locks, or it is made again. */
enum { SPARE = 256 };

static uint32_t log2_ms(uint64_t ms)
{
  return ms < 2 ? 0 : 63u - (uint32_t)__builtin_clzll(ms);
}

/* Room for so many, and for the ages up to some time from now. */
static bool reserve(struct hd_capture *capture, uint32_t stacks, uint32_t records, uint64_t blocks)
{
  capture->buckets = log2_ms(hd_sampling_clock() + LOCK_TIMEOUT_MS) + 2;
  size_t totals = records * sizeof *capture->totals;
  size_t ages = (size_t)records * capture->buckets * sizeof *capture->ages;
  size_t next = ((size_t)records + 1) * sizeof *capture->next;
  size_t first = ((size_t)stacks + 1) * sizeof *capture->first;
  hd_capture_drop(capture);
  capture->size = blocks * sizeof *capture->live + totals + ages + next + first;
  char *memory = hd_map_ready(capture->size);
  if (!memory)
    return false;
  capture->memory = memory;
  capture->live = (struct hd_live *)memory;
  memory += blocks * sizeof *capture->live;
  capture->room_live = blocks;
  capture->room_stacks = stacks;
  capture->room_records = records;
  capture->totals = (struct hd_totals *)memory;
  capture->ages = (uint32_t *)(memory + totals);
  capture->next = (uint32_t *)(memory + totals + ages);
  capture->first = (uint32_t *)(memory + totals + ages + next);
  return true;
}

static void copy_live(const struct hd_live *entry, void *context)
{
  struct hd_capture *capture = context;
  if (entry->record && entry->record <= capture->records)
    capture->live[capture->live_count++] = *entry;
}

static void add_live(struct hd_capture *capture, const struct hd_live *entry)
{
  struct hd_totals *totals = &capture->totals[entry->record - 1];
  uint64_t age = capture->clock_ms > entry->born_ms ? capture->clock_ms - entry->born_ms : 0;
  uint32_t bucket = log2_ms(age);
  totals->live_objects++;
  totals->live_bytes += entry->size;
  if (bucket < capture->buckets)
    capture->ages[(size_t)(entry->record - 1) * capture->buckets + bucket]++;
}

static void add_pending(uint32_t record, uint64_t objects, uint64_t bytes, void *context)
{
  struct hd_capture *capture = context;
  if (record > capture->records)
    return;
  capture->totals[record - 1].objects += objects;
  capture->totals[record - 1].bytes += bytes;
}

/* With everything locked. */
static bool copy_tables(struct hd_capture *capture)
{
  capture->modules = hd_modules_count();
  capture->frames = hd_frames_count();
  capture->stacks = hd_stacks_count();
  capture->records = hd_records_count();
  capture->stacks_dropped = hd_stacks_dropped();
  capture->allocations_dropped = hd_sampling_dropped();
  capture->clock_ms = hd_sampling_clock();
  capture->time_ns = hd_clock_ns(CLOCK_REALTIME);
  capture->mono_ns = hd_monotonic_ns();
  hd_modules_note_gone();
  uint64_t blocks = hd_live_count();
  if ((capture->stacks > capture->room_stacks || capture->records > capture->room_records ||
       blocks > capture->room_live) &&
      !reserve(capture, capture->stacks, capture->records, blocks))
    return false;
  for (uint32_t i = 0; i < capture->records; i++) {
    struct hd_record *record = hd_record_at(i);
    capture->totals[i].objects = atomic_load_explicit(&record->objects, memory_order_relaxed);
    capture->totals[i].bytes = atomic_load_explicit(&record->bytes, memory_order_relaxed);
  }
  hd_sampling_visit_pending(add_pending, capture);
  hd_live_visit(copy_live, capture);
  uint64_t mappings_dropped;
  capture->mapped = hd_mappings_sum(capture->stacks, &capture->mapped_size, &mappings_dropped);
  capture->allocations_dropped += mappings_dropped;
  return true;
}

/* Records of a stack in the order in which they were made, those that stand for
 * anything: a stack may be known from an earlier recording. */
static void chain_records(struct hd_capture *capture)
{
  for (uint32_t id = capture->records; id > 0; id--) {
    const struct hd_totals *totals = &capture->totals[id - 1];
    uint32_t stack = hd_record_at(id - 1)->stack;
    if (!totals->objects && !totals->live_objects)
      continue;
    if (!capture->first[stack])
      capture->truncated += hd_stack_at(stack - 1)->truncated;
    capture->next[id] = capture->first[stack];
    capture->first[stack] = id;
  }
}

int hd_capture_take(struct hd_capture *capture, const char *reason, struct hd_scratch_text *buffer)
{
  memset(capture, 0, sizeof *capture);
  capture->reason = reason;
  capture->usage = hd_process_usage(buffer);
  if (hd_ticker_is_running() && capture->usage.threads > 1)
    capture->usage.threads--;
  uint64_t blocks = hd_live_count();
  reserve(capture, hd_stacks_count() + SPARE, hd_records_count() + SPARE,
          blocks + blocks / 16 + SPARE);
  if (!hd_live_lock(LOCK_TIMEOUT_MS)) {
    hd_capture_drop(capture);
    return EBUSY;
  }
  if (!hd_lock_take_within(&hd_tables_lock, LOCK_TIMEOUT_MS)) {
    hd_live_unlock();
    hd_capture_drop(capture);
    return EBUSY;
  }
  bool copied = copy_tables(capture);
  hd_lock_release(&hd_tables_lock);
  hd_live_unlock();
  capture->locked_ns = hd_monotonic_ns() - capture->mono_ns;
  if (!copied) {
    hd_capture_drop(capture);
    return ENOMEM;
  }
  for (uint64_t i = 0; i < capture->live_count; i++)
    add_live(capture, &capture->live[i]);
  chain_records(capture);
  return 0;
}

/* The pointer goes first: a child that is forked between would otherwise unmap
 * what has been mapped there since. */
void hd_capture_drop(struct hd_capture *capture)
{
  void *memory = capture->memory;
  capture->memory = NULL;
  atomic_signal_fence(memory_order_seq_cst);
  hd_unmap(memory, capture->size);
  struct hd_mapped *mapped = capture->mapped;
  capture->mapped = NULL;
  atomic_signal_fence(memory_order_seq_cst);
  hd_unmap(mapped, capture->mapped_size);
}
