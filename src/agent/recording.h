/* A recording: from its start to its end, of which a process may have several, one
 * after the other. What begins and ends one is called by the agent's thread alone;
 * each returns an errno, 0 for success, and says in words what was in the way. */
#ifndef HD_AGENT_RECORDING_H
#define HD_AGENT_RECORDING_H

#include "files.h"

#include <stdbool.h>
#include <stdint.h>

/* Set where the agent waits to be asked, before, between and after recordings. */
extern bool hd_recording_is_possible __attribute__((visibility("hidden")));

/* Makes everything ready by what hd_config has; false: memory is short. The caller
 * switches the recording on. */
bool hd_recording_set_up(void);

/* As the settings say (variables, one a line), which are taken apart. */
int hd_recording_begin(char *settings, struct hd_text *message);
/* A last snapshot; then no call reaches the agent, and nothing is known of any block. */
int hd_recording_end(struct hd_text *message);
int hd_recording_snapshot(char *path, size_t capacity, struct hd_text *message);
int hd_recording_change_rate(uint64_t rate, struct hd_text *message);

/* Leads the modules' slots where they belong in the present state. */
void hd_recording_patch(void);
/* Whether they lead past the hooks, by the last time, but for what the thread needs. */
bool hd_recording_is_dormant(void);
/* How many lead to the agent, by the last time. */
uint64_t hd_recording_patched(void);

#endif
