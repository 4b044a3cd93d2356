/// @file syscall_filter.h
/// Which system calls a Fast plugin's process may make: seccomp, in two steps. What is refused is SIGSYS, which says
/// which call it was and where.
///
/// The process needs a few calls for itself that the plugin must not make: to end, to rearm its timer, to become
/// real-time. Those carry a mark in an argument that the call has not, a random number. That keeps apart what we do
/// and what the plugin does by its own code or the C library's; a plugin that searched our memory for the mark would
/// gain the few calls that are listed beside it, and none that reaches out of the process.
#ifndef OPENRACING_SYSCALL_FILTER_H
#define OPENRACING_SYSCALL_FILTER_H

#include <stdbool.h>

/// While the library is loaded and create() runs: no network, no process or thread, nothing written to a file, no say
/// over other processes, priorities, timers or the kernel. Needs no_new_privs. False where the kernel has no seccomp.
bool filter_loading(void);

/// From then on: only what waiting for a frame, answering it and abort() need. False as above.
bool filter_serving(void);

/// A system call of our own, marked. As syscall().
long filter_call(long number, long first, long second, long third, long fourth);

/// Gives a signal back to the kernel. Async-signal-safe.
void filter_default_signal(int number);

/// Whether a refused call was made by this CPU's own convention (SIGSYS's si_arch).
bool filter_is_native(unsigned architecture);

#endif
