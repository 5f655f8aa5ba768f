#include "attach/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAPABILITY_SYS_PTRACE = 19 };

#define ELSE_DORMANT                                                                               \
  "; or have it start with heapdiff record --dormant, after which nothing needs to trace it"

static bool is_privileged(void)
{
  char text[4096];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
  if (fd >= 0)
    close(fd);
  text[length > 0 ? length : 0] = '\0';
  const char *line = strstr(text, "\nCapEff:");
  return line && strtoull(line + strlen("\nCapEff:"), NULL, 16) >> CAPABILITY_SYS_PTRACE & 1;
}

struct hd_trace_rules hd_trace_rules_read(void)
{
  struct hd_trace_rules rules = {.yama = -1, .privileged = is_privileged()};
  FILE *file = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
  if (file && fscanf(file, "%d", &rules.yama) != 1)
    rules.yama = -1;
  if (file)
    fclose(file);
  return rules;
}

bool hd_trace_refused(const struct hd_trace_rules *rules, int why, struct hd_error *error)
{
  if (why == EPERM && rules->yama == 3)
    return hd_fail_input(error, "kernel.yama.ptrace_scope is 3, with which nobody may attach to a "
                                "process until the next boot, root neither: set it lower where "
                                "the system sets it (/etc/sysctl.d) and boot" ELSE_DORMANT);
  if (why == EPERM && rules->yama == 2 && !rules->privileged)
    return hd_fail_input(error, "kernel.yama.ptrace_scope is 2, with which root alone may attach "
                                "to a process: run heapdiff as root (sudo)" ELSE_DORMANT);
  if (why == EPERM && rules->yama == 1 && !rules->privileged)
    return hd_fail_input(error, "kernel.yama.ptrace_scope is 1, with which a process may be "
                                "attached to by root and by those that started it: run heapdiff "
                                "as root (sudo), or allow it until the next boot (sysctl "
                                "kernel.yama.ptrace_scope=0), or in the program itself "
                                "(prctl(PR_SET_PTRACER, ...))" ELSE_DORMANT);
  return hd_fail_input(
      error, "the kernel does not let heapdiff attach to it: %s; %s" ELSE_DORMANT, strerror(why),
      rules->privileged ? "a security policy (SELinux, AppArmor, seccomp) may forbid it, or it "
                          "is outside of heapdiff's container"
                        : "run heapdiff as root (sudo), in a container with CAP_SYS_PTRACE; "
                          "SELinux, AppArmor and seccomp may forbid it, too");
}
