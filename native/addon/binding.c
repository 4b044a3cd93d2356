#include "binding.h"
#include "call.h"

NAPI_MODULE_INIT()
{
  const bool ok = binding_ring(env, exports) && binding_latest(env, exports) && binding_window(env, exports) &&
                  binding_sealed(env, exports) && binding_system(env, exports);
  return ok ? exports : call_broken(env);
}
