#include "loader.h"

#include "control.h"
#include "entry.h"
#include "got.h"
#include "hooks.h"
#include "modules.h"
#include "next.h"
#include "recording.h"
#include "state.h"
#include "trigger.h"

/* When to look after a dlopen has begun: at once, which waits until one that is there
 * already has ended, and again for as long as one may take. */
static const uint64_t delays_ns[] = {0, 1000000, 10000000, 100000000, 1000000000};
enum { LOOKS = sizeof delays_ns / sizeof *delays_ns };

static unsigned looks = LOOKS;
static uint64_t look_at;
static unsigned long long seen;
__attribute__((used)) void *hd_loader_real_dlopen;

/* dlclose is where what is known of an address can become wrong. */
HD_EXPORT int dlclose(void *handle)
{
  static int (*_Atomic cached)(void *);
  int (*next)(void *) = cached;
  if (!next)
    cached = next = (int (*)(void *))(uintptr_t)hd_next_find("dlclose");
  if (!next)
    return -1;
  hd_modules_closing();
  int result = next(handle);
  hd_modules_closed();
  return result;
}

HD_ENTERED void note_opening(void)
{
  if (hd_is_on())
    hd_trigger_raise(HD_EVENT_LOADED);
}

__asm__(".pushsection .text\n\t"
        ".globl hd_loader_dlopen\n\t"
        ".hidden hd_loader_dlopen\n\t"
        ".type hd_loader_dlopen, @function\n"
        "hd_loader_dlopen:\n\t"
        ".cfi_startproc\n\t"
        "push %rdi\n\t"
        ".cfi_adjust_cfa_offset 8\n\t"
        "push %rsi\n\t"
        ".cfi_adjust_cfa_offset 8\n\t"
        "sub $8, %rsp\n\t"
        ".cfi_adjust_cfa_offset 8\n\t"
        "call note_opening\n\t"
        "add $8, %rsp\n\t"
        ".cfi_adjust_cfa_offset -8\n\t"
        "pop %rsi\n\t"
        ".cfi_adjust_cfa_offset -8\n\t"
        "pop %rdi\n\t"
        ".cfi_adjust_cfa_offset -8\n\t"
        "jmp *hd_loader_real_dlopen(%rip)\n\t"
        ".cfi_endproc\n\t"
        ".size hd_loader_dlopen, . - hd_loader_dlopen\n\t"
        ".popsection");

static void patch(void)
{
  seen = hd_got_loads();
  hd_recording_patch();
  hd_control_tell(hd_recording_patched());
}

void hd_loader_look(void)
{
  if (hd_attached && hd_is_on() && (hd_got_is_unfinished() || hd_got_loads() != seen))
    patch();
}

void hd_loader_begin(void)
{
  looks = 0;
  look_at = 0;
}

uint64_t hd_loader_attend(uint64_t now_ns)
{
  if (hd_trigger_take(HD_EVENT_LOADED))
    hd_loader_begin();
  if (!hd_is_on() || looks == LOOKS)
    return UINT64_MAX;
  if (now_ns < look_at)
    return look_at;
  patch();
  if (++looks == LOOKS)
    return UINT64_MAX;
  look_at = now_ns + delays_ns[looks];
  return look_at;
}
