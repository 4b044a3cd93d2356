// The complete example of MIDIMon's guide: the request is parsed as serde parses it there, unknown keys are passed over.
// Linked without a C library, so that memcmp, memcpy and memset are the host's.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern int   memcmp(const void* one, const void* other, size_t size);
extern void* memcpy(void* to, const void* from, size_t size);
extern void* memset(void* to, int value, size_t size);

static const char metadata[] = "{\"name\": \"example_plugin\", \"version\": \"0.1.0\", "
                               "\"description\": \"Example WASM plugin\", \"author\": \"Your Name\", "
                               "\"license\": \"MIT\", \"type\": \"action\", \"capabilities\": []}";

static _Alignas(16) uint8_t heap[131072];
static size_t               used;

typedef struct {
  const char* at;
  const char* end;
} Json;

typedef struct {
  char   action[64];
  size_t action_length;
  bool   has_action;
  bool   has_timestamp;
  bool   has_context;
} Request;

static char
peek(Json* const json)
{
  while (json->at < json->end && (*json->at == ' ' || *json->at == '\n' || *json->at == '\t' || *json->at == '\r')) {
    ++json->at;
  }
  return json->at < json->end ? *json->at : '\0';
}

static bool
take(Json* const json, const char wanted)
{
  if (peek(json) != wanted) { return false; }
  ++json->at;
  return true;
}

static bool
word(Json* const json, const char* const text, const size_t length)
{
  if ((size_t)(json->end - json->at) < length || memcmp(json->at, text, length) != 0) { return false; }
  json->at += length;
  return true;
}

/// Copies at most `room` bytes; escapes other than \" and \\ are kept as they are.
static bool
string(Json* const json, char* const to, const size_t room, size_t* const length)
{
  if (!take(json, '"')) { return false; }
  size_t count = 0;
  while (json->at < json->end && *json->at != '"') {
    if (*json->at == '\\' && ++json->at == json->end) { return false; }
    if (count < room) { to[count] = *json->at; }
    ++count;
    ++json->at;
  }
  *length = count;
  return take(json, '"');
}

static bool
number(Json* const json, const uint64_t most)
{
  peek(json);
  uint64_t value = 0;
  const char* const from = json->at;
  while (json->at < json->end && *json->at >= '0' && *json->at <= '9') { value = value * 10 + (uint64_t)(*json->at++ - '0'); }
  return json->at > from && value <= most;
}

static bool
number_or_null(Json* const json, const uint64_t most)
{
  return peek(json) == 'n' ? word(json, "null", 4) : number(json, most);
}

static bool skip(Json* json, int depth);

static bool
skip_list(Json* const json, const char end, const bool keyed, const int depth)
{
  size_t length = 0;
  ++json->at;
  if (take(json, end)) { return true; }
  do {
    if (keyed && !(string(json, NULL, 0, &length) && take(json, ':'))) { return false; }
    if (!skip(json, depth + 1)) { return false; }
  } while (take(json, ','));
  return take(json, end);
}

static bool
skip(Json* const json, const int depth)
{
  size_t length = 0;
  if (depth > 32) { return false; }
  switch (peek(json)) {
  case '{': return skip_list(json, '}', true, depth);
  case '[': return skip_list(json, ']', false, depth);
  case '"': return string(json, NULL, 0, &length);
  case 't': return word(json, "true", 4);
  case 'f': return word(json, "false", 5);
  case 'n': return word(json, "null", 4);
  default: return number(json, UINT64_MAX);
  }
}

#define IS(name, length, text) ((length) == sizeof(text) - 1 && memcmp((name), (text), sizeof(text) - 1) == 0)

static bool
context(Json* const json, Request* const request)
{
  request->has_context = true;
  if (!take(json, '{')) { return false; }
  if (take(json, '}')) { return true; }
  do {
    char   key[32];
    size_t length = 0;
    if (!string(json, key, sizeof key, &length) || !take(json, ':')) { return false; }
    bool good = false;
    if (IS(key, length, "velocity")) {
      good = number_or_null(json, 255);
    } else if (IS(key, length, "current_mode")) {
      good = number_or_null(json, UINT32_MAX);
    } else if (IS(key, length, "timestamp")) {
      good = request->has_timestamp = number(json, UINT64_MAX);
    } else {
      good = skip(json, 0);
    }
    if (!good) { return false; }
  } while (take(json, ','));
  return take(json, '}');
}

static bool
parse(Json* const json, Request* const request)
{
  if (!take(json, '{')) { return false; }
  do {
    char   key[32];
    size_t length = 0;
    if (!string(json, key, sizeof key, &length) || !take(json, ':')) { return false; }
    bool good = false;
    if (IS(key, length, "action")) {
      good = request->has_action = string(json, request->action, sizeof request->action, &request->action_length);
    } else if (IS(key, length, "context")) {
      good = context(json, request);
    } else {
      good = skip(json, 0);
    }
    if (!good) { return false; }
  } while (take(json, ','));
  if (!take(json, '}') || peek(json) != '\0') { return false; }
  return request->has_action && request->has_context && request->has_timestamp;
}

__attribute__((export_name("init"))) uint64_t
init(void)
{
  return (uint64_t)(uintptr_t)metadata << 32 | (sizeof metadata - 1);
}

__attribute__((export_name("alloc"))) void*
alloc(const uint32_t size)
{
  if (size > sizeof heap - used) { return NULL; }
  void* const given = heap + used;
  used += size;
  return given;
}

__attribute__((export_name("dealloc"))) void
dealloc(void* const ptr, const uint32_t size)
{
  memset(ptr, 0, size);
  used -= size;
}

__attribute__((export_name("execute"))) int32_t
execute(const char* const ptr, const uint32_t len)
{
  char* const copy = alloc(len);
  if (copy == NULL) { return 1; }
  memcpy(copy, ptr, len);
  Json    json    = {copy, copy + len};
  Request request;
  memset(&request, 0, sizeof request);
  const bool good = parse(&json, &request);
  dealloc(copy, len);
  if (!good) { return 2; }
  return IS(request.action, request.action_length, "hello") ? 0 : 3;
}
