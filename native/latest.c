#include "latest.h"

#include <string.h>

#define LATEST_ATTEMPTS 4

static uint32_t
stride_of(const uint32_t value_size)
{
  return (value_size + 63u) & ~63u;
}

size_t
latest_bytes(const uint32_t value_size)
{
  const bool ok = value_size >= 8u && value_size <= LATEST_BYTES_MAX && value_size % 8u == 0u;
  return ok ? sizeof(LatestShared) + (size_t)LATEST_SLOTS * stride_of(value_size) : 0u;
}

bool
latest_create(void* const memory, const size_t bytes, const uint32_t value_size)
{
  const size_t need = latest_bytes(value_size);
  if (!need || bytes < need || (uintptr_t)memory % 64u) { return false; }

  LatestShared* const shared = memory;
  shared->value_size         = value_size;
  atomic_store_explicit(&shared->published, 0u, memory_order_relaxed);
  atomic_thread_fence(memory_order_release);
  shared->magic = LATEST_MAGIC;
  return true;
}

bool
latest_open(Latest* const latest, void* const memory, const size_t bytes, const uint32_t value_size)
{
  const size_t need = latest_bytes(value_size);
  if (!need || bytes < need || (uintptr_t)memory % 64u) { return false; }

  LatestShared* const shared = memory;
  if (*(volatile uint32_t*)&shared->magic != LATEST_MAGIC ||
      *(volatile uint32_t*)&shared->value_size != value_size) {
    return false;
  }
  latest->shared     = shared;
  latest->slots      = (uint8_t*)memory + sizeof(LatestShared);
  latest->own        = atomic_load_explicit(&shared->published, memory_order_acquire);
  latest->value_size = value_size;
  latest->stride     = stride_of(value_size);
  return true;
}

// The copies race with the other side by design; a torn one is recognised by
// the counter and done again. Word-wise relaxed atomics make that race defined.

static void
store_words(uint8_t* const to, const uint8_t* const from, const uint32_t bytes)
{
  for (uint32_t at = 0u; at < bytes; at += 8u) {
    uint64_t word;
    memcpy(&word, from + at, sizeof word);
    atomic_store_explicit((_Atomic uint64_t*)(void*)(to + at), word, memory_order_relaxed);
  }
}

static void
load_words(uint8_t* const to, uint8_t* const from, const uint32_t bytes)
{
  for (uint32_t at = 0u; at < bytes; at += 8u) {
    const uint64_t word = atomic_load_explicit((_Atomic uint64_t*)(void*)(from + at), memory_order_relaxed);
    memcpy(to + at, &word, sizeof word);
  }
}

void
latest_publish(Latest* const latest, const void* const value)
{
  const uint64_t number = ++latest->own;
  // The words of this value must not be seen before the count that precedes it:
  // a reader that still copies this slot has to notice.
  atomic_thread_fence(memory_order_release);
  store_words(latest->slots + (number % LATEST_SLOTS) * latest->stride, value, latest->value_size);
  atomic_store_explicit(&latest->shared->published, number, memory_order_release);
}

uint64_t
latest_read(const Latest* const latest, void* const value)
{
  for (int attempt = 0; attempt < LATEST_ATTEMPTS; ++attempt) {
    const uint64_t before = atomic_load_explicit(&latest->shared->published, memory_order_acquire);
    if (!before) { return 0u; }
    load_words(value, latest->slots + (before % LATEST_SLOTS) * latest->stride, latest->value_size);
    atomic_thread_fence(memory_order_acquire);
    const uint64_t after = atomic_load_explicit(&latest->shared->published, memory_order_relaxed);
    // The writer fills slot after+1 at this moment. Ours is that one when it is three ahead.
    if (after - before < LATEST_SLOTS - 1u) { return before; }
  }
  return 0u;
}

bool
latest_is_empty(const Latest* const latest)
{
  return atomic_load_explicit(&latest->shared->published, memory_order_relaxed) == 0u;
}
