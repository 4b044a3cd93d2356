/// Who is interrupted, who is not, and that nothing arrives late.
#include "../clock.h"
#include "../guard.h"
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#define ROUNDS (CHECK_UNDER_TSAN ? 200u : 600u)

/// A thread with a guard. `interrupted` is what V8's flag is: set from outside, taken back by the thread.
typedef struct {
  Guard*       guard;
  GuardWords*  words;
  _Atomic bool interrupted;
} Thread;

static void
interrupt(void* const target)
{
  Thread* const self = target;
  atomic_store(&self->interrupted, true);
}

static void
open_guard(Thread* const self)
{
  *self       = (Thread){0};
  self->guard = guard_open(interrupt, self);
  NEED(self->guard);
  self->words = guard_words(self->guard);
}

static void
close_guard(Thread* const self)
{
  guard_close(self->guard);
  guard_close(self->guard);
  guard_free(self->guard);
}

static void
allot(Thread* const self, const int32_t us)
{
  atomic_fetch_add(&self->words->allotment, 1);
  atomic_store(&self->words->limit_us, us);
}

/// A guest that loops until it is interrupted. On a machine that is busy elsewhere that takes as long as it takes.
static void
loop_for_ever(const Thread* const self)
{
  while (!atomic_load(&self->interrupted)) { clock_relax(); }
}

static void
loop_is_ended(void)
{
  Thread self;
  open_guard(&self);
  for (int i = 0; i < 20; ++i) {
    allot(&self, 1000 * (i % 4));
    CHECK(guard_enter(self.guard));
    loop_for_ever(&self);
    CHECK(guard_leave(self.guard));
    CHECK(atomic_load(&self.words->call) == 0);
    CHECK(atomic_load(&self.words->witnessed_us) >= 1000 * (i % 4)); // whole µs of what was more
    atomic_store(&self.interrupted, false);
  }
  close_guard(&self);
}

static void
spin(const uint64_t ns)
{
  const uint64_t until_ns = clock_now_ns() + ns;
  while (clock_now_ns() < until_ns) { clock_relax(); }
}

/// Calls that end about when they would be interrupted: one of the two happens, and both sides know which.
static void
nothing_is_late(void)
{
  Thread self;
  open_guard(&self);
  uint64_t random = 7u;
  unsigned ended  = 0u;
  for (unsigned i = 0u; i < ROUNDS || (!ended && i < 100u * ROUNDS); ++i) {
    allot(&self, 0);
    CHECK(guard_enter(self.guard));
    spin(2000000u + check_below(&random, 3000000u));
    const bool left = !guard_leave(self.guard);
    // From here on the flag does not change: who was not interrupted is not afterwards, who was has it.
    CHECK(atomic_load(&self.interrupted) == !left);
    spin(check_below(&random, 100000u));
    CHECK(atomic_load(&self.interrupted) == !left);
    atomic_store(&self.interrupted, false);
    ended += left ? 0u : 1u;
  }
  CHECK(ended > 0u);
  close_guard(&self);
}

static void
short_calls_go_on(void)
{
  Thread self;
  open_guard(&self);
  const uint64_t until_ns = clock_now_ns() + 200000000u;
  // One allotment, and none of its calls is there at two looks but where the machine is away.
  allot(&self, 1000000);
  while (clock_now_ns() < until_ns) {
    CHECK(guard_enter(self.guard));
    CHECK(!guard_leave(self.guard));
  }
  CHECK(!atomic_load(&self.interrupted));
  close_guard(&self);
}

static void
calls_share_an_allotment(void)
{
  Thread self;
  open_guard(&self);
  allot(&self, 20000);
  bool     ended = false;
  unsigned calls = 0u;
  for (; !ended; ++calls) {
    CHECK(guard_enter(self.guard));
    const uint64_t until_ns = clock_now_ns() + 8000000u;
    while (!atomic_load(&self.interrupted) && clock_now_ns() < until_ns) { clock_relax(); }
    ended = guard_leave(self.guard);
  }
  CHECK(calls > 2u);
  close_guard(&self);
}

static void
a_call_within_a_call_is_the_first_ones(void)
{
  Thread self;
  open_guard(&self);
  allot(&self, 1000000);
  CHECK(guard_enter(self.guard));
  CHECK(!guard_enter(self.guard));
  CHECK(!guard_leave(self.guard));
  close_guard(&self);
}

