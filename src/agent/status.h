/* The counters that `heapdiff record` looks at (protocol.h). */
#ifndef HD_AGENT_STATUS_H
#define HD_AGENT_STATUS_H

void hd_status_open(const char *path);
void hd_status_count_process(void);
void hd_status_count_snapshot(void);
void hd_status_count_failure(int error);
void hd_status_count_dropped(void);

#endif
