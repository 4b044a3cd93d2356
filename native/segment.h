/// @file segment.h
/// Shared memory files: opened by path, created whole or not at all.
#ifndef OPENRACING_SEGMENT_H
#define OPENRACING_SEGMENT_H

#include "truncation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  void*       memory;
  size_t      bytes;
  Truncation* truncation; ///< Its mapping is watched from the first touch on
} Segment;

/// Fills new, zeroed memory with what the file is. False refuses the creation.
typedef bool (*SegmentInit)(void* memory, size_t bytes, const void* what);

/// Opens a file of exactly `bytes` bytes, writable or not. Returns 0 or an errno;
/// EPROTO when the file has another size.
int segment_open(Segment* segment, const char* path, size_t bytes, bool writable);

/// Opens the file, or creates it when there is none: it appears under its name
/// only once `init` has filled it, so no process ever maps a half-made one.
/// Returns 0 or an errno; EINVAL when `init` refused.
int segment_open_or_create(Segment* segment, const char* path, size_t bytes, SegmentInit init, const void* what);

/// Whether somebody made the file shorter and what is gone was touched, where truncation_survive() lets us live on.
/// Real-time.
bool segment_is_cut(const Segment* segment);

/// Unmaps. May be called twice.
void segment_close(Segment* segment);

#endif
