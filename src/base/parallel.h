/* Work in parts, each in a thread of its own where one can be had. */
#ifndef HD_BASE_PARALLEL_H
#define HD_BASE_PARALLEL_H

enum { HD_MOST_PARTS = 16 };

/* work(context, part) for every part from 0 to parts - 1 (at most HD_MOST_PARTS), some at the
 * same time; returns when all are done. Signals are left to the caller's thread. */
void hd_parallel(unsigned parts, void (*work)(void *context, unsigned part), void *context);

#endif
