#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/// The kernel answers EAGAIN when something was moved while it resolved a `..`. Whoever moves things without end may have it
/// that the path is not found, but not that we try without end.
#define ATTEMPTS 16

/// What beneath_open() takes. O_SYNC and its like are not among them: a write waits for no disk.
#define OPEN_FLAGS (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_DIRECTORY | O_NOFOLLOW)

static int
open_beneath(const int directory, const char* const path, const int flags, int* const opened)
{
  struct open_how how = {
    .flags   = (uint64_t)(unsigned)flags | O_CLOEXEC,
    .mode    = flags & O_CREAT ? 0666u : 0u,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };
  for (int attempt = 0; attempt < ATTEMPTS; ++attempt) {
    const long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0) {
      *opened = (int)fd;
      return 0;
    }
    if (errno != EAGAIN && errno != EINTR) { return errno == EXDEV ? BENEATH_OUTSIDE : errno; }
  }
  return EAGAIN;
}

/// Closes `fd` when there is an error; returns it.
static int
keep(const int fd, const int error)
{
  if (error) { close(fd); }
  return error;
}

static int
check_not_proc(const int fd)
{
  struct statfs system;
  if (fstatfs(fd, &system)) { return errno; }
  return system.f_type == PROC_SUPER_MAGIC ? EPERM : 0;
}

int
beneath_root(const char* const path, int* const opened)
{
  const int named = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (named < 0) { return errno; }
  // Not opened in one step: so it shows at once where the kernel has no openat2().
  const int error = open_beneath(named, ".", O_RDONLY | O_DIRECTORY, opened);
  close(named);
  return error ? error : keep(*opened, check_not_proc(*opened));
}

static int
check_kind(const int fd)
{
  struct stat info;
  if (fstat(fd, &info)) { return errno; }
  return S_ISREG(info.st_mode) || S_ISDIR(info.st_mode) ? 0 : ENOTSUP;
}

int
beneath_open(const int directory, const char* const path, const int flags, int* const opened)
{
  // The kernel's answer to both flags was a file and an error, before 6.4.
  if ((flags & ~OPEN_FLAGS) || ((flags & O_CREAT) && (flags & O_DIRECTORY))) { return EINVAL; }
  // O_NONBLOCK: a FIFO in the file's place is refused below, not waited for.
  const int error = open_beneath(directory, path, flags | O_NONBLOCK | O_NOCTTY, opened);
  return error ? error : keep(*opened, check_kind(*opened));
}

int
beneath_look(const int directory, const char* const path, const bool follow, int* const opened)
{
  return open_beneath(directory, path, O_PATH | (follow ? 0 : O_NOFOLLOW), opened);
}

/// Where a name is: its directory, and itself without any `/`.
typedef struct {
  int  parent;
  char name[NAME_MAX + 1];
  bool slash; ///< The path ended in `/`: it has to be a directory
} Place;

static bool
is_dots(const char* const name)
{
  return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/// Resolves all but the last part of a path. EBUSY when that is `.` or `..`.
static int
place_open(Place* const place, const int directory, const char* const path)
{
  if (path[0] == '/') { return BENEATH_OUTSIDE; }
  size_t end = strlen(path);
  while (end && path[end - 1u] == '/') { --end; }
  if (!end) { return ENOENT; }
  size_t begin = end;
  while (begin && path[begin - 1u] != '/') { --begin; }

  if (end - begin > NAME_MAX || begin >= PATH_MAX) { return ENAMETOOLONG; }
  // A slash behind the name would have the kernel follow a symbolic link of that name.
  place->slash = path[end] == '/';
  memcpy(place->name, path + begin, end - begin);
  place->name[end - begin] = '\0';
  if (is_dots(place->name)) { return EBUSY; }

  char parent[PATH_MAX] = ".";
  if (begin) {
    memcpy(parent, path, begin);
    parent[begin] = '\0';
  }
  return open_beneath(directory, parent, O_PATH | O_DIRECTORY, &place->parent);
}

/// Closes a place; returns the errno of a call that failed, else 0.
static int
place_close(const Place* const place, const int result)
{
  const int error = result ? errno : 0;
  close(place->parent);
  return error;
}

static bool
is_directory(const Place* const place)
{
  struct stat info;
  return fstatat(place->parent, place->name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
}

int
beneath_make_directory(const int directory, const char* const path)
{
  Place     place;
  const int error = place_open(&place, directory, path);
  if (error) { return error == EBUSY ? EEXIST : error; }
  return place_close(&place, mkdirat(place.parent, place.name, 0777));
}

int
beneath_remove_directory(const int directory, const char* const path)
{
  Place     place;
  const int error = place_open(&place, directory, path);
  if (error) { return error; }
  return place_close(&place, unlinkat(place.parent, place.name, AT_REMOVEDIR));
}

int
beneath_unlink(const int directory, const char* const path)
{
  Place     place;
  const int error = place_open(&place, directory, path);
  if (error) { return error; }
  if (!place.slash) { return place_close(&place, unlinkat(place.parent, place.name, 0)); }
  errno = is_directory(&place) ? EISDIR : ENOTDIR;
  return place_close(&place, -1);
}

/// The places that a call on two paths acts on.
typedef struct {
  Place from;
  Place to;
} Places;

static int
places_open(Places* const places, const int from_directory, const char* const from, const int to_directory,
            const char* const to)
{
  const int error = place_open(&places->from, from_directory, from);
  if (error) { return error; }
  return keep(places->from.parent, place_open(&places->to, to_directory, to));
}

static int
places_close(const Places* const places, const int result)
{
  const int error = place_close(&places->to, result);
  close(places->from.parent);
  return error;
}

int
beneath_rename(const int from_directory, const char* const from, const int to_directory, const char* const to)
{
  Places    places;
  const int error = places_open(&places, from_directory, from, to_directory, to);
  if (error) { return error; }
  if ((places.from.slash || places.to.slash) && !is_directory(&places.from)) {
    errno = ENOTDIR;
    return places_close(&places, -1);
  }
  return places_close(&places, renameat(places.from.parent, places.from.name, places.to.parent, places.to.name));
}

int
beneath_link(const int from_directory, const char* const from, const int to_directory, const char* const to)
{
  Places    places;
  const int error = places_open(&places, from_directory, from, to_directory, to);
  if (error) { return error; }
  if (places.from.slash || places.to.slash) {
    errno = ENOTDIR; // a directory has one name
    return places_close(&places, -1);
  }
  return places_close(&places, linkat(places.from.parent, places.from.name, places.to.parent, places.to.name, 0));
}

static bool
leads_up(const char* const target)
{
  const char* part = target;
  for (;;) {
    const size_t length = strcspn(part, "/");
    if (length == 2u && part[0] == '.' && part[1] == '.') { return true; }
    if (!part[length]) { return false; }
    part += length + 1u;
  }
}

int
beneath_symlink(const char* const target, const int directory, const char* const path)
{
  if (target[0] == '/' || leads_up(target)) { return BENEATH_OUTSIDE; }
  Place     place;
  const int error = place_open(&place, directory, path);
  if (error) { return error; }
  if (place.slash) {
    errno = ENOENT;
    return place_close(&place, -1);
  }
  return place_close(&place, symlinkat(target, place.parent, place.name));
}
