// Owns the packet ciphers over the OpenSSL inside the running Node: AES-GCM, OpenSSH's ChaCha20-Poly1305, AES-CTR and HMAC,
// all in place, with contexts that live as long as a key. Knows nothing of SSH packets beyond offsets into a buffer.
//
// Rules kept here: every offset is checked against the array it points into; nothing is kept of an array after the call; a
// fault is a JavaScript error with a code, never a crash; keys and key streams are overwritten before their memory is freed.
#define NAPI_VERSION 8
#include <node_api.h>
#include "peer.h"
#include "tunnel.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <climits>
#include <cstdint>
#include <cstring>
#include <new>

namespace {

constexpr size_t tagBytes = 16;
/** What a context costs outside JavaScript's heap, roughly, so that the collector knows that there is something to gain. */
constexpr int64_t contextBytes = 1024;

// ---- errors and arguments

napi_value invalid(napi_env env, const char* message) {
  napi_throw_type_error(env, "ERR_NACRE_NATIVE_ARGUMENT", message);
  return nullptr;
}

napi_value outOfBounds(napi_env env) {
  napi_throw_range_error(env, "ERR_NACRE_NATIVE_BOUNDS", "The offsets do not lie within the array, room for the tag included.");
  return nullptr;
}

napi_value disposed(napi_env env) {
  napi_throw_error(env, "ERR_NACRE_NATIVE_DISPOSED", "This key was disposed of and cannot be used any more.");
  return nullptr;
}

/** OpenSSL refused. Its queue of errors is Node's too and must not keep ours. */
napi_value failed(napi_env env) {
  ERR_clear_error();
  napi_throw_error(env, "ERR_NACRE_NATIVE_CIPHER", "OpenSSL could not carry out the operation.");
  return nullptr;
}

struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

/** Only Uint8Array (and so Buffer); a detached one has length 0. */
bool toBytes(napi_env env, napi_value value, Bytes* out) {
  napi_typedarray_type type;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &type, &out->length, &data, nullptr, nullptr) != napi_ok) return false;
  out->data = static_cast<uint8_t*>(data);
  return type == napi_uint8_array;
}

/** Negative numbers and numbers beyond 2^53 stay what they are, so that a later comparison refuses them. */
bool toOffset(napi_env env, napi_value value, int64_t* out) { return napi_get_value_int64(env, value, out) == napi_ok; }

/** `start <= end`, and `extra` bytes behind `end`, all within `bytes`. A part too long for OpenSSL's int is refused. */
bool within(const Bytes& bytes, int64_t start, int64_t end, size_t extra) {
  return start >= 0 && start <= end && end - start <= INT_MAX && static_cast<uint64_t>(end) <= bytes.length &&
         bytes.length - static_cast<size_t>(end) >= extra;
}

template <size_t count>
struct Call {
  napi_value arguments[count];
  napi_value self;
  Call(napi_env env, napi_callback_info info) {
    size_t given = count;
    napi_get_cb_info(env, info, &given, arguments, &self, nullptr);
  }
};

/** The native half of `self`. V8 checks the receiver's template before it calls a method, so the cast is safe. */
template <typename State>
State* stateOf(napi_env env, napi_value self) {
  void* state = nullptr;
  return napi_unwrap(env, self, &state) == napi_ok ? static_cast<State*>(state) : nullptr;
}

template <typename State>
void finalize(napi_env env, void* data, void*) {
  State* state = static_cast<State*>(data);
  state->free(env);
  delete state;
}

template <typename State>
napi_value dispose(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  if (State* state = stateOf<State>(env, call.self)) state->free(env);
  return nullptr;
}

/** Ties `state` to the object under construction. */
template <typename State>
napi_value adopt(napi_env env, napi_value self, State* state) {
  if (napi_wrap(env, self, state, finalize<State>, nullptr, nullptr) != napi_ok) {
    state->free(env);
    delete state;
    return invalid(env, "The object could not be made.");
  }
  return self;
}

bool isConstruction(napi_env env, napi_callback_info info) {
  napi_value target = nullptr;
  return napi_get_new_target(env, info, &target) == napi_ok && target != nullptr;
}

void account(napi_env env, int64_t change) {
  int64_t ignored;
  napi_adjust_external_memory(env, change, &ignored);
}

bool toBoolean(napi_env env, napi_value value, bool* out) { return napi_get_value_bool(env, value, out) == napi_ok; }

napi_value asBoolean(napi_env env, bool value) {
  napi_value result;
  return napi_get_boolean(env, value, &result) == napi_ok ? result : nullptr;
}

// ---- AES-GCM

