#include "binding.h"
#include "call.h"
#include "file_handle.h"

#include "../beneath.h"

#include <string.h>

/// Copies a path out of a Uint8Array, so that nobody changes it while it is used.
static bool
path_bytes(const napi_env env, const napi_value value, char path[CALL_PATH_BYTES])
{
  Bytes bytes = {NULL, 0};
  if (!call_bytes(env, value, &bytes)) { return false; }
  if (!bytes.length || bytes.length >= CALL_PATH_BYTES || memchr(bytes.data, '\0', bytes.length)) {
    call_wrong(env, "path must have 1 to 4095 bytes, none of them 0");
    return false;
  }
  memcpy(path, bytes.data, bytes.length);
  path[bytes.length] = '\0';
  return true;
}

/// beneathRoot(path) -> handle or error
static napi_value
root(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       path[CALL_PATH_BYTES];
  if (!call_arguments(env, info, 1, argument) || !call_path(env, argument[0], path)) { return NULL; }
  int       fd    = -1;
  const int error = beneath_root(path, &fd);
  return file_handle(env, error, fd);
}

/// beneathOpen(directory, path, flags) -> handle or error
static napi_value
open_file(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  char                    path[CALL_PATH_BYTES];
  uint32_t                flags     = 0u;
  const FileHandle* const directory = file_argument(env, info, 3, argument);
  if (!directory || !path_bytes(env, argument[1], path) || !call_u32(env, argument[2], &flags)) { return NULL; }
  if (flags > INT32_MAX) { return call_wrong(env, "flags are those of open()"); }
  int       fd    = -1;
  const int error = beneath_open(directory->fd, path, (int)flags, &fd);
  return file_handle(env, error, fd);
}

/// beneathLook(directory, path, follow) -> handle or error
static napi_value
look(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  char                    path[CALL_PATH_BYTES];
  bool                    follow    = false;
  const FileHandle* const directory = file_argument(env, info, 3, argument);
  if (!directory || !path_bytes(env, argument[1], path)) { return NULL; }
  if (napi_get_value_bool(env, argument[2], &follow) != napi_ok) {
    return call_wrong(env, "follow must be true or false");
  }
  int       fd    = -1;
  const int error = beneath_look(directory->fd, path, follow, &fd);
  return file_handle(env, error, fd);
}

typedef int (*OnPath)(int directory, const char* path);

static napi_value
on_path(const napi_env env, const napi_callback_info info, const OnPath operation)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  char                    path[CALL_PATH_BYTES];
  const FileHandle* const directory = file_argument(env, info, 2, argument);
  if (!directory || !path_bytes(env, argument[1], path)) { return NULL; }
  return file_error(env, operation(directory->fd, path));
}

/// beneathMakeDirectory(directory, path) -> 0 or error
static napi_value
make_directory(const napi_env env, const napi_callback_info info)
{
  return on_path(env, info, beneath_make_directory);
}

/// beneathRemoveDirectory(directory, path) -> 0 or error
static napi_value
remove_directory(const napi_env env, const napi_callback_info info)
{
  return on_path(env, info, beneath_remove_directory);
}

/// beneathUnlink(directory, path) -> 0 or error
static napi_value
unlink_file(const napi_env env, const napi_callback_info info)
{
  return on_path(env, info, beneath_unlink);
}

typedef int (*OnPaths)(int from_directory, const char* from, int to_directory, const char* to);

static napi_value
on_paths(const napi_env env, const napi_callback_info info, const OnPaths operation)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  char                    from[CALL_PATH_BYTES];
  char                    to[CALL_PATH_BYTES];
  const FileHandle* const directory = file_argument(env, info, 4, argument);
  if (!directory || !path_bytes(env, argument[1], from)) { return NULL; }
  const FileHandle* const other = file_other(env, argument[2]);
  if (!other || !path_bytes(env, argument[3], to)) { return NULL; }
  return file_error(env, operation(directory->fd, from, other->fd, to));
}

/// beneathRename(directory, path, directory, path) -> 0 or error
static napi_value
rename_path(const napi_env env, const napi_callback_info info)
{
  return on_paths(env, info, beneath_rename);
}

/// beneathLink(directory, path, directory, path) -> 0 or error
static napi_value
link_path(const napi_env env, const napi_callback_info info)
{
  return on_paths(env, info, beneath_link);
}

/// beneathSymlink(directory, path, target) -> 0 or error
static napi_value
symlink_path(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  char                    path[CALL_PATH_BYTES];
  char                    target[CALL_PATH_BYTES];
  const FileHandle* const directory = file_argument(env, info, 3, argument);
  if (!directory || !path_bytes(env, argument[1], path) || !path_bytes(env, argument[2], target)) { return NULL; }
  return file_error(env, beneath_symlink(target, directory->fd, path));
}

bool
binding_beneath(const napi_env env, const napi_value exports)
{
  napi_value outside;
  return napi_create_int32(env, -BENEATH_OUTSIDE, &outside) == napi_ok &&
         napi_set_named_property(env, exports, "beneathOutside", outside) == napi_ok &&
         call_export(env, exports, "beneathRoot", root) && call_export(env, exports, "beneathOpen", open_file) &&
         call_export(env, exports, "beneathLook", look) &&
         call_export(env, exports, "beneathMakeDirectory", make_directory) &&
         call_export(env, exports, "beneathRemoveDirectory", remove_directory) &&
         call_export(env, exports, "beneathUnlink", unlink_file) &&
         call_export(env, exports, "beneathRename", rename_path) &&
         call_export(env, exports, "beneathLink", link_path) &&
         call_export(env, exports, "beneathSymlink", symlink_path);
}
