#include "binding.h"
#include "call.h"

#include "../latest.h"
#include "../segment.h"

#include <errno.h>
#include <stdlib.h>

static const napi_type_tag LATEST_TAG = {0x6f70656e72616369u, 0x6c61746573740001u};

typedef struct {
  Handle  handle;
  Segment segment;
  Latest  latest;
} LatestHandle;

static void
release(void* const self)
{
  segment_close(&((LatestHandle*)self)->segment);
}

static bool
init(void* const memory, const size_t bytes, const void* const what)
{
  return latest_create(memory, bytes, *(const uint32_t*)what);
}

/// latestOpen(path, valueBytes) -> handle
static napi_value
latest_open_file(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       path[CALL_PATH_BYTES];
  uint32_t   value_size = 0u;
  if (!call_arguments(env, info, 2, argument) || !call_path(env, argument[0], path) ||
      !call_u32(env, argument[1], &value_size)) {
    return NULL;
  }
  const size_t bytes = latest_bytes(value_size);
  if (!bytes) { return call_wrong(env, "valueBytes must be a multiple of 8 from 8 to 65536"); }

  LatestHandle* const self = calloc(1, sizeof *self);
  if (!self) { return call_wrong(env, "out of memory"); }
  self->handle.release = release;
  const int error      = segment_open_or_create(&self->segment, path, bytes, init, &value_size);
  if (error || !latest_open(&self->latest, self->segment.memory, self->segment.bytes, value_size)) {
    segment_close(&self->segment);
    free(self);
    return call_failed(env, error ? error : EPROTO, path);
  }
  return call_wrap(env, &self->handle, &LATEST_TAG);
}

static LatestHandle*
arguments(const napi_env env, const napi_callback_info info, Bytes* const value)
{
  napi_value          argument[CALL_ARGUMENTS_MAX];
  LatestHandle* const self = (LatestHandle*)call_handle(env, info, 2, argument, &LATEST_TAG);
  if (!self || !call_bytes(env, argument[1], value)) { return NULL; }
  if (value->length == self->latest.value_size) { return self; }
  call_wrong(env, "the buffer must have exactly the size of the value");
  return NULL;
}

/// latestPublish(handle, value): to nobody when the file was cut
static napi_value
latest_publish_value(const napi_env env, const napi_callback_info info)
{
  Bytes               value = {NULL, 0};
  LatestHandle* const self  = arguments(env, info, &value);
  if (self) { latest_publish(&self->latest, value.data); }
  return NULL;
}

/// latestRead(handle, value) -> number of the value, 0n when there is none, and when the file was cut
static napi_value
latest_read_value(const napi_env env, const napi_callback_info info)
{
  Bytes               value = {NULL, 0};
  LatestHandle* const self  = arguments(env, info, &value);
  if (!self) { return NULL; }
  napi_value number;
  const uint64_t newest = latest_read(&self->latest, value.data);
  TRY(napi_create_bigint_uint64(env, segment_is_cut(&self->segment) ? 0u : newest, &number));
  return number;
}

/// latestClose(handle)
static napi_value
latest_close(const napi_env env, const napi_callback_info info)
{
  return call_close(env, info, &LATEST_TAG);
}

bool
binding_latest(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "latestOpen", latest_open_file) &&
         call_export(env, exports, "latestPublish", latest_publish_value) &&
         call_export(env, exports, "latestRead", latest_read_value) &&
         call_export(env, exports, "latestClose", latest_close);
}