struct Gcm {
  EVP_CIPHER_CTX* context = nullptr;
  void free(napi_env env) {
    if (context == nullptr) return;
    EVP_CIPHER_CTX_free(context);  // overwrites the key schedule
    context = nullptr;
    account(env, -contextBytes);
  }
};

/** new Gcm(key, sealing) */
napi_value newGcm(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Bytes key;
  bool sealing;
  if (!isConstruction(env, info) || !toBytes(env, call.arguments[0], &key) || !toBoolean(env, call.arguments[1], &sealing))
    return invalid(env, "new Gcm(key, sealing)");
  if (key.length != 16 && key.length != 32) return invalid(env, "AES-GCM takes keys of 16 or 32 bytes.");
  Gcm* gcm = new (std::nothrow) Gcm;
  if (gcm == nullptr) return failed(env);
  gcm->context = EVP_CIPHER_CTX_new();
  account(env, contextBytes);
  const EVP_CIPHER* cipher = key.length == 16 ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
  if (gcm->context == nullptr || EVP_CipherInit_ex(gcm->context, cipher, nullptr, key.data, nullptr, sealing ? 1 : 0) != 1) {
    gcm->free(env);
    delete gcm;
    return failed(env);
  }
  return adopt(env, call.self, gcm);
}

struct GcmCall {
  EVP_CIPHER_CTX* context;
  Bytes nonce;
  Bytes bytes;
  int64_t aadStart;
  int64_t start;
  int64_t end;
};

/** (nonce, bytes, aadStart, start, end); false after it threw. */
bool readGcm(napi_env env, napi_callback_info info, bool sealing, GcmCall* out) {
  Call<5> call(env, info);
  Gcm* gcm = stateOf<Gcm>(env, call.self);
  const napi_value* from = call.arguments;
  if (gcm == nullptr || !toBytes(env, from[0], &out->nonce) || !toBytes(env, from[1], &out->bytes) || !toOffset(env, from[2], &out->aadStart) ||
      !toOffset(env, from[3], &out->start) || !toOffset(env, from[4], &out->end) || out->nonce.length != 12) {
    invalid(env, "(nonce of 12 bytes, bytes, aadStart, start, end)");
    return false;
  }
  if (gcm->context == nullptr) {
    disposed(env);
    return false;
  }
  if (EVP_CIPHER_CTX_is_encrypting(gcm->context) != (sealing ? 1 : 0)) {
    invalid(env, "This key was made for the other direction.");
    return false;
  }
  if (!within(out->bytes, out->aadStart, out->start, 0) || !within(out->bytes, out->start, out->end, tagBytes)) {
    outOfBounds(env);
    return false;
  }
  out->context = gcm->context;
  return true;
}

/** Begins with a nonce and takes the additional data. */
bool beginGcm(const GcmCall& call) {
  int written;
  const int aad = static_cast<int>(call.start - call.aadStart);
  return EVP_CipherInit_ex(call.context, nullptr, nullptr, nullptr, call.nonce.data, -1) == 1 &&
         (aad == 0 || EVP_CipherUpdate(call.context, nullptr, &written, call.bytes.data + call.aadStart, aad) == 1);
}

bool updateInPlace(EVP_CIPHER_CTX* context, uint8_t* at, int64_t count) {
  int written;
  return count == 0 || (EVP_CipherUpdate(context, at, &written, at, static_cast<int>(count)) == 1 && written == count);
}

