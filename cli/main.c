#include "command.h"
#include "fault.h"
#include "messages.h"
#include "nearest.h"
#include "output.h"

#include <heapdiff/version.h>

#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

/* "--help" also as "-help", which those who know pprof type. */
static bool is_option(const char *argument, const char *name)
{
  return argument[0] == '-' && strcmp(argument + 1 + (argument[1] == '-'), name) == 0;
}

static int unknown_option(const char *argument)
{
  /* As pprof has them: -top, -peek=REGEX. */
  char name[32];
  const char *bare = argument + strspn(argument, "-");
  snprintf(name, sizeof name, "%.*s", (int)strcspn(bare, "="), bare);
  const struct command *verb = command_find(name);
  struct nearest nearest = nearest_to(name);
  nearest_offer(&nearest, "help");
  nearest_offer(&nearest, "version");
  if (verb && !verb->hidden)
    message("unknown option '%s': did you mean 'heapdiff %s'?", argument, name);
  else if (nearest.best)
    message("unknown option '%s': did you mean --%s?", argument, nearest.best);
  else
    message("'%s' comes before the verb: write heapdiff VERB %s", argument, argument);
  return STATUS_USAGE;
}

static int run(int argc, char **argv)
{
  if (argc < 2) {
    command_overview(stderr);
    return STATUS_USAGE;
  }
  const char *name = argv[1];
  if (is_option(name, "version")) {
    printf("heapdiff %s\n", HEAPDIFF_VERSION);
    return STATUS_FINE;
  }
  if (is_option(name, "help") || strcmp(name, "-h") == 0) {
    command_overview(stdout);
    return STATUS_FINE;
  }
  if (name[0] == '-')
    return unknown_option(name);
  const struct command *command = command_find(name);
  if (!command)
    return command_unknown(name);
  return command->run(command, argc - 2, argv + 2);
}

/* What a snapshot was inflated into goes back to the system with the snapshot: glibc would
 * keep ever larger blocks from the first that is freed on. */
enum { MAPPED_BLOCK = 128 << 10 };

int main(int argc, char **argv)
{
  mallopt(M_MMAP_THRESHOLD, MAPPED_BLOCK);
  output_start();
  fault_watch();
  setlocale(LC_CTYPE, "");
  return output_finish(run(argc, argv));
}
