#include "plugin_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static bool
refuse(char* const text, const size_t room, const char* const format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, room, format, arguments);
  va_end(arguments);
  return false;
}

bool
plugin_library_is_sealed(const int fd, char* const text, const size_t room)
{
  const int wanted = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  const int seals  = fcntl(fd, F_GET_SEALS);
  if (seals >= 0 && (seals & wanted) == wanted) { return true; }
  return refuse(text, room,
                "PLUGIN_INVALID: file descriptor %d holds no sealed library (%s); it takes a memfd with the verified bytes, "
                "sealed against writing, growing, shrinking and further seals",
                fd, seals < 0 ? strerror(errno) : "a seal is missing");
}

/// What the linker says, without the path that it begins with: who asked knows the library by another one.
static const char*
linker_reason(const char* const path)
{
  const char* const reason = dlerror();
  const size_t      length = strlen(path);
  if (!reason) { return "the linker does not say why"; }
  return strncmp(reason, path, length) || strncmp(reason + length, ": ", 2) ? reason : reason + length + 2;
}

static const char*
left_out(const PluginVTable* const plugin)
{
  return !plugin->create    ? "create"
         : !plugin->process ? "process"
         : !plugin->destroy ? "destroy"
         : !plugin->get_info ? "get_info"
                             : NULL;
}

bool
plugin_library_open(PluginVTable* const plugin, const int fd, char* const text, const size_t room)
{
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    return refuse(text, room, "PLUGIN_INVALID: it cannot be loaded as a library (%s); build it for this machine with -shared -fPIC",
                  linker_reason(path));
  }
  PluginVTable (*get_plugin_vtable_of)(void) = NULL;
  *(void**)&get_plugin_vtable_of             = dlsym(library, "get_plugin_vtable");
  if (!get_plugin_vtable_of) {
    return refuse(text, room, "PLUGIN_INVALID: the library exports no get_plugin_vtable(); export it with C linkage");
  }
  *plugin                   = get_plugin_vtable_of();
  const char* const missing = left_out(plugin);
  if (missing) {
    return refuse(text, room,
                  "PLUGIN_INVALID: get_plugin_vtable() leaves out %s(); it must return all four functions of sdk/c/plugin.h",
                  missing);
  }
  const uint32_t actual = plugin->get_info().abi_version;
  if (actual == PLUGIN_ABI_VERSION) { return true; }
  return refuse(text, room,
                "PLUGIN_ABI_MISMATCH: built for ABI version %u, this platform has %u (AbiMismatch { expected: %u, actual: "
                "%u }); compile it against the sdk/c/plugin.h of this version",
                (unsigned)actual, (unsigned)PLUGIN_ABI_VERSION, (unsigned)PLUGIN_ABI_VERSION, (unsigned)actual);
}
