// Tries to get at what is outside of /granted, with the C library's functions. Prints what it got, and exits with how much.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int got;

static void
tell(const char* const what, const char* const path)
{
  printf("%s %s\n", what, path);
  ++got;
}

static void
try_path(const char* const path)
{
  struct stat info;
  const int   fd = open(path, O_RDONLY);
  if (fd >= 0) { tell("read", path); }
  if (open(path, O_WRONLY | O_CREAT, 0666) >= 0) { tell("wrote", path); }
  if (stat(path, &info) == 0) { tell("asked about", path); }
  if (mkdir(path, 0777) == 0) { tell("made", path); }
  // A link is the guest's own: a file may take its place.
  if (lstat(path, &info) != 0 && rename("/granted/hello.txt", path) == 0) { tell("moved to", path); }
  if (link(path, "/granted/stolen") == 0 && open("/granted/stolen", O_RDONLY) >= 0) { tell("linked", path); }
  unlink("/granted/stolen");
  if (symlink(path, "/granted/way") == 0 && open("/granted/way", O_RDONLY) >= 0) { tell("made a way to", path); }
  unlink("/granted/way");
}

int
main(void)
{
  static const char* const paths[] = {
    "/etc/passwd",           "/proc/self/environ",      "/granted/..",        "/granted/../outside/secret",
    "/granted/leads-out",    "/granted/absolute",       "/granted/proc",      "/granted/leads-out-dir/secret",
    "/granted/proc-fd/0",    "/granted/sub/../..",      "../outside/secret",  "/granted/sub/../../outside/secret",
    "/",                     "..",                      "/granted/leads-out-dir/../outside/secret",
  };
  for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) { try_path(paths[i]); }
  return got;
}
