#include "guard.h"

#include "clock.h"
#include "witness.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// What a thread is asked with. Whoever gets one by mistake ignores it, unless it asked for it.
#define ASKING SIGURG
/// How often the watcher looks where nobody is in a call, ns; else as often as it asks.
#define LOOK_NS 1000000u
/// Looks at nobody before the watcher sleeps. Plugins that tick are back sooner; waking it costs each of them a system call.
#define IDLE_LOOKS 100u
#define CALLS_MAX (GUARD_HOST - 1)
#define WATCHER_STACK_BYTES 65536u

struct Guard {
  GuardWords words;
  // Of the thread
  GuardInterrupt   interrupt;
  void*            target;
  pid_t            thread;
  int32_t          entered; ///< The last call's number
  bool             open;
  // Of the handler, in that thread
  _Atomic uint32_t answered;
  _Atomic uint64_t answer_at_ns;
  _Atomic uint64_t answer_cpu_ns;
  // Of the watcher
  _Atomic uint32_t asked;
  bool             has_asked; ///< During the call that it saw last
  int32_t          watched;   ///< That call, 0: none
  int32_t          allotment; ///< Of what is in `witness`
  Witness          witness;
  // Under the lock
  uint32_t         number;
  bool             cut; ///< Its calls are to end
  Guard*           next;
};

/// The list, what is the watcher's in it, and every interruption from its first step to its last.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Guard*          guards;
static uint32_t        last_number;
static pthread_once_t  once = PTHREAD_ONCE_INIT;
static bool            watching;
static _Atomic uint32_t asleep; ///< The watcher, a futex
static _Atomic uint32_t visits; ///< Calls of all threads

/// Of the static kind: a handler must not be the first to ask for it.
static _Thread_local __attribute__((tls_model("initial-exec"))) Guard* mine;

// ---------------------------------------------------------------- the thread's side

/// Two readings of a clock, and nothing else that a signal handler may not do.
static void
on_asked(const int number)
{
  (void)number;
  const int    error = errno;
  Guard* const self  = mine;
  if (self) {
    const uint32_t asked = atomic_load(&self->asked);
    // A signal of somebody else's is no answer, or one that is too early to count.
    if (atomic_load(&self->answered) != asked) {
      atomic_store(&self->answer_cpu_ns, clock_read_ns(CLOCK_THREAD_CPUTIME_ID));
      atomic_store(&self->answer_at_ns, clock_now_ns());
      atomic_store(&self->answered, asked);
    }
  }
  errno = error;
}

Guard*
guard_mine(void)
{
  return mine;
}

GuardWords*
guard_words(Guard* const self)
{
  return &self->words;
}

uint32_t
guard_number(const Guard* const self)
{
  return self->number;
}

