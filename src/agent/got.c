#include "got.h"

#include "elf_module.h"
#include "hook_table.h"
#include "hooks.h"
#include "lock.h"
#include "next.h"
#include "sys.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

enum { PAGE = 4096, FORK_PATIENCE_MS = 200 };

struct patching {
  enum hd_got_goal goal;
  uint64_t leading;
  bool unfinished;
  bool behind_loader; /* these modules may have been opened by the program */
  /* of the module at hand */
  const struct hd_elf_module *module;
  bool plain;              /* looks up functions as the program does */
  bool opened;             /* its read-only pages are writable just now */
  bool refused;            /* they cannot be made so */
  uintptr_t writable_page; /* one that was found to be */
};

static bool wants_hook(const struct patching *patching, const struct hd_hook *hook)
{
  switch (patching->goal) {
  case HD_GOT_HOOKS: return !hook->passes;
  case HD_GOT_DORMANT: return hook->stays || (hook->takes_block && hd_boot_is_used());
  default: return hook->takes_block && hd_boot_is_used();
  }
}

/* An atomic "or" of nothing, which the kernel does for a futex: it fails so where the
 * page cannot be written to. */
static bool is_writable(uintptr_t address)
{
  static uint32_t unused;
  const unsigned nothing = FUTEX_OP(FUTEX_OP_OR, 0, FUTEX_OP_CMP_LT, 0);
  return hd_sys6(SYS_futex, (long)&unused, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, 0, (long)address,
                 nothing) != -EFAULT;
}

static bool protect(const struct hd_elf_module *module, int protection)
{
  return hd_sys3(SYS_mprotect, module->relro_start, module->relro_end - module->relro_start,
                 protection) == 0;
}

static bool may_write(struct patching *patching, uintptr_t slot)
{
  const struct hd_elf_module *module = patching->module;
  uintptr_t page = slot & -(uintptr_t)PAGE;
  if (page >= module->relro_start && page < module->relro_end) {
    if (!patching->opened && !patching->refused) {
      patching->opened = protect(module, PROT_READ | PROT_WRITE);
      patching->refused = !patching->opened;
    }
    return patching->opened;
  }
  if (page != patching->writable_page && !is_writable(slot))
    return false;
  patching->writable_page = page;
  return true;
}

/* One that has not been called yet leads back into the module, to where the loader
 * is asked, which would find the hook or the real function. A module may define the
 * function itself, and find that first. */
static bool is_unresolved(const struct patching *patching, const struct hd_hook *hook,
                          const ElfW(Sym) * symbol, uintptr_t value)
{
  const struct hd_elf_module *module = patching->module;
  uintptr_t own = symbol->st_shndx == SHN_UNDEF ? 0 : module->bias + symbol->st_value;
  return patching->plain && hook->first && value != own && hd_elf_has(module, value, 1, PF_X) &&
         (!own || !module->symbolic || own == (uintptr_t)hook->real);
}

static bool is_candidate(const struct patching *patching, uintptr_t value, bool call)
{
  return hd_hook_is_own(value) || hd_hook_may_be_real(value) ||
         (call && hd_elf_has(patching->module, value, 1, PF_X));
}

static void look_at(struct patching *patching, const ElfW(Rela) * relocation, bool call)
{
  const struct hd_elf_module *module = patching->module;
  uintptr_t at = module->bias + relocation->r_offset;
  if (at % sizeof(uintptr_t) || !hd_elf_has(module, at, sizeof(uintptr_t), PF_W))
    return;
  _Atomic(uintptr_t) *slot = (_Atomic(uintptr_t) *)at;
  uintptr_t value = atomic_load_explicit(slot, memory_order_relaxed);
  if (!is_candidate(patching, value, call))
    return;
  const ElfW(Sym) *symbol = hd_elf_symbol(module, ELF64_R_SYM(relocation->r_info));
  const struct hd_hook *hook = symbol ? hd_hook_named(hd_elf_name(module, symbol)) : NULL;
  if (!hook)
    return;
  uintptr_t to_hook = (uintptr_t)hook->hook, to_real = (uintptr_t)hook->real;
  bool known = value == to_hook || (to_real && value == to_real);
  if (!to_real || (!known && !(call && is_unresolved(patching, hook, symbol, value)))) {
    patching->leading += value == to_hook;
    patching->unfinished |= call && !known;
    return;
  }
  uintptr_t wanted = wants_hook(patching, hook) ? to_hook : to_real;
  if (value != wanted && may_write(patching, at)) {
    atomic_store_explicit(slot, wanted, memory_order_release);
    value = wanted;
  }
  patching->leading += value == to_hook;
}

/* Where there is another allocator, a module that the program opened may look in its
 * own libraries first and find that one: one call that does nothing has the loader say
 * which. */
