/// @file check.h
/// Just enough of a test runner: a table of sentences, checks that say where they failed, and children whose
/// failed checks are their parent's.
#ifndef OPENRACING_TEST_CHECK_H
#define OPENRACING_TEST_CHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/// A test that waits for what never comes is ended by SIGALRM after this many seconds.
#define CHECK_DEADLINE_S 60u
#define CHECK_PRINTED_MAX 10
#define CHECK_PAGE_BYTES 4096u

/// What a wait that must succeed waits for at the most, ns. Only a failing test takes this long.
#define CHECK_WATCHDOG_NS 5000000000u

#if defined(__SANITIZE_THREAD__)
#define CHECK_UNDER_TSAN 1
#else
#define CHECK_UNDER_TSAN 0
#endif

typedef struct {
  const char* sentence;
  void (*run)(void);
} Test;

static _Atomic int check_failures;

/// Notes a failure and goes on. Returns `ok`, for what makes no sense after a failure.
#define CHECK(condition) check_that((condition), #condition, __FILE__, __LINE__)

static inline bool
check_that(const bool ok, const char* const condition, const char* const file, const int line)
{
  if (ok) { return true; }
  if (atomic_fetch_add(&check_failures, 1) < CHECK_PRINTED_MAX) { printf("  %s:%d: %s\n", file, line, condition); }
  return false;
}

/// Ends the test program: for what a test cannot begin without.
#define NEED(condition) \
  do {                  \
    if (!CHECK(condition)) { exit(1); } \
  } while (0)

static inline int
check_run(const char* const program, const Test* const tests, const size_t count)
{
  size_t failed = 0;
  for (size_t i = 0; i < count; ++i) {
    const int before = atomic_load(&check_failures);
    alarm(CHECK_DEADLINE_S);
    tests[i].run();
    const bool ok = atomic_load(&check_failures) == before;
    printf("%s %s\n", ok ? "ok    " : "FAILED", tests[i].sentence);
    fflush(stdout);
    failed += ok ? 0u : 1u;
  }
  printf("%s: %zu tests, %zu failed\n", program, count, failed);
  return failed ? 1 : 0;
}

#define RUN(program, tests) check_run((program), (tests), sizeof(tests) / sizeof *(tests))

/// splitmix64 (Steele, Lea & Flood 2014): the same numbers in every run.
static inline uint64_t
check_random(uint64_t* const state)
{
  uint64_t z = (*state += 0x9E3779B97F4A7C15u);
  z          = (z ^ (z >> 30u)) * 0xBF58476D1CE4E5B9u;
  z          = (z ^ (z >> 27u)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31u);
}

/// 0 to `below` - 1.
static inline uint32_t
check_below(uint64_t* const state, const uint32_t below)
{
  return (uint32_t)(check_random(state) % below);
}

/// Zeroed memory, shared with children, between two pages that nobody may touch.
static inline void*
check_shared(const size_t bytes)
{
  const size_t   whole  = (bytes + CHECK_PAGE_BYTES - 1u) / CHECK_PAGE_BYTES * CHECK_PAGE_BYTES;
  uint8_t* const memory = mmap(NULL, whole + 2u * CHECK_PAGE_BYTES, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(memory != MAP_FAILED);
  NEED(mprotect(memory + CHECK_PAGE_BYTES, whole, PROT_READ | PROT_WRITE) == 0);
  return memory + CHECK_PAGE_BYTES;
}

static inline void
check_unshare(void* const memory, const size_t bytes)
{
  const size_t whole = (bytes + CHECK_PAGE_BYTES - 1u) / CHECK_PAGE_BYTES * CHECK_PAGE_BYTES;
  munmap((uint8_t*)memory - CHECK_PAGE_BYTES, whole + 2u * CHECK_PAGE_BYTES);
}

/// Runs `child` in a process of its own.
static inline pid_t
check_fork(void (*const child)(void*), void* const argument)
{
  fflush(stdout);
  const pid_t pid = fork();
  NEED(pid >= 0);
  if (pid) { return pid; }
  alarm(CHECK_DEADLINE_S);
  atomic_store(&check_failures, 0);
  child(argument);
  fflush(stdout);
  _exit(atomic_load(&check_failures) ? 1 : 0);
}

/// Waits for a child that is to end by itself, with all its checks passed.
#define CHECK_CHILD(pid) check_that(check_ended_well(pid), "the child's checks passed", __FILE__, __LINE__)

static inline bool
check_ended_well(const pid_t pid)
{
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

#endif
