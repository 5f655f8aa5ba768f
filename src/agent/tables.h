/* The lock over everything that is interned: modules, frames, stacks, records,
 * and the arena behind them. Lock order: writer, shards (ascending), tables. */
#ifndef HD_AGENT_TABLES_H
#define HD_AGENT_TABLES_H

#include "lock.h"

extern struct hd_lock hd_tables_lock;

#endif
