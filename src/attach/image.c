#include "attach/image.h"

#include "base/alloc.h"

#include <elf.h>
#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct function {
  uint64_t start, end;
  const char *name; /* the ELF file's */
};

/* A module's userdata. */
struct module {
  const struct hd_image *image;
  enum hd_module_kind kind;
};

struct hd_image {
  pid_t pid;
  struct hd_arena arena;
  const struct hd_maps *maps;
  Dwfl *dwfl;
  Dwfl_Module *libc;
  uint64_t loader, entry;            /* of ld.so its lowest address, of the program some code */
  HD_VEC(struct function) functions; /* of libc and libdl, by address */
  bool failed;                       /* memory was short on the way */
};

/* --- modules ------------------------------------------------------------------------------ */

/* By the mapping, not by the name: that may mean another file here, or none. */
static int find_elf(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
                    char **file_name, Elf **elf)
{
  const struct module *own = *userdata;
  const struct hd_image *image = own ? own->image : NULL;
  for (size_t i = 0; image && i < image->maps->items.count; i++) {
    const struct hd_mapping *mapping = &image->maps->items.items[i];
    if (mapping->start != base || mapping->path[0] != '/')
      continue;
    int fd = hd_mapping_open(image->pid, mapping);
    if (fd < 0)
      break;
    *file_name = strdup(mapping->path);
    return fd;
  }
  if (name[0] == '/' && !strstr(name, " (deleted)"))
    return -1;
  return dwfl_linux_proc_find_elf(module, userdata, name, base, file_name, elf);
}

static int find_no_debug(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr base,
                         const char *file, const char *link, GElf_Word crc, char **found)
{
  (void)module, (void)userdata, (void)name, (void)base;
  (void)file, (void)link, (void)crc, (void)found;
  return -1;
}

