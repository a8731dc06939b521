// Owns making a descriptor of /dev/net/tun a network device (tun(4) of Linux). Knows nothing of packets, and opens and closes
// nothing. A fault is a number or a JavaScript error with a code, never a crash.
#define NAPI_VERSION 8
#include "tunnel.h"
#include <climits>
#include <cstring>
#ifdef __linux__
#include <cerrno>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#endif

napi_value tunnelInterface(napi_env env, napi_callback_info info) {
  size_t given = 3;
  napi_value arguments[3], result;
  double descriptor;
  bool ethernet;
  char name[16];  // IFNAMSIZ
  size_t length;
  // The length is asked for first, so that a name that is too long is refused and not cut.
  if (napi_get_cb_info(env, info, &given, arguments, nullptr, nullptr) != napi_ok || given < 3 ||
      napi_get_value_double(env, arguments[0], &descriptor) != napi_ok || !(descriptor >= 0 && descriptor <= INT_MAX) ||
      descriptor != static_cast<int>(descriptor) || napi_get_value_bool(env, arguments[1], &ethernet) != napi_ok ||
      napi_get_value_string_latin1(env, arguments[2], nullptr, 0, &length) != napi_ok || length >= sizeof name ||
      napi_get_value_string_latin1(env, arguments[2], name, sizeof name, &length) != napi_ok) {
    napi_throw_type_error(env, "ERR_NACRE_NATIVE_ARGUMENT", "tunnelInterface(descriptor, ethernet, name of up to 15 bytes)");
    return nullptr;
  }
#ifdef __linux__
  struct ifreq request;
  memset(&request, 0, sizeof request);
  memcpy(request.ifr_name, name, sizeof name);
  request.ifr_flags = static_cast<short>((ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI);
  if (ioctl(static_cast<int>(descriptor), TUNSETIFF, &request) != 0) {
    const int why = errno;
    return napi_create_int32(env, why, &result) == napi_ok ? result : nullptr;
  }
  request.ifr_name[sizeof request.ifr_name - 1] = '\0';
  return napi_create_string_latin1(env, request.ifr_name, NAPI_AUTO_LENGTH, &result) == napi_ok ? result : nullptr;
#else
  (void)ethernet;
  (void)result;
  return nullptr;
#endif
}
