// Owns asking the system which user is at the other end of a local socket. Knows nothing of what is said over it, or of who may
// say it. A fault is a JavaScript error with a code or `undefined`, never a crash.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1  // struct ucred
#endif
#define NAPI_VERSION 8
#include "peer.h"
#include <climits>
#ifndef _WIN32
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>
#endif

namespace {

#if defined(_WIN32)
bool userOf(int, double*) { return false; }
#elif defined(SO_PEERCRED) && defined(__linux__)
/** Who connected, as it was when it did: what a program passes on or becomes later does not change it. */
bool userOf(int descriptor, double* user) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 || length != sizeof peer) return false;
  // Sockets of the network have this call too, and nobody at their other end.
  if (peer.uid == static_cast<uid_t>(-1)) return false;
  *user = peer.uid;
  return true;
}
#else
bool userOf(int descriptor, double* user) {
  uid_t uid;
  gid_t gid;
  if (getpeereid(descriptor, &uid, &gid) != 0) return false;
  *user = uid;
  return true;
}
#endif

}  // namespace

napi_value peerUid(napi_env env, napi_callback_info info) {
  size_t given = 1;
  napi_value argument, result;
  double descriptor;
  if (napi_get_cb_info(env, info, &given, &argument, nullptr, nullptr) != napi_ok ||
      napi_get_value_double(env, argument, &descriptor) != napi_ok || !(descriptor >= 0 && descriptor <= INT_MAX) ||
      descriptor != static_cast<int>(descriptor)) {
    napi_throw_type_error(env, "ERR_NACRE_NATIVE_ARGUMENT", "peerUid(descriptor)");
    return nullptr;
  }
  double user;
  if (!userOf(static_cast<int>(descriptor), &user)) return nullptr;
  return napi_create_double(env, user, &result) == napi_ok ? result : nullptr;
}
