/// @file fence.h
/// landlock: which files a process may reach at all. What is not allowed is refused, from fence_close() on, to this thread
/// and to everything that it starts; where the kernel has it, so are TCP, and signals and abstract sockets to the outside.
#ifndef OPENRACING_FENCE_H
#define OPENRACING_FENCE_H

#include <stdbool.h>

/// What may be done with a file, or below a directory.
typedef enum {
  FENCE_READ,    ///< Read it, and list what is there
  FENCE_EXECUTE, ///< Read it, and run it as a program
  FENCE_WRITE,   ///< Read and write it; make, move and remove what is below it. No devices, and nothing to execute
} FenceRight;

/// Begins a fence; -1 where the kernel has no landlock.
int fence_open(void);

/// A path that does not exist is allowed nothing. Links are followed, once, now.
void fence_allow(int fence, const char* path, FenceRight right);

/// Shuts it, for good. Needs no_new_privs. False where the kernel refused.
bool fence_close(int fence);

#endif
