/// @file truncation.h
/// A shared file that somebody makes shorter would end us with SIGBUS at the next touch of what is gone.
#ifndef OPENRACING_TRUNCATION_H
#define OPENRACING_TRUNCATION_H

#include <stdbool.h>
#include <stddef.h>

/// One mapping of a shared file, while it is watched.
typedef struct Truncation Truncation;

/// From here on what is gone of a watched mapping reads as zeros, and writes to it go nowhere: a ring of zeros is
/// RING_CORRUPT, an input of zeros is silence, a control of zeros is no news, and each of them is dealt with where it is
/// read. Any other SIGBUS is left to whoever had it before, the system included. Any number of threads may call this, and
/// again; the handler is installed once. False when the system does not let us.
bool truncation_survive(void);

/// Watches a mapping from now on. NULL when there is no memory left.
Truncation* truncation_watch(const void* memory, size_t bytes);

/// Whether something that is gone of this mapping was touched. Real-time. False for NULL.
bool truncation_seen(const Truncation* self);

/// Watches it no more; to be called before it is unmapped. Nothing happens for NULL.
void truncation_forget(Truncation* self);

#endif
