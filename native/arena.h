/// @file arena.h
/// Memory in one piece, given out and taken back in constant time: two-level segregated fit (Masmano, Ripoll,
/// Crespo & Real, "TLSF: a new dynamic memory allocator for real-time systems", ECRTS 2004). Neighbours that are
/// free are joined at once, so what was given back in small pieces can be given out as a large one.
///
/// Real-time: no system call, no lock; one thread only. Memory that was never given out is never touched.
#ifndef OPENRACING_ARENA_H
#define OPENRACING_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGN 16u
#define ARENA_BYTES_MAX (UINT32_MAX & ~(size_t)(ARENA_ALIGN - 1u))
#define ARENA_BINS 256u ///< 32 powers of two with 8 steps each

typedef struct {
  uint8_t* memory;
  uint32_t bytes;
  uint32_t bins[ARENA_BINS]; ///< Offset of the first free block; 0: none
  uint64_t filled[ARENA_BINS / 64u];
} Arena;

/// Begins with `bytes` bytes of zeroed memory, aligned to ARENA_ALIGN; what is above ARENA_BYTES_MAX is not used.
void arena_open(Arena* arena, void* memory, size_t bytes);

/// `bytes` bytes, aligned to `align`, a power of two; NULL when there is no room for them.
void* arena_take(Arena* arena, size_t align, size_t bytes);

/// Gives back what arena_take() gave out. Returns the bytes that were asked for; anything else is left alone, 0.
size_t arena_give(Arena* arena, void* place);

/// Changes what was asked for in place. False, and nothing changed, when it does not fit there.
bool arena_resize(Arena* arena, void* place, size_t bytes);

/// Whether `place` is given out by this arena now.
bool arena_holds(const Arena* arena, const void* place);

/// Bytes that were asked for, of what an arena holds.
size_t arena_asked(const void* place);

/// Bytes that there is room for, of what an arena holds.
size_t arena_room(const void* place);

#endif
