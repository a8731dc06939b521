// Owns the declaration of what peer.cc gives to the module. Knows nothing else.
#pragma once
#include <node_api.h>

/** peerUid(descriptor): the user at the other end of a local socket, or `undefined` when the system does not tell. */
napi_value peerUid(napi_env env, napi_callback_info info);
