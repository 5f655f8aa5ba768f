/* C++'s operators. Nearly always they end in malloc, where the hooks are, and
 * these only pass on. An allocator that brings its own (jemalloc, tcmalloc) goes
 * from operator new straight into itself: there they count. */
#ifndef HD_AGENT_CXX_H
#define HD_AGENT_CXX_H

/* Finds the program's operators, once hd_next's malloc is known. */
void hd_cxx_resolve(void);

#endif
