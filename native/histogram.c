#include "histogram.h"

#define SUB (1u << HISTOGRAM_SUB_BITS)

uint32_t
histogram_bucket(const uint64_t ns)
{
  if (ns < SUB) { return (uint32_t)ns; }
  if (ns >> HISTOGRAM_MAX_BITS) { return HISTOGRAM_BUCKETS - 1u; }
  // Log-linear: the octave from the leading bit, the place in it from the next five.
  const uint32_t top    = 63u - (uint32_t)__builtin_clzll(ns);
  const uint32_t octave = top - HISTOGRAM_SUB_BITS;
  return (octave << HISTOGRAM_SUB_BITS) + (uint32_t)(ns >> octave);
}

uint64_t
histogram_upper_bound_ns(const uint32_t bucket)
{
  if (bucket < 2u * SUB) { return bucket; }
  const uint32_t octave = (bucket >> HISTOGRAM_SUB_BITS) - 1u;
  const uint64_t sub    = bucket - (octave << HISTOGRAM_SUB_BITS);
  return ((sub + 1u) << octave) - 1u;
}

void
histogram_record(Histogram* const histogram, const uint64_t ns)
{
  _Atomic uint64_t* const count = &histogram->counts[histogram_bucket(ns)];
  atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1u, memory_order_relaxed);
  if (ns > atomic_load_explicit(&histogram->max_ns, memory_order_relaxed)) {
    atomic_store_explicit(&histogram->max_ns, ns, memory_order_relaxed);
  }
}
