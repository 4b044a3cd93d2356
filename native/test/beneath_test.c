/// Paths beneath a directory, and the ways out of it.
#include "../beneath.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "outside"
#define RACES 20000

/// A directory `tree` beside a file `secret` and a directory `out` with a file `secret`, which nobody may reach from it.
static char base[] = "/tmp/beneath-XXXXXX";
static int  tree   = -1;
static int  around = -1;

static void
write_file(const int directory, const char* const name, const char* const text)
{
  const int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
  close(fd);
}

static void
make_tree(void)
{
  NEED(mkdtemp(base));
  around = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
  NEED(mkdirat(around, "tree", 0700) == 0 && mkdirat(around, "out", 0700) == 0 && mkdirat(around, "tree/in", 0700) == 0);
  write_file(around, "secret", SECRET);
  write_file(around, "out/secret", SECRET);
  write_file(around, "tree/own", "own");
  write_file(around, "tree/in/own", "own");
  NEED(symlinkat("../secret", around, "tree/leads-out") == 0 && symlinkat("../out", around, "tree/leads-to-out") == 0);
  NEED(symlinkat("/etc/hostname", around, "tree/absolute") == 0 && symlinkat("in/own", around, "tree/stays") == 0);
  NEED(symlinkat("loop", around, "tree/loop") == 0);
  NEED(mkfifoat(around, "tree/fifo", 0600) == 0);
  char path[64];
  snprintf(path, sizeof path, "%s/tree", base);
  NEED(beneath_root(path, &tree) == 0);
}

static void
remove_tree(void)
{
  close(tree);
  close(around);
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", base);
  NEED(system(command) == 0);
}

/// The error of opening a path; what was opened is closed.
static int
opens(const char* const path, const int flags)
{
  int       fd    = -1;
  const int error = beneath_open(tree, path, flags, &fd);
  if (!error) { close(fd); }
  return error;
}

static int
looks(const char* const path, const bool follow)
{
  int       fd    = -1;
  const int error = beneath_look(tree, path, follow, &fd);
  if (!error) { close(fd); }
  return error;
}

static void
opens_what_is_inside(void)
{
  CHECK(opens("own", O_RDWR) == 0);
  CHECK(opens("in/own", O_RDONLY) == 0);
  CHECK(opens("in/../own", O_RDONLY) == 0);
  CHECK(opens("stays", O_RDONLY) == 0);
  CHECK(opens(".", O_RDONLY) == 0);
  CHECK(opens("in/", O_RDONLY | O_DIRECTORY) == 0);
  CHECK(opens("none", O_RDONLY) == ENOENT);
  CHECK(opens("own/", O_RDONLY) == ENOTDIR);
  CHECK(opens("stays", O_RDONLY | O_NOFOLLOW) == ELOOP);
  CHECK(opens("loop", O_RDONLY) == ELOOP);
  CHECK(opens("new", O_WRONLY | O_CREAT | O_EXCL) == 0);
  CHECK(opens("new", O_WRONLY | O_CREAT | O_EXCL) == EEXIST);
  CHECK(beneath_unlink(tree, "new") == 0);
}

static void
opens_nothing_outside(void)
{
  static const char* const paths[] = {
    "..",           "../secret",   "in/../../secret", "../tree/own",      "/etc/hostname",        "/",
    "leads-out",    "absolute",    "leads-to-out",    "leads-to-out/",    "leads-to-out/secret",  "in/../leads-out",
    "stays/../../..", "./../secret", "..//secret",      "in/./../../secret", "leads-to-out/../out/secret",
  };
  for (size_t i = 0; i < sizeof paths / sizeof *paths; ++i) {
    const int read   = opens(paths[i], O_RDONLY);
    const int create = opens(paths[i], O_WRONLY | O_CREAT);
    // A path through a file is refused before anything leads out.
    if (!CHECK(read == BENEATH_OUTSIDE || read == ENOTDIR)) { printf("  %s: %d\n", paths[i], read); }
    if (!CHECK(create == BENEATH_OUTSIDE || create == ENOTDIR || create == EISDIR)) {
      printf("  %s: %d\n", paths[i], create);
    }
    CHECK(looks(paths[i], true) != 0);
    CHECK(beneath_make_directory(tree, paths[i]) != 0);
    CHECK(beneath_remove_directory(tree, paths[i]) != 0);
  }
}

