/// @file file_handle.h
/// A descriptor that belongs to a handle: closed with it, also when the thread that had it is ended.
///
/// What the system refuses is a value here, not an exception: functions that return a number return 0 or more, or the
/// errno, negative (BENEATH_OUTSIDE, too). A guest may call them a thousand times a second and have each refused.
#ifndef OPENRACING_ADDON_FILE_HANDLE_H
#define OPENRACING_ADDON_FILE_HANDLE_H

#include "call.h"

#include <sys/types.h>

typedef struct {
  Handle handle;
  int    fd;
} FileHandle;

/// The handle of `fd`, or the negative errno where `error` is not 0. Takes the descriptor.
napi_value file_handle(napi_env env, int error, int fd);

/// As call_handle().
FileHandle* file_argument(napi_env env, napi_callback_info info, size_t count, napi_value* arguments);

/// A further argument that is a handle; NULL with a TypeError pending.
FileHandle* file_other(napi_env env, napi_value value);

/// `result` as it is, or the negative errno where it is -1.
napi_value file_result(napi_env env, ssize_t result);

/// The negative of `error`, which may be 0.
napi_value file_error(napi_env env, int error);

#endif
