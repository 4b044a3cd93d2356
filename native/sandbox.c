#include "sandbox.h"

#include "rig.h"
#include "syscall_filter.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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
#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/// Directories of the system's libraries, and the loader's list of them.
static const char* const library_places[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};

/// What libraries may map beside the plugin's memory: their code, and data that they never write.
#define CODE_BYTES (64u << 20)
/// What they may map to write, beside the plugin's memory: theirs, and room for the stack of a thread, so that who starts
/// one is told that it may not, and not of memory.
#define LIBRARY_DATA_BYTES (16u << 20)
#define FILES_MAX 16u ///< Open at a time; the loader needs one
/// The usual 8 MiB would be twice what a plugin may allocate, and in no limit.
#define STACK_BYTES (1u << 20)

// ---------------------------------------------------------------- files

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

/// Nobody gets the right to execute: a library is mapped, and nothing here is a program.
static void
allow_reading(const int ruleset, const char* const path)
{
  const int place = open(path, O_PATH | O_CLOEXEC);
  if (place < 0) { return; } // not every system has each of them
  struct landlock_path_beneath_attr rule = {.allowed_access = FS_READ, .parent_fd = place};
  if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0)) {
    rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE; // a file has no list to read
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  }
  close(place);
}

static int
make_ruleset(void)
{
  const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) { return -1; }
  Ruleset    set = ruleset_of(version);
  const long fd  = syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
  if (fd >= 0 || !set.scoped) { return (int)fd; }
  set.scoped = 0u; // some kernels of distributions say version 6 and lack what it is about
  return (int)syscall(SYS_landlock_create_ruleset, &set, sizeof set, 0);
}

static bool
hide_files(const char* const library_directory)
{
  const int ruleset = make_ruleset();
  if (ruleset < 0) { return false; }
  for (size_t i = 0u; i < sizeof library_places / sizeof *library_places; ++i) { allow_reading(ruleset, library_places[i]); }
  allow_reading(ruleset, library_directory);
  const bool hidden = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  close(ruleset);
  return hidden;
}

// ---------------------------------------------------------------- limits

static bool
limit(const int what, const rlim_t soft, const rlim_t hard)
{
  struct rlimit now = {.rlim_cur = soft, .rlim_max = hard};
  if (filter_call(SYS_setrlimit, what, (long)(uintptr_t)&now, 0L, 0L) == 0) { return true; }
  // Without privileges a limit is only lowered.
  struct rlimit old;
  if (getrlimit((__rlimit_resource_t)what, &old)) { return false; }
  if (old.rlim_max < hard) { now.rlim_max = old.rlim_max; }
  if (now.rlim_max < soft) { now.rlim_cur = now.rlim_max; }
  return filter_call(SYS_setrlimit, what, (long)(uintptr_t)&now, 0L, 0L) == 0;
}

typedef struct {
  rlim_t all;  ///< Bytes of address space
  rlim_t data; ///< Of those, what is written and its own
} Mapped;

/// What this process has mapped. False where /proc does not say.
static bool
read_mapped(Mapped* const mapped)
{
  char      text[128] = {0};
  const int fd        = open("/proc/self/statm", O_RDONLY | O_CLOEXEC); // no stdio: it would allocate
  if (fd < 0) { return false; }
  const ssize_t length = read(fd, text, sizeof text - 1u);
  close(fd);
  unsigned long pages = 0u, data_pages = 0u;
  if (length <= 0 || sscanf(text, "%lu %*u %*u %*u %*u %lu", &pages, &data_pages) != 2) { return false; }
  const rlim_t page = (rlim_t)sysconf(_SC_PAGESIZE);
  *mapped           = (Mapped){.all = pages * page, .data = data_pages * page};
  return true;
}

static void
limit_all(const uint64_t memory_bytes)
{
  Mapped mapped;
  if (read_mapped(&mapped)) {
    const rlim_t all  = mapped.all + memory_bytes + CODE_BYTES;
    const rlim_t data = mapped.data + memory_bytes + LIBRARY_DATA_BYTES;
    limit(RLIMIT_AS, all, all);
    limit(RLIMIT_DATA, data, data);
  }
  limit(RLIMIT_STACK, STACK_BYTES, STACK_BYTES);
  limit(RLIMIT_CORE, 0u, 0u);
  limit(RLIMIT_FSIZE, 0u, 0u);
  limit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX);
  limit(RLIMIT_NPROC, 0u, 0u);
  limit(RLIMIT_MSGQUEUE, 0u, 0u);
  limit(RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY); // for sandbox_settle(); the others bound what there is to keep
}

void
sandbox_bound_cpu(const unsigned seconds)
{
  limit(RLIMIT_CPU, seconds ? seconds : RLIM_INFINITY, RLIM_INFINITY);
}

// ---------------------------------------------------------------- privileges

static void
drop_privileges(void)
{
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); // refused to who has no privileges anyway
  }
  (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct     header = {.version = _LINUX_CAPABILITY_VERSION_3};
  const struct __user_cap_data_struct none[2] = {{0}};
  (void)syscall(SYS_capset, &header, none);
}

uint32_t
sandbox_enter(const char* const library_directory, const uint64_t memory_bytes, const int fd_max)
{
  (void)syscall(SYS_close_range, (unsigned)fd_max + 1u, ~0u, 0);
  limit_all(memory_bytes);
  const bool landlock = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && hide_files(library_directory);
  // Other processes of the same user, plugins among them, cannot look into this one.
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  drop_privileges();
  return (landlock ? SANDBOX_LANDLOCK : 0u) | (filter_loading() ? SANDBOX_SECCOMP : 0u);
}

void
sandbox_settle(const unsigned call_ms)
{
  // ONFAULT: pages that were never touched need no memory.
  (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  limit(RLIMIT_RTTIME, call_ms * 1000u, call_ms * 10000u);
}
