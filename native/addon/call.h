/// @file call.h
/// What every function of the addon needs to be one: arguments in, errors out.
/// Wrong arguments throw a TypeError; nothing that JavaScript passes can crash the process.
#ifndef OPENRACING_ADDON_CALL_H
#define OPENRACING_ADDON_CALL_H

#include <node_api.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_ARGUMENTS_MAX 4
#define CALL_PATH_BYTES 4096

/// Leaves the function when a call into the engine failed (an exception is pending then).
#define TRY(call)                                     \
  do {                                                \
    if ((call) != napi_ok) { return call_broken(env); } \
  } while (0)

/// The bytes of a Uint8Array, valid until the function returns to JavaScript.
typedef struct {
  uint8_t* data;
  size_t   length;
} Bytes;

/// Makes sure that an exception is pending; returns NULL.
napi_value call_broken(napi_env env);

/// Throws a TypeError; returns NULL.
napi_value call_wrong(napi_env env, const char* message);

/// Throws an Error whose `code` is the errno's name; returns NULL.
napi_value call_failed(napi_env env, int error, const char* path);

/// Reads exactly `count` arguments. False with a TypeError pending otherwise.
bool call_arguments(napi_env env, napi_callback_info info, size_t count, napi_value* arguments);

bool call_path(napi_env env, napi_value value, char path[CALL_PATH_BYTES]);
bool call_u32(napi_env env, napi_value value, uint32_t* number);
bool call_bytes(napi_env env, napi_value value, Bytes* bytes);

/// A handle is an object that only we can make, tagged with what it is.
/// `release` runs once: when JavaScript closes the handle or loses it.
typedef struct {
  void (*release)(void* self);
  bool  open;
} Handle;

napi_value call_wrap(napi_env env, Handle* handle, const napi_type_tag* tag);

/// As call_arguments(), and the handle that the first of them is. NULL with a TypeError pending when it is another
/// thing, or closed.
Handle* call_handle(napi_env env, napi_callback_info info, size_t count, napi_value* arguments, const napi_type_tag* tag);

/// The handle that another argument is, as call_handle().
Handle* call_other_handle(napi_env env, napi_value value, const napi_type_tag* tag);

/// Closes the handle that is the only argument; does nothing when it is closed already.
napi_value call_close(napi_env env, napi_callback_info info, const napi_type_tag* tag);

/// Adds a function to the addon's exports.
bool call_export(napi_env env, napi_value exports, const char* name, napi_callback function);

#endif
