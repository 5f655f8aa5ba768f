#include "record/detach.h"

#include "record/descendants.h"

#include <string.h>

enum { LAST_MS = 120000 /* for a last snapshot, on a slow disk */ };

static const struct hd_control_request stop = {.command = HD_COMMAND_STOP, .timeout_ms = LAST_MS};

/* One that records for somebody else goes on. */
static void detach_child(pid_t pid, const char *directory)
{
  struct hd_control_client client = HD_CONTROL_CLIENT_INIT;
  struct hd_error ignored = HD_ERROR_INIT;
  char own[4096];
  if (!hd_control_has_agent(pid) || !hd_control_open(pid, &client, &ignored) || !client.shared)
    return;
  hd_control_directory(&client, own);
  if (hd_control_is_recording(&client) && strcmp(own, directory) == 0)
    hd_control_ask(&client, &stop, NULL, &ignored);
  hd_control_close(&client);
}

/* The parent first: what it starts from then on is not recorded. */
bool hd_detach_all(const struct hd_control_client *client, struct hd_error *error)
{
  hd_pids children;
  char directory[4096];
  hd_control_directory(client, directory);
  bool good = hd_control_ask(client, &stop, NULL, error);
  hd_descendants(client->pid, &children);
  for (size_t i = 0; i < children.count; i++)
    detach_child(children.items[i], directory);
  hd_vec_deinit(&children);
  return good;
}
