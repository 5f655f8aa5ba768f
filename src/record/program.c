#include "record/program.h"

#include "record/elf_facts.h"

#include <heapdiff/record.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The kernel follows "#!" this often (BINPRM_MAX_RECURSION, linux/binfmts.h). */
enum { MAX_INTERPRETERS = 5 };
/* As much of a "#!" line as the kernel reads (BINPRM_BUF_SIZE). */
enum { SHEBANG_BYTES = 256 };

/* Joins a PATH entry and a name; an empty entry is the working directory. */
static bool join(char out[PATH_MAX], const char *directory, size_t length, const char *name)
{
  const char *slash = length ? "/" : "";
  int size = snprintf(out, PATH_MAX, "%.*s%s%s", (int)length, directory, slash, name);
  return size > 0 && size < PATH_MAX;
}

/* 0 where the file can be executed, else why not. */
static int executable(const char *path)
{
  struct stat info;
  if (stat(path, &info) != 0)
    return errno;
  if (S_ISDIR(info.st_mode))
    return EISDIR;
  if (!S_ISREG(info.st_mode))
    return EACCES;
  return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

static int search_path(const char *name, char out[PATH_MAX])
{
  const char *at = getenv("PATH");
  if (!at)
    at = "/bin:/usr/bin";
  int found = ENOENT;
  for (;;) {
    size_t length = strcspn(at, ":");
    char candidate[PATH_MAX];
    if (length < PATH_MAX && join(candidate, at, length, name)) {
      int why = executable(candidate);
      if (why == 0) {
        memcpy(out, candidate, PATH_MAX);
        return 0;
      }
      if (why == EACCES && found == ENOENT) {
        found = EACCES;
        memcpy(out, candidate, PATH_MAX);
      }
    }
    if (!at[length])
      return found;
    at += length + 1;
  }
}

static bool locate(const char *name, struct hd_program *program, int *exit_code,
                   struct hd_error *error)
{
  *exit_code = HD_RECORD_NOT_FOUND;
  if (!name[0])
    return hd_fail_usage(error, "the name of the program is empty");
  if (strlen(name) >= PATH_MAX)
    return hd_fail_usage(error, "the name of the program is too long");
  snprintf(program->path, PATH_MAX, "%s", name);
  bool slash = strchr(name, '/') != NULL;
  int why = slash ? executable(name) : search_path(name, program->path);
  if (why == 0)
    return true;
  if (why == ENOENT || why == ENOTDIR) {
    hd_fail_usage(error, "%s",
                  slash ? "there is no such program"
                        : "no such program along PATH; one in the working directory "
                          "is named with ./ before it");
    return hd_error_in(error, name);
  }
  *exit_code = HD_RECORD_CANNOT_RUN;
  if (why == EISDIR)
    hd_fail_usage(error, "is a directory, not a program");
  else
    hd_fail_usage(error, "cannot be executed: %s", strerror(why));
  return hd_error_in(error, program->path);
}

/* Whether the kernel would run it with AT_SECURE set, under which the dynamic
 * loader ignores LD_PRELOAD paths (ld.so(8), "secure-execution mode"). */
static bool runs_secure(int fd)
{
  struct stat info;
  struct statvfs mount;
  if (fstat(fd, &info) != 0)
    return false;
  if (fstatvfs(fd, &mount) == 0 && (mount.f_flag & ST_NOSUID))
    return false;
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    return false;
  if ((info.st_mode & S_ISUID) && info.st_uid != getuid())
    return true;
  if ((info.st_mode & S_ISGID) && (info.st_mode & S_IXGRP) && info.st_gid != getgid())
    return true;
  return getuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

static bool check_elf(int fd, const struct hd_elf_facts *target, const struct hd_elf_facts *agent,
                      struct hd_error *error)
{
  char mine[64], theirs[64];
  if (target->machine != agent->machine || target->word_size != agent->word_size ||
      target->byte_order != agent->byte_order)
    return hd_fail_usage(error,
                         "is a program for %s, the agent for %s: use a heapdiff that was built "
                         "for the program's architecture",
                         hd_elf_machine_name(target, theirs, sizeof theirs),
                         hd_elf_machine_name(agent, mine, sizeof mine));
  if (!target->has_interpreter && target->go)
    return hd_fail_usage(error, "is a statically linked Go program, into which no agent can be "
                                "loaded: save its /debug/pprof/heap from time to time and give "
                                "those files to `heapdiff top`");
  if (!target->has_interpreter)
    return hd_fail_usage(error, "is statically linked, so that no agent can be loaded into it: "
                                "link it dynamically (without -static) to record it");
  if (strstr(target->interpreter, "ld-musl"))
    return hd_fail_usage(error, "is linked with musl, the agent with glibc: record it with a "
                                "build of heapdiff for musl, or link it with glibc");
  if (access(target->interpreter, F_OK) != 0)
    return hd_fail_usage(error,
                         "needs the dynamic loader %s, which is not there: install the C "
                         "library that the program was linked with",
                         target->interpreter);
  if (runs_secure(fd))
    return hd_fail_usage(error, "is set-uid, set-gid or has file capabilities, so that the "
                                "dynamic loader ignores LD_PRELOAD: run heapdiff as the user "
                                "that the program becomes, or record a copy without these bits");
  return true;
}

/* The interpreter of a "#!" line, "" where `head` has none. */
static void shebang(const char *head, size_t length, char out[PATH_MAX])
{
  out[0] = '\0';
  if (length < 3 || head[0] != '#' || head[1] != '!')
    return;
  size_t at = 2;
  while (at < length && (head[at] == ' ' || head[at] == '\t'))
    at++;
  size_t end = at;
  while (end < length && !strchr(" \t\r\n", head[end]))
    end++;
  memcpy(out, head + at, end - at);
  out[end - at] = '\0';
}

/* Checks one file of the chain; `next` is its interpreter, "" at the chain's
 * end. */
static bool check_file(const char *path, const struct hd_elf_facts *agent, char next[PATH_MAX],
                       bool *plain, bool *go, struct hd_error *error)
{
  next[0] = '\0';
  *plain = *go = false;
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) /* executable and not readable: nobody but the kernel can tell */
    return errno == EACCES || hd_fail_usage(error, "cannot be opened: %s", strerror(errno));
  struct hd_elf_facts facts;
  char head[SHEBANG_BYTES];
  ssize_t length = pread(fd, head, sizeof head, 0);
  bool good = length >= 0 && hd_elf_facts_read(fd, &facts);
  if (!good)
    hd_fail_usage(error, "cannot be read: %s", strerror(errno));
  else if (facts.is_elf) {
    good = check_elf(fd, &facts, agent, error);
    *go = facts.go;
  } else {
    shebang(head, (size_t)length, next);
    *plain = !next[0] && !memchr(head, '\0', (size_t)length);
  }
  close(fd);
  return good;
}

static bool check_chain(struct hd_program *program, const struct hd_elf_facts *agent,
                        struct hd_error *error)
{
  char path[PATH_MAX], next[PATH_MAX];
  memcpy(path, program->path, PATH_MAX);
  for (int depth = 0; depth <= MAX_INTERPRETERS; depth++) {
    bool plain;
    if (!check_file(path, agent, next, &plain, &program->go, error)) {
      if (depth)
        hd_error_in(error, path);
      return false;
    }
    if (depth == 0)
      program->shell = plain;
    if (plain)
      snprintf(next, sizeof next, "/bin/sh");
    if (!next[0])
      return true;
    int why = executable(next);
    if (why)
      return hd_fail_usage(error, "its interpreter %.256s cannot be executed: %s", next,
                           strerror(why));
    memcpy(path, next, PATH_MAX);
  }
  return hd_fail_usage(error, "its interpreters are scripts nested more than %d deep",
                       MAX_INTERPRETERS);
}

static bool read_agent(const char *agent, struct hd_elf_facts *facts, struct hd_error *error)
{
  int fd = open(agent, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  bool good = fd >= 0 && hd_elf_facts_read(fd, facts);
  if (!good)
    hd_fail_input(error, "the agent cannot be read: %s", strerror(errno));
  else if (!facts->is_elf)
    good = hd_fail_input(error, "is not a shared library, so it cannot be the agent");
  if (fd >= 0)
    close(fd);
  return good || hd_error_in(error, agent);
}

bool hd_program_find(const char *name, const char *agent, struct hd_program *program,
                     int *exit_code, struct hd_error *error)
{
  memset(program, 0, sizeof *program);
  struct hd_elf_facts facts;
  *exit_code = HD_RECORD_FAILED;
  if (!read_agent(agent, &facts, error) || !locate(name, program, exit_code, error))
    return false;
  *exit_code = HD_RECORD_CANNOT_RUN;
  return check_chain(program, &facts, error) || hd_error_in(error, program->path);
}
