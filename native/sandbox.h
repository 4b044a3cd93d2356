/// @file sandbox.h
/// The fence round a Fast plugin's process. It is up before the library is opened, and there is no way back.
#ifndef OPENRACING_SANDBOX_H
#define OPENRACING_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/// Puts up what this kernel has: no privileges, and none to come, no descriptor above `fd_max`, limits of files,
/// processes and memory, the file system out of reach but to read `library_directory` and the system's libraries, and
/// the first filter of system calls. `memory_bytes` bounds what the plugin maps beside its heap. Returns the SANDBOX_*
/// bits of what is in force.
uint32_t sandbox_enter(const char* library_directory, uint64_t memory_bytes, int fd_max);

/// Raises SIGXCPU when the process has used more CPU time than this since its start, s; 0: no longer.
void sandbox_bound_cpu(unsigned seconds);

/// Once the plugin is created: keeps the process in memory as far as it may be. SIGXCPU is raised when it then runs for
/// `call_ms` with a real-time priority without once giving the CPU away; after ten times as long the kernel kills it.
void sandbox_settle(unsigned call_ms);

#endif
