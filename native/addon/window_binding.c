#include "binding.h"
#include "call.h"

#include "../plugin_segment.h"
#include "../segment.h"

#include <stdlib.h>
#include <string.h>

static const napi_type_tag WINDOW_TAG = {0x6f70656e72616369u, 0x77696e646f770001u};

/// A read-only view of a shared memory file that somebody else writes.
typedef struct {
  Handle  handle;
  Segment segment;
} WindowHandle;

static void
release(void* const self)
{
  segment_close(&((WindowHandle*)self)->segment);
}

/// windowOpen(path, bytes) -> handle
static napi_value
window_open(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       path[CALL_PATH_BYTES];
  uint32_t   bytes = 0u;
  if (!call_arguments(env, info, 2, argument) || !call_path(env, argument[0], path) ||
      !call_u32(env, argument[1], &bytes)) {
    return NULL;
  }
  WindowHandle* const self = calloc(1, sizeof *self);
  if (!self) { return call_wrong(env, "out of memory"); }
  self->handle.release = release;
  const int error      = segment_open(&self->segment, path, bytes, false);
  if (error) {
    free(self);
    return call_failed(env, error, path);
  }
  return call_wrap(env, &self->handle, &WINDOW_TAG);
}

/// windowCopy(handle, offset, bytes): copies from the file, zeros where it was cut; each aligned 8-byte word is read whole.
static napi_value
window_copy(const napi_env env, const napi_callback_info info)
{
  napi_value          argument[CALL_ARGUMENTS_MAX];
  uint32_t            offset = 0u;
  Bytes               target = {NULL, 0};
  WindowHandle* const self   = (WindowHandle*)call_handle(env, info, 3, argument, &WINDOW_TAG);
  if (!self || !call_u32(env, argument[1], &offset) || !call_bytes(env, argument[2], &target)) { return NULL; }
  const Segment* const segment = &self->segment;
  if (offset % 8u || target.length % 8u || offset > segment->bytes || target.length > segment->bytes - offset) {
    return call_wrong(env, "offset and length must be multiples of 8 inside the file");
  }
  for (size_t at = 0; at < target.length; at += 8u) {
    _Atomic uint64_t* const from = (_Atomic uint64_t*)(void*)((uint8_t*)segment->memory + offset + at);
    const uint64_t          word = atomic_load_explicit(from, memory_order_relaxed);
    memcpy(target.data + at, &word, sizeof word);
  }
  return NULL;
}

/// windowClose(handle)
static napi_value
window_close(const napi_env env, const napi_callback_info info)
{
  return call_close(env, info, &WINDOW_TAG);
}

/// pluginSegmentCreate(path)
static napi_value
create_plugin_segment(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       path[CALL_PATH_BYTES];
  if (!call_arguments(env, info, 1, argument) || !call_path(env, argument[0], path)) { return NULL; }
  const int error = plugin_segment_create(path);
  return error ? call_failed(env, error, path) : NULL;
}

bool
binding_window(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "windowOpen", window_open) && call_export(env, exports, "windowCopy", window_copy) &&
         call_export(env, exports, "windowClose", window_close) &&
         call_export(env, exports, "pluginSegmentCreate", create_plugin_segment);
}
