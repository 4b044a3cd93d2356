#include "binding.h"
#include "call.h"
#include "file_handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const napi_type_tag FILE_TAG = {0x6f70656e72616369u, 0x66696c6500000001u};

/// Largest offset, as Number.MAX_SAFE_INTEGER: what is above cannot be told to JavaScript.
#define OFFSET_MAX INT64_C(9007199254740991)

static void
release(void* const self)
{
  close(((FileHandle*)self)->fd);
}

napi_value
file_handle(const napi_env env, const int error, const int fd)
{
  if (error) { return file_error(env, error); }
  FileHandle* const self = calloc(1, sizeof *self);
  if (!self) {
    close(fd);
    return file_error(env, ENOMEM);
  }
  self->handle.release = release;
  self->fd             = fd;
  return call_wrap(env, &self->handle, &FILE_TAG);
}

FileHandle*
file_argument(const napi_env env, const napi_callback_info info, const size_t count, napi_value* const arguments)
{
  return (FileHandle*)call_handle(env, info, count, arguments, &FILE_TAG);
}

FileHandle*
file_other(const napi_env env, const napi_value value)
{
  return (FileHandle*)call_other_handle(env, value, &FILE_TAG);
}

napi_value
file_error(const napi_env env, const int error)
{
  napi_value number;
  TRY(napi_create_int32(env, -error, &number));
  return number;
}

napi_value
file_result(const napi_env env, const ssize_t result)
{
  if (result < 0) { return file_error(env, errno); }
  napi_value number;
  TRY(napi_create_double(env, (double)result, &number));
  return number;
}

static bool
offset_argument(const napi_env env, const napi_value value, const int64_t least, int64_t* const offset)
{
  double given = 0.0;
  if (napi_get_value_double(env, value, &given) != napi_ok || !(given >= (double)least && given <= (double)OFFSET_MAX) ||
      given != (double)(int64_t)given) {
    call_wrong(env, "an offset must be a whole number within 2^53");
    return false;
  }
  *offset = (int64_t)given;
  return true;
}

/// fileRead(file, bytes) -> bytes read or error
static napi_value
file_read(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  Bytes                   bytes = {NULL, 0};
  const FileHandle* const self  = file_argument(env, info, 2, argument);
  if (!self || !call_bytes(env, argument[1], &bytes)) { return NULL; }
  return file_result(env, read(self->fd, bytes.data, bytes.length));
}

/// fileWrite(file, bytes) -> bytes written or error
static napi_value
file_write(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  Bytes                   bytes = {NULL, 0};
  const FileHandle* const self  = file_argument(env, info, 2, argument);
  if (!self || !call_bytes(env, argument[1], &bytes)) { return NULL; }
  return file_result(env, write(self->fd, bytes.data, bytes.length));
}

/// fileReadAt(file, bytes, offset) -> bytes read or error
static napi_value
file_read_at(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  Bytes                   bytes  = {NULL, 0};
  int64_t                 offset = 0;
  const FileHandle* const self   = file_argument(env, info, 3, argument);
  if (!self || !call_bytes(env, argument[1], &bytes) || !offset_argument(env, argument[2], 0, &offset)) { return NULL; }
  return file_result(env, pread(self->fd, bytes.data, bytes.length, offset));
}

/// fileWriteAt(file, bytes, offset) -> bytes written or error
static napi_value
file_write_at(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  Bytes                   bytes  = {NULL, 0};
  int64_t                 offset = 0;
  const FileHandle* const self   = file_argument(env, info, 3, argument);
  if (!self || !call_bytes(env, argument[1], &bytes) || !offset_argument(env, argument[2], 0, &offset)) { return NULL; }
  return file_result(env, pwrite(self->fd, bytes.data, bytes.length, offset));
}

