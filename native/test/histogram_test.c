#include "../histogram.h"
#include "check.h"

#define LAST (HISTOGRAM_BUCKETS - 1u)

static void
bounds_are_exact(void)
{
  for (uint32_t bucket = 0; bucket < LAST; ++bucket) {
    const uint64_t bound = histogram_upper_bound_ns(bucket);
    CHECK(histogram_bucket(bound) == bucket);
    CHECK(histogram_bucket(bound + 1u) == bucket + 1u);
  }
  CHECK(histogram_upper_bound_ns(LAST) == (1ull << HISTOGRAM_MAX_BITS) - 1u);
  CHECK(histogram_bucket(histogram_upper_bound_ns(LAST)) == LAST);
}

static void
buckets_are_narrow(void)
{
  for (uint32_t bucket = 1; bucket <= LAST; ++bucket) {
    const uint64_t before = histogram_upper_bound_ns(bucket - 1u);
    const uint64_t width  = histogram_upper_bound_ns(bucket) - before;
    CHECK(width >= 1u && (width == 1u || width * 32u <= before + 1u));
  }
}

static void
order_is_kept(void)
{
  uint64_t random = 1u;
  for (int i = 0; i < 1000000; ++i) {
    const uint64_t a    = check_random(&random) >> check_below(&random, 64u);
    const uint64_t b    = check_random(&random) >> check_below(&random, 64u);
    const uint32_t low  = histogram_bucket(a < b ? a : b);
    const uint32_t high = histogram_bucket(a < b ? b : a);
    CHECK(low <= high && high <= LAST);
    CHECK(a >> HISTOGRAM_MAX_BITS || histogram_upper_bound_ns(histogram_bucket(a)) >= a);
  }
}

static void
extremes(void)
{
  static Histogram histogram;
  histogram_record(&histogram, 0u);
  CHECK(atomic_load(&histogram.counts[0]) == 1u && atomic_load(&histogram.max_ns) == 0u);
  histogram_record(&histogram, UINT64_MAX);
  histogram_record(&histogram, 1ull << HISTOGRAM_MAX_BITS);
  CHECK(atomic_load(&histogram.counts[LAST]) == 2u && atomic_load(&histogram.max_ns) == UINT64_MAX);
}

int
main(void)
{
  static const Test tests[] = {
    {"a bucket ends exactly where the next begins", bounds_are_exact},
    {"no bucket is wider than a 32nd of what it counts", buckets_are_narrow},
    {"a longer duration is never in an earlier bucket", order_is_kept},
    {"nothing at all and more than 8.6 s are counted too", extremes},
  };
  return RUN("histogram_test", tests);
}
