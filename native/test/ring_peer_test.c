/// What a peer may do to a ring: anything. Whatever it writes, our side touches nothing outside the ring (the
/// sanitizers and the guard pages say so), keeps its own counter, and answers with one of its words.
///
/// Under ThreadSanitizer the peer scribbles with atomic stores on the counters only: a plain race on the slots is
/// what the test is about, and exactly what the tool reports.
#include "../ring.h"
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define SLOTS 16u
#define SLOT_BYTES 64u
#define BYTES (sizeof(RingShared) + SLOTS * SLOT_BYTES)
#define STEPS 200000u

typedef struct {
  uint8_t* memory;
  Ring     writer;
  Ring     reader;
  uint64_t random;
} Victim;

static Victim
victim(void)
{
  Victim v = {.memory = check_shared(BYTES), .random = 5u};
  NEED(ring_create(v.memory, BYTES, SLOT_BYTES, SLOTS, 0u) == RING_OK);
  NEED(ring_open_writer(&v.writer, v.memory, BYTES) == RING_OK);
  NEED(ring_open_reader(&v.reader, v.memory, BYTES) == RING_OK);
  return v;
}

/// A counter that a liar would choose: anything, or near the truth.
static uint64_t
lie(uint64_t* const random, const uint64_t truth)
{
  const uint64_t any = check_random(random);
  return any % 3u ? truth + any % (4u * SLOTS) - 2u * SLOTS : any;
}

/// Every operation of the writing side; the private counter must move by exactly what was moved.
static void
use_writer(Victim* const v)
{
  uint8_t        slots[SLOTS * SLOT_BYTES] = {0};
  uint32_t       moved                     = 0u;
  const uint64_t before                    = v->writer.own;
  const uint32_t count                     = check_below(&v->random, SLOTS + 1u);
  RingStatus     st                        = ring_push_batch(&v->writer, slots, count, &moved);
  CHECK(st == RING_OK || ((st == RING_FULL || st == RING_CORRUPT) && !moved));
  CHECK(moved <= count && v->writer.own == before + moved);
  st = ring_push(&v->writer, slots);
  CHECK(st == RING_OK || st == RING_FULL || st == RING_CORRUPT);
  CHECK(v->writer.own == before + moved + (st == RING_OK ? 1u : 0u));
}

static void
use_reader(Victim* const v)
{
  uint8_t        slots[SLOTS * SLOT_BYTES];
  uint32_t       moved  = 0u;
  const uint64_t before = v->reader.own;
  const uint32_t count  = check_below(&v->random, SLOTS + 1u);
  RingStatus     st     = ring_pop_batch(&v->reader, slots, count, &moved);
  CHECK(st == RING_OK || ((st == RING_EMPTY || st == RING_CORRUPT) && !moved));
  CHECK(moved <= count && v->reader.own == before + moved);
  st = ring_peek(&v->reader, slots);
  CHECK((st == RING_OK || st == RING_EMPTY || st == RING_CORRUPT) && v->reader.own == before + moved);
  st = check_below(&v->random, 2u) ? ring_pop(&v->reader, slots) : ring_drop(&v->reader);
  CHECK(st == RING_OK || st == RING_EMPTY || st == RING_CORRUPT);
  CHECK(v->reader.own == before + moved + (st == RING_OK ? 1u : 0u));
}

static void
lying_reader(void)
{
  Victim            v      = victim();
  RingShared* const shared = v.writer.shared;
  uint8_t           slot[SLOT_BYTES] = {0};
  for (uint32_t i = 0; i < STEPS; ++i) {
    const uint64_t told = lie(&v.random, v.writer.own);
    atomic_store(&shared->read, told);
    const RingStatus st = ring_push(&v.writer, slot);
    CHECK(v.writer.own - told <= SLOTS + 1u || st == RING_CORRUPT);
    use_writer(&v);
  }
  atomic_store(&shared->read, v.writer.own);
  CHECK(ring_push(&v.writer, slot) == RING_OK);
  CHECK(atomic_load(&shared->written) == v.writer.own);
  check_unshare(v.memory, BYTES);
}