static const char *base_name(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* libc.so.6, or libc-2.31.so as it was called before glibc 2.35. */
static bool is_libc_name(const char *name)
{
  return strcmp(name, "libc.so.6") == 0 ||
         (strncmp(name, "libc-2.", 7) == 0 && strstr(name, ".so"));
}

static bool is_libdl_name(const char *name)
{
  return strcmp(name, "libdl.so.2") == 0 || strncmp(name, "libdl-2.", 8) == 0;
}

/* What the kernel told the program when it started it; 0: nothing of this type. */
static uint64_t auxiliary(pid_t pid, uint64_t type)
{
  char text[4096] __attribute__((aligned(__alignof__(Elf64_auxv_t))));
  ssize_t length = hd_process_text(pid, "auxv", text, sizeof text);
  const Elf64_auxv_t *entries = (const void *)text;
  for (ssize_t i = 0; i < length / (ssize_t)sizeof *entries; i++)
    if (entries[i].a_type == type)
      return entries[i].a_un.a_val;
  return 0;
}

/* Opens it, and reads what the unwinder will want. */
static int take_module(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr start,
                       void *context)
{
  (void)start;
  struct hd_image *image = context;
  Dwarf_Addr bias;
  struct module *own = hd_arena_alloc(&image->arena, sizeof *own);
  if (!own) {
    image->failed = true;
    return DWARF_CB_ABORT;
  }
  *own = (struct module){image, HD_CODE_OTHER};
  *userdata = own;
  if (is_libc_name(base_name(name)))
    image->libc = module;
  if (dwfl_module_getelf(module, &bias)) {
    dwfl_module_eh_cfi(module, &bias);
    dwfl_module_dwarf_cfi(module, &bias);
  }
  return DWARF_CB_OK;
}

/* --- functions ---------------------------------------------------------------------------- */

/* Each defined function of a module's dynamic symbols; `take` returns false to end it. */
static void each_function(Dwfl_Module *module, bool (*take)(void *context, struct function found),
                          void *context)
{
  Dwarf_Addr bias;
  Elf *elf = dwfl_module_getelf(module, &bias);
  for (Elf_Scn *section = NULL; elf && (section = elf_nextscn(elf, section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM || !header.sh_entsize)
      continue;
    Elf_Data *data = elf_getdata(section, NULL);
    size_t count = data ? data->d_size / header.sh_entsize : 0;
    for (size_t i = 0; i < count; i++) {
      GElf_Sym symbol;
      if (!gelf_getsym(data, (int)i, &symbol) || symbol.st_shndx == SHN_UNDEF ||
          GELF_ST_TYPE(symbol.st_info) != STT_FUNC)
        continue;
      const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
      uint64_t at = symbol.st_value + bias;
      if (name && !take(context, (struct function){at, at + symbol.st_size, name}))
        return;
    }
  }
}

static bool take_function(void *context, struct function found)
{
  struct hd_image *image = context;
  image->failed |= !hd_vec_push(&image->functions, found);
  return !image->failed;
}

static bool take_malloc(void *context, struct function found)
{
  bool *has = context;
  *has = strcmp(found.name, "malloc") == 0;
  return !*has;
}

/* Of several names for one place the public one comes last. */
static int by_address(const void *a, const void *b)
{
  const struct function *left = a, *right = b;
  if (left->start != right->start)
    return left->start < right->start ? -1 : 1;
  return (right->name[0] == '_') - (left->name[0] == '_');
}

static int classify(Dwfl_Module *module, void **userdata, const char *name, Dwarf_Addr start,
                    void *context)
{
  struct hd_image *image = context;
  struct module *own = *userdata;
  bool has_malloc = false;
  if (module == image->libc || is_libdl_name(base_name(name)))
    each_function(module, take_function, image);
  if (module == image->libc)
    own->kind = HD_CODE_LIBC;
  else if (start == image->loader)
    own->kind = HD_CODE_LOADER;
  else
    each_function(module, take_malloc, &has_malloc);
  if (has_malloc)
    own->kind = module == dwfl_addrmodule(image->dwfl, image->entry) ? HD_CODE_PROGRAM_ALLOCATOR
                                                                     : HD_CODE_ALLOCATOR;
  return DWARF_CB_OK;
}

bool hd_image_create(pid_t pid, const struct hd_maps *maps, struct hd_image **out,
                     struct hd_error *error)
{
  static char *no_path;
  static const Dwfl_Callbacks callbacks = {
      .find_elf = find_elf, .find_debuginfo = find_no_debug, .debuginfo_path = &no_path};
  struct hd_image *image = hd_alloc_zeroed(1, sizeof *image);
  if (!image)
    return hd_fail_memory(error);
  image->pid = pid;
  image->maps = maps;
  image->loader = auxiliary(pid, AT_BASE);
  image->entry = auxiliary(pid, AT_ENTRY);
  image->dwfl = dwfl_begin(&callbacks);
  bool good = image->dwfl && dwfl_linux_proc_report(image->dwfl, pid) == 0 &&
              dwfl_report_end(image->dwfl, NULL, NULL) == 0 &&
              dwfl_getmodules(image->dwfl, take_module, image, 0) == 0 &&
              dwfl_getmodules(image->dwfl, classify, image, 0) == 0 &&
              dwfl_linux_proc_attach(image->dwfl, pid, true) == 0;
  const char *why = good ? NULL : dwfl_errmsg(-1);
  if (image->failed)
    good = hd_fail_memory(error);
  else if (!good)
    hd_fail_input(error, "its modules cannot be read: %s", why ? why : "the process has ended");
  if (image->functions.count)
    qsort(image->functions.items, image->functions.count, sizeof *image->functions.items,
          by_address);
  *out = image;
  if (!good) {
    hd_image_destroy(image);
    *out = NULL;
  }
  return good;
}

void hd_image_destroy(struct hd_image *image)
{
  if (!image)
    return;
  if (image->dwfl)
    dwfl_end(image->dwfl);
  hd_vec_deinit(&image->functions);
  hd_arena_deinit(&image->arena);
  hd_free(image);
}

bool hd_image_has_libc(const struct hd_image *image)
{
  return image->libc != NULL;
}

uint64_t hd_image_function(const struct hd_image *image, const char *name)
{
  for (size_t i = 0; i < image->functions.count; i++)
    if (strcmp(image->functions.items[i].name, name) == 0)
      return image->functions.items[i].start;
  return 0;
}

static const char *function_at(const struct hd_image *image, uint64_t pc)
{
  size_t low = 0, high = image->functions.count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (image->functions.items[middle].start <= pc)
      low = middle + 1;
    else
      high = middle;
  }
  const struct function *found = low ? &image->functions.items[low - 1] : NULL;
  return found && pc < found->end ? found->name : NULL;
}

/* Searches one mapping for the two bytes of the instruction. */
static uint64_t syscall_in(pid_t pid, const struct hd_mapping *mapping)
{
  enum { CHUNK = 65536 };
  unsigned char *bytes = hd_alloc(CHUNK);
  uint64_t found = 0;
  for (uint64_t at = mapping->start; bytes && !found && at < mapping->end; at += CHUNK - 1) {
    uint64_t left = mapping->end - at;
    struct iovec here = {bytes, left < CHUNK ? left : CHUNK};
    struct iovec there = {(void *)(uintptr_t)at, here.iov_len};
    ssize_t got = process_vm_readv(pid, &here, 1, &there, 1, 0);
    for (ssize_t i = 0; i + 1 < got && !found; i++)
      if (bytes[i] == 0x0f && bytes[i + 1] == 0x05)
        found = at + (uint64_t)i;
  }
  hd_free(bytes);
  return found;
}

uint64_t hd_image_syscall(const struct hd_image *image)
{
  for (size_t i = 0; i < image->maps->items.count; i++) {
    const struct hd_mapping *mapping = &image->maps->items.items[i];
    uint64_t found = mapping->executable && is_libc_name(base_name(mapping->path))
                         ? syscall_in(image->pid, mapping)
                         : 0;
    if (found)
      return found;
  }
  return 0;
}

/* --- stacks --------------------------------------------------------------------------------- */

struct walk {
  struct hd_image *image;
  struct hd_code_stack *stack;
};

static enum hd_module_kind kind_of(Dwfl_Module *module)
{
  void **userdata;
  if (!module || !dwfl_module_info(module, &userdata, NULL, NULL, NULL, NULL, NULL, NULL))
    return HD_CODE_UNKNOWN;
  const struct module *own = *userdata;
  return own ? own->kind : HD_CODE_UNKNOWN;
}

static int take_frame(Dwfl_Frame *frame, void *context)
{
  struct walk *walk = context;
  struct hd_code_stack *stack = walk->stack;
  Dwarf_Addr pc;
  bool interrupted;
  if (stack->count == HD_MOST_CODE_FRAMES || !dwfl_frame_pc(frame, &pc, &interrupted))
    return DWARF_CB_ABORT;
  uint64_t at = pc - !interrupted;
  struct hd_code_frame *next = &stack->frames[stack->count++];
  *next = (struct hd_code_frame){.kind = kind_of(dwfl_addrmodule(walk->image->dwfl, at)),
                                 .interrupted = interrupted,
                                 .pc = pc};
  if (next->kind == HD_CODE_LIBC)
    next->function = function_at(walk->image, at);
  return DWARF_CB_OK;
}

bool hd_image_stack(struct hd_image *image, pid_t tid, struct hd_code_stack *stack)
{
  struct walk walk = {image, stack};
  stack->count = 0;
  stack->whole = dwfl_getthread_frames(image->dwfl, tid, take_frame, &walk) == 0;
  return stack->count > 0;
}
