// The Zenith guide's text tokenizer plugin, with its log function, and the metadata of its quick start. Like the guide's
// it trusts the host to have room for its answer, and it allocates, as split_whitespace() does not but many would.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((import_module("env"), import_name("host_log"))) void
host_log(const char* text, size_t length);

static int
decode(const uint8_t* const at, const size_t left, uint32_t* const code)
{
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const int bytes = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : at[0] < 0xf5 ? 4 : 0;
  if (bytes == 0 || (size_t)bytes > left) { return 0; }
  *code = bytes == 1 ? at[0] : at[0] & (0x7fu >> bytes);
  for (int rest = 1; rest < bytes; ++rest) {
    if ((at[rest] & 0xc0) != 0x80) { return 0; }
    *code = *code << 6 | (at[rest] & 0x3fu);
  }
  const bool surrogate = *code >= 0xd800 && *code < 0xe000;
  return *code < least[bytes] || *code > 0x10ffff || surrogate ? 0 : bytes;
}

static bool
is_whitespace(const uint32_t code)
{
  return (code >= 0x09 && code <= 0x0d) || code == 0x20 || code == 0x85 || code == 0xa0 || code == 0x1680 ||
         (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f ||
         code == 0x3000;
}

static uint32_t
simple_hash(const uint8_t* const word, const size_t length)
{
  uint32_t hash = 0;
  for (size_t i = 0; i < length; ++i) { hash = hash * 31 + word[i]; }
  return hash;
}

__attribute__((export_name("tokenize"))) int32_t
tokenize(const uint8_t* const input_ptr, const size_t input_len, uint32_t* const output_ptr, size_t* const output_len)
{
  uint8_t* const text = malloc(input_len + 1); // a copy: what an allocator does to the host's memory shows in the answer
  if (text == NULL) { return -2; }
  memset(text, 0, input_len + 1);
  memcpy(text, input_ptr, input_len);

  size_t token_count = 0;
  size_t word = 0;
  size_t at = 0;
  while (at < input_len) {
    uint32_t code = 0;
    const int bytes = decode(text + at, input_len - at, &code);
    if (bytes == 0) { return -1; }
    if (is_whitespace(code)) {
      if (word < at) { output_ptr[token_count++] = simple_hash(text + word, at - word); }
      word = at + (size_t)bytes;
    }
    at += (size_t)bytes;
  }
  if (word < at) { output_ptr[token_count++] = simple_hash(text + word, at - word); }
  *output_len = token_count;
  free(text);

  char line[64];
  const int length = snprintf(line, sizeof line, "%zu tokens", token_count);
  host_log(line, (size_t)length);
  return 0;
}

__attribute__((export_name("plugin_info"))) const char*
plugin_info(void)
{
  return "my-plugin v0.1.0";
}
