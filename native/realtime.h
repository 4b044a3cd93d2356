/// @file realtime.h
/// What a process asks of the kernel to be on time.
#ifndef OPENRACING_REALTIME_H
#define OPENRACING_REALTIME_H

#include <stdbool.h>

/// SCHED_FIFO priorities. The loop comes first: a plugin must never keep it from its tick. Both are above
/// the kernel's threaded interrupts (50), as the PREEMPT_RT documentation advises for periodic control loops.
#define REALTIME_LOOP_PRIORITY 80
#define REALTIME_PLUGIN_PRIORITY 70

/// Gives the calling thread SCHED_FIFO. False where it is not allowed.
bool realtime_schedule(int priority);

/// Whether the calling thread may use more cores than one: not what the machine has, but what it is left.
bool realtime_has_cores(void);

/// Pins the calling thread to the last of the cores that it may use, where there is more than one: the loop's core,
/// which the plugins' processes leave to it. False where there is only one.
bool realtime_take_core(void);

/// Keeps this process off the core that realtime_take_core() takes. False where there is no other.
bool realtime_leave_core(void);

/// Puts this process before every other of ordinary priority. False where it is not allowed.
bool realtime_come_first(void);

/// Keeps what this process touches in memory from now on. False where it is not allowed.
bool realtime_lock_memory(void);

#endif
