/* Modules that come and go while something is recorded. */
#ifndef HD_AGENT_LOADER_H
#define HD_AGENT_LOADER_H

#include <stdint.h>

/* What stands before dlopen in a process that the agent was attached to, where nothing
 * leads to the hooks by itself; and where it goes on to. It jumps: dlopen looks at its
 * caller to find the library. */
void hd_loader_dlopen(void);
extern void *hd_loader_real_dlopen __attribute__((visibility("hidden")));

/* A recording begins: looks for slots that were being resolved when they were
 * patched. */
void hd_loader_begin(void);
/* Patches modules that were opened since, when it is time to look for any; returns
 * when to come again. By the agent's thread. */
uint64_t hd_loader_attend(uint64_t now_ns);
/* The same at once, where there are any. */
void hd_loader_look(void);

#endif
