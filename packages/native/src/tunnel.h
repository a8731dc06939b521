// Owns the declaration of what tunnel.cc gives to the module. Knows nothing else.
#pragma once
#include <node_api.h>

/**
 * tunnelInterface(descriptor, ethernet, name): makes a descriptor of /dev/net/tun a network device. Its name, or the system's number
 * for why not, or `undefined` when the system has no such devices.
 */
napi_value tunnelInterface(napi_env env, napi_callback_info info);
