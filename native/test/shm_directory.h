/// @file shm_directory.h
/// A directory in shared memory for the files of one test, gone when the test is over.
#ifndef OPENRACING_TEST_SHM_DIRECTORY_H
#define OPENRACING_TEST_SHM_DIRECTORY_H

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

typedef struct {
  char path[64];
} ShmDirectory;

static inline ShmDirectory
shm_directory(void)
{
  ShmDirectory self = {"/dev/shm/openracing-test-XXXXXX"};
  NEED(mkdtemp(self.path));
  return self;
}

/// The path of a file in it.
typedef struct {
  char path[128];
} ShmPath;

static inline ShmPath
shm_path(const ShmDirectory* const self, const char* const name)
{
  ShmPath file;
  snprintf(file.path, sizeof file.path, "%s/%s", self->path, name);
  return file;
}

/// How many files are in it.
static inline int
shm_count(const ShmDirectory* const self)
{
  DIR* const listing = opendir(self->path);
  NEED(listing);
  int count = 0;
  for (const struct dirent* entry = readdir(listing); entry; entry = readdir(listing)) {
    count += entry->d_name[0] == '.' ? 0 : 1;
  }
  closedir(listing);
  return count;
}

static inline void
shm_remove(const ShmDirectory* const self)
{
  DIR* const listing = opendir(self->path);
  NEED(listing);
  for (const struct dirent* entry = readdir(listing); entry; entry = readdir(listing)) {
    unlinkat(dirfd(listing), entry->d_name, 0);
  }
  closedir(listing);
  rmdir(self->path);
}

#endif
