#include "binding.h"
#include "call.h"

#include "../guard.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>

/// V8's own way to end what an isolate runs, loops of WebAssembly included. Node-API does not have it, and node's binary has
/// it for everybody who links with C++: its mangled names are the same in every version so far. Where one is missing there
/// is no guard.
typedef struct {
  void* (*current)(void);
  void (*terminate)(void* isolate);
  void (*cancel)(void* isolate);
} Engine;

typedef void (*Symbol)(void);

/// ISO C has no conversion of what dlsym() returns; POSIX has, of the bits.
static Symbol
find(const char* const name)
{
  union {
    void*  address;
    Symbol symbol;
  } found = {.address = dlsym(RTLD_DEFAULT, name)};
  return found.symbol;
}

static bool
find_engine(Engine* const engine)
{
  engine->current   = (void* (*)(void))find("_ZN2v87Isolate10GetCurrentEv");
  engine->terminate = (void (*)(void*))find("_ZN2v87Isolate18TerminateExecutionEv");
  engine->cancel    = (void (*)(void*))find("_ZN2v87Isolate24CancelTerminateExecutionEv");
  return engine->current && engine->terminate && engine->cancel;
}

/// Of one thread of JavaScript.
typedef struct {
  Guard*   guard;
  Engine   engine;
  void*    isolate;
  napi_ref words;
  unsigned holders; ///< The thread, and its view of the words; Node says in no order which of them goes first
} Guarded;

static void
interrupt(void* const target)
{
  const Guarded* const self = target;
  self->engine.terminate(self->isolate);
}

/// One of its holders is gone, and the thread is about to be: it is not interrupted any more.
static void
let_go(Guarded* const self)
{
  guard_close(self->guard);
  if (--self->holders) { return; }
  guard_free(self->guard);
  free(self);
}

static void
thread_ends(void* const data)
{
  let_go(data);
}

static void
finalize(const napi_env env, void* const data, void* const hint)
{
  (void)env;
  (void)data;
  let_go(hint);
}

static napi_value
make_words(const napi_env env, Guarded* const self)
{
  napi_value words;
  self->holders = 1u;
  if (napi_create_external_arraybuffer(env, guard_words(self->guard), sizeof(GuardWords), finalize, self, &words) !=
      napi_ok) {
    let_go(self);
    return call_broken(env);
  }
  TRY(napi_add_env_cleanup_hook(env, thread_ends, self));
  self->holders = 2u;
  TRY(napi_create_reference(env, words, 1, &self->words));
  TRY(napi_set_instance_data(env, self, NULL, NULL));
  return words;
}

static Guarded*
guarded_of(const napi_env env)
{
  void* self = NULL;
  return napi_get_instance_data(env, &self) == napi_ok ? self : NULL;
}

/// guardOpen() -> the ArrayBuffer of this thread's GuardWords; null where the engine or the system has not what it takes
static napi_value
guard_open_js(const napi_env env, const napi_callback_info info)
{
  (void)info;
  napi_value     words;
  Guarded* const before = guarded_of(env);
  if (before) {
    TRY(napi_get_reference_value(env, before->words, &words));
    return words;
  }
  Guarded* const self = calloc(1, sizeof *self);
  if (self && find_engine(&self->engine)) {
    self->isolate = self->engine.current();
    self->guard   = guard_open(interrupt, self);
    if (self->guard) { return make_words(env, self); }
  }
  free(self);
  TRY(napi_get_null(env, &words));
  return words;
}

/// The call was interrupted, and it is the only thing that was: V8 forgets it, and the thread goes on.
static napi_value
take_back(const napi_env env, const Guarded* const self)
{
  napi_value exception;
  self->engine.cancel(self->isolate);
  TRY(napi_get_and_clear_last_exception(env, &exception));
  // Node ends its threads by the same means, and may have done so at the same moment. It says so first and terminates then:
  // either we see what it said here, where the engine refuses to throw, or what it does comes after what we took back.
  if (napi_throw_error(env, "GUEST_INTERRUPTED", "the call was interrupted") != napi_ok) {
    self->engine.terminate(self->isolate);
  }
  return NULL;
}

/// guardRun(call) -> what it returns. Throws what it throws, or, when it was interrupted, an Error with the code
/// GUEST_INTERRUPTED.
static napi_value
guard_run(const napi_env env, const napi_callback_info info)
{
  napi_value     argument[CALL_ARGUMENTS_MAX];
  napi_value     undefined;
  napi_value     result = NULL;
  Guarded* const self   = guarded_of(env);
  if (!call_arguments(env, info, 1, argument)) { return NULL; }
  if (!self) { return call_wrong(env, "this thread has no guard"); }
  TRY(napi_get_undefined(env, &undefined));
  const bool        entered = guard_enter(self->guard);
  const napi_status status  = napi_call_function(env, undefined, argument[0], 0, NULL, &result);
  if (entered && guard_leave(self->guard)) { return take_back(env, self); }
  return status == napi_ok ? result : call_broken(env);
}

/// guardYield(): on the way back from a host function, when the word says that the call is to end. It does, at the caller's
/// next loop or function.
static napi_value
guard_yield_js(const napi_env env, const napi_callback_info info)
{
  (void)info;
  Guarded* const self = guarded_of(env);
  if (!self || atomic_load(&guard_words(self->guard)->call) >= 0) { return call_wrong(env, "no call is to end"); }
  guard_yield(self->guard);
  return NULL;
}

/// guardNumber() -> what guardCut() knows this thread's guard by; 0 where it has none
static napi_value
guard_number_js(const napi_env env, const napi_callback_info info)
{
  (void)info;
  napi_value           number;
  const Guarded* const self = guarded_of(env);
  TRY(napi_create_uint32(env, self ? guard_number(self->guard) : 0u, &number));
  return number;
}

/// guardCut(number, cut): whether the calls of that guard, of whatever thread, are to end. `cut`: 0 or 1
static napi_value
guard_cut_js(const napi_env env, const napi_callback_info info)
{
  napi_value argument[CALL_ARGUMENTS_MAX];
  uint32_t   number = 0u;
  uint32_t   cut    = 0u;
  if (!call_arguments(env, info, 2, argument) || !call_u32(env, argument[0], &number) || !call_u32(env, argument[1], &cut)) {
    return NULL;
  }
  guard_cut(number, cut != 0u);
  return NULL;
}

bool
binding_guard(const napi_env env, const napi_value exports)
{
  return call_export(env, exports, "guardOpen", guard_open_js) && call_export(env, exports, "guardRun", guard_run) &&
         call_export(env, exports, "guardYield", guard_yield_js) && call_export(env, exports, "guardNumber", guard_number_js) &&
         call_export(env, exports, "guardCut", guard_cut_js);
}
