#include "binding.h"
#include "call.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/// threadCpuNanoseconds() -> CPU time of the calling thread, ns
static napi_value
thread_cpu(const napi_env env, const napi_callback_info info)
{
  (void)info;
  struct timespec time = {0, 0};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  napi_value ns;
  TRY(napi_create_bigint_uint64(env, (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec, &ns));
  return ns;
}

/// processCpuNanoseconds(pid) -> CPU time of all its threads until now, ns; null when there is no such process
static napi_value
process_cpu(const napi_env env, const napi_callback_info info)
{
  napi_value      argument[CALL_ARGUMENTS_MAX];
  uint32_t        pid   = 0u;
  clockid_t       clock = 0;
  struct timespec time  = {0, 0};
  napi_value      answer;
  if (!call_arguments(env, info, 1, argument) || !call_u32(env, argument[0], &pid)) { return NULL; }
  if (pid < 1u || pid > INT32_MAX || clock_getcpuclockid((pid_t)pid, &clock) || clock_gettime(clock, &time)) {
    TRY(napi_get_null(env, &answer));
    return answer;
  }
  TRY(napi_create_bigint_uint64(env, (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec, &answer));
  return answer;
}

/// realtimeNanoseconds() -> ns since 1970; steps when somebody sets the clock
static napi_value
realtime(const napi_env env, const napi_callback_info info)
{
  (void)info;
  struct timespec time = {0, 0};
  clock_gettime(CLOCK_REALTIME, &time);
  napi_value ns;
  TRY(napi_create_bigint_uint64(env, (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec, &ns));
  return ns;
}

/// lockFile(path) -> true, or false when another process holds it. The lock lasts as long as this process.
static napi_value
lock_file(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  char       path[CALL_PATH_BYTES];
  if (!call_arguments(env, info, 1, argument) || !call_path(env, argument[0], path)) { return NULL; }
  // Kept open on purpose: the kernel drops the lock with the process, however it ends.
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) { return call_failed(env, errno, path); }
  const bool held  = flock(fd, LOCK_EX | LOCK_NB) == 0;
  const int  error = errno;
  if (!held) {
    close(fd);
    if (error != EWOULDBLOCK) { return call_failed(env, error, path); }
  }
  napi_value answer;
  TRY(napi_get_boolean(env, held, &answer));
  return answer;
}

/// peerUser(fd) -> user id of the process that connected this Unix socket, as the kernel noted it then
static napi_value
peer_user(const napi_env env, const napi_callback_info info)
{
  napi_value   argument[CALL_ARGUMENTS_MAX];
  uint32_t     fd    = 0u;
  struct ucred peer  = {0, 0, 0};
  socklen_t    bytes = sizeof peer;
  if (!call_arguments(env, info, 1, argument) || !call_u32(env, argument[0], &fd)) { return NULL; }
  if (getsockopt((int)fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes)) { return call_failed(env, errno, "SO_PEERCRED"); }
  napi_value answer;
  TRY(napi_create_uint32(env, peer.uid, &answer));
  return answer;
}

/// datagram(path, bytes) sends one datagram to a Unix socket; a path that begins with @ is of the abstract kind
static napi_value
datagram(const napi_env env, const napi_callback_info info)
{
  napi_value         argument[CALL_ARGUMENTS_MAX];
  char               path[CALL_PATH_BYTES];
  Bytes              bytes   = {NULL, 0};
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (!call_arguments(env, info, 2, argument) || !call_path(env, argument[0], path) ||
      !call_bytes(env, argument[1], &bytes)) {
    return NULL;
  }
  const size_t length = strlen(path);
  if (length == 0u || length >= sizeof address.sun_path) { return call_failed(env, ENAMETOOLONG, path); }
  memcpy(address.sun_path, path, length);
  if (path[0] == '@') { address.sun_path[0] = '\0'; }
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) { return call_failed(env, errno, path); }
  const socklen_t named = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] == '@' ? 0u : 1u));
  const ssize_t   sent  = sendto(fd, bytes.data, bytes.length, MSG_NOSIGNAL, (const struct sockaddr*)&address, named);
  const int       error = errno;
  close(fd);
  if (sent < 0) { return call_failed(env, error, path); }
  napi_value nothing;
  TRY(napi_get_undefined(env, &nothing));
  return nothing;
}

bool
binding_system(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "threadCpuNanoseconds", thread_cpu) &&
         call_export(env, exports, "processCpuNanoseconds", process_cpu) &&
         call_export(env, exports, "realtimeNanoseconds", realtime) &&
         call_export(env, exports, "lockFile", lock_file) && call_export(env, exports, "peerUser", peer_user) &&
         call_export(env, exports, "datagram", datagram);
}
