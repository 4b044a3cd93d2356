/// ring_side write|read PATH BATCH MILLISECONDS   one side of a ring, as fast as it goes
/// ring_side copy BATCH MILLISECONDS              memcpy of the same bytes, in one process
///
/// `read` and `copy` print the slots that they moved and the time that it took. A ring is 1024 slots of 64 bytes.

#include "../../native/clock.h"
#include "../../native/ring.h"
#include "../../native/segment.h"
#include "pair.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 1024u
/// Turns between two readings of the clock.
#define TURNS 64u
/// Turns in vain after which the other side gets our core, in case it waits for one.
#define PATIENCE 100u

static uint8_t slots[BATCH_MAX * sizeof(FrameSlot)];

static bool
init_ring(void* const memory, const size_t bytes, const void* const what)
{
  (void)what;
  return ring_create(memory, bytes, sizeof(FrameSlot), RIG_RING_SLOTS, 0u) == RING_OK;
}

static bool
open_ring(Ring* const ring, const char* const path, const bool writer)
{
  Segment   segment = {.memory = NULL};
  const int error   = segment_open_or_create(&segment, path, PLUGIN_RING_BYTES, init_ring, NULL);
  if (error) {
    fprintf(stderr, "ring_side: %s: %s\n", path, strerror(error));
    return false;
  }
  return (writer ? ring_open_writer : ring_open_reader)(ring, segment.memory, segment.bytes) == RING_OK;
}

static void
print(const uint64_t moved, const uint64_t ns)
{
  printf("{\"slots\":%" PRIu64 ",\"ns\":%" PRIu64 "}\n", moved, ns);
}

/// Called in vain: looks again at once for a while, then gives the core away.
static void
look_again(uint32_t* const in_vain)
{
  clock_relax();
  if (++*in_vain % PATIENCE == 0u) { sched_yield(); }
}

/// One slot goes by ring_push() and ring_pop(), more by their batches.
static uint32_t
push(Ring* const ring, const uint32_t batch)
{
  uint32_t moved = 0u;
  if (batch == 1u) { return ring_push(ring, slots) == RING_OK ? 1u : 0u; }
  (void)ring_push_batch(ring, slots, batch, &moved);
  return moved;
}

static uint32_t
pop(Ring* const ring, const uint32_t batch)
{
  uint32_t moved = 0u;
  if (batch == 1u) { return ring_pop(ring, slots) == RING_OK ? 1u : 0u; }
  (void)ring_pop_batch(ring, slots, batch, &moved);
  return moved;
}

static int
write_side(const char* const path, const uint32_t batch, const uint64_t for_ns)
{
  Ring ring;
  if (!open_ring(&ring, path, true)) { return 1; }
  uint32_t       in_vain = 0u;
  const uint64_t end_ns  = clock_now_ns() + for_ns;
  while (clock_now_ns() < end_ns) {
    for (uint32_t i = 0u; i < TURNS; ++i) {
      if (!push(&ring, batch)) { look_again(&in_vain); }
    }
  }
  return 0;
}

/// The time runs from the first slot.
static int
read_side(const char* const path, const uint32_t batch, const uint64_t for_ns)
{
  Ring ring;
  if (!open_ring(&ring, path, false)) { return 1; }
  uint32_t in_vain = 0u;
  while (!pop(&ring, batch)) { look_again(&in_vain); }

  const uint64_t begin_ns = clock_now_ns();
  uint64_t       now_ns   = begin_ns;
  uint64_t       moved    = 0u;
  for (; now_ns - begin_ns < for_ns; now_ns = clock_now_ns()) {
    for (uint32_t i = 0u; i < TURNS; ++i) {
      const uint32_t more = pop(&ring, batch);
      if (!more) { look_again(&in_vain); }
      moved += more;
    }
  }
  print(moved, now_ns - begin_ns);
  return 0;
}

static int
copy(const uint32_t batch, const uint64_t for_ns)
{
  static uint8_t target[RIG_RING_SLOTS * sizeof(FrameSlot)];
  const size_t   bytes    = batch * sizeof(FrameSlot);
  const uint64_t begin_ns = clock_now_ns();
  uint64_t       now_ns   = begin_ns;
  uint64_t       moved    = 0u;
  for (; now_ns - begin_ns < for_ns; now_ns = clock_now_ns()) {
    for (uint32_t i = 0u; i < TURNS; ++i) {
      memcpy(target + moved % RIG_RING_SLOTS * sizeof(FrameSlot), slots, bytes);
      // The compiler must believe that somebody reads it.
      __asm__ volatile("" : : "r"(target) : "memory");
      moved += batch;
    }
  }
  print(moved, now_ns - begin_ns);
  return 0;
}

static int
usage(void)
{
  fputs("usage: ring_side write|read PATH BATCH MILLISECONDS, ring_side copy BATCH MILLISECONDS; BATCH is a power of two "
        "up to 1024\n",
        stderr);
  return 4;
}

int
main(const int argc, char** const argv)
{
  if (argc < 4) { return usage(); }
  const unsigned batch  = (unsigned)strtoul(argv[argc - 2], NULL, 10);
  const uint64_t for_ns = (uint64_t)pair_milliseconds(argv[argc - 1]) * CLOCK_NS_PER_MS;
  if (!batch || batch > BATCH_MAX || batch & (batch - 1u) || !for_ns) { return usage(); }
  memset(slots, 0x5A, sizeof slots);
  if (argc == 4 && !strcmp(argv[1], "copy")) { return copy(batch, for_ns); }
  if (argc == 5 && !strcmp(argv[1], "write")) { return write_side(argv[2], batch, for_ns); }
  if (argc == 5 && !strcmp(argv[1], "read")) { return read_side(argv[2], batch, for_ns); }
  return usage();
}
