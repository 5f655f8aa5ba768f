/* Frames become locations, locations a stack. What is named by function, file and
 * line is known by them alone; what is not goes by module and offset. */
#include "readers/lsan.h"

#include <string.h>

static const char unknown[] = "[unknown]";

static bool add_string(struct hd_lsan_stack *stack, struct hd_scan text, uint32_t *id,
                       struct hd_error *error)
{
  *id = 0;
  return text.at == text.end ||
         hd_profile_string(stack->profile, text.at, hd_scan_left(&text), id, error);
}

/* The number that a text stands for in one of the lists, 0 while it is new; *slot is
 * valid until the list grows. */
static bool find_text(struct hd_lsan_stack *stack, const char *text, size_t length, bool module,
                      uint32_t **slot, struct hd_error *error)
{
  uint32_t id;
  if (!hd_strings_intern(&stack->texts, text, length, &id))
    return hd_fail_memory(error);
  while (!module && stack->locations.count <= id)
    if (!hd_vec_push(&stack->locations, 0))
      return hd_fail_memory(error);
  while (module && stack->modules.count <= id)
    if (!hd_vec_push(&stack->modules, 0))
      return hd_fail_memory(error);
  *slot = (module ? stack->modules.items : stack->locations.items) + id;
  return true;
}

/* --- modules -------------------------------------------------------------------- */

static bool add_module(struct hd_lsan_stack *stack, const struct hd_lsan_frame *frame,
                       const char *build_id, size_t length, uint32_t *id, struct hd_error *error)
{
  struct hd_module module = {.by_address = true};
  struct hd_scan hex = hd_scan_of(build_id, length);
  return add_string(stack, frame->module, &module.path, error) &&
         add_string(stack, hex, &module.build_id, error) &&
         hd_profile_add_module(stack->profile, module, id, error);
}

/* A module is its path and build-id. */
static bool find_module(struct hd_lsan_stack *stack, const struct hd_lsan_frame *frame,
                        uint32_t *id, struct hd_error *error)
{
  struct hd_buffer key = HD_BUFFER_INIT;
  size_t path = hd_scan_left(&frame->module), length = hd_scan_left(&frame->build_id);
  uint32_t *slot;
  hd_buffer_append(&key, frame->module.at, path);
  hd_buffer_append(&key, "\n", 1);
  for (size_t i = 0; i < length; i++) {
    char c = frame->build_id.at[i];
    c = c >= 'A' && c <= 'F' ? (char)(c | 0x20) : c;
    hd_buffer_append(&key, &c, 1);
  }
  bool fine = key.failed ? hd_fail_memory(error)
                         : find_text(stack, key.data, key.length, true, &slot, error);
  if (fine && !*slot)
    fine = add_module(stack, frame, key.data + path + 1, length, slot, error);
  if (fine)
    *id = *slot;
  hd_buffer_deinit(&key);
  return fine;
}

/* --- locations ------------------------------------------------------------------ */

static bool end_location(struct hd_lsan_stack *stack, struct hd_error *error)
{
  uint32_t *slot;
  if (!stack->text.length)
    return true;
  if (stack->text.failed)
    return hd_fail_memory(error);
  if (!find_text(stack, stack->text.data, stack->text.length, false, &slot, error))
    return false;
  if (!*slot &&
      !hd_profile_add_location(stack->profile, stack->module, stack->offset, stack->frames.items,
                               stack->frames.count, false, slot, error))
    return false;
  hd_buffer_clear(&stack->text);
  stack->frames.count = 0;
  stack->module = 0;
  stack->offset = 0;
  return hd_vec_push(&stack->path, *slot) || hd_fail_memory(error);
}

static bool same_frame(const struct hd_frame *a, const struct hd_frame *b)
{
  return a->function == b->function && a->file == b->file && a->line == b->line;
}

/* No compiler inlines deeper; and all of them are compared. */
enum { MAX_INLINED = 256 };

/* A frame of the same address is what the one before it is inlined into, unless it
 * is there already: then the function called itself. */
static bool is_inlined(const struct hd_lsan_stack *stack, uint64_t address,
                       const struct hd_frame *frame)
{
  if (!stack->text.length || stack->address != address || stack->frames.count >= MAX_INLINED)
    return false;
  for (size_t i = 0; i < stack->frames.count; i++)
    if (same_frame(&stack->frames.items[i], frame))
      return false;
  return stack->frames.count > 0;
}

/* A stack or heap "module" is where unwinding went astray; what runs there has no
 * file, and its address means nothing in another process. */
static bool is_file(struct hd_scan module)
{
  return module.at < module.end && *module.at != '[';
}

static bool add_frame(struct hd_lsan_stack *stack, uint64_t address,
                      const struct hd_lsan_frame *from, struct hd_error *error)
{
  struct hd_scan function = from->function;
  bool placed = is_file(from->module), named = function.at < function.end;
  struct hd_frame frame = {.line = from->line};
  if (!named && !placed)
    function = hd_scan_of(unknown, sizeof unknown - 1);
  if (!add_string(stack, function, &frame.function, error) ||
      !add_string(stack, from->file, &frame.file, error))
    return false;
  if (!is_inlined(stack, address, &frame) && !end_location(stack, error))
    return false;
  stack->address = address;
  if (placed) {
    stack->offset = from->offset;
    if (!find_module(stack, from, &stack->module, error))
      return false;
  }
  hd_buffer_printf(&stack->text, "%x %x %x %x %llx\n", frame.function, frame.file, frame.line,
                   stack->module, (unsigned long long)stack->offset);
  return !frame.function || hd_vec_push(&stack->frames, frame) || hd_fail_memory(error);
}

/* --- stacks --------------------------------------------------------------------- */

void hd_lsan_stack_begin(struct hd_lsan_stack *stack)
{
  stack->path.count = stack->frames.count = 0;
  hd_buffer_clear(&stack->text);
  stack->module = 0;
  stack->offset = 0;
  stack->next = 0;
  stack->fingerprint = 0;
}

bool hd_lsan_stack_add(struct hd_lsan_stack *stack, const struct hd_lsan_line *line, bool *fine,
                       struct hd_error *error)
{
  struct hd_lsan_frame frame;
  *fine = hd_lsan_frame_of(line->text, &frame);
  if (!*fine)
    return true;
  uint64_t parts[2] = {stack->fingerprint, line->address};
  stack->fingerprint = hd_hash(parts, sizeof parts);
  stack->next = line->number + 1;
  return add_frame(stack, line->address, &frame, error);
}

bool hd_lsan_stack_end(struct hd_lsan_stack *stack, uint32_t *id, struct hd_error *error)
{
  return end_location(stack, error) && hd_profile_add_stack(stack->profile, stack->path.items,
                                                            stack->path.count, false, id, error);
}

void hd_lsan_stack_deinit(struct hd_lsan_stack *stack)
{
  hd_strings_deinit(&stack->texts);
  hd_vec_deinit(&stack->locations);
  hd_vec_deinit(&stack->modules);
  hd_vec_deinit(&stack->path);
  hd_buffer_deinit(&stack->text);
  hd_vec_deinit(&stack->frames);
}