static void
opens_files_and_directories_only(void)
{
  CHECK(opens("fifo", O_RDONLY) == ENOTSUP);
  CHECK(opens("fifo", O_WRONLY) == ENXIO);
  CHECK(opens("fifo", O_RDWR) == ENOTSUP);
  CHECK(opens("own", O_RDONLY | O_SYNC) == EINVAL);
  CHECK(opens("own", O_PATH) == EINVAL);
  CHECK(opens("made", O_RDONLY | O_CREAT | O_DIRECTORY) == EINVAL);
}

static void
looks_at_links(void)
{
  CHECK(looks("leads-out", false) == 0);
  CHECK(looks("leads-out", true) == BENEATH_OUTSIDE);
  CHECK(looks("leads-to-out/", false) == BENEATH_OUTSIDE);
  CHECK(looks("fifo", false) == 0);
}

static void
acts_on_names(void)
{
  CHECK(beneath_make_directory(tree, "made/") == 0);
  CHECK(beneath_make_directory(tree, "made") == EEXIST);
  CHECK(beneath_make_directory(tree, ".") == EEXIST);
  CHECK(beneath_make_directory(tree, "") == ENOENT);
  CHECK(beneath_make_directory(tree, "leads-to-out/made") == BENEATH_OUTSIDE);
  CHECK(beneath_unlink(tree, "made") == EISDIR);
  CHECK(beneath_unlink(tree, "made/") == EISDIR);
  CHECK(beneath_unlink(tree, "own/") == ENOTDIR);
  CHECK(beneath_unlink(tree, "../secret") == BENEATH_OUTSIDE);
  CHECK(beneath_unlink(tree, "leads-to-out/secret") == BENEATH_OUTSIDE);
  CHECK(beneath_rename(tree, "made", tree, "in/made") == 0);
  CHECK(beneath_rename(tree, "own", tree, "../own") == BENEATH_OUTSIDE);
  CHECK(beneath_rename(tree, "../secret", tree, "secret") == BENEATH_OUTSIDE);
  CHECK(beneath_rename(tree, "own", tree, "leads-to-out/own") == BENEATH_OUTSIDE);
  CHECK(beneath_rename(tree, "own/", tree, "renamed") == ENOTDIR);
  CHECK(beneath_rename(tree, "in/..", tree, "renamed") == EBUSY);
  CHECK(beneath_remove_directory(tree, "in/made/") == 0);
  CHECK(beneath_remove_directory(tree, ".") == EBUSY);
  CHECK(beneath_link(tree, "own", tree, "in/second") == 0);
  CHECK(beneath_link(tree, "../secret", tree, "second") == BENEATH_OUTSIDE);
  CHECK(beneath_link(tree, "own", tree, "../second") == BENEATH_OUTSIDE);
  CHECK(beneath_link(tree, "leads-to-out/secret", tree, "second") == BENEATH_OUTSIDE);
  CHECK(beneath_unlink(tree, "in/second") == 0);
  CHECK(faccessat(around, "secret", F_OK, 0) == 0 && faccessat(around, "out/secret", F_OK, 0) == 0);
}

static void
links_itself_only(void)
{
  CHECK(beneath_link(tree, "leads-out", tree, "second") == 0);
  CHECK(opens("second", O_RDONLY) == BENEATH_OUTSIDE);
  CHECK(beneath_unlink(tree, "second") == 0);
}

