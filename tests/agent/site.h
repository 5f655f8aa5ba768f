/* A place that allocates, findable by name in a snapshot: never inlined, never
 * merged with another, never a tail call. */
#ifndef SITE_H
#define SITE_H

#define SITE __attribute__((noinline, noclone, noipa))
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

#endif