napi_value sealGcm(napi_env env, napi_callback_info info) {
  GcmCall call;
  if (!readGcm(env, info, true, &call)) return nullptr;
  uint8_t* at = call.bytes.data;
  int written;
  if (!beginGcm(call) || !updateInPlace(call.context, at + call.start, call.end - call.start) ||
      EVP_CipherFinal_ex(call.context, at + call.end, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(call.context, EVP_CTRL_AEAD_GET_TAG, tagBytes, at + call.end) != 1)
    return failed(env);
  return nullptr;
}

/** True when the tag is right; else what was decrypted is overwritten. */
napi_value openGcm(napi_env env, napi_callback_info info) {
  GcmCall call;
  if (!readGcm(env, info, false, &call)) return nullptr;
  uint8_t* at = call.bytes.data;
  uint8_t rest[tagBytes];
  int written;
  if (!beginGcm(call) || EVP_CIPHER_CTX_ctrl(call.context, EVP_CTRL_AEAD_SET_TAG, tagBytes, at + call.end) != 1 ||
      !updateInPlace(call.context, at + call.start, call.end - call.start))
    return failed(env);
  if (EVP_CipherFinal_ex(call.context, rest, &written) == 1) return asBoolean(env, true);
  OPENSSL_cleanse(at + call.start, static_cast<size_t>(call.end - call.start));
  ERR_clear_error();
  return asBoolean(env, false);
}

// ---- ChaCha20-Poly1305 of OpenSSH

struct ChaChaPoly {
  EVP_CIPHER_CTX* payload = nullptr;
  EVP_CIPHER_CTX* length = nullptr;
  EVP_MAC_CTX* mac = nullptr;
  void free(napi_env env) {
    if (mac == nullptr) return;
    EVP_CIPHER_CTX_free(payload);
    EVP_CIPHER_CTX_free(length);
    EVP_MAC_CTX_free(mac);
    payload = length = nullptr;
    mac = nullptr;
    account(env, -3 * contextBytes);
  }
};

EVP_MAC_CTX* newMac(const char* name) {
  EVP_MAC* method = EVP_MAC_fetch(nullptr, name, nullptr);
  if (method == nullptr) return nullptr;
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(method);
  EVP_MAC_free(method);
  return context;
}

/** new ChaChaPoly(key): payload key, then length key. */
napi_value newChaChaPoly(napi_env env, napi_callback_info info) {
  Call<1> call(env, info);
  Bytes key;
  if (!isConstruction(env, info) || !toBytes(env, call.arguments[0], &key) || key.length != 64)
    return invalid(env, "ChaCha20-Poly1305 takes a key of 64 bytes.");
  ChaChaPoly* state = new (std::nothrow) ChaChaPoly;
  if (state == nullptr) return failed(env);
  state->payload = EVP_CIPHER_CTX_new();
  state->length = EVP_CIPHER_CTX_new();
  state->mac = newMac("POLY1305");
  account(env, 3 * contextBytes);
  if (state->payload == nullptr || state->length == nullptr || state->mac == nullptr ||
      EVP_EncryptInit_ex(state->payload, EVP_chacha20(), nullptr, key.data, nullptr) != 1 ||
      EVP_EncryptInit_ex(state->length, EVP_chacha20(), nullptr, key.data + 32, nullptr) != 1) {
    EVP_CIPHER_CTX_free(state->payload);
    EVP_CIPHER_CTX_free(state->length);
    EVP_MAC_CTX_free(state->mac);
    account(env, -3 * contextBytes);
    delete state;
    return failed(env);
  }
  return adopt(env, call.self, state);
}

/** OpenSSL's IV: the block counter, little-endian, then the sequence number as a nonce of 8 bytes, big-endian. */
bool beginChaCha(EVP_CIPHER_CTX* context, uint32_t sequence, uint32_t counter) {
  uint8_t iv[16] = {0};
  for (int i = 0; i < 4; i++) {
    iv[i] = static_cast<uint8_t>(counter >> (8 * i));
    iv[12 + i] = static_cast<uint8_t>(sequence >> (24 - 8 * i));
  }
  return EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, iv) == 1;
}

/** Leaves `payload` at block 1 and the MAC keyed with block 0. */
bool beginPacket(ChaChaPoly* state, uint32_t sequence) {
  uint8_t block[64] = {0};
  const bool begun = beginChaCha(state->payload, sequence, 0) && updateInPlace(state->payload, block, sizeof block) &&
                     EVP_MAC_init(state->mac, block, 32, nullptr) == 1;
  OPENSSL_cleanse(block, sizeof block);
  return begun;
}

bool tagOf(ChaChaPoly* state, const uint8_t* at, size_t count, uint8_t* tag) {
  size_t written;
  return EVP_MAC_update(state->mac, at, count) == 1 && EVP_MAC_final(state->mac, tag, &written, tagBytes) == 1 && written == tagBytes;
}

struct PacketCall {
  ChaChaPoly* state;
  uint32_t sequence;
  Bytes bytes;
  int64_t start;
  int64_t end;
};

/** (sequence, bytes, start, end), the length of 4 bytes at `start`; false after it threw. */
bool readPacket(napi_env env, napi_callback_info info, PacketCall* out) {
  Call<4> call(env, info);
  const napi_value* from = call.arguments;
  out->state = stateOf<ChaChaPoly>(env, call.self);
  if (out->state == nullptr || napi_get_value_uint32(env, from[0], &out->sequence) != napi_ok || !toBytes(env, from[1], &out->bytes) ||
      !toOffset(env, from[2], &out->start) || !toOffset(env, from[3], &out->end)) {
    invalid(env, "(sequence, bytes, start, end)");
    return false;
  }
  if (out->state->mac == nullptr) {
    disposed(env);
    return false;
  }
  if (!within(out->bytes, out->start, out->end, tagBytes) || out->end - out->start < 4) {
    outOfBounds(env);
    return false;
  }
  return true;
}

