/* Where a forked child of a dormant process comes by once it is going to live: the
 * functions that wait for something. No other hook is in its way; and most children run
 * another program or end before they wait, and must cost nothing. */
#ifndef HD_AGENT_WAITS_H
#define HD_AGENT_WAITS_H

/* In such a child: the next of them starts its thread. */
void hd_waits_forked(void);

/* Calls `add` with each name and what is to stand before it. */
void hd_waits_each(void (*add)(const char *name, void *hook, void *context), void *context);
/* Once the real functions are known. */
void hd_waits_resolve(void);

#endif
