/* New snapshots in the output directory, told to the caller of hd_record. */
#ifndef HD_RECORD_WATCH_H
#define HD_RECORD_WATCH_H

#include "base/strings.h"
#include "record/output_directory.h"

#include <heapdiff/record.h>

struct hd_watch {
  const struct hd_output_directory *directory;
  void (*on_snapshot)(void *context, const struct hd_record_event *event);
  void *context;
  int64_t start_ns; /* CLOCK_MONOTONIC when recording began */
  int fd;           /* of inotify, to be polled; -1: hd_watch_scan must be called now and then */
  struct hd_strings seen;
};

/* Never fails: without inotify (its instances are limited) `fd` is -1. With
 * `on_snapshot` NULL nothing is watched and nothing read. */
void hd_watch_init(struct hd_watch *watch, const struct hd_output_directory *directory,
                   void (*on_snapshot)(void *context, const struct hd_record_event *event),
                   void *context);
/* Takes what inotify has and tells of each new snapshot, once. */
void hd_watch_take(struct hd_watch *watch);
/* Looks through the whole directory for what was not told yet. */
void hd_watch_scan(struct hd_watch *watch);
void hd_watch_deinit(struct hd_watch *watch);

/* Counts the snapshots that a directory holds and the series that they form, by
 * their names: what is known of a target that could not reach the counters. */
void hd_watch_count(const struct hd_output_directory *directory, uint64_t *snapshots,
                    uint64_t *series);

#endif
