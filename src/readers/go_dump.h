/* The first line of a goroutine in a dump; used by go_dump*.c alone. */
#ifndef HD_READERS_GO_DUMP_H
#define HD_READERS_GO_DUMP_H

#include "readers/heap_text_scan.h"

/* "goroutine 18 gp=0xc000 m=nil [chan receive (scan), 5 minutes, locked to thread]:" */
struct hd_go_header {
  struct hd_scan state;  /* without "(scan)", which passes; with "(leaked)", which stays */
  uint64_t minutes;      /* that it has been in this state; 0: less than one */
  bool locked;           /* to its thread */
  uint64_t bubble;       /* of testing/synctest, 0 none */
  struct hd_scan labels; /* {"key": "value"}, empty where none are printed */
};

/* Whether the line is one; what it holds. */
bool hd_go_header_read(struct hd_scan line, struct hd_go_header *header);

#endif
