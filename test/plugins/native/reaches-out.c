/// Tries what only landlock and the kernel's own rules forbid, and answers with what it could do, 0.1 N·m for each bit's
/// weight: to read /etc/passwd 1, to signal its parent 2, to be looked into by other processes 4, to connect to a port 8.
#define _GNU_SOURCE
#include "plugin_of.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int
connects(void)
{
  const struct sockaddr_in port = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int                fd   = socket(AF_INET, SOCK_STREAM, 0);
  const int                able = fd >= 0 && (connect(fd, (const struct sockaddr*)&port, sizeof port) == 0 || errno != EACCES);
  close(fd);
  return able;
}

PROCESS(process)
{
  UNUSED_ARGUMENTS();
  const int file = open("/etc/passwd", O_RDONLY);
  int       able = file >= 0 ? 1 : 0;
  if (file >= 0) { close(file); }
  able += kill(getppid(), 0) == 0 ? 2 : 0;
  able += prctl(PR_GET_DUMPABLE) ? 4 : 0;
  able += connects() ? 8 : 0;
  *ffb_out = 0.1f * (float)able;
  return 0;
}

PLUGIN_OF(process)
