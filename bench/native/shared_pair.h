/// @file shared_pair.h
/// What two processes share that pass a slot through bare memory: a word and a slot in each direction.
#ifndef OPENRACING_BENCH_SHARED_PAIR_H
#define OPENRACING_BENCH_SHARED_PAIR_H

#include "../../native/rig.h"

#include <stdalign.h>
#include <stdatomic.h>

typedef struct {
  alignas(RING_LINE) _Atomic uint32_t word; ///< Counts the slots that were passed
  alignas(RING_LINE) FrameSlot slot;
} SharedWay;

typedef struct {
  SharedWay there;
  SharedWay back;
} SharedPair;

/// Memory that a process and its later children share; NULL, with a word on stderr, when there is none.
SharedPair* shared_pair_make(void);

#endif
