// Says so and ends itself, with 7 or with what its first argument says.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
main(const int argc, char* const* const argv)
{
  printf("%s ends", getenv("NAME") ? getenv("NAME") : "somebody");
  fflush(stdout);
  sleep(3600);
  exit(argc > 1 ? atoi(argv[1]) : 7);
}
