#include "symbols/dwarf.h"

#include <setjmp.h>

static _Thread_local jmp_buf *guard;

__attribute__((noreturn)) static void out_of_memory(void)
{
  longjmp(*guard, 1);
}

bool hd_dwarf_guarded(void (*work)(void *), void *context)
{
  jmp_buf here;
  if (setjmp(here)) {
    guard = NULL;
    return false;
  }
  guard = &here;
  work(context);
  guard = NULL;
  return true;
}

void hd_dwarf_guard_handle(Dwarf *handle)
{
  dwarf_new_oom_handler(handle, out_of_memory);
}
