/// @file syscall_filter.h
/// Which system calls a Fast plugin's process may make: seccomp, in two steps. What is refused is SIGSYS, which says
/// which call it was and where. And which of them a service may make that runs strangers' code.
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

/// What a service of ours needs that is written in JavaScript, and no more: files and threads, and to listen on a Unix
/// socket. No connection to anywhere, no other process, no program, nothing of the kernel's side doors. What is refused is
/// an error, EPERM, as the engine asks for some of it and can do without. Only execve() with the mark goes through, so that
/// the process which puts up the filter can become the service. Needs no_new_privs. False as above.
bool filter_service(void);

/// A system call of our own, marked. As syscall().
long filter_call(long number, long first, long second, long third, long fourth);

/// Gives a signal back to the kernel. Async-signal-safe.
void filter_default_signal(int number);

/// Whether a refused call was made by this CPU's own convention (SIGSYS's si_arch).
bool filter_is_native(unsigned architecture);

#endif
