/// producer DIRECTORY
///
/// Feeds the loop of a rig with a sine of torque, in place of the hub: see README.md beside this file.
#include "clock.h"
#include "rig.h"
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define AMPLITUDE_NM 2.0
#define FREQUENCY_HZ 1.0
#define AHEAD_NS 60000000u ///< The loop refuses what is due in more than 100 ms; pauses of ours up to this leave no gap
#define BATCH_EVERY_NS 10000000u
#define BATCH_MAX (AHEAD_NS / RIG_PERIOD_NS + 1u)

/// One slot: torque in N·m, right positive, and CLOCK_MONOTONIC of the moment when it is due.
static FrameSlot
slot_at(const uint64_t due_ns)
{
  const double seconds = (double)due_ns * 1e-9;
  return (FrameSlot){.ffb_in       = (float)(AMPLITUDE_NM * sin(2.0 * M_PI * FREQUENCY_HZ * seconds)),
                     .timestamp_ns = due_ns};
}

/// Opens the ring that the loop reads. It has one writer, which holds the file's lock for as long as it lives.
static int
open_input(Ring* const ring, const char* const path)
{
  Segment   segment;
  const int lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB)) { return errno; }
  const int error = segment_open(&segment, path, PLUGIN_RING_BYTES, true);
  if (error) { return error; }
  return ring_open_writer(ring, segment.memory, segment.bytes) == RING_OK ? 0 : EPROTO;
}

int
main(const int argc, char** const argv)
{
  Ring ring;
  char path[4096];
  snprintf(path, sizeof path, "%s/input", argc == 2 ? argv[1] : "");
  const int error = argc == 2 ? open_input(&ring, path) : EINVAL;
  if (error) {
    fprintf(stderr, "producer: %s: %s\n", path, error == EWOULDBLOCK ? "another program feeds this loop" : strerror(error));
    return 5;
  }
  for (uint64_t due_ns = clock_now_ns();; clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = BATCH_EVERY_NS}, NULL)) {
    const uint64_t now_ns = clock_now_ns();
    if (due_ns < now_ns) { due_ns = now_ns; } // we were away: what is over is over
    FrameSlot batch[BATCH_MAX];
    uint32_t  count = 0u, pushed = 0u;
    for (; count < BATCH_MAX && due_ns + (uint64_t)count * RIG_PERIOD_NS < now_ns + AHEAD_NS; ++count) {
      batch[count] = slot_at(due_ns + (uint64_t)count * RIG_PERIOD_NS);
    }
    // A full ring takes fewer: no loop runs, and what is left is made anew next time.
    if (count && ring_push_batch(&ring, batch, count, &pushed) == RING_CORRUPT) { return 1; }
    due_ns += (uint64_t)pushed * RIG_PERIOD_NS;
  }
}
