#include "truncation.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FREE 0u
#define TAKEN 1u ///< By a mapping whose place is not told yet; no page begins here

/// Never freed, but used again: the handler may look at it at any moment, in any thread.
struct Truncation {
  _Atomic uintptr_t start; ///< FREE, TAKEN or where the mapping begins
  _Atomic size_t    bytes;
  _Atomic bool      seen;
  Truncation*       next;
};

static _Atomic(Truncation*) watched;
static uintptr_t            page_bytes;
static struct sigaction     before;
static pthread_once_t       once = PTHREAD_ONCE_INIT;
static bool                 installed;

/// Where a mapping begins is read twice: the same mapping has the bytes that were read between.
static bool
covers(const Truncation* const self, const uintptr_t address)
{
  const uintptr_t start = atomic_load(&self->start);
  const size_t    bytes = atomic_load(&self->bytes);
  return start > TAKEN && address >= start && address - start < bytes && atomic_load(&self->start) == start;
}

/// Puts a page of our own where the file's page was. Only mmap: it is async-signal-safe in practice (a plain system
/// call), and the instruction that was stopped is simply done again.
static bool
put_page(const uintptr_t address)
{
  void* const page  = (void*)(address - address % page_bytes);
  const int   flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  return mmap(page, page_bytes, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
}

/// As if we had never been there.
static void
pass_on(const int number, siginfo_t* const info, void* const context)
{
  const bool sent = info->si_code <= 0; // by somebody, and not the kernel's word about an instruction
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(number, info, context);
  } else if (before.sa_handler == SIG_DFL || (before.sa_handler == SIG_IGN && !sent)) {
    // The instruction is done again and ends us; what was sent has to be sent again.
    sigaction(number, &before, NULL);
    if (sent) { raise(number); }
  } else if (before.sa_handler != SIG_IGN) {
    before.sa_handler(number);
  }
}

static void
on_bus_error(const int number, siginfo_t* const info, void* const context)
{
  const int       error   = errno;
  const uintptr_t address = (uintptr_t)info->si_addr;
  if (info->si_code == BUS_ADRERR) {
    for (Truncation* it = atomic_load(&watched); it; it = it->next) {
      if (!covers(it, address) || !put_page(address)) { continue; }
      atomic_store(&it->seen, true);
      errno = error;
      return;
    }
  }
  pass_on(number, info, context);
  errno = error;
}

static void
install(void)
{
  const long page = sysconf(_SC_PAGESIZE);
  // What was there is known before ours is there: a signal may come at once, in another thread.
  if (page <= 0 || sigaction(SIGBUS, NULL, &before)) { return; }
  page_bytes                 = (uintptr_t)page;
  struct sigaction on_signal = {.sa_flags = SA_SIGINFO | SA_ONSTACK, .sa_mask = before.sa_mask};
  on_signal.sa_sigaction     = on_bus_error;
  installed                  = sigaction(SIGBUS, &on_signal, NULL) == 0;
}

bool
truncation_survive(void)
{
  return pthread_once(&once, install) == 0 && installed;
}

/// A place in the list that nobody uses, or a new one.
static Truncation*
take(void)
{
  for (Truncation* it = atomic_load(&watched); it; it = it->next) {
    uintptr_t free_place = FREE;
    if (atomic_compare_exchange_strong(&it->start, &free_place, TAKEN)) { return it; }
  }
  Truncation* const self = calloc(1, sizeof *self);
  if (!self) { return NULL; }
  atomic_store(&self->start, TAKEN);
  self->next = atomic_load(&watched);
  while (!atomic_compare_exchange_weak(&watched, &self->next, self)) {}
  return self;
}

Truncation*
truncation_watch(const void* const memory, const size_t bytes)
{
  Truncation* const self = take();
  if (!self) { return NULL; }
  atomic_store(&self->seen, false);
  atomic_store(&self->bytes, bytes);
  atomic_store(&self->start, (uintptr_t)memory);
  return self;
}

bool
truncation_seen(const Truncation* const self)
{
  return self && atomic_load_explicit(&self->seen, memory_order_relaxed);
}

void
truncation_forget(Truncation* const self)
{
  if (self) { atomic_store(&self->start, FREE); }
}
