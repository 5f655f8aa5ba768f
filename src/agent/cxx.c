#include "cxx.h"

#include "hooks.h"
#include "next.h"
#include "sampling.h"

#include <dlfcn.h>
#include <stdlib.h>

/* Mangled names (Itanium C++ ABI, 5.1): nw new, na new[], dl delete, da delete[];
 * m size, RKSt9nothrow_t nothrow, St11align_val_t alignment. Each row has the
 * parameters, how to pass them on, and size and alignment where there are any. */
#define NEW_OPERATORS(ROW)                                                                         \
  ROW(_Znwm, (size_t n), (n), n, 0)                                                                \
  ROW(_Znam, (size_t n), (n), n, 0)                                                                \
  ROW(_ZnwmRKSt9nothrow_t, (size_t n, const void *t), (n, t), n, 0)                                \
  ROW(_ZnamRKSt9nothrow_t, (size_t n, const void *t), (n, t), n, 0)                                \
  ROW(_ZnwmSt11align_val_t, (size_t n, size_t a), (n, a), n, a)                                    \
  ROW(_ZnamSt11align_val_t, (size_t n, size_t a), (n, a), n, a)                                    \
  ROW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void *t), (n, a, t), n, a)    \
  ROW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t n, size_t a, const void *t), (n, a, t), n, a)

#define DELETE_OPERATORS(ROW)                                                                      \
  ROW(_ZdlPv, (void *p), (p))                                                                      \
  ROW(_ZdaPv, (void *p), (p))                                                                      \
  ROW(_ZdlPvm, (void *p, size_t n), (p, n))                                                        \
  ROW(_ZdaPvm, (void *p, size_t n), (p, n))                                                        \
  ROW(_ZdlPvRKSt9nothrow_t, (void *p, const void *t), (p, t))                                      \
  ROW(_ZdaPvRKSt9nothrow_t, (void *p, const void *t), (p, t))                                      \
  ROW(_ZdlPvSt11align_val_t, (void *p, size_t a), (p, a))                                          \
  ROW(_ZdaPvSt11align_val_t, (void *p, size_t a), (p, a))                                          \
  ROW(_ZdlPvmSt11align_val_t, (void *p, size_t n, size_t a), (p, n, a))                            \
  ROW(_ZdaPvmSt11align_val_t, (void *p, size_t n, size_t a), (p, n, a))                            \
  ROW(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t a, const void *t), (p, a, t))          \
  ROW(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *p, size_t a, const void *t), (p, a, t))

/* What each hook jumps to: the runtime's operator where that calls malloc or free, one
 * that counts where it is the allocator's own, else a plain one; and the real ones. */
#define NEW_SLOT(name, parameters, arguments, size, align) void *(*name)parameters;
#define DELETE_SLOT(name, parameters, arguments) void(*name) parameters;

struct operators {
  NEW_OPERATORS(NEW_SLOT)
  DELETE_OPERATORS(DELETE_SLOT)
};

static struct operators real;

/* A C++ library that the program opens with dlopen finds the agent's operators
 * first, and its own runtime is where the agent cannot look: what any runtime's
 * operator does is done here. Only a failure needs the runtime itself, for the
 * handler and the exception. */
static void *plain_new(size_t size, size_t align)
{
  if (!size)
    size = 1;
  if (!align)
    return malloc(size);
  if (size > SIZE_MAX - align)
    return NULL;
  return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}

static void *find_runtime(const char *name)
{
  static const char *const runtimes[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};
  for (size_t i = 0; i < sizeof runtimes / sizeof runtimes[0]; i++) {
    void *handle = dlopen(runtimes[i], RTLD_LAZY | RTLD_NOLOAD);
    void *found = handle ? dlsym(handle, name) : NULL;
    if (found)
      return found;
  }
  return NULL;
}

#define DEFINE_NEW(name, parameters, arguments, size, align)                                       \
  static void *counted##name parameters                                                            \
  {                                                                                                \
    bool due = hd_sampling_due(size) && hd_sampling_decide(size);                                  \
    hd_nest();                                                                                     \
    void *block = real.name arguments;                                                             \
    hd_unnest();                                                                                   \
    if (HD_UNLIKELY(due))                                                                          \
      hd_record_block(block, size);                                                                \
    return block;                                                                                  \
  }                                                                                                \
  static void *plain##name parameters                                                              \
  {                                                                                                \
    void *block = plain_new(size, align);                                                          \
    void *(*runtime)parameters =                                                                   \
        block ? NULL : (void *(*)parameters)(uintptr_t)find_runtime(#name);                        \
    return runtime ? runtime arguments : block;                                                    \
  }

#define DEFINE_DELETE(name, parameters, arguments)                                                 \
  static void counted##name parameters                                                             \
  {                                                                                                \
    if (HD_UNLIKELY(hd_filter_maybe(p)))                                                           \
      hd_forget_block(p, NULL);                                                                    \
    real.name arguments;                                                                           \
  }                                                                                                \
  static void plain##name parameters                                                               \
  {                                                                                                \
    free(p);                                                                                       \
  }

NEW_OPERATORS(DEFINE_NEW)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* a plain delete needs the block alone */
DELETE_OPERATORS(DEFINE_DELETE)
#pragma GCC diagnostic pop

#define PLAIN_NEW(name, parameters, arguments, size, align) .name = plain##name,
#define PLAIN_DELETE(name, parameters, arguments) .name = plain##name,

static struct operators next = {NEW_OPERATORS(PLAIN_NEW) DELETE_OPERATORS(PLAIN_DELETE)};

#define HOOK_NEW(name, parameters, arguments, size, align)                                         \
  HD_EXPORT void *name parameters;                                                                 \
  void *name parameters                                                                            \
  {                                                                                                \
    return next.name arguments;                                                                    \
  }

#define HOOK_DELETE(name, parameters, arguments)                                                   \
  HD_EXPORT void name parameters;                                                                  \
  void name parameters                                                                             \
  {                                                                                                \
    next.name arguments;                                                                           \
  }

NEW_OPERATORS(HOOK_NEW)
DELETE_OPERATORS(HOOK_DELETE)

static const void *object_of(const void *address)
{
  struct dl_find_object object;
  return _dl_find_object((void *)(uintptr_t)address, &object) == 0 ? object.dlfo_link_map : NULL;
}

#define FIND_NEW(name, parameters, arguments, size, align) FIND_OPERATOR(name, void *, parameters)
#define FIND_DELETE(name, parameters, arguments) FIND_OPERATOR(name, void, parameters)
#define FIND_OPERATOR(name, result, parameters)                                                    \
  do {                                                                                             \
    void *found = hd_next_find(#name);                                                             \
    real.name = (result(*) parameters)(uintptr_t)found;                                            \
    if (found)                                                                                     \
      next.name = object_of(found) == allocator ? counted##name : real.name;                       \
  } while (0);

void hd_cxx_resolve(void)
{
  const void *allocator = object_of((const void *)(uintptr_t)hd_next.malloc);
  if (!hd_next_find("_Znwm"))
    return;
  NEW_OPERATORS(FIND_NEW)
  DELETE_OPERATORS(FIND_DELETE)
}
