/// Reads durations in ns, one a line; prints of each its bucket and that bucket's upper bound.
#include "../histogram.h"

#include <inttypes.h>
#include <stdio.h>

int
main(void)
{
  uint64_t ns;
  while (scanf("%" SCNu64, &ns) == 1) {
    const uint32_t bucket = histogram_bucket(ns);
    printf("%" PRIu32 " %" PRIu64 "\n", bucket, histogram_upper_bound_ns(bucket));
  }
  return 0;
}
