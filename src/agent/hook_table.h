/* The agent's hooks by name, beside the functions that they stand before. Made once
 * from the agent's own dynamic symbols: every HD_EXPORT is in it by itself. */
#ifndef HD_AGENT_HOOK_TABLE_H
#define HD_AGENT_HOOK_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_hook {
  const char *name;
  void *hook, *real; /* the latter NULL where the process has none */
  bool stays;        /* in the way as long as the agent has a thread */
  bool takes_block;  /* may be given memory that the agent handed out */
  bool first;        /* what the program finds by this name is one of the two */
  bool passes;       /* only hands on to what ends in another hook: never patched in */
};

/* Makes the table; safe to call again, which looks for those anew that were not
 * found. Not in a hook: it takes the loader's lock. */
void hd_hook_table_make(void);
/* By name; NULL where there is no such hook, or the table is not made. */
const struct hd_hook *hd_hook_named(const char *name);
/* Whether an address may be one of the real functions. */
bool hd_hook_may_be_real(uintptr_t address);
/* Whether an address lies in the agent. */
bool hd_hook_is_own(uintptr_t address);
/* The first function of this name that a module of the process defines, but for the
 * agent's; NULL: none. Takes the loader's lock. */
void *hd_hook_search(const char *name);
/* Whether the program itself defines malloc: what it calls is bound in it. */
bool hd_hook_allocator_is_inside(void);
/* Whether malloc is one that stands before the agent's: nothing comes by here. */
bool hd_hook_is_behind_another(void);
/* How many modules define malloc, but for the agent. */
unsigned hd_hook_allocators(void);

#endif