bool
guard_enter(Guard* const self)
{
  if (atomic_load_explicit(&self->words.call, memory_order_relaxed)) { return false; }
  self->entered = self->entered % CALLS_MAX + 1;
  atomic_fetch_add_explicit(&visits, 1u, memory_order_relaxed);
  // Store `call`, then load `asleep`; the watcher stores `asleep`, then looks at the calls. Both sequentially consistent:
  // one of us sees the other.
  atomic_store(&self->words.call, self->entered);
  if (atomic_load(&asleep)) {
    atomic_store(&asleep, 0u);
    syscall(SYS_futex, &asleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
  return true;
}

bool
guard_leave(Guard* const self)
{
  // With GUARD_HOST where something else than us ended the thread's run in the middle of a host function. Any other word is
  // none that a call is left with: then it was interrupted.
  int32_t seen = atomic_load(&self->words.call);
  while (seen == self->entered || seen == self->entered + GUARD_HOST) {
    if (atomic_compare_exchange_weak(&self->words.call, &seen, 0)) { return false; }
  }
  // The watcher holds the lock from before it changed the word until it has interrupted us: what it sends has arrived when
  // we have had the lock, and it sends no more, for there is no call.
  pthread_mutex_lock(&lock);
  atomic_store(&self->words.call, 0);
  pthread_mutex_unlock(&lock);
  return true;
}

void
guard_yield(Guard* const self)
{
  pthread_mutex_lock(&lock);
  self->interrupt(self->target);
  pthread_mutex_unlock(&lock);
}

// ---------------------------------------------------------------- the watcher's side

static void
interrupt(Guard* const self, const int32_t number)
{
  int32_t seen = number;
  if (atomic_compare_exchange_strong(&self->words.call, &seen, -number)) {
    self->interrupt(self->target);
    return;
  }
  int32_t in_host = number + GUARD_HOST;
  if (seen == in_host) { atomic_compare_exchange_strong(&self->words.call, &in_host, -in_host); }
  // Else it is neither: the call was left a moment ago. Or it came back from a host function between the two: next time.
}

static void
ask(Guard* const self)
{
  self->has_asked = true;
  atomic_fetch_add(&self->asked, 1u);
  syscall(SYS_tgkill, getpid(), self->thread, ASKING);
}

static bool
has_answer(const Guard* const self)
{
  return atomic_load(&self->answered) == atomic_load(&self->asked);
}

static uint64_t
hear(Guard* const self)
{
  // Stored before `answered`, and not again before the thread is asked again.
  const WitnessAnswer answer = {.at_ns = atomic_load(&self->answer_at_ns), .cpu_ns = atomic_load(&self->answer_cpu_ns)};
  const uint64_t witnessed_ns = witness_hear(&self->witness, answer);
  atomic_store(&self->words.witnessed_us, (int32_t)(witnessed_ns / CLOCK_NS_PER_US));
  return witnessed_ns;
}

/// A call that is seen for the first time: where it is one of an allotment that another call began, the time of both counts.
static void
notice(Guard* const self, const int32_t number)
{
  const int32_t allotment = atomic_load(&self->words.allotment);
  self->watched           = number;
  if (self->allotment == allotment) {
    witness_pause(&self->witness);
  } else {
    witness_begin(&self->witness);
  }
  self->allotment = allotment;
  self->has_asked = false;
}

/// Returns whether a call is under way.
static bool
look(Guard* const self)
{
  const int32_t call   = atomic_load(&self->words.call);
  const int32_t number = call > 0 ? call & CALLS_MAX : 0;
  if (!number) {
    self->watched = 0;
    return call < 0;
  }
  if (self->cut) {
    interrupt(self, number);
    return true;
  }
  if (number != self->watched) {
    notice(self, number);
    return true;
  }
  // What the thread writes for its next call, it writes when it has left this one: then `number` is no longer there to be
  // interrupted, whatever limit we have read.
  const uint64_t limit_ns = (uint64_t)atomic_load(&self->words.limit_us) * CLOCK_NS_PER_US;
  if (self->has_asked && !has_answer(self)) { return true; } // it has no core
  const uint64_t witnessed_ns = self->has_asked ? hear(self) : 0u;
  if (witnessed_ns > limit_ns) {
    interrupt(self, number);
  } else {
    ask(self);
  }
  return true;
}

static bool
look_at_all(void)
{
  bool busy = false;
  pthread_mutex_lock(&lock);
  for (Guard* it = guards; it; it = it->next) { busy = look(it) || busy; }
  pthread_mutex_unlock(&lock);
  return busy;
}

static void
sleep_until_called(void)
{
  atomic_store(&asleep, 1u);
  if (look_at_all()) {
    atomic_store(&asleep, 0u);
    return;
  }
  while (atomic_load(&asleep)) { syscall(SYS_futex, &asleep, FUTEX_WAIT_PRIVATE, 1u, NULL, NULL, 0); }
}

static void*
watch(void* const nothing)
{
  (void)nothing;
  prctl(PR_SET_NAME, "guard", 0, 0, 0);
  uint32_t idle    = 0u;
  uint32_t seen    = 0u;
  uint64_t next_ns = 0u;
  for (;;) {
    const bool     busy = look_at_all();
    const uint32_t now  = atomic_load_explicit(&visits, memory_order_relaxed);
    idle                = busy || now != seen ? 0u : idle + 1u;
    seen                = now;
    if (idle < IDLE_LOOKS) {
      // From when it was due, as long as it is not late: else every question would be later than the one before.
      const uint64_t now_ns = clock_now_ns();
      next_ns += busy ? WITNESS_PERIOD_NS : LOOK_NS;
      if (next_ns <= now_ns) { next_ns = now_ns + WITNESS_PERIOD_NS; }
      const struct timespec next = clock_timespec(next_ns);
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    } else {
      sleep_until_called();
      idle = 0u;
    }
  }
  return NULL;
}

// ---------------------------------------------------------------- from the first guard to the last

static bool
answer_signals(void)
{
  // A system call that is interrupted is done again.
  struct sigaction action = {.sa_flags = SA_RESTART | SA_ONSTACK};
  action.sa_handler       = on_asked;
  return sigaction(ASKING, &action, NULL) == 0;
}

/// The process's signals are for its other threads.
static void
start_watching(void)
{
  pthread_attr_t attributes;
  pthread_t      watcher;
  sigset_t       all, before;
  if (!answer_signals() || pthread_attr_init(&attributes)) { return; }
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, WATCHER_STACK_BYTES);
  watching = pthread_create(&watcher, &attributes, watch, NULL) == 0;
  pthread_attr_destroy(&attributes);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

Guard*
guard_open(const GuardInterrupt interrupt_call, void* const target)
{
  if (mine || pthread_once(&once, start_watching) || !watching) { return NULL; }
  Guard* const self = calloc(1, sizeof *self);
  if (!self) { return NULL; }
  self->interrupt = interrupt_call;
  self->target    = target;
  self->thread    = gettid();
  self->open      = true;
  mine            = self;
  pthread_mutex_lock(&lock);
  self->number = ++last_number;
  self->next   = guards;
  guards       = self;
  pthread_mutex_unlock(&lock);
  return self;
}

void
guard_close(Guard* const self)
{
  if (!self->open) { return; }
  self->open = false;
  pthread_mutex_lock(&lock);
  Guard** at = &guards;
  while (*at != self) { at = &(*at)->next; }
  *at = self->next;
  pthread_mutex_unlock(&lock);
  mine = NULL;
}

void
guard_cut(const uint32_t number, const bool cut)
{
  pthread_mutex_lock(&lock);
  for (Guard* it = guards; it; it = it->next) {
    if (it->number == number) { it->cut = cut; }
  }
  pthread_mutex_unlock(&lock);
}

void
guard_free(Guard* const self)
{
  free(self);
}
