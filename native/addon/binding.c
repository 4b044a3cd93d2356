#include "binding.h"
#include "call.h"

#include "../truncation.h"

NAPI_MODULE_INIT()
{
  // Once for all threads that load us. What each binding makes of a file that was cut, it says.
  if (!truncation_survive()) {
    napi_throw_error(env, NULL, "the system does not let this process handle SIGBUS");
    return NULL;
  }
  const bool ok = binding_ring(env, exports) && binding_latest(env, exports) && binding_window(env, exports) &&
                  binding_sealed(env, exports) && binding_beneath(env, exports) && binding_file(env, exports) &&
                  binding_words(env, exports) && binding_system(env, exports) && binding_guard(env, exports);
  return ok ? exports : call_broken(env);
}
