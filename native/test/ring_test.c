/// What one side of a ring may rely on. ring_peer_test.c has what the other side may do to it.
#include "../ring.h"
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#define MANY 1000000u
#define SLOTS 1024u ///< As in a rig
#define BATCH 7u

typedef struct {
  uint64_t number;
  uint64_t echo; ///< ~number, so that a torn slot shows
} Slot;

#define BYTES (sizeof(RingShared) + SLOTS * sizeof(Slot))

static Slot
slot_of(const uint64_t number)
{
  return (Slot){.number = number, .echo = ~number};
}

static bool
is_slot(const Slot slot, const uint64_t number)
{
  return slot.number == number && slot.echo == ~number;
}

typedef struct {
  void* memory;
  Ring  writer;
  Ring  reader;
} Pair;

static Pair
pair_from(const uint64_t first)
{
  Pair pair = {.memory = check_shared(BYTES)};
  NEED(ring_create(pair.memory, BYTES, sizeof(Slot), SLOTS, first) == RING_OK);
  NEED(ring_open_writer(&pair.writer, pair.memory, BYTES) == RING_OK);
  NEED(ring_open_reader(&pair.reader, pair.memory, BYTES) == RING_OK);
  return pair;
}

static void
unpair(Pair* const pair)
{
  check_unshare(pair->memory, BYTES);
}

static void
refuses_geometry(void)
{
  static const struct {
    uint32_t slot_size;
    uint32_t slot_count;
  } wrong[] = {{0, 2},    {4, 2},    {12, 2},         {65544, 2},      {UINT32_MAX, 2}, {8, 0},
               {8, 1},    {8, 3},    {8, (1u << 20) + 1u}, {8, 1u << 21}, {8, UINT32_MAX}, {0, 0}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    CHECK(ring_bytes(wrong[i].slot_size, wrong[i].slot_count) == 0u);
  }
  CHECK(ring_bytes(8, 2) == sizeof(RingShared) + 16u);
  CHECK(ring_bytes(65536, 1u << 20) == sizeof(RingShared) + ((size_t)1 << 36));
}

static void
refuses_memory(void)
{
  uint8_t* const memory = check_shared(BYTES);
  Ring           ring;
  CHECK(ring_create(memory + 8, BYTES, sizeof(Slot), SLOTS, 0u) == RING_INVALID);
  CHECK(ring_create(memory, BYTES - 1u, sizeof(Slot), SLOTS, 0u) == RING_INVALID);
  CHECK(ring_create(memory, BYTES, sizeof(Slot), SLOTS - 1u, 0u) == RING_INVALID);
  CHECK(ring_open_writer(&ring, memory, BYTES) == RING_INVALID); // zeroes, no ring
  NEED(ring_create(memory, BYTES, sizeof(Slot), SLOTS, 0u) == RING_OK);
  CHECK(ring_open_reader(&ring, memory + RING_LINE, BYTES - RING_LINE) == RING_INVALID);
  CHECK(ring_open_reader(&ring, memory + 8, BYTES) == RING_INVALID);
  CHECK(ring_open_reader(&ring, memory, BYTES - 1u) == RING_INVALID);
  CHECK(ring_open_reader(&ring, memory, sizeof(RingShared) - 1u) == RING_INVALID);
  CHECK(ring_open_reader(&ring, memory, 0u) == RING_INVALID);
  CHECK(ring_open_reader(&ring, memory, BYTES) == RING_OK);
  check_unshare(memory, BYTES);
}

