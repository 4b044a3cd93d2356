/// @file binding.h
/// The rooms of the addon: each adds its functions to the exports. False when the engine refused.
#ifndef OPENRACING_ADDON_BINDING_H
#define OPENRACING_ADDON_BINDING_H

#include <node_api.h>

#include <stdbool.h>

bool binding_ring(napi_env env, napi_value exports);
bool binding_latest(napi_env env, napi_value exports);
bool binding_window(napi_env env, napi_value exports);
bool binding_sealed(napi_env env, napi_value exports);
bool binding_beneath(napi_env env, napi_value exports);
bool binding_file(napi_env env, napi_value exports);
bool binding_words(napi_env env, napi_value exports);
bool binding_system(napi_env env, napi_value exports);
bool binding_guard(napi_env env, napi_value exports);

#endif