static void
lying_writer(void)
{
  Victim            v      = victim();
  RingShared* const shared = v.reader.shared;
  uint8_t           slot[SLOT_BYTES];
  for (uint32_t i = 0; i < STEPS; ++i) {
    const uint64_t told = lie(&v.random, v.reader.own);
    atomic_store(&shared->written, told);
    const bool impossible = told - v.reader.own > SLOTS;
    CHECK((ring_peek(&v.reader, slot) == RING_CORRUPT) == impossible);
    use_reader(&v);
  }
  atomic_store(&shared->written, v.reader.own + 1u);
  CHECK(ring_pop(&v.reader, slot) == RING_OK);
  CHECK(ring_pop(&v.reader, slot) == RING_EMPTY);
  check_unshare(v.memory, BYTES);
}

static void
our_counter_is_private(void)
{
  Victim            v      = victim();
  RingShared* const shared = v.writer.shared;
  for (uint64_t i = 0; i < STEPS / 10u; ++i) {
    uint8_t slot[SLOT_BYTES] = {0};
    memcpy(slot, &i, sizeof i);
    atomic_store(&shared->written, check_random(&v.random));
    CHECK(ring_push(&v.writer, slot) == RING_OK);
    atomic_store(&shared->read, check_random(&v.random));
    memset(slot, 0, sizeof slot);
    CHECK(ring_pop(&v.reader, slot) == RING_OK);
    CHECK(memcmp(slot, &i, sizeof i) == 0);
  }
  check_unshare(v.memory, BYTES);
}

static void
geometry_was_copied(void)
{
  Victim v = victim();
  for (uint32_t i = 0; i < STEPS / 10u; ++i) {
    for (uint32_t at = 0; at < 12u; at += 4u) { // magic, slot_size, slot_count
      const uint32_t word = (uint32_t)check_random(&v.random);
      memcpy(v.memory + at, &word, sizeof word);
    }
    use_writer(&v);
    use_reader(&v);
  }
  CHECK(v.reader.own > 0u && v.reader.slot_size == SLOT_BYTES && v.reader.mask == SLOTS - 1u);
  check_unshare(v.memory, BYTES);
}

/// What ring_open_...() accepts must be usable to its last slot without leaving the memory. False when it accepts nothing.
static bool
use_all(Victim* const v, const size_t bytes)
{
  const bool ok = ring_open_writer(&v->writer, v->memory, bytes) == RING_OK;
  CHECK((ring_open_reader(&v->reader, v->memory, bytes) == RING_OK) == ok);
  if (!ok) { return false; }
  CHECK(ring_bytes(v->writer.slot_size, v->writer.mask + 1u) <= bytes);
  uint8_t* const slot = calloc(1, v->writer.slot_size);
  NEED(slot);
  for (uint32_t i = 0; i <= v->writer.mask + 1u; ++i) { (void)ring_push(&v->writer, slot); }
  for (uint32_t i = 0; i <= v->writer.mask + 1u; ++i) { (void)ring_pop(&v->reader, slot); }
  free(slot);
  return true;
}

static void
garbage_is_opened(void)
{
  Victim   v        = victim();
  uint32_t accepted = 0u;
  for (uint32_t i = 0; i < STEPS / 10u; ++i) {
    for (size_t at = 0; at < BYTES; at += 8u) {
      const uint64_t word = check_random(&v.random);
      memcpy(v.memory + at, &word, sizeof word);
    }
    // One in two gets a head that is nearly right: sizes that are likely to pass the checks one by one.
    if (check_below(&v.random, 2u)) {
      const uint32_t head[3] = {RING_MAGIC, 8u * check_below(&v.random, 40u), 1u << check_below(&v.random, 24u)};
      memcpy(v.memory, head, sizeof head);
    }
    accepted += use_all(&v, check_below(&v.random, BYTES + 1u)) ? 1u : 0u;
  }
  CHECK(accepted > 0u);
  check_unshare(v.memory, BYTES);
}

static void
peeked_slot_is_a_copy(void)
{
  Victim  v = victim();
  uint8_t slot[SLOT_BYTES];
  memset(slot, 7, sizeof slot);
  CHECK(ring_push(&v.writer, slot) == RING_OK);
  CHECK(ring_peek(&v.reader, slot) == RING_OK);
  memset(v.memory + sizeof(RingShared), 9, SLOTS * SLOT_BYTES);
  for (size_t i = 0; i < sizeof slot; ++i) { CHECK(slot[i] == 7); }
  CHECK(ring_drop(&v.reader) == RING_OK);
  check_unshare(v.memory, BYTES);
}

