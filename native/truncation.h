/// @file truncation.h
/// A shared file that somebody makes shorter would end us with SIGBUS at the next touch of what is gone.
#ifndef OPENRACING_TRUNCATION_H
#define OPENRACING_TRUNCATION_H

#include <stdbool.h>

/// From here on what is gone reads as zeros, and writes to it go nowhere: a ring of zeros is RING_CORRUPT, an input
/// of zeros is silence, a control of zeros is no news, and each of them is dealt with where it is read. False when
/// the system does not let us.
bool truncation_survive(void);

#endif
