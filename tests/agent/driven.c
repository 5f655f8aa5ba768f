/* Does what it is told on its standard input, a command a line, and says "ok" after
 * each: so that what happens between two looks at it is known.
 *
 *   attach PATH        opens the agent and attaches it, as ptrace would have it done
 *   slots              the functions whose slots lead into the agent, as words
 *   alloc SITE N SIZE  N blocks through a site: direct, pointer, inner, plugin, new
 *   free N             the N blocks that were allocated last
 *   open PATH          a library with plugin_alloc
 *   threads N          N threads that allocate and free until
 *   halt               they end: how many they allocated and hold
 *   fork               a child that does the same; its pid. It reads the commands that
 *   child              begins: up to "child end" they are for the youngest child
 *   exec PATH          runs another program in place of this one
 *   exit N, _exit N    ends */
#include "site.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BLOCKS = 1 << 20, THREADS = 64, HELD = 32, LINE = 4200 };

static void *blocks[BLOCKS];
static size_t count;
static void *(*volatile pointer)(size_t) = malloc;
static void *(*plugin)(size_t);
static pthread_t threads[THREADS];
static int thread_count;
static atomic_bool halting;
static atomic_ulong allocated;

SITE static void *site_direct(size_t size)
{
  void *block = malloc(size);
  KEEP(block);
  return block;
}

SITE static void *site_pointer(size_t size)
{
  void *block = pointer(size);
  KEEP(block);
  return block;
}

/* By libc itself. */
SITE static void *site_inner(size_t size)
{
  char text[LINE] = "";
  memset(text, 'x', size - 1);
  void *block = strdup(text);
  KEEP(block);
  return block;
}

SITE static void *site_plugin(size_t size)
{
  void *block = plugin(size);
  KEEP(block);
  return block;
}

SITE static void *site_thread(size_t size)
{
  void *block = malloc(size);
  KEEP(block);
  return block;
}

static void *work(void *unused)
{
  void *held[HELD] = {0};
  unsigned long i = 0;
  for (; !halting; i++) {
    free(held[i % HELD]);
    held[i % HELD] = site_thread(64 + i % 512);
    if (i % 64 == 0)
      held[i % HELD] = realloc(held[i % HELD], 1024);
  }
  for (int k = 0; k < HELD; k++)
    free(held[k]);
  allocated += i;
  return unused;
}

static void start_threads(int number)
{
  halting = false;
  allocated = 0;
  for (thread_count = 0; thread_count < number && thread_count < THREADS; thread_count++)
    pthread_create(&threads[thread_count], NULL, work, NULL);
}

static void halt(void)
{
  halting = true;
  while (thread_count > 0)
    pthread_join(threads[--thread_count], NULL);
  printf("%lu ", (unsigned long)allocated);
}

static void allocate(const char *site, size_t number, size_t size)
{
  void *(*by)(size_t) = strcmp(site, "pointer") == 0  ? site_pointer
                        : strcmp(site, "inner") == 0  ? site_inner
                        : strcmp(site, "plugin") == 0 ? site_plugin
                                                      : site_direct;
  for (size_t i = 0; i < number && count < BLOCKS; i++)
    blocks[count++] = by(size);
}

static void release(size_t number)
{
  while (number-- > 0 && count > 0)
    free(blocks[--count]);
}

/* --- slots ------------------------------------------------------------------------ */

static uintptr_t agent_start, agent_end;

static int find_agent(struct dl_phdr_info *info, size_t size, void *unused)
{
  (void)size;
  (void)unused;
  if (!strstr(info->dlpi_name, "heapdiff-agent"))
    return 0;
  const ElfW(Phdr) *last = NULL;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_LOAD)
      last = &info->dlpi_phdr[i];
  agent_start = info->dlpi_addr;
  agent_end = last ? info->dlpi_addr + last->p_vaddr + last->p_memsz : 0;
  return 1;
}

struct tables {
  const ElfW(Sym) * symbols;
  const char *strings;
  const ElfW(Rela) * rela[2];
  size_t size[2];
};

static uintptr_t place(const struct dl_phdr_info *info, ElfW(Addr) address)
{
  return address < info->dlpi_addr ? info->dlpi_addr + address : address;
}