static void
full_and_empty_from(const uint64_t first)
{
  Pair pair = pair_from(first);
  Slot slot;
  for (uint64_t turn = 0; turn < 3u; ++turn) {
    CHECK(ring_pop(&pair.reader, &slot) == RING_EMPTY);
    CHECK(ring_peek(&pair.reader, &slot) == RING_EMPTY);
    CHECK(ring_drop(&pair.reader) == RING_EMPTY);
    for (uint64_t i = 0; i < SLOTS; ++i) {
      slot = slot_of(turn * SLOTS + i);
      CHECK(ring_push(&pair.writer, &slot) == RING_OK);
    }
    slot = slot_of(0);
    CHECK(ring_push(&pair.writer, &slot) == RING_FULL);
    for (uint64_t i = 0; i < SLOTS; ++i) {
      if (i % 2u) {
        CHECK(ring_peek(&pair.reader, &slot) == RING_OK && is_slot(slot, turn * SLOTS + i));
        CHECK(ring_drop(&pair.reader) == RING_OK);
      } else {
        CHECK(ring_pop(&pair.reader, &slot) == RING_OK && is_slot(slot, turn * SLOTS + i));
      }
    }
  }
  unpair(&pair);
}

static void
full_and_empty(void)
{
  full_and_empty_from(0u);
}

static void
wraps_at_32_bits(void)
{
  full_and_empty_from((1ull << 32u) - 5u);
}

static void
wraps_at_64_bits(void)
{
  full_and_empty_from(UINT64_MAX - 4u);
}

static void
partial_batches(void)
{
  Pair     pair = pair_from(UINT64_MAX - 4u);
  Slot     in[SLOTS + 3u];
  Slot     out[SLOTS + 3u];
  uint32_t moved = 99u;
  for (uint64_t i = 0; i < SLOTS + 3u; ++i) { in[i] = slot_of(i); }

  CHECK(ring_pop_batch(&pair.reader, out, 5u, &moved) == RING_EMPTY && moved == 0u);
  CHECK(ring_push_batch(&pair.writer, in, 0u, &moved) == RING_OK && moved == 0u);
  CHECK(ring_push_batch(&pair.writer, in, SLOTS + 3u, &moved) == RING_OK && moved == SLOTS);
  CHECK(ring_push_batch(&pair.writer, in, 1u, &moved) == RING_FULL && moved == 0u);
  CHECK(ring_pop_batch(&pair.reader, out, 3u, &moved) == RING_OK && moved == 3u);
  CHECK(ring_push_batch(&pair.writer, in + SLOTS, 3u, &moved) == RING_OK && moved == 3u);
  CHECK(ring_pop_batch(&pair.reader, out + 3, SLOTS + 3u, &moved) == RING_OK && moved == SLOTS);
  for (uint64_t i = 0; i < SLOTS + 3u; ++i) { CHECK(is_slot(out[i], i)); }
  unpair(&pair);
}

// ---------------------------------------------------------------- two at once

static void
write_many(void* const argument)
{
  Ring* const ring   = argument;
  uint64_t    random = 1u;
  for (uint64_t next = 0; next < MANY;) {
    Slot           slots[BATCH];
    const uint32_t wanted = 1u + check_below(&random, BATCH);
    const uint32_t count  = wanted < MANY - next ? wanted : (uint32_t)(MANY - next);
    for (uint32_t i = 0; i < count; ++i) { slots[i] = slot_of(next + i); }
    uint32_t         moved = 0u;
    const RingStatus st    = ring_push_batch(ring, slots, count, &moved);
    if (!CHECK(st == RING_OK || st == RING_FULL)) { return; }
    if (!moved) { sched_yield(); }
    next += moved;
  }
}

static void
read_many(void* const argument)
{
  Ring* const ring   = argument;
  uint64_t    random = 2u;
  for (uint64_t next = 0; next < MANY;) {
    Slot             slots[BATCH];
    uint32_t         moved = 0u;
    const RingStatus st    = ring_pop_batch(ring, slots, 1u + check_below(&random, BATCH), &moved);
    if (!CHECK(st == RING_OK || st == RING_EMPTY)) { return; }
    if (!moved) { sched_yield(); }
    for (uint32_t i = 0; i < moved; ++i) {
      if (!CHECK(is_slot(slots[i], next + i))) { return; }
    }
    next += moved;
  }
}

static void*
writer_thread(void* const argument)
{
  write_many(argument);
  return NULL;
}

