/// @file dsp_bench.h
/// A real wheel-dsp with a real library on a real segment, and the loop's side of it.
#ifndef OPENRACING_TEST_DSP_BENCH_H
#define OPENRACING_TEST_DSP_BENCH_H

#include "../clock.h"
#include "../doorbell.h"
#include "../plugin_segment.h"
#include "check.h"
#include "shm_directory.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define DSP_ALL_SEALS (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
#define DSP_REPORT_BYTES 512u

/// What a test wants other than usual.
typedef struct {
  const char* program;      ///< NULL: build/wheel-dsp
  const char* library;      ///< File below build/vices, without .so
  const char* config;       ///< NULL: {}
  uint64_t    memory_bytes; ///< 0: 4 MiB
  int         seals;        ///< 0: all
  void (*before)(void);     ///< In the child, just before it becomes wheel-dsp
} DspWish;

typedef struct {
  ShmDirectory  directory;
  PluginSegment loop;
  pid_t         pid;
  int           status; ///< As waitpid() says it
  bool          gone;
  char          report[DSP_REPORT_BYTES];
  uint32_t      sequence;
} DspBench;

static inline int
dsp_memfd(const char* const library, const int seals)
{
  char path[256];
  snprintf(path, sizeof path, "build/vices/%s.so", library);
  const int   file = open(path, O_RDONLY | O_CLOEXEC);
  const int   memory = memfd_create("library", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  struct stat info;
  NEED(file >= 0 && memory >= 0 && fstat(file, &info) == 0);
  NEED(sendfile(memory, file, NULL, (size_t)info.st_size) == info.st_size);
  NEED(fcntl(memory, F_ADD_SEALS, seals) == 0);
  close(file);
  return memory;
}

static inline void
dsp_exec(const DspBench* const self, const DspWish* const wish, const int library, const int report)
{
  const ShmPath segment = shm_path(&self->directory, "plugin-1");
  const ShmPath config  = shm_path(&self->directory, "config-1");
  char          memory_bytes[24];
  snprintf(memory_bytes, sizeof memory_bytes, "%llu", (unsigned long long)(wish->memory_bytes ? wish->memory_bytes : 4u << 20));
  // Out of the way first: either may have the other's number.
  const int high_library = fcntl(library, F_DUPFD, 10);
  const int high_report  = fcntl(report, F_DUPFD, 10);
  dup2(high_report, 3);
  dup2(high_library, 4);
  if (wish->before) { wish->before(); }
  execl(wish->program ? wish->program : "build/wheel-dsp", "wheel-dsp", segment.path, "build/vices", config.path, memory_bytes, (char*)NULL);
  _exit(127);
}

static inline void
dsp_read_report(DspBench* const self, const int fd)
{
  size_t  length = 0u;
  ssize_t some   = 0;
  while (length + 1u < sizeof self->report && (some = read(fd, self->report + length, sizeof self->report - 1u - length)) > 0) {
    length += (size_t)some;
  }
  self->report[length] = '\0';
  close(fd);
  char* const line = strncmp(self->report, "fence ", 6u) ? NULL : strchr(self->report, '\n');
  if (line) { memmove(self->report, line + 1, strlen(line)); }
}

/// Starts it; returns when it said how it began, or ended without a word.
static inline DspBench*
dsp_start(const DspWish wish)
{
  DspBench* const self = calloc(1, sizeof *self);
  NEED(self);
  self->directory       = shm_directory();
  const ShmPath segment = shm_path(&self->directory, "plugin-1");
  const ShmPath config  = shm_path(&self->directory, "config-1");
  NEED(plugin_segment_create(segment.path) == 0 && plugin_segment_open_loop(&self->loop, segment.path) == 0);
  FILE* const text = fopen(config.path, "we");
  NEED(text && fputs(wish.config ? wish.config : "{}", text) >= 0 && fclose(text) == 0);

  const int library = dsp_memfd(wish.library, wish.seals ? wish.seals : DSP_ALL_SEALS);
  int       ends[2];
  NEED(pipe2(ends, O_CLOEXEC) == 0);
  fflush(stdout);
  self->pid = fork();
  NEED(self->pid >= 0);
  if (!self->pid) { dsp_exec(self, &wish, library, ends[1]); }
  close(library);
  close(ends[1]);
  dsp_read_report(self, ends[0]);
  return self;
}

static inline bool
dsp_is_ready(const DspBench* const self)
{
  return strcmp(self->report, "ready") == 0;
}

/// Sends a frame; true with its answer, false when the process ended instead or the ring is no ring any more.
static inline bool
dsp_exchange(DspBench* const self, const float ffb_in, FrameSlot* const answer)
{
  const FrameSlot frame = {.ffb_in = ffb_in, .dt = 0.001f, .budget_us = 200u, .sequence = ++self->sequence};
  if (ring_push(&self->loop.to, &frame) != RING_OK) { return false; }
  doorbell_ring(&self->loop.to);
  // Two things may happen, and only one of them rings: look for the other every few ms. alarm() bounds it.
  while (!doorbell_wait(&self->loop.from, clock_now_ns() + 5u * CLOCK_NS_PER_MS, 0u)) {
    if (waitpid(self->pid, &self->status, WNOHANG) == self->pid) {
      self->gone = true;
      return false;
    }
  }
  return ring_pop(&self->loop.from, answer) == RING_OK && answer->sequence == self->sequence;
}

/// Frames until one is not answered, at the most `count`. Returns how many were.
static inline uint32_t
dsp_exchange_many(DspBench* const self, const uint32_t count)
{
  FrameSlot answer;
  uint32_t  done = 0u;
  while (done < count && dsp_exchange(self, 1.5f, &answer)) { ++done; }
  return done;
}

/// Waits for the end that it comes to by itself. Returns the signal that it was, 0 for an exit.
static inline int
dsp_wait(DspBench* const self)
{
  if (!self->gone) { NEED(waitpid(self->pid, &self->status, 0) == self->pid); }
  self->gone = true;
  return WIFSIGNALED(self->status) ? WTERMSIG(self->status) : 0;
}

static inline void
dsp_stop(DspBench* const self)
{
  if (!self->gone) { kill(self->pid, SIGKILL); }
  dsp_wait(self);
  plugin_segment_close(&self->loop);
  shm_remove(&self->directory);
  free(self);
}

#endif
