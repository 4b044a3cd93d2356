/// Waiting for the other side of a ring.
#include "../clock.h"
#include "../doorbell.h"
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#define SLOTS 8u
#define BYTES (sizeof(RingShared) + SLOTS * sizeof(uint64_t))
/// Fewer where every access is instrumented.
#define ROUNDS (CHECK_UNDER_TSAN ? 20000u : 100000u)

typedef struct {
  void* memory;
  Ring  writer;
  Ring  reader;
} Pair;

static Pair
pair(void)
{
  // The low half of the counter, on which the reader sleeps, wraps during the tests.
  Pair self = {.memory = check_shared(BYTES)};
  NEED(ring_create(self.memory, BYTES, sizeof(uint64_t), SLOTS, (1ull << 32u) - 1000u) == RING_OK);
  NEED(ring_open_writer(&self.writer, self.memory, BYTES) == RING_OK);
  NEED(ring_open_reader(&self.reader, self.memory, BYTES) == RING_OK);
  return self;
}

static void
waits_to_the_deadline(void)
{
  static const uint64_t waits_ns[] = {20000u, 200000u, 5000000u};
  static const uint64_t spins_ns[] = {0u, 1000u, 2000000u, 1000000000u};
  Pair                  self       = pair();
  for (size_t i = 0; i < 12u; ++i) {
    const uint64_t until_ns = clock_now_ns() + waits_ns[i % 3u];
    CHECK(!doorbell_wait(&self.reader, until_ns, spins_ns[i / 3u]));
    CHECK(clock_now_ns() >= until_ns);
    CHECK(atomic_load(&self.reader.shared->reader_sleeps) == 0u);
  }
  CHECK(!doorbell_wait(&self.reader, 0u, 0u));
  CHECK(!doorbell_wait(&self.reader, clock_now_ns() - 1u, 1000u));
  check_unshare(self.memory, BYTES);
}

static void
does_not_wait_for_what_is_there(void)
{
  Pair           self = pair();
  const uint64_t slot = 1u;
  CHECK(ring_push(&self.writer, &slot) == RING_OK);
  doorbell_ring(&self.writer);
  CHECK(doorbell_wait(&self.reader, 0u, 0u));
  CHECK(doorbell_wait(&self.reader, clock_now_ns() + CHECK_WATCHDOG_NS, 1000u));
  check_unshare(self.memory, BYTES);
}

typedef struct {
  Pair there;
  Pair back;
} Table;

static bool
expect(Ring* const ring, const uint64_t number, const uint64_t spin_ns)
{
  uint64_t got = 0u;
  return CHECK(doorbell_wait(ring, clock_now_ns() + CHECK_WATCHDOG_NS, spin_ns)) &&
         CHECK(ring_pop(ring, &got) == RING_OK) && CHECK(got == number);
}

static void
serve(Ring* const ring, const uint64_t number)
{
  CHECK(ring_push(ring, &number) == RING_OK);
  doorbell_ring(ring);
}

static void
return_balls(void* const argument)
{
  Table* const table = argument;
  for (uint64_t i = 0; i < ROUNDS && expect(&table->there.reader, i, 0u); ++i) { serve(&table->back.writer, i); }
}

/// A wake-up that is lost shows as a wait that lasts to the watchdog.
static void
play(Table* const table)
{
  for (uint64_t i = 0; i < ROUNDS; ++i) {
    serve(&table->there.writer, i);
    if (!expect(&table->back.reader, i, i % 3u * 2000u)) { return; }
  }
}

static void
end(Table* const table)
{
  check_unshare(table->there.memory, BYTES);
  check_unshare(table->back.memory, BYTES);
}

static void*
thread(void* const table)
{
  return_balls(table);
  return NULL;
}

static void
ping_pong_threads(void)
{
  Table     table = {.there = pair(), .back = pair()};
  pthread_t other;
  NEED(pthread_create(&other, NULL, thread, &table) == 0);
  play(&table);
  pthread_join(other, NULL);
  end(&table);
}

#if !CHECK_UNDER_TSAN

static void
ping_pong_processes(void)
{
  Table       table = {.there = pair(), .back = pair()};
  const pid_t child = check_fork(return_balls, &table);
  play(&table);
  CHECK_CHILD(child);
  end(&table);
}

static void
sleep_for_one(void* const argument)
{
  Pair* const self = argument;
  expect(&self->reader, 42u, 0u);
}

static void
wakes_a_sleeper(void)
{
  Pair        self  = pair();
  const pid_t child = check_fork(sleep_for_one, &self);
  while (!atomic_load(&self.writer.shared->reader_sleeps)) { sched_yield(); }
  serve(&self.writer, 42u);
  CHECK_CHILD(child);
  check_unshare(self.memory, BYTES);
}

static void
ring_falsely(void* const argument)
{
  Pair* const self = argument;
  for (;;) {
    atomic_store(&self->writer.shared->reader_sleeps, 1u);
    doorbell_ring(&self->writer);
  }
}

static void
false_alarms(void)
{
  Pair           self     = pair();
  const pid_t    child    = check_fork(ring_falsely, &self);
  const uint64_t until_ns = clock_now_ns() + 100000000u;
  CHECK(!doorbell_wait(&self.reader, until_ns, 0u));
  CHECK(clock_now_ns() >= until_ns);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  check_unshare(self.memory, BYTES);
}

#endif

int
main(void)
{
  static const Test tests[] = {
    {"a wait for nothing ends at its deadline and not before, however long it spins", waits_to_the_deadline},
    {"what is there already is not waited for", does_not_wait_for_what_is_there},
    {"no wake-up is lost between two threads", ping_pong_threads},
#if !CHECK_UNDER_TSAN
    {"no wake-up is lost between two processes", ping_pong_processes},
    {"a process that sleeps is woken by another's push", wakes_a_sleeper},
    {"a peer that rings for nothing does not end the wait", false_alarms},
#endif
  };
  return RUN("doorbell_test", tests);
}
