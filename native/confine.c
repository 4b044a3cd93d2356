/// confine [--read PATH]... [--write PATH]... -- PROGRAM [ARGUMENT]...
///
/// Becomes PROGRAM, an absolute path, with no more than it needs: files that are named here, no network but Unix sockets
/// that it listens on itself, no other process, no program, no privileges. Whoever runs strangers' code in JavaScript is
/// started like this, because a landlock fence is a thread's and of those that it starts: put up from inside it would leave
/// the engine's own threads outside.
///
/// What the kernel lacks is left out. OPENRACING_CONFINED in the environment of PROGRAM says what is in force: of
/// `landlock` and `seccomp` those that are, separated by a space.

#include "fence.h"
#include "privileges.h"
#include "syscall_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_USAGE 4 ///< As every program of the platform

extern char** environ;

/// What every program needs to begin. The right to execute is for the loader; there is nothing else that seccomp lets run.
static const char* const read_places[] = {"/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"};
static const char* const loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1",
                                      "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"};

typedef struct {
  char** paths; ///< Pairs of an option and its path
  int    count; ///< Of words
  char** program;
} Request;

static int
usage(const char* const what)
{
  fprintf(stderr, "confine: %s; usage: confine [--read PATH]... [--write PATH]... -- PROGRAM [ARGUMENT]...\n", what);
  return EXIT_USAGE;
}

static bool
is_write(const char* const option)
{
  return strcmp(option, "--write") == 0;
}

/// What is wrong with the words, or NULL.
static const char*
read_request(const int argc, char** const argv, Request* const request)
{
  int at = 1;
  for (; at < argc && strcmp(argv[at], "--") != 0; at += 2) {
    if (!is_write(argv[at]) && strcmp(argv[at], "--read") != 0) { return "there is an option that it does not know"; }
    if (at + 1 >= argc || argv[at + 1][0] != '/') { return "a path is missing or not absolute"; }
  }
  if (at + 1 >= argc || argv[at + 1][0] != '/') { return "the program is missing or not an absolute path"; }
  *request = (Request){.paths = argv + 1, .count = at - 1, .program = argv + at + 1};
  return NULL;
}

static bool
put_up_fence(const Request* const request)
{
  const int fence = fence_open();
  if (fence < 0) { return false; }
  for (size_t i = 0u; i < sizeof read_places / sizeof *read_places; ++i) { fence_allow(fence, read_places[i], FENCE_READ); }
  for (size_t i = 0u; i < sizeof loaders / sizeof *loaders; ++i) { fence_allow(fence, loaders[i], FENCE_EXECUTE); }
  fence_allow(fence, request->program[0], FENCE_EXECUTE);
  for (int i = 0; i < request->count; i += 2) {
    fence_allow(fence, request->paths[i + 1], is_write(request->paths[i]) ? FENCE_WRITE : FENCE_READ);
  }
  // What the kernel says about this process, which stays the same one. Open for good: the right is bound to the inode, and
  // that of a directory in /proc is made anew once nobody has it open and memory is short.
  const int self = open("/proc/self", O_PATH);
  if (self >= 0) { fence_allow(fence, "/proc/self", FENCE_READ); }
  return fence_close(fence);
}

static void
limit(const __rlimit_resource_t what, const rlim_t most)
{
  const struct rlimit both = {.rlim_cur = most, .rlim_max = most};
  (void)setrlimit(what, &both); // lowering is everybody's right
}

static void
limit_all(void)
{
  limit(RLIMIT_CORE, 0u);
  limit(RLIMIT_MEMLOCK, 0u);
  limit(RLIMIT_MSGQUEUE, 0u);
  limit(RLIMIT_NICE, 0u);
  limit(RLIMIT_RTPRIO, 0u);
}

int
main(const int argc, char** const argv)
{
  Request     request = {0};
  const char* wrong   = read_request(argc, argv, &request);
  if (wrong) { return usage(wrong); }

  limit_all();
  const bool sealed   = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  const bool landlock = sealed && put_up_fence(&request);
  // Root goes on reading what is another user's, which the fence bounds, and open_by_handle_at(), the way round it, needs
  // another capability.
  privileges_drop(landlock ? 1u << CAP_DAC_OVERRIDE : 0u);
  // The filter is last and forbids nothing that is left to do here but for a mark.
  char* const* const program = request.program;
  const bool seccomp = sealed && filter_service();
  const char* const words[] = {"", "landlock", "seccomp", "landlock seccomp"};
  if (setenv("OPENRACING_CONFINED", words[(landlock ? 1 : 0) + (seccomp ? 2 : 0)], 1)) { return EXIT_FAILURE; }
  filter_call(SYS_execve, (long)(uintptr_t)program[0], (long)(uintptr_t)program, (long)(uintptr_t)environ, 0L);
  fprintf(stderr, "confine: %s cannot be run: %s\n", program[0], strerror(errno));
  return EXIT_FAILURE;
}
