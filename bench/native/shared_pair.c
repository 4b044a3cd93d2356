#include "shared_pair.h"

#include <stdio.h>
#include <sys/mman.h>

SharedPair*
shared_pair_make(void)
{
  void* const memory = mmap(NULL, sizeof(SharedPair), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) { return memory; }
  perror("shared memory");
  return NULL;
}
