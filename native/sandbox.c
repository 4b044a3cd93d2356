#include "sandbox.h"

#include "fence.h"
#include "privileges.h"
#include "rig.h"
#include "syscall_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/// Nobody gets the right to execute: a library is mapped, and nothing here is a program.
static bool
hide_files(const char* const library_directory)
{
  const int fence = fence_open();
  if (fence < 0) { return false; }
  for (size_t i = 0u; i < sizeof library_places / sizeof *library_places; ++i) {
    fence_allow(fence, library_places[i], FENCE_READ);
  }
  fence_allow(fence, library_directory, FENCE_READ);
  return fence_close(fence);
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

// ---------------------------------------------------------------- the fence

uint32_t
sandbox_enter(const char* const library_directory, const uint64_t memory_bytes, const int fd_max)
{
  (void)syscall(SYS_close_range, (unsigned)fd_max + 1u, ~0u, 0);
  limit_all(memory_bytes);
  const bool landlock = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && hide_files(library_directory);
  // Other processes of the same user, plugins among them, cannot look into this one.
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  privileges_drop(0u);
  return (landlock ? SANDBOX_LANDLOCK : 0u) | (filter_loading() ? SANDBOX_SECCOMP : 0u);
}

void
sandbox_settle(const unsigned call_ms)
{
  // ONFAULT: pages that were never touched need no memory.
  (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  limit(RLIMIT_RTTIME, call_ms * 1000u, call_ms * 10000u);
}
