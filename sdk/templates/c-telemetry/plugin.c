/// Scales the force.

#include "safe_plugin.h"

EXPORT(initialize)
int32_t
initialize(const char* const json, const int32_t length)
{
  (void)json;
  (void)length;
  return RESULT_OK;
}

EXPORT(process)
int32_t
process(const int32_t operation, TelemetryFrame* const telemetry, const Context* const context, LedFrame* const leds)
{
  (void)context;
  (void)leds;
  if (operation != OPERATION_TELEMETRY) { return RESULT_INVALID_ARGUMENT; }
  telemetry->ffb_scalar *= 0.8f;
  return RESULT_CHANGED;
}