/// fileSeek(file, delta, 'set' 0 | 'current' 1 | 'end' 2) -> the new offset or error
static napi_value
file_seek(const napi_env env, const napi_callback_info info)
{
  static const int        whences[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  napi_value              argument[CALL_ARGUMENTS_MAX];
  int64_t                 delta  = 0;
  uint32_t                whence = 0u;
  const FileHandle* const self   = file_argument(env, info, 3, argument);
  if (!self || !offset_argument(env, argument[1], -OFFSET_MAX, &delta) || !call_u32(env, argument[2], &whence)) {
    return NULL;
  }
  if (whence >= sizeof whences / sizeof *whences) { return call_wrong(env, "whence must be 0, 1 or 2"); }
  const off_t before = lseek(self->fd, 0, SEEK_CUR);
  const off_t after  = lseek(self->fd, delta, whences[whence]);
  if (after <= OFFSET_MAX) { return file_result(env, after); }
  lseek(self->fd, before, SEEK_SET);
  return file_error(env, EOVERFLOW);
}

static uint64_t
nanoseconds(const struct timespec time)
{
  return time.tv_sec < 0 ? 0u : (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/// fileStat(file, bytes) -> 0 or error. Writes eight u64: device, inode, mode, links, size, and the times of access,
/// modification and change, ns since 1970.
static napi_value
file_stat(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  Bytes                   bytes = {NULL, 0};
  const FileHandle* const self  = file_argument(env, info, 2, argument);
  if (!self || !call_bytes(env, argument[1], &bytes)) { return NULL; }
  struct stat stat;
  if (fstat(self->fd, &stat)) { return file_error(env, errno); }
  const uint64_t record[] = {
    stat.st_dev,           stat.st_ino,
    stat.st_mode,          stat.st_nlink,
    (uint64_t)stat.st_size, nanoseconds(stat.st_atim),
    nanoseconds(stat.st_mtim), nanoseconds(stat.st_ctim),
  };
  if (bytes.length != sizeof record) { return call_wrong(env, "the buffer must have 64 bytes"); }
  memcpy(bytes.data, record, sizeof record);
  return file_error(env, 0);
}

/// A time: ns since 1970, -1n for now, -2n for what it is already.
static bool
time_argument(const napi_env env, const napi_value value, struct timespec* const time)
{
  int64_t ns    = 0;
  bool    whole = false;
  if (napi_get_value_bigint_int64(env, value, &ns, &whole) != napi_ok || !whole || ns < -2) {
    call_wrong(env, "a time must be a bigint from -2n to 2^63 - 1");
    return false;
  }
  time->tv_sec  = ns < 0 ? 0 : ns / 1000000000;
  time->tv_nsec = ns == -1 ? UTIME_NOW : ns == -2 ? UTIME_OMIT : ns % 1000000000;
  return true;
}

/// fileSetTimes(file, access, modification) -> 0 or error
static napi_value
file_set_times(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  struct timespec         times[2];
  const FileHandle* const self = file_argument(env, info, 3, argument);
  if (!self || !time_argument(env, argument[1], &times[0]) || !time_argument(env, argument[2], &times[1])) {
    return NULL;
  }
  // futimens() does not take what beneathLook() opens.
  return file_result(env, utimensat(self->fd, "", times, AT_EMPTY_PATH));
}

/// fileReadLink(file, bytes) -> bytes of the target that fit, or error. The handle is one of beneathLook().
static napi_value
file_read_link(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  Bytes                   bytes = {NULL, 0};
  const FileHandle* const self  = file_argument(env, info, 2, argument);
  if (!self || !call_bytes(env, argument[1], &bytes)) { return NULL; }
  const ssize_t length = readlinkat(self->fd, "", (char*)bytes.data, bytes.length);
  // ENOENT is how the kernel says of an empty path that it is no link.
  return length < 0 && errno == ENOENT ? file_error(env, EINVAL) : file_result(env, length);
}

/// fileResize(file, size) -> 0 or error
static napi_value
file_resize(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  int64_t                 size = 0;
  const FileHandle* const self = file_argument(env, info, 2, argument);
  if (!self || !offset_argument(env, argument[1], 0, &size)) { return NULL; }
  return file_result(env, ftruncate(self->fd, size));
}

/// fileAllocate(file, offset, length) -> 0 or error
static napi_value
file_allocate(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  int64_t                 offset = 0;
  int64_t                 length = 0;
  const FileHandle* const self   = file_argument(env, info, 3, argument);
  if (!self || !offset_argument(env, argument[1], 0, &offset) || !offset_argument(env, argument[2], 0, &length)) {
    return NULL;
  }
  // Not posix_fallocate(): where the file system cannot, that one writes every block.
  return file_result(env, fallocate(self->fd, 0, offset, length));
}

/// fileFlush(file) -> 0 or error: what was written is on its way to the disk; nobody waits for it to arrive.
static napi_value
file_flush(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  const FileHandle* const self = file_argument(env, info, 1, argument);
  return self ? file_result(env, sync_file_range(self->fd, 0, 0, SYNC_FILE_RANGE_WRITE)) : NULL;
}

/// fileAppend(file, append) -> 0 or error: whether each write goes to the end.
static napi_value
file_append(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  bool                    append = false;
  const FileHandle* const self   = file_argument(env, info, 2, argument);
  if (!self) { return NULL; }
  if (napi_get_value_bool(env, argument[1], &append) != napi_ok) {
    return call_wrong(env, "append must be true or false");
  }
  const int flags = fcntl(self->fd, F_GETFL);
  if (flags < 0) { return file_error(env, errno); }
  return file_result(env, fcntl(self->fd, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND));
}

/// directoryEntries(directory, cookie, bytes) -> bytes of entries as getdents64() writes them, 0 at the end, or error.
/// The cookie is 0n, or what the last entry that was seen has as its d_off.
static napi_value
directory_entries(const napi_env env, const napi_callback_info info)
{
  napi_value              argument[CALL_ARGUMENTS_MAX];
  Bytes                   bytes  = {NULL, 0};
  int64_t                 cookie = 0;
  bool                    whole  = false;
  const FileHandle* const self   = file_argument(env, info, 3, argument);
  if (!self || !call_bytes(env, argument[2], &bytes)) { return NULL; }
  if (napi_get_value_bigint_int64(env, argument[1], &cookie, &whole) != napi_ok || !whole || cookie < 0) {
    return call_wrong(env, "cookie must be a bigint from 0n to 2^63 - 1");
  }
  if (lseek(self->fd, cookie, SEEK_SET) < 0) { return file_error(env, errno); }
  const size_t length = bytes.length > INT32_MAX ? INT32_MAX : bytes.length;
  return file_result(env, syscall(SYS_getdents64, self->fd, bytes.data, length));
}

/// fileClose(file)
static napi_value
file_close(const napi_env env, const napi_callback_info info)
{
  return call_close(env, info, &FILE_TAG);
}

bool
binding_file(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "fileRead", file_read) && call_export(env, exports, "fileWrite", file_write) &&
         call_export(env, exports, "fileReadAt", file_read_at) &&
         call_export(env, exports, "fileWriteAt", file_write_at) && call_export(env, exports, "fileSeek", file_seek) &&
         call_export(env, exports, "fileStat", file_stat) &&
         call_export(env, exports, "fileSetTimes", file_set_times) &&
         call_export(env, exports, "fileReadLink", file_read_link) &&
         call_export(env, exports, "fileResize", file_resize) &&
         call_export(env, exports, "fileAllocate", file_allocate) &&
         call_export(env, exports, "fileFlush", file_flush) && call_export(env, exports, "fileAppend", file_append) &&
         call_export(env, exports, "directoryEntries", directory_entries) &&
         call_export(env, exports, "fileClose", file_close);
}
