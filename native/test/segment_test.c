/// Shared memory files, and the plugin segment that is made of one.
#include "../plugin_segment.h"
#include "../segment.h"
#include "check.h"
#include "shm_directory.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#define BYTES 8192u

static bool
init_text(void* const memory, const size_t bytes, const void* const what)
{
  CHECK(bytes == BYTES);
  snprintf(memory, bytes, "%s", (const char*)what);
  return true;
}

static bool
init_refuses(void* const memory, const size_t bytes, const void* const what)
{
  (void)memory;
  (void)bytes;
  (void)what;
  return false;
}

static void
is_created_once(void)
{
  const ShmDirectory directory = shm_directory();
  const ShmPath      file      = shm_path(&directory, "a");
  Segment            first     = {.memory = NULL};
  Segment            second    = {.memory = NULL};
  CHECK(segment_open(&first, file.path, BYTES, true) == ENOENT);
  NEED(segment_open_or_create(&first, file.path, BYTES, init_text, "first") == 0);
  NEED(segment_open_or_create(&second, file.path, BYTES, init_text, "second") == 0);
  CHECK(strcmp(second.memory, "first") == 0 && first.bytes == BYTES);
  struct stat info;
  CHECK(stat(file.path, &info) == 0 && (info.st_mode & 0777) == 0600);
  CHECK(shm_count(&directory) == 1);
  segment_close(&first);
  segment_close(&first);
  segment_close(&second);
  shm_remove(&directory);
}

static void
refusal_leaves_nothing(void)
{
  const ShmDirectory directory = shm_directory();
  const ShmPath      file      = shm_path(&directory, "a");
  Segment            segment   = {.memory = NULL};
  CHECK(segment_open_or_create(&segment, file.path, BYTES, init_refuses, NULL) == EINVAL);
  CHECK(segment_open_or_create(&segment, file.path, (size_t)1 << 62u, init_text, "") != 0);
  CHECK(segment.memory == NULL && shm_count(&directory) == 0);
  CHECK(segment_open_or_create(&segment, "/dev/shm/openracing-nowhere/a", BYTES, init_text, "") == ENOENT);
  char path[5000];
  memset(path, 'a', sizeof path);
  path[sizeof path - 1u] = '\0';
  CHECK(segment_open_or_create(&segment, path, BYTES, init_text, "") == ENAMETOOLONG);
  shm_remove(&directory);
}

static void
other_files_are_refused(void)
{
  const ShmDirectory directory = shm_directory();
  const ShmPath      file      = shm_path(&directory, "a");
  const ShmPath      link      = shm_path(&directory, "link");
  const ShmPath      fifo      = shm_path(&directory, "fifo");
  Segment            segment   = {.memory = NULL};
  NEED(segment_open_or_create(&segment, file.path, BYTES, init_text, "") == 0);
  segment_close(&segment);
  CHECK(segment_open(&segment, file.path, BYTES - 1u, false) == EPROTO);
  CHECK(segment_open(&segment, file.path, BYTES + 1u, true) == EPROTO);
  CHECK(segment_open(&segment, file.path, 0u, true) == EPROTO);
  NEED(symlink(file.path, link.path) == 0);
  CHECK(segment_open(&segment, link.path, BYTES, true) == ELOOP);
  NEED(mkfifo(fifo.path, 0600) == 0);
  CHECK(segment_open(&segment, fifo.path, BYTES, false) == EPROTO); // and does not wait for a writer
  CHECK(segment_open(&segment, fifo.path, BYTES, true) == EPROTO);
  CHECK(segment_open(&segment, directory.path, BYTES, false) == EPROTO);
  NEED(truncate(file.path, 0) == 0);
  CHECK(segment_open_or_create(&segment, file.path, BYTES, init_text, "") == EPROTO);
  CHECK(segment.memory == NULL);
  shm_remove(&directory);
}

/// While this file is being made, another process of our number (in another container) makes it too.
static bool
init_overtaken(void* const memory, const size_t bytes, const void* const what)
{
  Segment faster = {.memory = NULL};
  CHECK(segment_open_or_create(&faster, what, bytes, init_text, "faster") == 0);
  segment_close(&faster);
  return init_text(memory, bytes, "slower");
}

static void
same_number_elsewhere(void)
{
  const ShmDirectory directory = shm_directory();
  const ShmPath      file      = shm_path(&directory, "a");
  Segment            segment   = {.memory = NULL};
  if (CHECK(segment_open_or_create(&segment, file.path, BYTES, init_overtaken, file.path) == 0)) {
    CHECK(strcmp(segment.memory, "faster") == 0);
  }
  CHECK(shm_count(&directory) == 1);
  segment_close(&segment);
  shm_remove(&directory);
}

static void
create_and_verify(void* const path)
{
  Segment segment = {.memory = NULL};
  NEED(segment_open_or_create(&segment, path, BYTES, init_text, "whole") == 0);
  CHECK(strcmp(segment.memory, "whole") == 0);
}