static void read_dynamic(const struct dl_phdr_info *info, const ElfW(Dyn) * at,
                         struct tables *tables)
{
  for (; at->d_tag != DT_NULL; at++) {
    uintptr_t address = place(info, at->d_un.d_ptr);
    if (at->d_tag == DT_SYMTAB)
      tables->symbols = (const ElfW(Sym) *)address;
    else if (at->d_tag == DT_STRTAB)
      tables->strings = (const char *)address;
    else if (at->d_tag == DT_JMPREL)
      tables->rela[0] = (const ElfW(Rela) *)address;
    else if (at->d_tag == DT_RELA)
      tables->rela[1] = (const ElfW(Rela) *)address;
    else if (at->d_tag == DT_PLTRELSZ)
      tables->size[0] = at->d_un.d_val;
    else if (at->d_tag == DT_RELASZ)
      tables->size[1] = at->d_un.d_val;
  }
}

static int show_slots(struct dl_phdr_info *info, size_t size, void *unused)
{
  struct tables tables = {.symbols = NULL};
  (void)size;
  (void)unused;
  if (info->dlpi_addr == agent_start || strstr(info->dlpi_name, "linux-vdso"))
    return 0;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_DYNAMIC)
      read_dynamic(info, (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
                   &tables);
  for (int k = 0; k < 2; k++) {
    for (size_t i = 0; tables.symbols && i < tables.size[k] / sizeof(ElfW(Rela)); i++) {
      const ElfW(Rela) *relocation = &tables.rela[k][i];
      uintptr_t value = *(const uintptr_t *)(info->dlpi_addr + relocation->r_offset);
      size_t symbol = ELF64_R_SYM(relocation->r_info);
      if (symbol && value >= agent_start && value < agent_end)
        printf("%s ", tables.strings + tables.symbols[symbol].st_name);
    }
  }
  return 0;
}

/* --- commands --------------------------------------------------------------------- */

static void attach(const char *path)
{
  void *agent = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  int (*function)(void) = agent ? (int (*)(void))dlsym(agent, "heapdiff_agent_attach") : NULL;
  printf("%d ", function ? function() : -1);
}

static void open_library(const char *path)
{
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  plugin = library ? (void *(*)(size_t))dlsym(library, "plugin_alloc") : NULL;
  printf("%d ", plugin != NULL);
}

static int to_child = -1;
static bool is_child;

/* The child reads from a pipe that its parent fills. */
static void make_child(void)
{
  int ends[2];
  if (pipe(ends) != 0)
    exit(3);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    is_child = true;
    dup2(ends[0], 0);
    close(ends[0]);
    close(ends[1]);
    return;
  }
  close(ends[0]);
  to_child = ends[1];
  printf("%d ", (int)child);
}

static void run_program(const char *path)
{
  fflush(stdout);
  execl(path, path, (char *)NULL);
  exit(3);
}

static bool run(const char *command, char *first, size_t number, size_t size)
{
  if (strcmp(command, "attach") == 0)
    attach(first);
  else if (strcmp(command, "alloc") == 0)
    allocate(first, number, size);
  else if (strcmp(command, "free") == 0)
    release((size_t)atol(first));
  else if (strcmp(command, "open") == 0)
    open_library(first);
  else if (strcmp(command, "threads") == 0)
    start_threads(atoi(first));
  else if (strcmp(command, "halt") == 0)
    halt();
  else if (strcmp(command, "fork") == 0)
    make_child();
  else if (strcmp(command, "exec") == 0)
    run_program(first);
  else if (strcmp(command, "slots") == 0)
    dl_iterate_phdr(show_slots, NULL);
  else if (strcmp(command, "setgid") == 0)
    printf("%d ", setgid(getgid()));
  else if (strcmp(command, "_exit") == 0)
    _exit(atoi(first));
  else
    return false;
  return true;
}

/* Without a buffer: a child must not find what is meant for its parent. */
static bool read_line(char *line)
{
  size_t length = 0;
  while (length < LINE - 1 && read(0, line + length, 1) == 1)
    if (line[length++] == '\n')
      break;
  line[length] = '\0';
  return length;
}

int main(void)
{
  static char line[LINE], command[LINE], first[LINE];
  size_t number, size;
  while (read_line(line)) {
    number = size = 0;
    command[0] = first[0] = '\0';
    sscanf(line, "%4000s %4000s %zu %zu", command, first, &number, &size);
    dl_iterate_phdr(find_agent, NULL);
    if (strcmp(command, "child") == 0) {
      const char *rest = line + strlen("child ");
      if (write(to_child, rest, strlen(rest)) < 0)
        return 3;
      continue; /* the child answers */
    }
    if (strcmp(command, "exit") == 0)
      return atoi(first);
    bool child = is_child;
    if (!run(command, first, number, size))
      return 2;
    if (child == is_child)
      puts("ok");
    fflush(stdout);
  }
  return 0;
}
