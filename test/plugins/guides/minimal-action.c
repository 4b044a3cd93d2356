// The minimal plugin of MIDIMon's guide.

#include <stdint.h>
#include <stdlib.h>

static const char metadata[] = "{\n"
                               "  \"name\": \"my_plugin\",\n"
                               "  \"version\": \"0.1.0\",\n"
                               "  \"description\": \"My first WASM plugin\",\n"
                               "  \"author\": \"Your Name\",\n"
                               "  \"license\": \"MIT\",\n"
                               "  \"type\": \"action\",\n"
                               "  \"capabilities\": []\n"
                               "}";

__attribute__((export_name("init"))) uint64_t
init(void)
{
  return (uint64_t)(uintptr_t)metadata << 32 | (sizeof metadata - 1);
}

__attribute__((export_name("execute"))) int32_t
execute(const uint32_t ptr, const uint32_t len)
{
  (void)ptr;
  (void)len;
  return 0;
}

__attribute__((export_name("alloc"))) void*
alloc(const uint32_t size)
{
  return malloc(size);
}

__attribute__((export_name("dealloc"))) void
dealloc(void* const ptr, const uint32_t size)
{
  (void)size;
  free(ptr);
}
