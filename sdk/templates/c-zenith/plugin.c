/// Letters a to z become capitals.

#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

enum { CODE_OK = 0, CODE_INVALID_INPUT = -1, CODE_OUT_OF_MEMORY = -2, CODE_OTHER = -99 };

EXPORT(plugin_info)
const char*
plugin_info(void)
{
  return "{{name}} v0.1.0";
}

/// `*output_length` holds what there is room for, and then what was written.
EXPORT(process)
int32_t
process(const uint8_t* const input, const uint32_t length, uint8_t* const output, uint32_t* const output_length)
{
  if (length > *output_length) { return CODE_INVALID_INPUT; }
  for (uint32_t i = 0u; i < length; ++i) {
    const uint8_t byte = input[i];
    output[i]          = byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 'a' + 'A') : byte;
  }
  *output_length = length;
  return CODE_OK;
}
