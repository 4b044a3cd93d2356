#include "truncation.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static uintptr_t page_bytes;

/// Puts a page of our own where the file's page was. Only mmap and _exit: both are async-signal-safe in practice
/// (plain system calls), and the instruction that was stopped is simply done again.
static void
on_bus_error(const int number, siginfo_t* const info, void* const context)
{
  (void)number;
  (void)context;
  const uintptr_t address = (uintptr_t)info->si_addr;
  void* const     page    = (void*)(address - address % page_bytes);
  const int       flags   = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const bool      ours    = info->si_code == BUS_ADRERR;
  if (!ours || mmap(page, page_bytes, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) { _exit(1); }
}

bool
truncation_survive(void)
{
  const long page = sysconf(_SC_PAGESIZE);
  if (page <= 0) { return false; }
  page_bytes                 = (uintptr_t)page;
  struct sigaction on_signal = {.sa_flags = SA_SIGINFO};
  on_signal.sa_sigaction     = on_bus_error;
  return sigaction(SIGBUS, &on_signal, NULL) == 0;
}