napi_value sealChaCha(napi_env env, napi_callback_info info) {
  PacketCall call;
  if (!readPacket(env, info, &call)) return nullptr;
  uint8_t* at = call.bytes.data + call.start;
  const int64_t count = call.end - call.start;
  if (!beginPacket(call.state, call.sequence) || !updateInPlace(call.state->payload, at + 4, count - 4) ||
      !beginChaCha(call.state->length, call.sequence, 0) || !updateInPlace(call.state->length, at, 4) ||
      !tagOf(call.state, at, static_cast<size_t>(count), at + count))
    return failed(env);
  return nullptr;
}

/** True when the tag is right; else nothing was decrypted. The length stays as it was sent. */
napi_value openChaCha(napi_env env, napi_callback_info info) {
  PacketCall call;
  if (!readPacket(env, info, &call)) return nullptr;
  uint8_t* at = call.bytes.data + call.start;
  const int64_t count = call.end - call.start;
  uint8_t tag[tagBytes];
  if (!beginPacket(call.state, call.sequence) || !tagOf(call.state, at, static_cast<size_t>(count), tag)) return failed(env);
  if (CRYPTO_memcmp(tag, at + count, tagBytes) != 0) return asBoolean(env, false);
  if (!updateInPlace(call.state->payload, at + 4, count - 4)) return failed(env);
  return asBoolean(env, true);
}

/** chacha(key, sequence, counter, bytes, start, end): XORs the key stream of one of the two keys. */
napi_value chacha(napi_env env, napi_callback_info info) {
  Call<6> call(env, info);
  const napi_value* from = call.arguments;
  ChaChaPoly* state = stateOf<ChaChaPoly>(env, call.self);
  uint32_t key, sequence, counter;
  Bytes bytes;
  int64_t start, end;
  if (state == nullptr || napi_get_value_uint32(env, from[0], &key) != napi_ok || key > 1 || napi_get_value_uint32(env, from[1], &sequence) != napi_ok ||
      napi_get_value_uint32(env, from[2], &counter) != napi_ok || !toBytes(env, from[3], &bytes) || !toOffset(env, from[4], &start) ||
      !toOffset(env, from[5], &end))
    return invalid(env, "(key 0 or 1, sequence, counter, bytes, start, end)");
  if (state->mac == nullptr) return disposed(env);
  if (!within(bytes, start, end, 0)) return outOfBounds(env);
  EVP_CIPHER_CTX* context = key == 0 ? state->payload : state->length;
  if (!beginChaCha(context, sequence, counter) || !updateInPlace(context, bytes.data + start, end - start)) return failed(env);
  return nullptr;
}

// ---- AES-CTR

struct Ctr {
  EVP_CIPHER_CTX* context = nullptr;
  void free(napi_env env) {
    if (context == nullptr) return;
    EVP_CIPHER_CTX_free(context);
    context = nullptr;
    account(env, -contextBytes);
  }
};

/** new Ctr(key, iv): both directions are the same operation. */
napi_value newCtr(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Bytes key, iv;
  if (!isConstruction(env, info) || !toBytes(env, call.arguments[0], &key) || !toBytes(env, call.arguments[1], &iv) || iv.length != 16)
    return invalid(env, "new Ctr(key, iv of 16 bytes)");
  const EVP_CIPHER* cipher = key.length == 16   ? EVP_aes_128_ctr()
                             : key.length == 24 ? EVP_aes_192_ctr()
                             : key.length == 32 ? EVP_aes_256_ctr()
                                                : nullptr;
  if (cipher == nullptr) return invalid(env, "AES-CTR takes keys of 16, 24 or 32 bytes.");
  Ctr* ctr = new (std::nothrow) Ctr;
  if (ctr == nullptr) return failed(env);
  ctr->context = EVP_CIPHER_CTX_new();
  account(env, contextBytes);
  if (ctr->context == nullptr || EVP_EncryptInit_ex(ctr->context, cipher, nullptr, key.data, iv.data) != 1) {
    ctr->free(env);
    delete ctr;
    return failed(env);
  }
  return adopt(env, call.self, ctr);
}

/** process(bytes, start, end) */
napi_value processCtr(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  Ctr* ctr = stateOf<Ctr>(env, call.self);
  Bytes bytes;
  int64_t start, end;
  if (ctr == nullptr || !toBytes(env, call.arguments[0], &bytes) || !toOffset(env, call.arguments[1], &start) ||
      !toOffset(env, call.arguments[2], &end))
    return invalid(env, "(bytes, start, end)");
  if (ctr->context == nullptr) return disposed(env);
  if (!within(bytes, start, end, 0)) return outOfBounds(env);
  if (!updateInPlace(ctr->context, bytes.data + start, end - start)) return failed(env);
  return nullptr;
}

