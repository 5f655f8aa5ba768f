/* dlclose is where what is known of an address can become wrong. dlopen is not
 * hooked: it looks at its caller to find the library. */
#include "hooks.h"
#include "modules.h"
#include "next.h"

#include <dlfcn.h>

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