/// As guard.ts has it.
static void
host_function_is_whole(void)
{
  Thread self;
  open_guard(&self);
  allot(&self, 0);
  CHECK(guard_enter(self.guard));
  int32_t number = atomic_load(&self.words->call);
  CHECK(atomic_compare_exchange_strong(&self.words->call, &number, number + GUARD_HOST));
  const int32_t in_host = number + GUARD_HOST;
  while (atomic_load(&self.words->call) == in_host) { clock_relax(); } // until the watcher wants it to end
  CHECK(atomic_load(&self.words->call) == -in_host);
  spin(5000000u);
  CHECK(!atomic_load(&self.interrupted));
  guard_yield(self.guard);
  CHECK(atomic_load(&self.interrupted));
  CHECK(guard_leave(self.guard));
  close_guard(&self);
}

static void*
loop_in_a_thread(void* const nothing)
{
  (void)nothing;
  CHECK(!guard_mine());
  loop_is_ended();
  CHECK(!guard_mine());
  return NULL;
}

static void
threads_come_and_go(void)
{
  for (int i = 0; i < 3; ++i) {
    pthread_t threads[4];
    for (size_t each = 0u; each < 4u; ++each) { NEED(pthread_create(threads + each, NULL, loop_in_a_thread, NULL) == 0); }
    for (size_t each = 0u; each < 4u; ++each) { pthread_join(threads[each], NULL); }
  }
}

static void
one_guard_a_thread(void)
{
  Thread self;
  open_guard(&self);
  CHECK(guard_mine() == self.guard);
  CHECK(!guard_open(interrupt, &self));
  close_guard(&self);
  CHECK(!guard_mine());
}

#if !CHECK_UNDER_TSAN

#define STOPS 2
#define LIMIT_US 1000000
#define STOPPED_NS 1200000000u

/// What the two processes tell each other.
typedef struct {
  _Atomic int called;
  _Atomic int resumed;
} Stops;

static void
stopped_child(void* const argument)
{
  Stops* const stops = argument;
  Thread       self;
  open_guard(&self);
  for (int i = 0; i < STOPS; ++i) {
    allot(&self, LIMIT_US);
    CHECK(guard_enter(self.guard));
    atomic_store(&stops->called, i + 1);
    while (atomic_load(&stops->resumed) <= i) { clock_relax(); }
    CHECK(!guard_leave(self.guard));
  }
  close_guard(&self);
}

static void
stopped_is_not_charged(void)
{
  Stops* const          stops = check_shared(sizeof *stops);
  const pid_t           child = check_fork(stopped_child, stops);
  const struct timespec pause = clock_timespec(STOPPED_NS);
  for (int i = 0; i < STOPS; ++i) {
    int status = 0;
    while (atomic_load(&stops->called) <= i) { sched_yield(); }
    kill(child, SIGSTOP);
    NEED(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
    nanosleep(&pause, NULL);
    kill(child, SIGCONT);
    atomic_store(&stops->resumed, i + 1);
  }
  CHECK_CHILD(child);
  check_unshare(stops, sizeof *stops);
}

#endif

/// Who is cut from another thread, a loop that may run for an hour, and nobody before or after.
static void
call_is_cut_from_outside(void)
{
  Thread self;
  open_guard(&self);
  const uint32_t number = guard_number(self.guard);
  CHECK(number != 0u);
  for (int i = 0; i < 20; ++i) {
    allot(&self, INT32_MAX / 1000);
    CHECK(guard_enter(self.guard));
    guard_cut(number + 1u, true); // somebody else's
    guard_cut(number, true);
    loop_for_ever(&self);
    CHECK(guard_leave(self.guard));
    atomic_store(&self.interrupted, false);
    CHECK(guard_enter(self.guard)); // it holds for the next call, too
    loop_for_ever(&self);
    CHECK(guard_leave(self.guard));
    atomic_store(&self.interrupted, false);
    guard_cut(number, false);
    CHECK(guard_enter(self.guard));
    spin(3u * CLOCK_NS_PER_MS);
    CHECK(!guard_leave(self.guard) && !atomic_load(&self.interrupted));
  }
  close_guard(&self);
  guard_cut(number, true); // there is none any more
}

int
main(void)
{
  static const Test tests[] = {
#if !CHECK_UNDER_TSAN
    // First: a child of a fork has no watcher but the one that it starts itself.
    {"a process that was stopped for longer than the limit is not charged with it", stopped_is_not_charged},
#endif
    {"a call that does not end is interrupted after its limit", loop_is_ended},
    {"an interruption is there when its call is left, and never later", nothing_is_late},
    {"calls that are short are not interrupted, however many", short_calls_go_on},
    {"calls of one allotment share its limit", calls_share_an_allotment},
    {"a call within a call is watched as the first one's", a_call_within_a_call_is_the_first_ones},
    {"a host function is not cut: its thread interrupts itself on its way back", host_function_is_whole},
    {"a call is cut from another thread, and only while that is wanted", call_is_cut_from_outside},
    {"a thread has one guard", one_guard_a_thread},
    {"threads with guards come and go", threads_come_and_go},
  };
  return RUN("guard_test", tests);
}
