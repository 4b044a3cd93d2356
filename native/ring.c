#include "ring.h"

#include <string.h>

size_t
ring_bytes(const uint32_t slot_size, const uint32_t slot_count)
{
  const bool size_ok  = slot_size >= 8u && slot_size <= RING_SLOT_BYTES_MAX && slot_size % 8u == 0u;
  const bool count_ok = slot_count >= 2u && slot_count <= RING_SLOTS_MAX && (slot_count & (slot_count - 1u)) == 0u;
  return size_ok && count_ok ? sizeof(RingShared) + (size_t)slot_size * slot_count : 0u;
}

RingStatus
ring_create(void* const memory, const size_t bytes, const uint32_t slot_size, const uint32_t slot_count, const uint64_t first)
{
  const size_t need = ring_bytes(slot_size, slot_count);
  if (!need || bytes < need || (uintptr_t)memory % RING_LINE) { return RING_INVALID; }

  RingShared* const shared = memory;
  shared->slot_size        = slot_size;
  shared->slot_count       = slot_count;
  atomic_store_explicit(&shared->written, first, memory_order_relaxed);
  atomic_store_explicit(&shared->read, first, memory_order_relaxed);
  // The magic comes last: who sees it sees the geometry.
  atomic_thread_fence(memory_order_release);
  shared->magic = RING_MAGIC;
  return RING_OK;
}

static RingStatus
ring_open(Ring* const ring, void* const memory, const size_t bytes)
{
  if (bytes < sizeof(RingShared) || (uintptr_t)memory % RING_LINE) { return RING_INVALID; }

  // Each field is read once: the peer may change it between two reads.
  RingShared* const shared     = memory;
  const uint32_t    slot_size  = *(volatile uint32_t*)&shared->slot_size;
  const uint32_t    slot_count = *(volatile uint32_t*)&shared->slot_count;
  const size_t      need       = ring_bytes(slot_size, slot_count);
  if (*(volatile uint32_t*)&shared->magic != RING_MAGIC || !need || bytes < need) { return RING_INVALID; }

  ring->shared    = shared;
  ring->slots     = (uint8_t*)memory + sizeof(RingShared);
  ring->slot_size = slot_size;
  ring->mask      = slot_count - 1u;
  return RING_OK;
}

/// Our counter where its previous owner left it. When the two counters cannot both be right, one of them was
/// scribbled on by somebody who is gone: we begin anew with an empty ring, where the other side is.
static uint64_t
resume(_Atomic uint64_t* const ours, const _Atomic uint64_t* const theirs, const bool reader, const uint32_t mask)
{
  const uint64_t own  = atomic_load_explicit(ours, memory_order_acquire);
  const uint64_t peer = atomic_load_explicit(theirs, memory_order_acquire);
  const uint64_t used = reader ? peer - own : own - peer;
  if (used <= (uint64_t)mask + 1u) { return own; }
  atomic_store_explicit(ours, peer, memory_order_release);
  return peer;
}

RingStatus
ring_open_writer(Ring* const ring, void* const memory, const size_t bytes)
{
  const RingStatus st = ring_open(ring, memory, bytes);
  if (st == RING_OK) { ring->own = resume(&ring->shared->written, &ring->shared->read, false, ring->mask); }
  return st;
}

RingStatus
ring_open_reader(Ring* const ring, void* const memory, const size_t bytes)
{
  const RingStatus st = ring_open(ring, memory, bytes);
  if (st == RING_OK) { ring->own = resume(&ring->shared->read, &ring->shared->written, true, ring->mask); }
  return st;
}

static uint8_t*
slot_at(const Ring* const ring, const uint64_t count)
{
  return ring->slots + (size_t)(count & ring->mask) * ring->slot_size;
}

// Unsigned differences of the two counters are the fill whatever they wrapped
// to; a fill above the slot count can only come from a peer that lies.

static RingStatus
writer_room(const Ring* const ring, uint32_t* const room)
{
  const uint64_t read = atomic_load_explicit(&ring->shared->read, memory_order_acquire);
  const uint64_t used = ring->own - read;
  if (used > (uint64_t)ring->mask + 1u) { return RING_CORRUPT; }
  *room = (uint32_t)((uint64_t)ring->mask + 1u - used);
  return *room ? RING_OK : RING_FULL;
}

static RingStatus
reader_fill(const Ring* const ring, uint32_t* const fill)
{
  const uint64_t written = atomic_load_explicit(&ring->shared->written, memory_order_acquire);
  const uint64_t used    = written - ring->own;
  if (used > (uint64_t)ring->mask + 1u) { return RING_CORRUPT; }
  *fill = (uint32_t)used;
  return *fill ? RING_OK : RING_EMPTY;
}

RingStatus
ring_push_batch(Ring* const ring, const void* const slots, const uint32_t count, uint32_t* const moved)
{
  *moved                = 0u;
  uint32_t         room = 0u;
  const RingStatus st   = writer_room(ring, &room);
  if (st != RING_OK) { return st; }

  const uint32_t n = count < room ? count : room;
  for (uint32_t i = 0u; i < n; ++i) {
    memcpy(slot_at(ring, ring->own + i), (const uint8_t*)slots + (size_t)i * ring->slot_size, ring->slot_size);
  }
  ring->own += n;
  atomic_store_explicit(&ring->shared->written, ring->own, memory_order_release);
  *moved = n;
  return RING_OK;
}

RingStatus
ring_pop_batch(Ring* const ring, void* const slots, const uint32_t count, uint32_t* const moved)
{
  *moved                = 0u;
  uint32_t         fill = 0u;
  const RingStatus st   = reader_fill(ring, &fill);
  if (st != RING_OK) { return st; }

  const uint32_t n = count < fill ? count : fill;
  for (uint32_t i = 0u; i < n; ++i) {
    memcpy((uint8_t*)slots + (size_t)i * ring->slot_size, slot_at(ring, ring->own + i), ring->slot_size);
  }
  ring->own += n;
  atomic_store_explicit(&ring->shared->read, ring->own, memory_order_release);
  *moved = n;
  return RING_OK;
}

RingStatus
ring_push(Ring* const ring, const void* const slot)
{
  uint32_t moved = 0u;
  return ring_push_batch(ring, slot, 1u, &moved);
}

RingStatus
ring_pop(Ring* const ring, void* const slot)
{
  uint32_t moved = 0u;
  return ring_pop_batch(ring, slot, 1u, &moved);
}

RingStatus
ring_peek(const Ring* const ring, void* const slot)
{
  uint32_t         fill = 0u;
  const RingStatus st   = reader_fill(ring, &fill);
  if (st == RING_OK) { memcpy(slot, slot_at(ring, ring->own), ring->slot_size); }
  return st;
}

RingStatus
ring_drop(Ring* const ring)
{
  uint32_t         fill = 0u;
  const RingStatus st   = reader_fill(ring, &fill);
  if (st == RING_OK) { atomic_store_explicit(&ring->shared->read, ++ring->own, memory_order_release); }
  return st;
}
