#include "series.h"

#include "clock.h"
#include "elf_image.h"
#include "files.h"
#include "fork.h"
#include "memory.h"
#include "next.h"
#include "process_info.h"
#include "state.h"
#include "sys.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

enum { PAGE = 4096 };

struct hd_series hd_series;

/* A page that the kernel clears in every child that gets a copy of the memory,
 * however it is made; a plain variable where the kernel cannot. */
static _Atomic(int) fallback_mark;
_Atomic(int) *hd_series_mark = &fallback_mark;

static void make_mark(void)
{
  void *page = hd_series_mark == &fallback_mark ? hd_map(PAGE) : NULL;
  if (page && hd_sys3(SYS_madvise, page, PAGE, MADV_WIPEONFORK) == 0)
    hd_series_mark = page;
  atomic_store(hd_series_mark, 1);
}

/* PROGRAM in the files' names: its last part, with anything odd replaced. */
static void make_name(void)
{
  const char *slash = strrchr(hd_series.program, '/');
  const char *base = slash ? slash + 1 : hd_series.program;
  size_t i;
  for (i = 0; base[i] && i < HD_NAME_BYTES / 2; i++) {
    char c = base[i];
    bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                 (c && strchr("._+-", c));
    hd_series.name[i] = plain ? c : '_';
  }
  if (i == 0)
    hd_series.name[i++] = '_';
  hd_series.name[i] = '\0';
}

static void read_command(void)
{
  size_t length = hd_read_file("/proc/self/cmdline", hd_series.command, HD_COMMAND_BYTES);
  if (length && hd_series.command[length - 1])
    length++; /* cut off by the buffer, which terminates it */
  hd_series.command_length = length;
}

static void read_host(void)
{
  struct utsname name;
  if (hd_sys1(SYS_uname, &name) == 0)
    hd_text_copy(hd_series.host, HD_NAME_BYTES, name.nodename);
  hd_read_file("/proc/sys/kernel/random/boot_id", hd_series.boot_id, sizeof hd_series.boot_id);
  hd_series.boot_id[strcspn(hd_series.boot_id, "\n")] = '\0';
}

static void find_allocator(void)
{
  struct dl_find_object object;
  if (_dl_find_object((void *)(uintptr_t)hd_next.malloc, &object) == 0)
    hd_image_path(&object, hd_series.allocator, HD_PATH_BYTES);
}

static void read_start(void)
{
  struct hd_scratch_text *buffer = hd_map(sizeof *buffer);
  if (!buffer)
    return;
  hd_series.start_ns = hd_process_start_ns(buffer);
  hd_unmap(buffer, sizeof *buffer);
}

void hd_series_note_process(void)
{
  hd_series.pid = hd_getpid();
  make_mark();
}

void hd_series_start(void)
{
  hd_series_note_process();
  hd_series.image_ns = hd_monotonic_ns();
  hd_series.sequence = hd_series.failed = 0;
  hd_series.attempt = 0;
  hd_read_link("/proc/self/exe", hd_series.program, HD_PATH_BYTES);
  make_name();
  read_command();
  read_host();
  find_allocator();
  read_start();
}

/* The start is read when the first snapshot is due: a child that runs another
 * program at once must cost little. */
void hd_series_forked(void)
{
  hd_series.pid = hd_getpid();
  hd_series.image_ns = hd_monotonic_ns();
  hd_series.start_ns = 0;
  hd_series.sequence = hd_series.failed = 0;
  hd_series.attempt = 0;
  hd_series.is_child = true;
  atomic_store(hd_series_mark, 1);
}

bool hd_series_become_current(void)
{
  bool marked = atomic_load_explicit(hd_series_mark, memory_order_relaxed);
  if (HD_UNLIKELY(hd_self.holds_all)) {
    hd_fork_end(!marked);
    return hd_is_on();
  }
  return HD_LIKELY(marked) || hd_fork_adopt();
}

bool hd_series_is_own_process(void)
{
  return hd_getpid() == hd_series.pid;
}
