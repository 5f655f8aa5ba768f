#include "readers/go_labels.h"

#include <jansson.h>
#include <string.h>

bool hd_go_label(struct hd_profile *profile, const char *key, const char *text, size_t length,
                 struct hd_label *label, struct hd_error *error)
{
  *label = (struct hd_label){0};
  return hd_profile_string(profile, key, strlen(key), &label->key, error) &&
         hd_profile_string(profile, text, length, &label->text, error);
}

/* Go quotes as Go does, JSON differs in what no sane label has. */
static json_t *parse(const char *text, size_t length)
{
  json_t *object = json_loadb(text, length, 0, NULL);
  void *item = object ? json_object_iter(object) : NULL;
  bool texts = json_is_object(object);
  for (; texts && item; item = json_object_iter_next(object, item))
    texts = json_is_string(json_object_iter_value(item));
  if (texts)
    return object;
  json_decref(object);
  return NULL;
}

/* Go sorts by key already; a dump of several goroutines must not tell sets apart by
 * their order. */
static size_t place_of(const struct hd_profile *profile, const struct hd_label *labels,
                       size_t count, const char *key)
{
  size_t at = 0;
  while (at < count && strcmp(hd_strings_text(&profile->strings, labels[at].key), key) < 0)
    at++;
  return at;
}

static bool insert(struct hd_profile *profile, const char *key, const char *text, size_t length,
                   struct hd_label *labels, size_t *count, struct hd_error *error)
{
  struct hd_label label;
  if (*count == HD_GO_MAX_LABELS)
    return true;
  if (!hd_go_label(profile, key, text, length, &label, error))
    return false;
  size_t at = place_of(profile, labels, *count, key);
  memmove(labels + at + 1, labels + at, (*count - at) * sizeof *labels);
  labels[at] = label;
  ++*count;
  return true;
}

bool hd_go_labels_read(struct hd_profile *profile, const char *text, size_t length,
                       struct hd_label *labels, size_t *count, struct hd_error *error)
{
  json_t *object = parse(text, length);
  if (!object)
    return insert(profile, "labels", text, length, labels, count, error);
  bool fine = true;
  for (void *item = json_object_iter(object); fine && item;
       item = json_object_iter_next(object, item)) {
    json_t *value = json_object_iter_value(item);
    fine = insert(profile, json_object_iter_key(item), json_string_value(value),
                  json_string_length(value), labels, count, error);
  }
  json_decref(object);
  return fine;
}

bool hd_go_labels(struct hd_profile *profile, const char *text, size_t length, uint32_t *set,
                  struct hd_error *error)
{
  struct hd_label labels[HD_GO_MAX_LABELS];
  size_t count = 0;
  return hd_go_labels_read(profile, text, length, labels, &count, error) &&
         hd_profile_add_labels(profile, labels, count, set, error);
}