static void
two_threads(void)
{
  Pair      pair = pair_from(UINT64_MAX - 4u);
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, writer_thread, &pair.writer) == 0);
  read_many(&pair.reader);
  pthread_join(thread, NULL);
  Slot slot;
  CHECK(ring_pop(&pair.reader, &slot) == RING_EMPTY);
  unpair(&pair);
}

#if !CHECK_UNDER_TSAN // which does not see what another process does

static void
two_processes(void)
{
  Pair        pair  = pair_from((1ull << 32u) - 5u);
  const pid_t child = check_fork(read_many, &pair.reader);
  write_many(&pair.writer);
  CHECK_CHILD(child);
  unpair(&pair);
}

/// Writes until it is killed. Each slot says which one it is.
static void
write_forever(void* const memory)
{
  Ring ring;
  NEED(ring_open_writer(&ring, memory, BYTES) == RING_OK);
  for (;;) {
    const Slot slot = slot_of(ring.own);
    if (ring_push(&ring, &slot) != RING_OK) { sched_yield(); }
  }
}

static uint64_t
read_some(Ring* const ring, const uint64_t from, const uint32_t count)
{
  uint64_t next = from;
  while (next - from < count) {
    Slot             slot;
    const RingStatus st = ring_pop(ring, &slot);
    if (st == RING_EMPTY) {
      sched_yield();
    } else if (!CHECK(st == RING_OK && is_slot(slot, next++))) {
      break;
    }
  }
  return next;
}

static void
writer_is_replaced(void)
{
  Pair     pair   = pair_from(0u);
  uint64_t random = 3u;
  uint64_t next   = 0u;
  for (int kills = 0; kills < 30; ++kills) {
    const pid_t child = check_fork(write_forever, pair.memory);
    next              = read_some(&pair.reader, next, 1u + check_below(&random, 5000u));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  unpair(&pair);
}

/// Reads until it is killed, and leaves in the reader's line nothing but what ring_pop() does.
static void
read_forever(void* const memory)
{
  Ring ring;
  NEED(ring_open_reader(&ring, memory, BYTES) == RING_OK);
  for (;;) {
    Slot             slot;
    const uint64_t   expected = ring.own;
    const RingStatus st       = ring_pop(&ring, &slot);
    if (st == RING_EMPTY) {
      sched_yield();
    } else if (!CHECK(st == RING_OK && is_slot(slot, expected))) {
      return;
    }
  }
}

static void
reader_is_replaced(void)
{
  Pair     pair   = pair_from(0u);
  uint64_t random = 4u;
  for (int kills = 0; kills < 30; ++kills) {
    const pid_t    child = check_fork(read_forever, pair.memory);
    const uint64_t until = pair.writer.own + 1u + check_below(&random, 5000u);
    int            status;
    while (pair.writer.own < until && waitpid(child, &status, WNOHANG) == 0) {
      const Slot slot = slot_of(pair.writer.own);
      if (ring_push(&pair.writer, &slot) != RING_OK) { sched_yield(); }
    }
    CHECK(pair.writer.own == until);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  unpair(&pair);
}

#endif

int
main(void)
{
  static const Test tests[] = {
    {"a ring of an impossible geometry is refused", refuses_geometry},
    {"memory that is too small, misaligned or no ring is refused", refuses_memory},
    {"slots come out in the order they went in, and neither full nor empty is passed over", full_and_empty},
    {"a ring goes on when its counters pass 32 bits", wraps_at_32_bits},
    {"a ring goes on when its counters begin anew after 64 bits", wraps_at_64_bits},
    {"a batch moves what fits and says how many that were", partial_batches},
    {"a million slots between two threads arrive whole and in order", two_threads},
#if !CHECK_UNDER_TSAN
    {"a million slots between two processes arrive whole and in order", two_processes},
    {"a writer that replaces a killed one goes on where it stopped", writer_is_replaced},
    {"a reader that replaces a killed one goes on where it stopped", reader_is_replaced},
#endif
  };
  return RUN("ring_test", tests);
}
