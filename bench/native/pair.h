/// @file pair.h
/// Two processes that pass one slot to and fro, a thousand times a second. What the pairs of this folder have in
/// common, so that only their transport differs: the pace, the priorities, the cores, the clock, the histogram.
#ifndef OPENRACING_BENCH_PAIR_H
#define OPENRACING_BENCH_PAIR_H

#include "../../native/rig.h"

#include <stdbool.h>

#define PAIR_LAST 1u ///< FrameSlot.status: the answering process ends after this one

/// One transport. Each function says on stderr why it failed.
typedef struct {
  /// In the answering process: sends every slot back until the one with PAIR_LAST, which it sends back too.
  bool (*serve)(void);
  /// In the asking process: connects.
  bool (*open)(void);
  /// In the asking process: sends the slot and waits for it to come back.
  bool (*exchange)(FrameSlot* slot);
} Pair;

/// The priority of the process that calls: the loop's if it asks, a plugin's if it answers. 0 without SCHED_FIFO.
int pair_priority(void);

/// The text behind the duration on the command line, where the transport needs one.
const char* pair_address(void);

/// PROGRAM MILLISECONDS [ADDRESS]: runs both processes for so long and prints what was measured as JSON.
/// FrameSlot.reserved tells the answering process when the next slot is due, as the loop tells a plugin.
int pair_run(int argc, char** argv, const Pair* pair);

/// 1..600000 of `text`, or 0.
unsigned pair_milliseconds(const char* text);

#endif