static bool is_plain(const struct patching *patching)
{
  const struct hd_elf_module *module = patching->module;
  const struct hd_hook *hook = hd_hook_named("free");
  if (!patching->behind_loader || hd_hook_allocators() <= 1)
    return true;
  for (size_t i = 0; hook && i < module->call_count; i++) {
    uintptr_t at = module->bias + module->calls[i].r_offset;
    const ElfW(Sym) *symbol = hd_elf_symbol(module, ELF64_R_SYM(module->calls[i].r_info));
    if (ELF64_R_TYPE(module->calls[i].r_info) != R_X86_64_JUMP_SLOT || !symbol ||
        strcmp(hd_elf_name(module, symbol), hook->name) != 0 || at % sizeof(uintptr_t) ||
        !hd_elf_has(module, at, sizeof(uintptr_t), PF_W))
      continue;
    _Atomic(uintptr_t) *slot = (_Atomic(uintptr_t) *)at;
    uintptr_t value = atomic_load(slot);
    if (hd_elf_has(module, value, 1, PF_X))
      ((void (*)(void *))value)(NULL);
    value = atomic_load(slot);
    return value == (uintptr_t)hook->real || value == (uintptr_t)hook->hook;
  }
  return false;
}

static void patch_module(struct patching *patching)
{
  const struct hd_elf_module *module = patching->module;
  for (size_t i = 0; i < module->call_count; i++)
    if (ELF64_R_TYPE(module->calls[i].r_info) == R_X86_64_JUMP_SLOT)
      look_at(patching, &module->calls[i], true);
  for (size_t i = 0; i < module->data_count; i++) {
    const ElfW(Rela) *relocation = &module->data[i];
    unsigned type = ELF64_R_TYPE(relocation->r_info);
    if (type == R_X86_64_JUMP_SLOT)
      look_at(patching, relocation, true);
    else if (type == R_X86_64_GLOB_DAT || (type == R_X86_64_64 && !relocation->r_addend))
      look_at(patching, relocation, false);
  }
  if (patching->opened)
    protect(module, PROT_READ);
}

/* The agent itself calls past its hooks, and the loader must not be led astray. */
static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
  struct patching *patching = context;
  struct hd_elf_module module;
  uintptr_t vdso = getauxval(AT_SYSINFO_EHDR), loader = getauxval(AT_BASE);
  (void)size;
  if (loader && info->dlpi_addr == loader) {
    patching->behind_loader = true;
    return 0;
  }
  if (!hd_elf_open(&module, info) || hd_elf_has(&module, (uintptr_t)hd_got_patch, 1, PF_X) ||
      (vdso && hd_elf_has(&module, vdso, 1, 0)))
    return 0;
  patching->module = &module;
  patching->opened = patching->refused = false;
  patching->writable_page = 0;
  patching->plain = is_plain(patching);
  patch_module(patching);
  return 0;
}

/* dl_iterate_phdr shows modules that a dlopen of another thread is still relocating.
 * Only the loader's other lock keeps those away, which is held while dlsym runs the
 * resolver of an indirect function: so that is where the work is done. */
static struct patching *waiting;
static struct hd_lock loader_lock;
static bool unfinished;

static void work(void)
{
  struct patching *patching = waiting;
  waiting = NULL;
  if (patching)
    dl_iterate_phdr(visit, patching);
}

static void nothing(void)
{
}

static __attribute__((used)) void (*resolve_locked(void))(void)
{
  work();
  return nothing;
}

HD_EXPORT void heapdiff_agent_locked(void) __attribute__((ifunc("resolve_locked")));

uint64_t hd_got_patch(enum hd_got_goal goal)
{
  struct patching patching = {.goal = goal};
  hd_lock_take(&loader_lock);
  hd_hook_table_make();
  waiting = &patching;
  dlsym(RTLD_DEFAULT, "heapdiff_agent_locked");
  work(); /* where it was not found */
  unfinished = patching.unfinished;
  hd_lock_release(&loader_lock);
  return patching.leading;
}

bool hd_got_is_unfinished(void)
{
  return unfinished;
}

static int read_loads(struct dl_phdr_info *info, size_t size, void *context)
{
  (void)size;
  *(unsigned long long *)context = info->dlpi_adds;
  return 1;
}

unsigned long long hd_got_loads(void)
{
  unsigned long long loads = 0;
  hd_lock_take(&loader_lock);
  dl_iterate_phdr(read_loads, &loads);
  hd_lock_release(&loader_lock);
  return loads;
}

bool hd_got_lock(void)
{
  return hd_lock_take_within(&loader_lock, FORK_PATIENCE_MS);
}

void hd_got_unlock(void)
{
  hd_lock_release(&loader_lock);
}

void hd_got_forked(void)
{
  hd_lock_reset(&loader_lock);
  waiting = NULL;
}
