/// @file witness.h
/// For how much of a call its thread really had its core.
///
/// A clock alone does not say. The wall clock goes on while others have the core, and the CPU clock of a thread goes on
/// while the hypervisor has it: a machine that was away for 9 ms made a call of a microsecond one of 9 ms. So the thread
/// is asked again and again, with a signal, and between two answers is counted what both clocks say and never more than
/// WITNESS_MOST_NS. Whatever was away is charged with that much for each time, however long it was. Pure:
/// what the clocks say is passed in.
#ifndef OPENRACING_WITNESS_H
#define OPENRACING_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

/// How often a thread is asked, ns.
#define WITNESS_PERIOD_NS 500000u
/// The most that is counted between two answers, ns: half as much more, for a timer that is late and a thread that is busy.
#define WITNESS_MOST_NS (WITNESS_PERIOD_NS + WITNESS_PERIOD_NS / 2u)

/// What the clocks of a thread said when it answered.
typedef struct {
  uint64_t at_ns;  ///< CLOCK_MONOTONIC
  uint64_t cpu_ns; ///< Its CPU time
} WitnessAnswer;

typedef struct {
  WitnessAnswer last; ///< The answer before this one
  bool          has_last;
  uint64_t      counted_ns; ///< For which there is a witness
} Witness;

/// Nothing is counted yet.
void witness_begin(Witness* self);

/// What was counted stays; what comes before the next answer is not counted.
void witness_pause(Witness* self);

/// The thread answered. Returns all that was counted, ns.
uint64_t witness_hear(Witness* self, WitnessAnswer answer);

#endif