static void
race_of_processes(void)
{
  const ShmDirectory directory = shm_directory();
  ShmPath            file      = shm_path(&directory, "a");
  for (int round = 0; round < 50; ++round) {
    pid_t children[4];
    for (int i = 0; i < 4; ++i) { children[i] = check_fork(create_and_verify, file.path); }
    for (int i = 0; i < 4; ++i) { CHECK_CHILD(children[i]); }
    CHECK(shm_count(&directory) == 1);
    unlink(file.path);
  }
  shm_remove(&directory);
}

static void
both_sides_meet(void)
{
  const ShmDirectory directory = shm_directory();
  const ShmPath      file      = shm_path(&directory, "plugin-1");
  PluginSegment      loop;
  PluginSegment      plugin;
  CHECK(plugin_segment_open_loop(&loop, file.path) == ENOENT);
  NEED(plugin_segment_create(file.path) == 0);
  CHECK(plugin_segment_create(file.path) == 0);
  NEED(plugin_segment_open_loop(&loop, file.path) == 0);
  NEED(plugin_segment_open_plugin(&plugin, file.path) == 0);
  FrameSlot there = {.ffb_in = 1.0f};
  FrameSlot back  = {.ffb_in = 2.0f};
  FrameSlot frame;
  CHECK(ring_push(&loop.to, &there) == RING_OK && ring_push(&plugin.to, &back) == RING_OK);
  CHECK(ring_pop(&plugin.from, &frame) == RING_OK && frame.ffb_in == 1.0f);
  CHECK(ring_pop(&loop.from, &frame) == RING_OK && frame.ffb_in == 2.0f);
  CHECK(atomic_load(&loop.report->state) == REPORT_STARTING);
  plugin_segment_close(&loop);
  plugin_segment_close(&loop);
  plugin_segment_close(&plugin);
  shm_remove(&directory);
}

/// Changes one word of the file; says whether both sides then refuse it.
static bool
refused_with(const char* const path, const size_t offset, const uint32_t word)
{
  Segment segment = {.memory = NULL};
  NEED(segment_open(&segment, path, PLUGIN_SEGMENT_BYTES, true) == 0);
  uint32_t* const place = (uint32_t*)(void*)((uint8_t*)segment.memory + offset);
  const uint32_t  old   = *place;
  *place                = word;
  PluginSegment shared;
  const bool    refused = plugin_segment_open_loop(&shared, path) == EPROTO &&
                       plugin_segment_open_plugin(&shared, path) == EPROTO && shared.segment.memory == NULL;
  *place = old;
  segment_close(&segment);
  return refused;
}

static void
foreign_segments_are_refused(void)
{
  const ShmDirectory directory = shm_directory();
  const ShmPath      file      = shm_path(&directory, "plugin-1");
  NEED(plugin_segment_create(file.path) == 0);
  CHECK(refused_with(file.path, offsetof(PluginReport, magic), 0u));
  CHECK(refused_with(file.path, offsetof(PluginReport, version), RIG_VERSION + 1u));
  static const size_t rings[] = {PLUGIN_RING_IN, PLUGIN_RING_OUT};
  for (int i = 0; i < 2; ++i) {
    CHECK(refused_with(file.path, rings[i] + offsetof(RingShared, magic), 0u));
    CHECK(refused_with(file.path, rings[i] + offsetof(RingShared, slot_size), 32u));
    CHECK(refused_with(file.path, rings[i] + offsetof(RingShared, slot_size), 128u));
    CHECK(refused_with(file.path, rings[i] + offsetof(RingShared, slot_count), RIG_RING_SLOTS * 2u));
    CHECK(refused_with(file.path, rings[i] + offsetof(RingShared, slot_count), 3u));
  }
  const ShmPath zeroes = shm_path(&directory, "plugin-2");
  const int     fd     = open(zeroes.path, O_CREAT | O_RDWR, 0600);
  NEED(fd >= 0 && ftruncate(fd, PLUGIN_SEGMENT_BYTES) == 0);
  close(fd);
  CHECK(plugin_segment_create(zeroes.path) == EPROTO);
  shm_remove(&directory);
}

int
main(void)
{
  static const Test tests[] = {
    {"a shared memory file is made once, and opened by who comes later", is_created_once},
    {"a creation that fails leaves no file behind", refusal_leaves_nothing},
    {"a truncated file, a link, a FIFO and a directory are refused, at once", other_files_are_refused},
    {"a process of the same number in another container may make the file meanwhile", same_number_elsewhere},
    {"processes that race to make a file all see the same whole one", race_of_processes},
    {"the two sides of a plugin segment meet in its rings", both_sides_meet},
    {"a plugin segment of another kind, version or geometry is refused", foreign_segments_are_refused},
  };
  return RUN("segment_test", tests);
}
