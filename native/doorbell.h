/// @file doorbell.h
/// Waiting for the other side of a ring, across processes, on the low half of its
/// `written` counter. The reader says that it sleeps; only then does the writer
/// pay for a system call.
#ifndef OPENRACING_DOORBELL_H
#define OPENRACING_DOORBELL_H

#include "ring.h"

#include <stdbool.h>
#include <stdint.h>

/// Wakes the reader of `ring` if it sleeps. Called by the writer after a push.
void doorbell_ring(const Ring* ring);

/// Waits until the ring has something to read or CLOCK_MONOTONIC reaches
/// `until_ns`; spins for the first `spin_ns` of it at the most, then sleeps.
/// True when there is something. A peer that rings falsely only ends the sleep.
bool doorbell_wait(const Ring* ring, uint64_t until_ns, uint64_t spin_ns);

/// Spins until the ring has something to read or CLOCK_MONOTONIC reaches `until_ns`, for who knows that it comes soon.
/// `yield`: gives way to others of our priority on this core, because what we wait for may be theirs to bring.
bool doorbell_spin(const Ring* ring, uint64_t until_ns, bool yield);

#endif
