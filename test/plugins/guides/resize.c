// The Zenith guide's image resize plugin, line for line, with the metadata of its quick start.

#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t src_width;
  uint32_t src_height;
  uint32_t dst_width;
  uint32_t dst_height;
} ResizeParams;

__attribute__((export_name("resize_image"))) int32_t
resize_image(const uint8_t* const input, const ResizeParams* const params, uint8_t* const output)
{
  const float x_ratio = (float)params->src_width / (float)params->dst_width;
  const float y_ratio = (float)params->src_height / (float)params->dst_height;

  for (uint32_t y = 0; y < params->dst_height; ++y) {
    for (uint32_t x = 0; x < params->dst_width; ++x) {
      const uint32_t src_x = (uint32_t)((float)x * x_ratio);
      const uint32_t src_y = (uint32_t)((float)y * y_ratio);

      const size_t src_idx = (size_t)(src_y * params->src_width + src_x) * 3;
      const size_t dst_idx = (size_t)(y * params->dst_width + x) * 3;

      output[dst_idx]     = input[src_idx];
      output[dst_idx + 1] = input[src_idx + 1];
      output[dst_idx + 2] = input[src_idx + 2];
    }
  }
  return 0;
}

__attribute__((export_name("plugin_info"))) const char*
plugin_info(void)
{
  return "my-plugin v0.1.0";
}
