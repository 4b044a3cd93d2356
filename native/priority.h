/// @file priority.h
/// The real-time priority of a plugin's process. It is the loop's, and lent: for the time of the plugin's budget and no
/// longer. A plugin that does not answer in it goes on as any other process does, so that neither the other plugins on
/// its core nor anything else of the rig waits for it, and is lent the priority again with its answer.
///
/// Its process could not take it: it has no privilege for that from before its library was opened.
#ifndef OPENRACING_PRIORITY_H
#define OPENRACING_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/// The priority of one process.
typedef struct {
  pid_t pid;
  int   process; ///< A pidfd: the number of a process that is gone may be another's. -1: nothing is lent
  bool  lent;
  clockid_t cpu; ///< CPU time of the process
} Priority;

/// Lends the priority for the first time. Where the system gives none, nothing is lent, now or later. Not real-time.
void priority_open(Priority* self, pid_t pid);

/// Takes it back for good. Not real-time. May be called twice.
void priority_close(Priority* self);

/// Takes it back. Real-time: two system calls, none where nothing is lent.
void priority_take_back(Priority* self);

/// Lends it again after it was taken back. Real-time: two system calls, none where it is lent.
void priority_lend(Priority* self);

/// CPU time of the process so far, ns, by the kernel's word; 0 where that is not known. Real-time: one system call.
uint64_t priority_cpu_ns(const Priority* self);

#endif
