/// A rev bar on the rim.

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
  if (operation != OPERATION_LEDS) { return RESULT_INVALID_ARGUMENT; }
  const float    speed = telemetry->max_rpm > 0.0f ? telemetry->rpm / telemetry->max_rpm : 0.0f;
  const float    share = speed < 1.0f ? speed : 1.0f;
  const uint32_t lit   = (uint32_t)(share * (float)leds->led_count);
  for (uint32_t i = 0u; i < leds->led_count; ++i) {
    leds->rgb[i][0] = i < lit && share > 0.9f ? 255u : 0u;
    leds->rgb[i][1] = i < lit && share <= 0.9f ? 255u : 0u;
    leds->rgb[i][2] = 0u;
  }
  leds->brightness  = 1.0f;
  leds->duration_ms = 50u;
  return RESULT_CHANGED;
}
