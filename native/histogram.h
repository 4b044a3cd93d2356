/// @file histogram.h
/// Counts of durations in fixed buckets: 32 to the octave, so a bucket is at most
/// 1/32 (3.2 %) wide, from 1 ns to 8.6 s. One writer; readers load each counter.
#ifndef OPENRACING_HISTOGRAM_H
#define OPENRACING_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_SUB_BITS 5u ///< 2^5 = 32 buckets to the octave
#define HISTOGRAM_MAX_BITS 33u ///< Durations of 2^33 ns (8.6 s) and above share the last bucket
#define HISTOGRAM_BUCKETS ((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 1u) << HISTOGRAM_SUB_BITS)

typedef struct {
  _Atomic uint64_t max_ns;
  _Atomic uint64_t counts[HISTOGRAM_BUCKETS];
} Histogram;

/// Real-time. The bucket that counts a duration.
uint32_t histogram_bucket(uint64_t ns);

/// The largest duration that a bucket counts, ns.
uint64_t histogram_upper_bound_ns(uint32_t bucket);

/// Real-time. Counts one duration; the only writer calls this.
void histogram_record(Histogram* histogram, uint64_t ns);

#endif