static void
makes_links_that_stay(void)
{
  static const char* const refused[] = {"/", "/etc", "..", "../secret", "a/..", "a/../b", "a//..", "../", "./.."};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i) {
    CHECK(beneath_symlink(refused[i], tree, "link") == BENEATH_OUTSIDE);
  }
  CHECK(beneath_symlink("..a/...", tree, "link") == 0);
  CHECK(beneath_unlink(tree, "link") == 0);
  CHECK(beneath_symlink("own", tree, "../link") == BENEATH_OUTSIDE);
  CHECK(beneath_symlink("own", tree, "link/") == ENOENT);
}

static void
refuses_proc(void)
{
  int fd = -1;
  CHECK(beneath_root("/proc/self", &fd) == EPERM);
  CHECK(beneath_root("/proc", &fd) == EPERM);
  NEED(beneath_root("/", &fd) == 0);
  int found = -1;
  CHECK(beneath_open(fd, "proc/self/environ", O_RDONLY, &found) == BENEATH_OUTSIDE);
  close(fd);
}

static void
bounds_names(void)
{
  char name[300];
  memset(name, 'a', sizeof name);
  name[256] = '\0';
  CHECK(beneath_make_directory(tree, name) == ENAMETOOLONG);
  name[255] = '\0';
  CHECK(beneath_make_directory(tree, name) == 0);
  CHECK(beneath_remove_directory(tree, name) == 0);
}

static _Atomic bool racing;

/// Swaps the directory `in` and a symbolic link that leads out, without a moment in which there is neither.
static void*
swap_without_end(void* const unused)
{
  (void)unused;
  while (atomic_load(&racing)) {
    renameat2(around, "tree/in", around, "tree/leads-to-out", RENAME_EXCHANGE);
  }
  return NULL;
}

static void
is_not_raced(void)
{
  write_file(around, "tree/in/secret", "inside!");
  pthread_t thread;
  atomic_store(&racing, true);
  NEED(pthread_create(&thread, NULL, swap_without_end, NULL) == 0);
  unsigned opened  = 0;
  unsigned refused = 0;
  for (unsigned i = 0; i < RACES; ++i) {
    int  fd       = -1;
    char text[16] = "";
    if (beneath_open(tree, i % 2u ? "in/secret" : "in/./../in/secret", O_RDONLY, &fd)) {
      ++refused;
      continue;
    }
    ++opened;
    CHECK(read(fd, text, sizeof text) == 7 && memcmp(text, "inside!", 7) == 0);
    close(fd);
    beneath_make_directory(tree, "in/made");
    beneath_remove_directory(tree, "in/made");
  }
  atomic_store(&racing, false);
  pthread_join(thread, NULL);
  CHECK(opened > 0 && refused > 0);
  CHECK(faccessat(around, "out/made", F_OK, 0) != 0);
  struct stat info;
  NEED(fstatat(around, "tree/in", &info, AT_SYMLINK_NOFOLLOW) == 0);
  if (S_ISLNK(info.st_mode)) {
    NEED(renameat2(around, "tree/in", around, "tree/leads-to-out", RENAME_EXCHANGE) == 0);
  }
}

static const Test tests[] = {
  {"what is in the directory is opened and made", opens_what_is_inside},
  {"no path leads out, whether it is read, made, looked at or removed", opens_nothing_outside},
  {"a FIFO is refused and not waited for, and so is what open() could do besides", opens_files_and_directories_only},
  {"a link that leads out is seen and not followed", looks_at_links},
  {"names are made, moved, linked and removed inside only", acts_on_names},
  {"a second name for a link is the link's, not its target's", links_itself_only},
  {"a link that is absolute or leads up is not made", makes_links_that_stay},
  {"/proc is no root, and not beneath one", refuses_proc},
  {"a name that is too long is refused", bounds_names},
  {"a directory that turns into a link while it is opened leads nowhere", is_not_raced},
};

int
main(void)
{
  make_tree();
  const int failed = RUN("beneath_test", tests);
  remove_tree();
  return failed;
}
