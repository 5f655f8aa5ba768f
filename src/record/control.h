/* Talking to the agent of a running process: the client's side of `struct hd_control` in
 * protocol.h. */
#ifndef HD_RECORD_CONTROL_H
#define HD_RECORD_CONTROL_H

#include "agent/protocol.h"
#include "base/error.h"

#include <sys/types.h>

struct hd_control_client {
  pid_t pid;
  pid_t agent; /* the thread that answers */
  int fd;
  struct hd_control *shared; /* NULL: the process has no agent that could be talked to */
};

#define HD_CONTROL_CLIENT_INIT                                                                     \
  {                                                                                                \
    0, 0, -1, NULL                                                                                 \
  }

struct hd_control_request {
  enum hd_control_command command;
  const char *settings, *directory; /* of HD_COMMAND_RECORD */
  uint64_t rate;                    /* of HD_COMMAND_RATE */
  uint64_t timeout_ms;
};

/* Copies of what came back, terminated. */
struct hd_control_answer {
  int error; /* errno of a no; 0 where there was no answer, too */
  uint64_t rate;
  char snapshot[4096];
};

/* Whether the agent's code is in it, talked to or not. */
bool hd_control_has_agent(pid_t pid);

/* Looks for the agent's thread; where the code is there alone, it may be about to start: that
 * is waited for a little. True also where there is none (`shared` is NULL then);
 * false where one is there and cannot be reached, or is of another version. */
bool hd_control_open(pid_t pid, struct hd_control_client *client, struct hd_error *error);
/* As above, for one that was started just now: waits for it. */
bool hd_control_await(pid_t pid, uint64_t timeout_ms, struct hd_control_client *client,
                      struct hd_error *error);
void hd_control_close(struct hd_control_client *client);

/* Whether the thread that would answer is there. */
bool hd_control_lives(const struct hd_control_client *client);
bool hd_control_is_recording(const struct hd_control_client *client);
/* Where it writes, as the process sees it; "" while it is dormant. */
void hd_control_directory(const struct hd_control_client *client, char out[4096]);
struct hd_agent_status hd_control_counters(const struct hd_control_client *client);

/* Asks, and waits for the answer. False: the agent said no, which `error` has in its words,
 * or it does not answer. */
bool hd_control_ask(const struct hd_control_client *client,
                    const struct hd_control_request *request, struct hd_control_answer *answer,
                    struct hd_error *error);

#endif
