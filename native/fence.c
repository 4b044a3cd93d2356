#include "fence.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// What landlock learned after the oldest headers that we are compiled with (docs: userspace-api/landlock).

typedef struct {
  uint64_t handled_access_fs;
  uint64_t handled_access_net; ///< From version 4
  uint64_t scoped;             ///< From version 6
} Ruleset;

#define FS_VERSION_1 ((1ull << 13) - 1u)
#define FS_REFER (1ull << 13)     ///< From version 2
#define FS_TRUNCATE (1ull << 14)  ///< From version 3
#define FS_IOCTL_DEV (1ull << 15) ///< From version 5
#define NET_BIND_AND_CONNECT 3ull
#define SCOPE_SOCKETS_AND_SIGNALS 3ull

#define FILE_READ LANDLOCK_ACCESS_FS_READ_FILE
#define FILE_WRITE (FILE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE)
#define BELOW_READ (FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define BELOW_WRITE                                                                                                              \
  (FILE_WRITE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                   \
   LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |      \
   FS_REFER)

static Ruleset
ruleset_of(const long version)
{
  Ruleset set = {.handled_access_fs = FS_VERSION_1};
  if (version >= 2) { set.handled_access_fs |= FS_REFER; }
  if (version >= 3) { set.handled_access_fs |= FS_TRUNCATE; }
  if (version >= 4) { set.handled_access_net = NET_BIND_AND_CONNECT; }
  if (version >= 5) { set.handled_access_fs |= FS_IOCTL_DEV; }
  if (version >= 6) { set.scoped = SCOPE_SOCKETS_AND_SIGNALS; }
  return set;
}

static long
landlock_version(void)
{
  return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

int
fence_open(void)
{
  const long version = landlock_version();
  if (version < 1) { return -1; }
  Ruleset    set = ruleset_of(version);
  const long fd  = syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
  if (fd >= 0 || !set.scoped) { return (int)fd; }
  set.scoped = 0u; // some kernels of distributions say version 6 and lack what it is about
  return (int)syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
}

static uint64_t
rights_of(const FenceRight right, const bool directory)
{
  switch (right) {
  case FENCE_READ: return directory ? BELOW_READ : FILE_READ;
  case FENCE_EXECUTE: return (directory ? BELOW_READ : FILE_READ) | LANDLOCK_ACCESS_FS_EXECUTE;
  case FENCE_WRITE: return directory ? BELOW_WRITE : FILE_WRITE;
  }
  return 0u;
}

void
fence_allow(const int fence, const char* const path, const FenceRight right)
{
  const int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0) { return; } // not every system has each of them
  struct stat                      status;
  const bool                       directory = fstat(place, &status) == 0 && S_ISDIR(status.st_mode);
  const uint64_t                   known     = ruleset_of(landlock_version()).handled_access_fs;
  struct landlock_path_beneath_attr rule     = {.allowed_access = rights_of(right, directory) & known, .parent_fd = place};
  (void)syscall(SYS_landlock_add_rule, fence, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  close(place);
}

bool
fence_close(const int fence)
{
  const bool shut = syscall(SYS_landlock_restrict_self, fence, 0) == 0;
  close(fence);
  return shut;
}
