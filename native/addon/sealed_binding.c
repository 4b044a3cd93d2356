#include "binding.h"
#include "call.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010u ///< Linux 6.3: what may be mapped as code says so
#endif

static const napi_type_tag SEALED_TAG = {0x6f70656e72616369u, 0x7365616c65640001u};

/// Bytes in memory that nobody can change any more, whoever has the descriptor.
typedef struct {
  Handle handle;
  int    fd;
} SealedHandle;

static void
release(void* const self)
{
  close(((SealedHandle*)self)->fd);
}

static int
make_unsealed(const char* const name)
{
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  const int      fd    = memfd_create(name, flags | MFD_EXEC);
  return fd < 0 && errno == EINVAL ? memfd_create(name, flags) : fd; // a kernel that does not know MFD_EXEC
}

/// 0 or an errno.
static int
fill(const int fd, const Bytes bytes)
{
  for (size_t at = 0; at < bytes.length;) {
    const ssize_t written = write(fd, bytes.data + at, bytes.length - at);
    if (written < 0 && errno != EINTR) { return errno; }
    if (written > 0) { at += (size_t)written; }
  }
  return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) ? errno : 0;
}

/// sealedCreate(name, bytes) -> handle
static napi_value
sealed_create(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       name[CALL_PATH_BYTES];
  Bytes      bytes = {NULL, 0};
  if (!call_arguments(env, info, 2, argument) || !call_path(env, argument[0], name) ||
      !call_bytes(env, argument[1], &bytes)) {
    return NULL;
  }
  const int fd = make_unsealed(name);
  if (fd < 0) { return call_failed(env, errno, name); }
  const int           error = fill(fd, bytes);
  SealedHandle* const self  = error ? NULL : calloc(1, sizeof *self);
  if (!self) {
    close(fd);
    return call_failed(env, error ? error : ENOMEM, name);
  }
  self->handle.release = release;
  self->fd             = fd;
  return call_wrap(env, &self->handle, &SEALED_TAG);
}

/// sealedDescriptor(handle) -> the descriptor, which stays the handle's
static napi_value
sealed_descriptor(const napi_env env, const napi_callback_info info)
{
  napi_value          argument[CALL_ARGUMENTS_MAX];
  SealedHandle* const self = (SealedHandle*)call_handle(env, info, 1, argument, &SEALED_TAG);
  if (!self) { return NULL; }
  napi_value fd;
  TRY(napi_create_int32(env, self->fd, &fd));
  return fd;
}

/// sealedClose(handle)
static napi_value
sealed_close(const napi_env env, const napi_callback_info info)
{
  return call_close(env, info, &SEALED_TAG);
}

bool
binding_sealed(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "sealedCreate", sealed_create) &&
         call_export(env, exports, "sealedDescriptor", sealed_descriptor) &&
         call_export(env, exports, "sealedClose", sealed_close);
}
