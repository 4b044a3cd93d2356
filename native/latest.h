/// @file latest.h
/// The newest value of something, in shared memory: one writer, any number of
/// readers, nobody waits. Four slots in turn: the writer fills the next one and
/// then publishes its number, so a writer that is killed half way leaves the last
/// value whole, and a reader is overtaken only when the writer publishes three
/// times during one copy.
#ifndef OPENRACING_LATEST_H
#define OPENRACING_LATEST_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LATEST_MAGIC 0x3154534Cu ///< "LST1"
#define LATEST_SLOTS 4u
#define LATEST_BYTES_MAX 65536u

typedef struct {
  uint32_t magic;
  uint32_t value_size;
  alignas(64) _Atomic uint64_t published; ///< Values published since creation; slot is published % 4
} LatestShared;

_Static_assert(offsetof(LatestShared, published) == 64, "layout is ABI");
_Static_assert(sizeof(LatestShared) == 128, "layout is ABI");

typedef struct {
  LatestShared* shared;
  uint8_t*      slots;
  uint64_t      own; ///< The writer's private count
  uint32_t      value_size;
  uint32_t      stride;
} Latest;

/// Bytes of the shared memory for values of this size; 0 when value_size is not
/// a multiple of 8 in 8..65536.
size_t latest_bytes(uint32_t value_size);

/// Makes the cell in zeroed memory, aligned to a cache line. False when it does not fit.
bool latest_create(void* memory, size_t bytes, uint32_t value_size);

/// Opens the cell. False when the memory is no cell for values of this size.
/// A writer that replaces one that died goes on counting where it stopped.
bool latest_open(Latest* latest, void* memory, size_t bytes, uint32_t value_size);

/// Real-time. Publishes a copy of `value`; the only writer calls this.
void latest_publish(Latest* latest, const void* value);

/// Real-time. Copies the newest value out and returns its number, counted from 1;
/// 0 when there is none yet, or when the writer overtook four attempts in a row; `value` is to be thrown away then.
uint64_t latest_read(const Latest* latest, void* value);

/// Real-time. Whether nothing was ever published here, which is also what a file that was cut looks like.
bool latest_is_empty(const Latest* latest);

#endif
