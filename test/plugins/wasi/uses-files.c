// Does with files below /granted what programs do with files, by the C library's functions, and exits with the number of
// the first step that went wrong.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP(number, condition)                                            \
  do {                                                                     \
    if (!(condition)) {                                                    \
      fprintf(stderr, "step %d: %s (%s)\n", number, #condition, strerror(errno)); \
      return number;                                                       \
    }                                                                      \
  } while (0)

static int
count_names(const char* const path)
{
  DIR* const listing = opendir(path);
  if (!listing) { return -1; }
  int count = 0;
  for (const struct dirent* entry = readdir(listing); entry; entry = readdir(listing)) {
    count += entry->d_name[0] == '.' ? 0 : 1;
  }
  closedir(listing);
  return count;
}

int
main(void)
{
  char        text[64] = "";
  struct stat info;

  FILE* const hello = fopen("/granted/hello.txt", "r");
  STEP(1, hello && fgets(text, sizeof text, hello) && strcmp(text, "hello from a file\n") == 0);
  fclose(hello);

  STEP(2, mkdir("/granted/made", 0777) == 0 && mkdir("/granted/made", 0777) != 0 && errno == EEXIST);
  FILE* const file = fopen("/granted/made/file", "w+");
  STEP(3, file && fprintf(file, "%d lines\n", 42) == 9 && fseek(file, 3, SEEK_SET) == 0);
  STEP(4, fgets(text, sizeof text, file) && strcmp(text, "lines\n") == 0 && ftell(file) == 9);
  STEP(5, ftruncate(fileno(file), 4) == 0 && fstat(fileno(file), &info) == 0 && info.st_size == 4);
  fclose(file);

  for (int i = 0; i < 200; ++i) {
    snprintf(text, sizeof text, "/granted/made/%d", i);
    const int fd = open(text, O_WRONLY | O_CREAT | O_EXCL, 0666);
    STEP(6, fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
  }
  STEP(7, count_names("/granted/made") == 201);

  const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2, .tv_nsec = 3}};
  STEP(8, utimensat(AT_FDCWD, "/granted/made/file", times, 0) == 0);
  STEP(9, stat("/granted/made/file", &info) == 0 && info.st_mtim.tv_sec == 2 && info.st_mtim.tv_nsec == 3);

  STEP(10, symlink("file", "/granted/made/link") == 0 && readlink("/granted/made/link", text, sizeof text) == 4);
  STEP(11, lstat("/granted/made/link", &info) == 0 && S_ISLNK(info.st_mode));
  STEP(12, stat("/granted/made/link", &info) == 0 && S_ISREG(info.st_mode));
  STEP(13, link("/granted/made/file", "/granted/second") == 0 && stat("/granted/second", &info) == 0 && info.st_nlink == 2);
  STEP(14, rename("/granted/second", "/granted/made/0") == 0 && stat("/granted/second", &info) != 0 && errno == ENOENT);
  STEP(15, rmdir("/granted/made") != 0 && errno == ENOTEMPTY && unlink("/granted/made/0") == 0);
  STEP(16, count_names("/granted/made") == 201);

  const int log = open("/granted/log", O_WRONLY | O_CREAT | O_APPEND, 0666);
  STEP(17, log >= 0 && write(log, "one ", 4) == 4 && lseek(log, 0, SEEK_SET) == 0 && write(log, "two", 3) == 3);
  STEP(18, fsync(log) == 0 && stat("/granted/log", &info) == 0 && info.st_size == 7);
  puts("every step went well");
  return 0;
}
