// Reads /granted/hello.txt, and then tries everything that would change what is below /granted. Exits with what it could do.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int
main(void)
{
  char  text[64] = "";
  FILE* hello    = fopen("/granted/hello.txt", "r");
  if (!hello || !fgets(text, sizeof text, hello)) {
    perror("/granted/hello.txt");
    return 100;
  }
  printf("read: %s", text);
  int       changed = 0;
  const int fd      = open("/granted/hello.txt", O_WRONLY);
  changed += fd >= 0 && write(fd, "x", 1) == 1;
  changed += fopen("/granted/hello.txt", "w") != NULL;
  changed += open("/granted/new", O_WRONLY | O_CREAT, 0666) >= 0;
  changed += truncate("/granted/hello.txt", 0) == 0;
  changed += mkdir("/granted/made", 0777) == 0;
  changed += unlink("/granted/hello.txt") == 0;
  changed += rmdir("/granted/sub") == 0;
  changed += rename("/granted/hello.txt", "/granted/moved") == 0;
  changed += link("/granted/hello.txt", "/granted/second") == 0;
  changed += symlink("hello.txt", "/granted/link") == 0;
  changed += utimensat(AT_FDCWD, "/granted/hello.txt", NULL, 0) == 0;
  return changed;
}
