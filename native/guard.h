/// @file guard.h
/// Ends a call into a stranger's code that does not end by itself, and nothing else.
///
/// A thread opens a guard and marks its calls. One watcher thread for the whole process sleeps while nobody makes such
/// calls and looks once a millisecond while somebody does, and twice during one. A call that it sees twice it has a witness for
/// (witness.h), and one whose witnessed time is beyond its limit it interrupts, by whatever means the thread has given it. So
/// it does with one that another thread wants to end.
/// Knows nothing of JavaScript.
#ifndef OPENRACING_GUARD_H
#define OPENRACING_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// How a call in `target` is ended, from another thread.
typedef void (*GuardInterrupt)(void* target);

/// In `call`: the thread is in the host's own code for a while, which is never cut in the middle.
#define GUARD_HOST 0x40000000

/// What the thread and the watcher both see. The thread writes all but `call` while there is no call.
///
/// `call` is 0 between calls, and the call's number, 1 to 2^30 - 1, during one. The watcher interrupts call n only by
/// changing n into -n, and the thread leaves it only by changing n into 0: one of the two happens first, and the other one
/// finds out. What arrives for a call that was left does so while the thread still waits for it (guard_leave).
/// A host function changes n into n + GUARD_HOST and back. Meanwhile the watcher changes it into -(n + GUARD_HOST), and the
/// thread interrupts itself on its way back (guard_yield).
typedef struct {
  _Atomic int32_t call;
  _Atomic int32_t allotment;    ///< Counts; calls of one allotment share its limit
  _Atomic int32_t limit_us;     ///< Of an allotment
  _Atomic int32_t witnessed_us; ///< Of the allotment, as far as the watcher has heard. It may say so a moment after the last call
} GuardWords;

#define GUARD_WORDS 4u
_Static_assert(sizeof(GuardWords) == GUARD_WORDS * sizeof(int32_t), "JavaScript has them as an Int32Array");
_Static_assert(offsetof(GuardWords, call) == 0u && offsetof(GuardWords, witnessed_us) == 12u, "guard.ts has the order");

typedef struct Guard Guard;

/// Makes the guard of the calling thread, which must have none. `interrupt` is called with the watcher's lock held.
/// NULL when the system has no memory, no thread or no signal for it.
Guard* guard_open(GuardInterrupt interrupt, void* target);

/// From here on nobody is interrupted and no signal sent. Of the thread that opened it. May be called twice.
void guard_close(Guard* self);

/// Frees it. It must be closed.
void guard_free(Guard* self);

/// The guard of the calling thread, or NULL.
Guard* guard_mine(void);

GuardWords* guard_words(Guard* self);

/// What other threads know it by: never 0, and never given twice in a process.
uint32_t guard_number(const Guard* self);

/// Of any thread. From now on each call of the guard with this number is interrupted when the watcher sees it, however little
/// it ran; until this is said again with `cut` false. Nothing happens where there is no such guard.
void guard_cut(uint32_t number, bool cut);

/// A call begins. False when one is under way already: that one is watched.
bool guard_enter(Guard* self);

/// It is over. True when it was interrupted: then that has arrived, and the thread has to take it back.
bool guard_leave(Guard* self);

/// Of a thread that finds, on its way back from a host function, that it is to be interrupted: it is, before this returns.
void guard_yield(Guard* self);

#endif
