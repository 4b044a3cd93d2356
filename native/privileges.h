/// @file privileges.h
/// What root may do beyond others: given up, for good.
#ifndef OPENRACING_PRIVILEGES_H
#define OPENRACING_PRIVILEGES_H

#include <stdint.h>

/// Gives up every capability, and the way to get one back, but those whose bit (1 << CAP_…, below 32) is in `kept`. What
/// this process does not have it does not get.
void privileges_drop(uint32_t kept);

#endif
