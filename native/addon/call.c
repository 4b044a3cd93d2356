#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

napi_value
call_broken(const napi_env env)
{
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) { napi_throw_error(env, NULL, "the JavaScript engine refused a call of the addon"); }
  return NULL;
}

napi_value
call_wrong(const napi_env env, const char* const message)
{
  napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", message);
  return NULL;
}

napi_value
call_failed(const napi_env env, const int error, const char* const path)
{
  char message[CALL_PATH_BYTES + 128];
  snprintf(message, sizeof message, "%s: %s", path, strerror(error));
  napi_throw_error(env, strerrorname_np(error), message);
  return NULL;
}

bool
call_arguments(const napi_env env, const napi_callback_info info, const size_t count, napi_value* const arguments)
{
  size_t given = CALL_ARGUMENTS_MAX;
  if (napi_get_cb_info(env, info, &given, arguments, NULL, NULL) != napi_ok) {
    call_broken(env);
    return false;
  }
  if (given == count) { return true; }
  call_wrong(env, "wrong number of arguments");
  return false;
}

bool
call_path(const napi_env env, const napi_value value, char path[CALL_PATH_BYTES])
{
  // The length first: a path that does not fit would be cut, and the cut one may be another file.
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok || length == 0 ||
      length >= CALL_PATH_BYTES - 1 ||
      napi_get_value_string_utf8(env, value, path, CALL_PATH_BYTES, &length) != napi_ok || strlen(path) != length) {
    call_wrong(env, "path must be a string of 1 to 4094 bytes without NUL");
    return false;
  }
  return true;
}

bool
call_u32(const napi_env env, const napi_value value, uint32_t* const number)
{
  double given = 0.0;
  if (napi_get_value_double(env, value, &given) != napi_ok || !(given >= 0.0 && given <= 4294967295.0) ||
      given != (double)(uint32_t)given) {
    call_wrong(env, "a size must be a whole number from 0 to 4294967295");
    return false;
  }
  *number = (uint32_t)given;
  return true;
}

bool
call_bytes(const napi_env env, const napi_value value, Bytes* const bytes)
{
  bool                 typed = false;
  napi_typedarray_type type  = napi_int8_array;
  void*                data  = NULL;
  if (napi_is_typedarray(env, value, &typed) != napi_ok || !typed ||
      napi_get_typedarray_info(env, value, &type, &bytes->length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array) {
    call_wrong(env, "bytes must be a Uint8Array");
    return false;
  }
  bytes->data = data;
  return true;
}

static void
release(Handle* const handle)
{
  if (!handle->open) { return; }
  handle->open = false;
  handle->release(handle);
}

static void
finalize(const napi_env env, void* const data, void* const hint)
{
  (void)env;
  (void)hint;
  release(data);
  free(data);
}

napi_value
call_wrap(const napi_env env, Handle* const handle, const napi_type_tag* const tag)
{
  handle->open = true;
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok || napi_wrap(env, object, handle, finalize, NULL, NULL) != napi_ok) {
    finalize(env, handle, NULL);
    return call_broken(env);
  }
  // From here on the handle is the object's: its finalizer frees it, whatever fails.
  TRY(napi_type_tag_object(env, object, tag));
  return object;
}

static bool
unwrap_any(const napi_env env, const napi_value value, const napi_type_tag* const tag, Handle** const handle)
{
  napi_valuetype type  = napi_undefined;
  bool           match = false;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, tag, &match) != napi_ok || !match ||
      napi_unwrap(env, value, (void**)handle) != napi_ok) {
    call_wrong(env, "an argument is not a handle of this kind");
    return false;
  }
  return true;
}

Handle*
call_other_handle(const napi_env env, const napi_value value, const napi_type_tag* const tag)
{
  Handle* handle = NULL;
  if (!unwrap_any(env, value, tag, &handle)) { return NULL; }
  if (handle->open) { return handle; }
  call_wrong(env, "the handle is closed");
  return NULL;
}

Handle*
call_handle(const napi_env env, const napi_callback_info info, const size_t count, napi_value* const arguments,
            const napi_type_tag* const tag)
{
  return call_arguments(env, info, count, arguments) ? call_other_handle(env, arguments[0], tag) : NULL;
}

napi_value
call_close(const napi_env env, const napi_callback_info info, const napi_type_tag* const tag)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  Handle*    handle = NULL;
  if (call_arguments(env, info, 1, argument) && unwrap_any(env, argument[0], tag, &handle)) { release(handle); }
  return NULL;
}

bool
call_export(const napi_env env, const napi_value exports, const char* const name, const napi_callback function)
{
  napi_value value;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) == napi_ok &&
         napi_set_named_property(env, exports, name, value) == napi_ok;
}
