/* The slots through which the modules of the process call what the agent has hooks
 * for: the procedure linkage and global offset tables, and function pointers that are
 * initialized by the loader. Patched, they lead to the hooks or past them.
 *
 * What cannot be reached so: copies of such pointers that the program made itself,
 * modules of other namespaces (dlmopen), an allocator that is linked into the program
 * and called there directly. */
#ifndef HD_AGENT_GOT_H
#define HD_AGENT_GOT_H

#include <stdbool.h>
#include <stdint.h>

enum hd_got_goal {
  HD_GOT_OFF,     /* no hook in the way */
  HD_GOT_DORMANT, /* only those that the agent's thread needs */
  HD_GOT_HOOKS    /* all */
};

/* Patches all modules that are loaded now; returns how many slots lead to hooks
 * then. Takes the loader's locks, and waits for a dlopen that is going on: what that
 * relocates must not be touched. */
uint64_t hd_got_patch(enum hd_got_goal goal);
/* Whether slots were left alone that the loader may yet lead elsewhere. */
bool hd_got_is_unfinished(void);

/* How many modules have ever been loaded. Takes the loader's lock. */
unsigned long long hd_got_loads(void);

/* Around a fork: a child that is made while the agent's thread holds the loader's
 * locks could never open a library. Whether it was to be had: it is not where the
 * caller holds those locks itself, and then the thread does not. */
bool hd_got_lock(void);
void hd_got_unlock(void);
/* In a child. */
void hd_got_forked(void);

#endif
