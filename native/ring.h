/// @file ring.h
/// Single-producer single-consumer ring of fixed-size slots in shared memory.
///
/// The two sides are processes that do not trust each other. Each keeps its own
/// counter privately and only publishes it; the peer's counter is bounded before
/// every use; the geometry is copied and checked once, when the ring is opened.
/// Slot contents are the peer's to scribble on at any time: a popped slot is a
/// copy, and it is the caller's to validate.
#ifndef OPENRACING_RING_H
#define OPENRACING_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_MAGIC 0x31474E52u ///< "RNG1"
#define RING_LINE 64u          ///< Cache line of every supported CPU, bytes
#define RING_SLOTS_MAX (1u << 20)
#define RING_SLOT_BYTES_MAX 65536u

/// What both processes see. One counter per cache line, one writer per line.
typedef struct {
  uint32_t magic;
  uint32_t slot_size;
  uint32_t slot_count;
  alignas(RING_LINE) _Atomic uint64_t written; ///< Slots written since creation; stored by the writer only
  alignas(RING_LINE) _Atomic uint64_t read;    ///< Slots read since creation; stored by the reader only
  _Atomic uint32_t reader_sleeps;              ///< 1 while the reader waits on `written`
} RingShared;

_Static_assert(offsetof(RingShared, slot_size) == 4, "layout is ABI");
_Static_assert(offsetof(RingShared, slot_count) == 8, "layout is ABI");
_Static_assert(offsetof(RingShared, written) == 1 * RING_LINE, "layout is ABI");
_Static_assert(offsetof(RingShared, read) == 2 * RING_LINE, "layout is ABI");
_Static_assert(offsetof(RingShared, reader_sleeps) == 2 * RING_LINE + 8, "layout is ABI");
_Static_assert(sizeof(RingShared) == 3 * RING_LINE, "layout is ABI");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a locked counter is not shared between processes");

typedef enum {
  RING_OK,
  RING_EMPTY,   ///< Nothing to read
  RING_FULL,    ///< No room to write
  RING_CORRUPT, ///< The peer's counter is impossible; nothing was moved
  RING_INVALID, ///< The memory is not a ring, or its geometry is out of bounds
} RingStatus;

/// One process's private view of one side. Our own counter lives here; the
/// shared copy is only published, so a peer that scribbles on it cannot mislead us.
typedef struct {
  RingShared* shared;
  uint8_t*    slots;
  uint64_t    own;
  uint32_t    slot_size;
  uint32_t    mask;
} Ring;

/// Bytes of a ring with this geometry; 0 when the geometry is out of bounds:
/// slot_size a multiple of 8 in 8..65536, slot_count a power of two in 2..2^20.
size_t ring_bytes(uint32_t slot_size, uint32_t slot_count);

/// Makes a ring in zeroed memory of at least ring_bytes(), aligned to RING_LINE.
/// `first` is the count that both counters start from; 0 but in tests of wrapping.
RingStatus ring_create(void* memory, size_t bytes, uint32_t slot_size, uint32_t slot_count, uint64_t first);

/// Opens the writing side. A writer that replaces one that died goes on where it stopped; with counters that
/// contradict each other it begins with an empty ring, at the reader's counter.
RingStatus ring_open_writer(Ring* ring, void* memory, size_t bytes);

/// Opens the reading side. A reader that replaces one that died goes on where it stopped; with counters that
/// contradict each other it begins with an empty ring, at the writer's counter.
RingStatus ring_open_reader(Ring* ring, void* memory, size_t bytes);

// Real-time: neither allocates, locks, logs nor calls the kernel. Pattern of
// both: load the peer's counter once (acquire), do the copy, publish our own
// counter once (release).

/// Copies one slot in. RING_OK, RING_FULL or RING_CORRUPT.
RingStatus ring_push(Ring* ring, const void* slot);

/// Copies one slot out. RING_OK, RING_EMPTY or RING_CORRUPT.
RingStatus ring_pop(Ring* ring, void* slot);

/// Copies the next slot out without taking it. RING_OK, RING_EMPTY or RING_CORRUPT.
RingStatus ring_peek(const Ring* ring, void* slot);

/// Takes what ring_peek() showed. RING_OK, RING_EMPTY or RING_CORRUPT.
RingStatus ring_drop(Ring* ring);

/// Copies up to `count` slots in with one publication; `*moved` says how many.
RingStatus ring_push_batch(Ring* ring, const void* slots, uint32_t count, uint32_t* moved);

/// Copies up to `count` slots out with one publication; `*moved` says how many.
RingStatus ring_pop_batch(Ring* ring, void* slots, uint32_t count, uint32_t* moved);

#endif
