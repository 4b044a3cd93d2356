#include "binding.h"
#include "call.h"

#include "../ring.h"
#include "../segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static const napi_type_tag RING_TAG = {0x6f70656e72616369u, 0x72696e6700000001u};

typedef struct {
  Handle  handle;
  Segment segment;
  Ring    ring;
  bool    writer;
  int     lock; ///< Of a writer: the file, locked; else -1
} RingHandle;

typedef struct {
  uint32_t slot_size;
  uint32_t slot_count;
} Geometry;

static void
release(void* const self)
{
  RingHandle* const ring = self;
  segment_close(&ring->segment);
  if (ring->lock >= 0) { close(ring->lock); }
  ring->lock = -1;
}

/// A ring has one writer: two would each publish a counter of its own. The lock goes with the handle, or with the
/// process, however it ends. Returns 0 or an errno, EWOULDBLOCK while somebody else writes.
static int
lock_writer(RingHandle* const self, const char* const path)
{
  if (!self->writer) { return 0; }
  self->lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (self->lock < 0) { return errno; }
  return flock(self->lock, LOCK_EX | LOCK_NB) ? errno : 0;
}

static bool
init(void* const memory, const size_t bytes, const void* const what)
{
  const Geometry* const geometry = what;
  return ring_create(memory, bytes, geometry->slot_size, geometry->slot_count, 0u) == RING_OK;
}

static RingStatus
open_side(RingHandle* const self, const Geometry geometry)
{
  const RingStatus st = self->writer ? ring_open_writer(&self->ring, self->segment.memory, self->segment.bytes)
                                     : ring_open_reader(&self->ring, self->segment.memory, self->segment.bytes);
  const bool same = self->ring.slot_size == geometry.slot_size && self->ring.mask == geometry.slot_count - 1u;
  return st == RING_OK && !same ? RING_INVALID : st;
}

/// ringOpen(path, writer, slotBytes, slotCount) -> handle
static napi_value
ring_open(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       path[CALL_PATH_BYTES];
  bool       writer   = false;
  Geometry   geometry = {0u, 0u};
  if (!call_arguments(env, info, 4, argument) || !call_path(env, argument[0], path)) { return NULL; }
  if (napi_get_value_bool(env, argument[1], &writer) != napi_ok) {
    return call_wrong(env, "writer must be true or false");
  }
  if (!call_u32(env, argument[2], &geometry.slot_size) || !call_u32(env, argument[3], &geometry.slot_count)) {
    return NULL;
  }
  const size_t bytes = ring_bytes(geometry.slot_size, geometry.slot_count);
  if (!bytes) {
    return call_wrong(env, "slotBytes must be a multiple of 8 from 8 to 65536, slotCount a power of two from 2 to 1048576");
  }

  RingHandle* const self = calloc(1, sizeof *self);
  if (!self) { return call_wrong(env, "out of memory"); }
  self->handle.release = release;
  self->writer         = writer;
  self->lock           = -1;
  int error            = segment_open_or_create(&self->segment, path, bytes, init, &geometry);
  if (!error) { error = lock_writer(self, path); }
  if (error || open_side(self, geometry) != RING_OK) {
    release(self);
    free(self);
    return call_failed(env, error ? error : EPROTO, path);
  }
  return call_wrap(env, &self->handle, &RING_TAG);
}

typedef RingStatus (*Move)(Ring* ring, void* slots, uint32_t count, uint32_t* moved);

static RingStatus
push(Ring* const ring, void* const slots, const uint32_t count, uint32_t* const moved)
{
  return ring_push_batch(ring, slots, count, moved);
}

/// Moves as many whole slots as the buffer holds; returns how many were moved.
static napi_value
move(const napi_env env, const napi_callback_info info, const bool writer, const Move operation)
{
  napi_value        argument[CALL_ARGUMENTS_MAX];
  Bytes             slots = {NULL, 0};
  RingHandle* const self  = (RingHandle*)call_handle(env, info, 2, argument, &RING_TAG);
  if (!self || !call_bytes(env, argument[1], &slots)) { return NULL; }
  if (self->writer != writer) { return call_wrong(env, "this handle is the other side of the ring"); }
  if (slots.length == 0 || slots.length % self->ring.slot_size) {
    return call_wrong(env, "the buffer must hold a whole number of slots, at least one");
  }
  const size_t whole = slots.length / self->ring.slot_size;

  uint32_t         moved = 0u;
  const RingStatus st    = operation(&self->ring, slots.data, whole > RING_SLOTS_MAX ? RING_SLOTS_MAX : (uint32_t)whole, &moved);
  const bool       cut   = segment_is_cut(&self->segment); // what was moved were zeros then, or went nowhere
  if (st == RING_CORRUPT || cut) {
    napi_throw_error(env, "RING_CORRUPT",
                     cut ? "somebody cut the file of the ring" : "the peer wrote an impossible counter into the ring");
    return NULL;
  }
  napi_value count;
  TRY(napi_create_uint32(env, moved, &count));
  return count;
}

/// ringPush(handle, slots) -> slots moved
static napi_value
ring_push_slots(const napi_env env, const napi_callback_info info)
{
  return move(env, info, true, push);
}

/// ringPop(handle, slots) -> slots moved
static napi_value
ring_pop_slots(const napi_env env, const napi_callback_info info)
{
  return move(env, info, false, ring_pop_batch);
}

/// ringClose(handle)
static napi_value
ring_close(const napi_env env, const napi_callback_info info)
{
  return call_close(env, info, &RING_TAG);
}

bool
binding_ring(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "ringOpen", ring_open) && call_export(env, exports, "ringPush", ring_push_slots) &&
         call_export(env, exports, "ringPop", ring_pop_slots) && call_export(env, exports, "ringClose", ring_close);
}
