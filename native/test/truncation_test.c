/// What becomes of a SIGBUS: ours where a watched file was cut, somebody else's everywhere else.
#include "../segment.h"
#include "check.h"
#include "shm_directory.h"

#include <pthread.h>
#include <signal.h>

#define BYTES (2u * CHECK_PAGE_BYTES)

static bool
init_full(void* const memory, const size_t bytes, const void* const what)
{
  (void)what;
  memset(memory, 7, bytes);
  return true;
}

static void
set_handler(void (*const handler)(int))
{
  const struct sigaction action = {.sa_handler = handler};
  NEED(sigaction(SIGBUS, &action, NULL) == 0);
}

/// A file that is mapped and then cut; watched, or not.
static volatile uint8_t*
cut_file(Segment* const segment, const char* const path, const bool is_watched)
{
  NEED(segment_open_or_create(segment, path, BYTES, init_full, NULL) == 0);
  if (!is_watched) { truncation_forget(segment->truncation); }
  NEED(truncate(path, 0) == 0);
  return segment->memory;
}

static void
touch_watched(void* const path)
{
  Segment segment = {.memory = NULL};
  set_handler(SIG_DFL);
  NEED(truncation_survive() && truncation_survive());
  volatile uint8_t* const memory = cut_file(&segment, path, true);
  CHECK(!segment_is_cut(&segment));
  CHECK(memory[CHECK_PAGE_BYTES] == 0u && segment_is_cut(&segment));
  memory[0] = 1u;
  CHECK(memory[0] == 1u && memory[1] == 0u);
  segment_close(&segment);
  CHECK(!segment_is_cut(&segment));
  unlink(path);
  // The place is used again, and is not cut because its last mapping was.
  NEED(segment_open_or_create(&segment, path, BYTES, init_full, NULL) == 0);
  CHECK(!segment_is_cut(&segment));
  segment_close(&segment);
}

static void
touch_foreign(void* const path)
{
  Segment segment = {.memory = NULL};
  set_handler(SIG_DFL);
  NEED(truncation_survive());
  CHECK(cut_file(&segment, path, false)[0] == 0u); // never comes back
}

static void
end_well(const int number)
{
  _exit(number == SIGBUS ? 0 : 1);
}

static void
touch_foreign_with_handler(void* const path)
{
  Segment segment = {.memory = NULL};
  set_handler(end_well);
  NEED(truncation_survive());
  CHECK(cut_file(&segment, path, false)[0] == 0u);
}

static void
ignore(void* const unused)
{
  (void)unused;
  set_handler(SIG_IGN);
  NEED(truncation_survive());
  CHECK(raise(SIGBUS) == 0);
}

static void
is_survived(void)
{
  const ShmDirectory directory = shm_directory();
  ShmPath            file      = shm_path(&directory, "a");
  CHECK_CHILD(check_fork(touch_watched, file.path));
  shm_remove(&directory);
}

static void
others_are_left_alone(void)
{
  const ShmDirectory directory = shm_directory();
  ShmPath            file      = shm_path(&directory, "a");
  int                status    = 0;
  const pid_t        pid       = check_fork(touch_foreign, file.path);
  CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
  unlink(file.path);
  CHECK_CHILD(check_fork(touch_foreign_with_handler, file.path));
  CHECK_CHILD(check_fork(ignore, NULL));
  shm_remove(&directory);
}

/// Opens, cuts, touches and closes again and again.
static void*
run_thread(void* const path)
{
  for (int round = 0; round < 200; ++round) {
    Segment segment = {.memory = NULL};
    CHECK(cut_file(&segment, path, true)[round % 2 ? CHECK_PAGE_BYTES : 0u] == 0u && segment_is_cut(&segment));
    segment_close(&segment);
    unlink(path);
  }
  return NULL;
}

static void
cut_in_threads(void* const path)
{
  ShmPath   paths[4];
  pthread_t threads[4];
  set_handler(SIG_DFL);
  NEED(truncation_survive());
  for (int i = 0; i < 4; ++i) {
    snprintf(paths[i].path, sizeof paths[i].path, "%s%d", (const char*)path, i);
    NEED(pthread_create(threads + i, NULL, run_thread, paths[i].path) == 0);
  }
  for (int i = 0; i < 4; ++i) { pthread_join(threads[i], NULL); }
}

static void
threads_do_not_meet(void)
{
  const ShmDirectory directory = shm_directory();
  ShmPath            file      = shm_path(&directory, "a");
  CHECK_CHILD(check_fork(cut_in_threads, file.path));
  shm_remove(&directory);
}

int
main(void)
{
  static const Test tests[] = {
    {"a watched file that is cut reads as zeros, and says so", is_survived},
    {"a fault elsewhere, and a signal that was sent, is for whoever had it before", others_are_left_alone},
    {"threads open, lose and close their files side by side", threads_do_not_meet},
  };
  return RUN("truncation_test", tests);
}
