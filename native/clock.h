/// @file clock.h
/// CLOCK_MONOTONIC in nanoseconds.
#ifndef OPENRACING_CLOCK_H
#define OPENRACING_CLOCK_H

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_S 1000000000u
#define CLOCK_NS_PER_MS 1000000u
#define CLOCK_NS_PER_US 1000u

static inline uint64_t
clock_read_ns(const clockid_t clock)
{
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * CLOCK_NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline uint64_t
clock_now_ns(void)
{
  return clock_read_ns(CLOCK_MONOTONIC);
}

static inline struct timespec
clock_timespec(const uint64_t ns)
{
  const struct timespec time = {.tv_sec = (time_t)(ns / CLOCK_NS_PER_S), .tv_nsec = (long)(ns % CLOCK_NS_PER_S)};
  return time;
}

/// Tells the CPU that this is a spin: the sibling thread gets the core's resources.
static inline void
clock_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
