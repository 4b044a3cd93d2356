/// The newest value: whole, in order, whoever is killed.
#include "../latest.h"
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define WORDS 33u ///< Not a whole number of cache lines
#define READERS 3
#define PUBLICATIONS 300000u

typedef struct {
  uint64_t words[WORDS];
} Value;

static size_t
bytes(void)
{
  return latest_bytes(sizeof(Value));
}

/// Every word follows from the number, so words of two values do not go together.
static Value
value_of(const uint64_t number)
{
  Value value;
  for (uint64_t i = 0; i < WORDS; ++i) { value.words[i] = number * WORDS + i; }
  return value;
}

static bool
is_value(const Value* const value, const uint64_t number)
{
  const Value expected = value_of(number);
  return memcmp(value, &expected, sizeof expected) == 0;
}

static Latest
cell(void)
{
  void* const memory = check_shared(bytes());
  Latest      latest;
  NEED(latest_create(memory, bytes(), sizeof(Value)));
  NEED(latest_open(&latest, memory, bytes(), sizeof(Value)));
  return latest;
}

static void
uncell(const Latest* const latest)
{
  check_unshare(latest->shared, bytes());
}

static void
publish_next(Latest* const latest)
{
  const Value value = value_of(latest->own + 1u);
  latest_publish(latest, &value);
}

static void
refuses(void)
{
  static const uint32_t wrong[] = {0u, 4u, 7u, 12u, 65544u, UINT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) { CHECK(latest_bytes(wrong[i]) == 0u); }
  uint8_t* const memory = check_shared(bytes());
  Latest         latest;
  CHECK(!latest_create(memory, bytes() - 1u, sizeof(Value)));
  CHECK(!latest_create(memory + 8, bytes(), sizeof(Value)));
  CHECK(!latest_create(memory, bytes(), 12u));
  CHECK(!latest_open(&latest, memory, bytes(), sizeof(Value))); // zeroes, no cell
  NEED(latest_create(memory, bytes(), sizeof(Value)));
  CHECK(!latest_open(&latest, memory, bytes(), sizeof(Value) - 8u));
  CHECK(!latest_open(&latest, memory, bytes() - 1u, sizeof(Value)));
  CHECK(!latest_open(&latest, memory + 64, bytes() - 64u, sizeof(Value)));
  CHECK(!latest_open(&latest, memory, 0u, sizeof(Value)));
  CHECK(latest_open(&latest, memory, bytes(), sizeof(Value)));
  check_unshare(memory, bytes());
}

static void
begins_empty(void)
{
  Latest latest = cell();
  Value  value;
  CHECK(latest_read(&latest, &value) == 0u);
  for (uint64_t number = 1u; number < 20u; ++number) {
    publish_next(&latest);
    CHECK(latest_read(&latest, &value) == number && is_value(&value, number));
    CHECK(latest_read(&latest, &value) == number && is_value(&value, number));
  }
  uncell(&latest);
}

static void
writer_dies_half_way(void)
{
  Latest latest = cell();
  publish_next(&latest);
  publish_next(&latest);
  // What a writer does before it is killed: words into the next slot, and no number.
  memset(latest.slots + (3u % LATEST_SLOTS) * latest.stride, 0xEE, sizeof(Value) / 2u);
  Value value;
  CHECK(latest_read(&latest, &value) == 2u && is_value(&value, 2u));

  Latest next;
  NEED(latest_open(&next, latest.shared, bytes(), sizeof(Value)));
  publish_next(&next);
  CHECK(latest_read(&latest, &value) == 3u && is_value(&value, 3u));
  uncell(&latest);
}

// ---------------------------------------------------------------- at the same time

/// Reads until `until` is published. Returns how many reads gave a value.
static uint64_t
follow(const Latest* const latest, const uint64_t until)
{
  uint64_t newest = 0u;
  uint64_t reads  = 0u;
  while (newest < until) {
    Value          value;
    const uint64_t number = latest_read(latest, &value);
    if (!number) { continue; }
    if (!CHECK(is_value(&value, number)) || !CHECK(number >= newest)) { break; }
    newest = number;
    ++reads;
  }
  return reads;
}

static void*
reader_thread(void* const latest)
{
  CHECK(follow(latest, PUBLICATIONS) > 0u);
  return NULL;
}

static void
several_threads(void)
{
  Latest    latest = cell();
  Latest    reader = latest; // the readers must not share the writer's private count
  pthread_t threads[READERS];
  for (int i = 0; i < READERS; ++i) { NEED(pthread_create(&threads[i], NULL, reader_thread, &reader) == 0); }
  for (uint64_t i = 0; i < PUBLICATIONS; ++i) { publish_next(&latest); }
  for (int i = 0; i < READERS; ++i) { pthread_join(threads[i], NULL); }
  uncell(&latest);
}

#if !CHECK_UNDER_TSAN

static void
read_to_the_end(void* const latest)
{
  CHECK(follow(latest, PUBLICATIONS) > 0u);
}

static void
several_processes(void)
{
  Latest      latest = cell();
  const pid_t first  = check_fork(read_to_the_end, &latest);
  const pid_t second = check_fork(read_to_the_end, &latest);
  for (uint64_t i = 0; i < PUBLICATIONS; ++i) { publish_next(&latest); }
  CHECK_CHILD(first);
  CHECK_CHILD(second);
  uncell(&latest);
}

static void
publish_forever(void* const memory)
{
  Latest latest;
  NEED(latest_open(&latest, memory, bytes(), sizeof(Value)));
  for (;;) { publish_next(&latest); }
}

static void
writer_is_replaced(void)
{
  Latest   latest = cell();
  uint64_t random = 1u;
  uint64_t before = 0u;
  for (int kills = 0; kills < 30; ++kills) {
    const pid_t child = check_fork(publish_forever, latest.shared);
    follow(&latest, before + 1u + check_below(&random, 20000u));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    Value          value;
    const uint64_t number = latest_read(&latest, &value);
    CHECK(number > before && is_value(&value, number));
    before = number;
  }
  uncell(&latest);
}

#endif

int
main(void)
{
  static const Test tests[] = {
    {"a cell of another size, or memory that is none, is refused", refuses},
    {"there is nothing before the first value, then always the newest", begins_empty},
    {"a writer that dies half way leaves the last value whole, and its successor counts on", writer_dies_half_way},
    {"several threads read while one writes, never a torn value and never an older one", several_threads},
#if !CHECK_UNDER_TSAN
    {"several processes read while one writes, never a torn value and never an older one", several_processes},
    {"a writer killed at any moment leaves a whole value, and its successor counts on", writer_is_replaced},
#endif
  };
  return RUN("latest_test", tests);
}
