#include <heapdiff/record_pid.h>

#include "record/agent_path.h"
#include "record/program.h"
#include "record/target.h"

bool hd_exec_dormant(char *const *argv, const char *agent, int *exit_code, struct hd_error *error)
{
  char path[PATH_MAX];
  struct hd_program program;
  *exit_code = HD_RECORD_FAILED;
  if (!argv || !argv[0])
    return hd_fail_usage(error, "no program to start is named");
  if (!hd_agent_path(agent, path, error) ||
      !hd_program_find(argv[0], path, &program, exit_code, error))
    return false;
  struct hd_target target = {
      .path = program.path, .argv = argv, .shell = program.shell, .agent = path};
  return hd_target_become(&target, exit_code, error);
}