static void
contradiction_is_forgotten(void)
{
  Victim v                = victim();
  uint8_t slot[SLOT_BYTES] = {1};
  atomic_store(&v.writer.shared->written, 0xDEADBEEFu); // scribbled by a writer that is gone
  CHECK(ring_open_writer(&v.writer, v.memory, BYTES) == RING_OK);
  CHECK(ring_push(&v.writer, slot) == RING_OK);
  CHECK(ring_pop(&v.reader, slot) == RING_OK && slot[0] == 1u);

  atomic_store(&v.reader.shared->read, 0xDEADBEEFu); // scribbled by a reader that is gone
  CHECK(ring_push(&v.writer, slot) == RING_CORRUPT);
  CHECK(ring_open_reader(&v.reader, v.memory, BYTES) == RING_OK);
  CHECK(ring_pop(&v.reader, slot) == RING_EMPTY);
  CHECK(ring_push(&v.writer, slot) == RING_OK);
  CHECK(ring_pop(&v.reader, slot) == RING_OK && slot[0] == 1u);
  check_unshare(v.memory, BYTES);
}

// ---------------------------------------------------------------- at the same time

typedef struct {
  RingShared* shared;
  atomic_bool end;
} Scribbler;

static void*
scribble_counters(void* const argument)
{
  Scribbler* const self   = argument;
  uint64_t         random = 6u;
  while (!atomic_load(&self->end)) {
    atomic_store(&self->shared->read, check_random(&random) % 256u);
    atomic_store(&self->shared->written, check_random(&random) % 256u);
    atomic_store(&self->shared->reader_sleeps, (uint32_t)check_random(&random));
  }
  return NULL;
}

static void
thread_scribbles(void)
{
  Victim    v    = victim();
  Scribbler self = {.shared = v.writer.shared};
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, scribble_counters, &self) == 0);
  for (uint32_t i = 0; i < STEPS; ++i) {
    use_writer(&v);
    use_reader(&v);
  }
  atomic_store(&self.end, true);
  pthread_join(thread, NULL);
  check_unshare(v.memory, BYTES);
}

#if !CHECK_UNDER_TSAN

static void
scribble_everything(void* const memory)
{
  uint64_t random = 7u;
  for (;;) {
    const uint64_t   word = check_random(&random);
    volatile uint8_t* at  = (uint8_t*)memory + (word >> 32u) % BYTES;
    *at                   = (uint8_t)word;
  }
}

static void
process_scribbles(void)
{
  Victim      v     = victim();
  const pid_t child = check_fork(scribble_everything, v.memory);
  for (uint32_t i = 0; i < 5u * STEPS; ++i) {
    use_writer(&v);
    use_reader(&v);
    if (i % 64u == 0u) { // or the counters would stay impossible from the first scribble on
      atomic_store(&v.writer.shared->read, v.writer.own);
      atomic_store(&v.reader.shared->written, v.reader.own + SLOTS);
    }
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  CHECK(v.writer.own > 0u && v.reader.own > 0u);
  check_unshare(v.memory, BYTES);
}

#endif

int
main(void)
{
  static const Test tests[] = {
    {"a reader that lies about its counter costs the writer nothing, and is forgiven", lying_reader},
    {"a writer that lies about its counter costs the reader nothing, and is forgiven", lying_writer},
    {"a peer that scribbles on the published copy of our counter does not move us", our_counter_is_private},
    {"the geometry is the one that was checked, whatever the head says later", geometry_was_copied},
    {"what is accepted from garbage is used within its bounds", garbage_is_opened},
    {"a slot that was shown is a copy", peeked_slot_is_a_copy},
    {"a side that replaces a scribbler begins with an empty ring", contradiction_is_forgotten},
    {"a thread that scribbles on the counters all the time harms nobody", thread_scribbles},
#if !CHECK_UNDER_TSAN
    {"a process that scribbles on the whole segment all the time harms nobody", process_scribbles},
#endif
  };
  return RUN("ring_peer_test", tests);
}
