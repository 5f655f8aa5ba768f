/* Calls hd_record around the fake agent, the way most tests of it do. */
#ifndef TESTS_SUPPORT_RECORDING_H
#define TESTS_SUPPORT_RECORDING_H

#include "support/scratch.h"

#include <heapdiff/record.h>

#define FAKE_AGENT PROGRAMS "/libfake-agent.so"
#define FORKER PROGRAMS "/forker"

struct recording {
  struct hd_record_options options;
  struct hd_record_result result;
  struct hd_error error;
  int exit_code;
  bool good;
};

/* Records into "data" of the scratch directory. */
static inline struct recording record_with(struct hd_record_options options)
{
  struct recording recording = {.options = options, .error = HD_ERROR_INIT};
  if (!options.directory)
    recording.options.directory = in_scratch("data");
  if (!options.agent)
    recording.options.agent = FAKE_AGENT;
  recording.good =
      hd_record(&recording.options, &recording.result, &recording.exit_code, &recording.error);
  return recording;
}

#define RECORD(...) record_with((struct hd_record_options){.argv = (char *[]){__VA_ARGS__, NULL}})

/* That it failed with this code, saying this. */
static inline void assert_refused(const struct recording *recording, int exit_code,
                                  const char *words)
{
  char text[2048];
  hd_error_format(&recording->error, text, sizeof text);
  assert_false(recording->good);
  assert_int_equal(recording->exit_code, exit_code);
  if (!strstr(text, words))
    fail_msg("\"%s\" is not in \"%s\"", words, text);
}

static inline void assert_recorded(const struct recording *recording, int exit_status)
{
  char text[2048];
  hd_error_format(&recording->error, text, sizeof text);
  if (!recording->good)
    fail_msg("%s", text);
  assert_int_equal(recording->result.exit_status, exit_status);
  assert_int_equal(recording->exit_code, exit_status);
}

#endif