// ---- HMAC

struct Hmac {
  EVP_MAC_CTX* mac = nullptr;
  void free(napi_env env) {
    if (mac == nullptr) return;
    EVP_MAC_CTX_free(mac);
    mac = nullptr;
    account(env, -contextBytes);
  }
};

/** new Hmac(hash, key) */
napi_value newHmac(napi_env env, napi_callback_info info) {
  Call<2> call(env, info);
  Bytes key;
  char hash[16];
  size_t length;
  if (!isConstruction(env, info) || napi_get_value_string_latin1(env, call.arguments[0], hash, sizeof hash, &length) != napi_ok ||
      !toBytes(env, call.arguments[1], &key))
    return invalid(env, "new Hmac(hash, key)");
  Hmac* hmac = new (std::nothrow) Hmac;
  if (hmac == nullptr) return failed(env);
  hmac->mac = newMac("HMAC");
  account(env, contextBytes);
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0), OSSL_PARAM_construct_end()};
  // An empty key is a key: OpenSSL takes a null pointer for "the one of before".
  uint8_t none = 0;
  if (hmac->mac == nullptr || EVP_MAC_init(hmac->mac, key.length == 0 ? &none : key.data, key.length, parameters) != 1) {
    if (hmac->mac == nullptr) account(env, -contextBytes);
    hmac->free(env);
    delete hmac;
    return failed(env);
  }
  return adopt(env, call.self, hmac);
}

/** digest(first, second, out): `out` is exactly as long as the hash. */
napi_value digestHmac(napi_env env, napi_callback_info info) {
  Call<3> call(env, info);
  Hmac* hmac = stateOf<Hmac>(env, call.self);
  Bytes first, second, out;
  if (hmac == nullptr || !toBytes(env, call.arguments[0], &first) || !toBytes(env, call.arguments[1], &second) || !toBytes(env, call.arguments[2], &out))
    return invalid(env, "(first, second, out)");
  if (hmac->mac == nullptr) return disposed(env);
  if (EVP_MAC_CTX_get_mac_size(hmac->mac) != out.length) return outOfBounds(env);
  size_t written;
  if (EVP_MAC_init(hmac->mac, nullptr, 0, nullptr) != 1 || EVP_MAC_update(hmac->mac, first.data, first.length) != 1 ||
      EVP_MAC_update(hmac->mac, second.data, second.length) != 1 || EVP_MAC_final(hmac->mac, out.data, &written, out.length) != 1)
    return failed(env);
  return nullptr;
}

// ---- the module

template <size_t count>
bool define(napi_env env, napi_value exports, const char* name, napi_callback construct, const napi_property_descriptor (&methods)[count]) {
  napi_value made;
  return napi_define_class(env, name, NAPI_AUTO_LENGTH, construct, nullptr, count, methods, &made) == napi_ok &&
         napi_set_named_property(env, exports, name, made) == napi_ok;
}

napi_property_descriptor method(const char* name, napi_callback call) {
  return {name, nullptr, call, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

}  // namespace

NAPI_MODULE_INIT() {
  const bool made = define(env, exports, "Gcm", newGcm, {method("seal", sealGcm), method("open", openGcm), method("dispose", dispose<Gcm>)}) &&
                    define(env, exports, "ChaChaPoly", newChaChaPoly,
                           {method("seal", sealChaCha), method("open", openChaCha), method("chacha", chacha), method("dispose", dispose<ChaChaPoly>)}) &&
                    define(env, exports, "Ctr", newCtr, {method("process", processCtr), method("dispose", dispose<Ctr>)}) &&
                    define(env, exports, "Hmac", newHmac, {method("digest", digestHmac), method("dispose", dispose<Hmac>)});
  napi_value ask, make;
  const bool whole = made && napi_create_function(env, "peerUid", NAPI_AUTO_LENGTH, peerUid, nullptr, &ask) == napi_ok &&
                     napi_set_named_property(env, exports, "peerUid", ask) == napi_ok &&
                     napi_create_function(env, "tunnelInterface", NAPI_AUTO_LENGTH, tunnelInterface, nullptr, &make) == napi_ok &&
                     napi_set_named_property(env, exports, "tunnelInterface", make) == napi_ok;
  if (!whole) napi_throw_error(env, "ERR_NACRE_NATIVE_LOAD", "The module could not be made.");
  return exports;
}
