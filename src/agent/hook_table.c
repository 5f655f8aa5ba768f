#include "hook_table.h"

#include "elf_module.h"
#include "loader.h"
#include "next.h"
#include "recording.h"
#include "waits.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/auxv.h>

enum { HOOKS_MAX = 160, PLACES = 512, BITS = 4096, WORD = 64 };

static struct hd_hook hooks[HOOKS_MAX];
static size_t count;
static uint8_t places[PLACES]; /* index + 1 by the name's hash; 0: none */
static uint64_t reals[BITS / WORD];
static uintptr_t own_start, own_end;
static unsigned allocators;
static bool inside;

static size_t hash_of(const char *name)
{
  uint32_t hash = 5381;
  for (; *name; name++)
    hash = hash * 33 + (unsigned char)*name;
  return hash % PLACES;
}

/* Where the name is, or where it would be. */
static uint8_t *place_of(const char *name)
{
  size_t i = hash_of(name);
  while (places[i] && strcmp(hooks[places[i] - 1].name, name) != 0)
    i = (i + 1) % PLACES;
  return &places[i];
}

const struct hd_hook *hd_hook_named(const char *name)
{
  uint8_t place = *place_of(name);
  return place ? &hooks[place - 1] : NULL;
}

static size_t bit_of(uintptr_t address)
{
  return (address >> 4 ^ address >> 16) % BITS;
}

bool hd_hook_may_be_real(uintptr_t address)
{
  size_t bit = bit_of(address);
  return reals[bit / WORD] >> bit % WORD & 1;
}

bool hd_hook_is_own(uintptr_t address)
{
  return address - own_start < own_end - own_start;
}

static const char *const takes_block[] = {
    "free", "realloc", "reallocarray", "free_sized", "free_aligned_sized", "malloc_usable_size"};
/* What would meet the agent's thread, or leave a process without one. */
static const char *const stays[] = {
    "unshare",  "setns",    "pthread_exit", "setuid",    "setgid",    "seteuid",   "setegid",
    "setreuid", "setregid", "setresuid",    "setresgid", "setgroups", "initgroups"};

static bool is_among(const char *const names[], size_t number, const char *name)
{
  for (size_t i = 0; i < number; i++)
    if (strcmp(names[i], name) == 0)
      return true;
  return false;
}

#define IS_AMONG(names, name) is_among(names, sizeof names / sizeof *names, name)

/* What programs call by a name of the agent's is no hook. */
static void add(const char *name, void *function, void *unused)
{
  uint8_t *place = place_of(name);
  (void)unused;
  if (*place || count == HOOKS_MAX || strncmp(name, "heapdiff_", strlen("heapdiff_")) == 0)
    return;
  hooks[count] = (struct hd_hook){.name = name,
                                  .hook = function,
                                  .stays = IS_AMONG(stays, name),
                                  .takes_block = IS_AMONG(takes_block, name)};
  *place = (uint8_t)++count;
}

static void add_wait(const char *name, void *hook, void *unused)
{
  add(name, hook, unused);
  hooks[*place_of(name) - 1].stays = true;
}

static void note_own(const struct hd_elf_module *module)
{
  own_start = UINTPTR_MAX;
  for (size_t i = 0; i < module->header_count; i++) {
    const ElfW(Phdr) *header = &module->headers[i];
    uintptr_t start = module->bias + header->p_vaddr, end = start + header->p_memsz;
    if (header->p_type != PT_LOAD)
      continue;
    own_start = start < own_start ? start : own_start;
    own_end = end > own_end ? end : own_end;
  }
}

struct search {
  const char *name;
  void *found;
  unsigned modules, defining;
  bool own; /* the agent's comes before */
  bool in_program;
};

static bool is_own(const struct hd_elf_module *module)
{
  return hd_elf_has(module, (uintptr_t)hd_hook_table_make, 1, PF_X);
}

static int find_own(struct dl_phdr_info *info, size_t size, void *unused)
{
  struct hd_elf_module module;
  (void)size;
  (void)unused;
  if (!hd_elf_open(&module, info) || !is_own(&module))
    return 0;
  note_own(&module);
  hd_elf_each_function(&module, add, NULL);
  return 1;
}

static int search_module(struct dl_phdr_info *info, size_t size, void *context)
{
  struct search *search = context;
  struct hd_elf_module module;
  (void)size;
  bool first = search->modules++ == 0, loader = info->dlpi_addr == getauxval(AT_BASE);
  if ((loader && info->dlpi_addr) || !hd_elf_open(&module, info))
    return 0;
  void *found = hd_elf_function(&module, search->name);
  if (found && is_own(&module))
    search->own = !search->found;
  if (!found || is_own(&module))
    return 0;
  search->defining++;
  if (!search->found) {
    search->found = found;
    search->in_program = first;
  }
  return 0;
}

static struct search search_for(const char *name)
{
  struct search search = {.name = name};
  dl_iterate_phdr(search_module, &search);
  return search;
}

/* In the order of the list, which is that in which the program's own libraries are
 * searched. */
void *hd_hook_search(const char *name)
{
  return search_for(name).found;
}

bool hd_hook_allocator_is_inside(void)
{
  return inside;
}

bool hd_hook_is_behind_another(void)
{
  const struct hd_hook *hook = hd_hook_named("malloc");
  return hook && !hook->first;
}

unsigned hd_hook_allocators(void)
{
  return allocators;
}

static const void *object_of(const void *address)
{
  struct dl_find_object object;
  return _dl_find_object((void *)(uintptr_t)address, &object) == 0 ? object.dlfo_link_map : NULL;
}

/* C++'s operators are only of interest where they are the allocator's own. */
static bool only_passes(const struct hd_hook *hook)
{
  return strncmp(hook->name, "_Z", 2) == 0 &&
         (!hook->real || object_of(hook->real) != object_of((void *)(uintptr_t)hd_next.malloc));
}

/* Another library that stands before the same function may come before the agent. */
static void look_up(struct hd_hook *hook)
{
  struct search search = search_for(hook->name);
  hook->real = hd_attached ? search.found : hd_next_look_up(hook->name);
  hook->passes = only_passes(hook);
  hook->first = search.own || search.found == hook->real;
  if (!hook->real)
    return;
  size_t bit = bit_of((uintptr_t)hook->real);
  reals[bit / WORD] |= UINT64_C(1) << bit % WORD;
}

void hd_hook_table_make(void)
{
  if (!count)
    dl_iterate_phdr(find_own, NULL);
  if (hd_recording_is_possible)
    hd_waits_each(add_wait, NULL);
  if (hd_attached)
    add("dlopen", (void *)(uintptr_t)hd_loader_dlopen, NULL);
  for (size_t i = 0; i < count; i++)
    if (!hooks[i].real)
      look_up(&hooks[i]);
  struct search malloc_search = search_for("malloc");
  allocators = malloc_search.defining;
  inside = malloc_search.in_program;
  if (hd_recording_is_possible)
    hd_waits_resolve();
  if (hd_attached)
    hd_loader_real_dlopen = hd_hook_named("dlopen")->real;
}
