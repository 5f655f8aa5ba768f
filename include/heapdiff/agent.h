/* For programs that want to say when a snapshot of their heap is taken, such as
 * after they have warmed up, or between the phases of a batch job.
 *
 * Nothing is linked: a program that includes this runs without heapdiff as it
 * always did, and the functions answer that nobody is recording. Under
 * `heapdiff record` they reach the agent. (With glibc before 2.34, link with -ldl.)
 *
 * Other languages call the agent's own functions, which are found by name in the
 * process: heapdiff_agent_recording and heapdiff_agent_snapshot, of the types of
 * these two. */
#ifndef HEAPDIFF_AGENT_H
#define HEAPDIFF_AGENT_H

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RTLD_DEFAULT, which libc shows only to those who define _GNU_SOURCE. */
static inline void *heapdiff_agent_function(const char *name)
{
  return dlsym(NULL, name);
}

/* Whether this process is being recorded: 1 or 0. */
static inline int heapdiff_recording(void)
{
  int (*recording)(void);
  *(void **)(&recording) = heapdiff_agent_function("heapdiff_agent_recording");
  return recording ? recording() : 0;
}

/* Takes a snapshot now; when it returns, the snapshot is on the disk. `reason` is a
 * short text that it carries and that `heapdiff info` shows; NULL: none.
 *
 * Returns 0, or an error number: ENOSYS where this process is not being recorded,
 * else why the snapshot could not be written. Any thread may call it; those that
 * allocate go on meanwhile. Not for a signal handler. */
static inline int heapdiff_snapshot(const char *reason)
{
  int (*snapshot)(const char *);
  *(void **)(&snapshot) = heapdiff_agent_function("heapdiff_agent_snapshot");
  return snapshot ? snapshot(reason) : ENOSYS;
}

#ifdef __cplusplus
}
#endif

#endif
