#include "binding.h"
#include "call.h"

#include "../segment.h"

#include <errno.h>
#include <stdlib.h>

#define WORDS_BYTES_MAX 65536u

static bool
init(void* const memory, const size_t bytes, const void* const what)
{
  (void)memory;
  (void)bytes;
  (void)what;
  return true; // zeros are what a new file is
}

static void
finalize(const napi_env env, void* const data, void* const hint)
{
  (void)env;
  (void)data;
  segment_close(hint);
  free(hint);
}

/// wordsOpen(path, bytes) -> an ArrayBuffer that is the file; it is created with zeros when there is none, and unmapped
/// when JavaScript loses the buffer
static napi_value
words_open(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       path[CALL_PATH_BYTES];
  uint32_t   bytes = 0u;
  if (!call_arguments(env, info, 2, argument) || !call_path(env, argument[0], path) ||
      !call_u32(env, argument[1], &bytes)) {
    return NULL;
  }
  if (!bytes || bytes % 8u || bytes > WORDS_BYTES_MAX) {
    return call_wrong(env, "bytes must be a multiple of 8 from 8 to 65536");
  }
  Segment* const segment = calloc(1, sizeof *segment);
  if (!segment) { return call_wrong(env, "out of memory"); }
  const int error = segment_open_or_create(segment, path, bytes, init, NULL);
  if (error) {
    free(segment);
    return call_failed(env, error, path);
  }
  napi_value buffer;
  if (napi_create_external_arraybuffer(env, segment->memory, segment->bytes, finalize, segment, &buffer) != napi_ok) {
    finalize(env, NULL, segment);
    return call_broken(env);
  }
  return buffer;
}

bool
binding_words(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "wordsOpen", words_open);
}
