/* The agent's thread: it takes the snapshots that are due by the clock or that
 * something has asked for. */
#ifndef HD_AGENT_TICKER_H
#define HD_AGENT_TICKER_H

#include <stdbool.h>

/* Starts it. Where nothing ever asks for a snapshot there is none. */
void hd_ticker_start(void);
/* Starts it in a forked child that lives long enough to need one (where none is
 * needed the child's first snapshot is taken), and where there can be no thread
 * takes the snapshot that is due. Called after every recorded allocation,
 * so cheap. */
void hd_ticker_ensure(void);
/* Ends it and waits until it is gone, where it runs; the next recorded allocation
 * starts another one, unless `for_good`. Whether there was one. */
bool hd_ticker_stop(bool for_good);
/* Starts it again at once where nothing is recorded that would; keeps errno. */
void hd_ticker_resume(void);
/* Starts it where it does not run, whatever the reason; whether it runs. */
bool hd_ticker_start_now(void);
/* A recording begins: the clock starts anew. By the thread alone. */
void hd_ticker_begin(void);
bool hd_ticker_is_running(void);
/* In a child, where there is none any more. */
void hd_ticker_forked(void);

#endif
