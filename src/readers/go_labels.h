/* The labels that Go prints with a goroutine: {"key":"value", ...}. */
#ifndef HD_READERS_GO_LABELS_H
#define HD_READERS_GO_LABELS_H

#include "model/profile.h"

enum { HD_GO_MAX_LABELS = 64 };

/* One text label under a key. */
bool hd_go_label(struct hd_profile *profile, const char *key, const char *text, size_t length,
                 struct hd_label *label, struct hd_error *error);

/* Adds the labels of such a list to `labels` (room for HD_GO_MAX_LABELS, *count there
 * already), in the order of their keys; a list that cannot be read is one label
 * "labels" of its own text. */
bool hd_go_labels_read(struct hd_profile *profile, const char *text, size_t length,
                       struct hd_label *labels, size_t *count, struct hd_error *error);

/* The label set of such a list alone. */
bool hd_go_labels(struct hd_profile *profile, const char *text, size_t length, uint32_t *set,
                  struct hd_error *error);

#endif
