#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096

static int
map(Segment* const segment, const int fd, const size_t bytes, const bool writable)
{
  void* const memory = mmap(NULL, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) { return errno; }
  segment->truncation = truncation_watch(memory, bytes);
  if (!segment->truncation) {
    munmap(memory, bytes);
    return ENOMEM;
  }
  segment->memory = memory;
  segment->bytes  = bytes;
  return 0;
}

static int
open_and_map(Segment* const segment, const int fd, const size_t bytes, const bool writable)
{
  struct stat info;
  if (fstat(fd, &info)) { return errno; }
  // What is shorter from the beginning is no file of ours; one that is cut later is for truncation.h.
  if (!S_ISREG(info.st_mode) || info.st_size < 0 || (size_t)info.st_size != bytes) { return EPROTO; }
  return map(segment, fd, bytes, writable);
}

int
segment_open(Segment* const segment, const char* const path, const size_t bytes, const bool writable)
{
  // O_NONBLOCK: a FIFO in the file's place is refused below, not waited for.
  const int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) { return errno; }
  const int error = open_and_map(segment, fd, bytes, writable);
  close(fd);
  return error;
}

static int
create_unnamed(Segment* const segment, const int fd, const size_t bytes, const SegmentInit init, const void* const what)
{
  if (ftruncate(fd, (off_t)bytes)) { return errno; }
  // The pages exist from here on: running out of memory shows now, not as SIGBUS in the loop.
  const int full = posix_fallocate(fd, 0, (off_t)bytes);
  if (full) { return full; }
  const int error = map(segment, fd, bytes, true);
  if (error) { return error; }
  if (init(segment->memory, bytes, what)) { return 0; }
  segment_close(segment);
  return EINVAL;
}

int
segment_open_or_create(Segment* const segment, const char* const path, const size_t bytes, const SegmentInit init,
                       const void* const what)
{
  int error = segment_open(segment, path, bytes, true);
  if (error != ENOENT) { return error; }

  // A name by our process number would not be ours alone: containers that share the directory count from 1 each.
  char temporary[PATH_BYTES];
  const int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
  if (length < 0 || length >= (int)sizeof temporary) { return ENAMETOOLONG; }
  const int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) { return errno; }

  error = create_unnamed(segment, fd, bytes, init, what);
  if (!error && link(temporary, path)) {
    error = errno;
    segment_close(segment);
    // Somebody else was first: theirs is the one.
    if (error == EEXIST) { error = segment_open(segment, path, bytes, true); }
  }
  unlink(temporary);
  close(fd);
  return error;
}

bool
segment_is_cut(const Segment* const segment)
{
  return truncation_seen(segment->truncation);
}

void
segment_close(Segment* const segment)
{
  truncation_forget(segment->truncation);
  if (segment->memory) { munmap(segment->memory, segment->bytes); }
  segment->truncation = NULL;
  segment->memory     = NULL;
  segment->bytes      = 0;
}
