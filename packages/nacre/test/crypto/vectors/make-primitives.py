#!/usr/bin/env python3
"""Makes primitives.json with pyca/cryptography (OpenSSL): python3 make-primitives.py > primitives.json

Inputs are patterned(count, seed) of ../bytes.ts, written again below, so that only results are stored, mostly as the
first 16 hexadecimal digits of their SHA-256.
"""
import hashlib
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.poly1305 import Poly1305

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    TripleDES = algorithms.TripleDES


def patterned(count, seed=1):
    state = (seed * 0x9E3779B1) & 0xFFFFFFFF | 1
    out = bytearray(count)
    for i in range(count):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        out[i] = state >> 8 & 0xFF
    return bytes(out)


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def chacha20(key, sequence, counter, data):
    iv = counter.to_bytes(8, "little") + sequence.to_bytes(8, "big")
    return Cipher(algorithms.ChaCha20(key, iv), None).encryptor().update(data)


def openssh_seal(key, sequence, packet):
    """draft-ietf-sshm-chacha20-poly1305: K_2 first in the 64 bytes, K_1 after it."""
    sealed = chacha20(key[32:], sequence, 0, packet[:4]) + chacha20(key[:32], sequence, 1, packet[4:])
    one_time = chacha20(key[:32], sequence, 0, bytes(32))
    return sealed + Poly1305.generate_tag(one_time, sealed)


def chacha_poly():
    sizes = list(range(0, 301)) + [511, 512, 513, 4090, 4091, 4092, 4093, 4096, 32768, 65536, 262144]
    key = patterned(64, 100)
    return {str(n): digest(openssh_seal(key, n * 16777619 & 0xFFFFFFFF, patterned(4 + n, n))) for n in sizes}


def aes_gcm():
    out = []
    for key_bytes in (16, 32):
        for iv in ("000000000000000000000000", "0102030405060708090a0bff", "a0a1a2a3ffffffffffffffff", "00000000000000ffffffffff"):
            key, nonce = patterned(key_bytes, key_bytes), bytes.fromhex(iv)
            packets = []
            for n in (16, 32, 4096, 32768):
                packet = patterned(4 + n, n)
                packets.append(digest(packet[:4] + AESGCM(key).encrypt(nonce, packet[4:], packet[:4])))
                count = (int.from_bytes(nonce[4:], "big") + 1) % 2**64
                nonce = nonce[:4] + count.to_bytes(8, "big")
            out.append({"keyBytes": key_bytes, "iv": iv, "packets": packets})
    return out


def streams():
    out = {}
    for name, algorithm, key_bytes, mode, block in [
        ("aes128-ctr", algorithms.AES, 16, modes.CTR, 16),
        ("aes192-ctr", algorithms.AES, 24, modes.CTR, 16),
        ("aes256-ctr", algorithms.AES, 32, modes.CTR, 16),
        ("aes128-cbc", algorithms.AES, 16, modes.CBC, 16),
        ("aes192-cbc", algorithms.AES, 24, modes.CBC, 16),
        ("aes256-cbc", algorithms.AES, 32, modes.CBC, 16),
        ("3des-cbc", TripleDES, 24, modes.CBC, 8),
    ]:
        iv = b"\xff" * 16 if mode is modes.CTR else patterned(block, 7)
        running = Cipher(algorithm(patterned(key_bytes, 3)), mode(iv)).encryptor()
        out[name] = [digest(running.update(patterned(n, n))) for n in (16, 48, 4096, 32768, 16)]
    return out


def ecdh():
    out = {}
    for name, curve, size, mask in [
        ("nistp256", ec.SECP256R1(), 32, 0xFF),
        ("nistp384", ec.SECP384R1(), 48, 0xFF),
        ("nistp521", ec.SECP521R1(), 66, 0x01),
    ]:
        sides = []
        for seed in (11, 12):
            scalar = bytearray(patterned(size, seed))
            scalar[0] &= mask
            sides.append(ec.derive_private_key(int.from_bytes(scalar, "big"), curve))
        public = [s.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex() for s in sides]
        out[name] = {"seeds": [11, 12], "public": public, "secret": sides[0].exchange(ec.ECDH(), sides[1].public_key()).hex()}
    return out


def number(value):
    return value.to_bytes((value.bit_length() + 7) // 8, "big").hex()


def raw_pair(der, size):
    r, s = utils.decode_dss_signature(der)
    return (r.to_bytes(size, "big") + s.to_bytes(size, "big")).hex()


def signatures():
    message = patterned(200, 42)
    out = []
    key = ed25519.Ed25519PrivateKey.from_private_bytes(patterned(32, 5))
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    out.append({"key": {"kind": "ed25519", "publicKey": raw.hex(), "seed": patterned(32, 5).hex()}, "signature": key.sign(message).hex(), "deterministic": True})
    for name, curve, size, hash_name, algorithm in [
        ("nistp256", ec.SECP256R1(), 32, "sha256", hashes.SHA256()),
        ("nistp384", ec.SECP384R1(), 48, "sha384", hashes.SHA384()),
        ("nistp521", ec.SECP521R1(), 66, "sha512", hashes.SHA512()),
    ]:
        key = ec.generate_private_key(curve)
        point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        scalar = number(key.private_numbers().private_value)
        signature = raw_pair(key.sign(message, ec.ECDSA(algorithm)), size)
        out.append({"key": {"kind": "ecdsa", "curve": name, "point": point.hex(), "scalar": scalar}, "hash": hash_name, "signature": signature})
    rsa_key = rsa.generate_private_key(65537, 2048)
    n = rsa_key.private_numbers()
    fields = {"kind": "rsa", "e": number(65537), "n": number(n.public_numbers.n), "d": number(n.d), "iqmp": number(n.iqmp), "p": number(n.p), "q": number(n.q)}
    for hash_name, algorithm in [("sha1", hashes.SHA1()), ("sha256", hashes.SHA256()), ("sha512", hashes.SHA512())]:
        signature = rsa_key.sign(message, padding.PKCS1v15(), algorithm).hex()
        out.append({"key": fields, "hash": hash_name, "signature": signature, "deterministic": True})
    # A signature that begins with a zero byte: some signers leave it out.
    short = next(i for i in range(10**6) if rsa_key.sign(patterned(20, i), padding.PKCS1v15(), hashes.SHA256())[0] == 0)
    trimmed = rsa_key.sign(patterned(20, short), padding.PKCS1v15(), hashes.SHA256()).lstrip(b"\0").hex()
    dsa_key = dsa.generate_private_key(1024)
    d = dsa_key.private_numbers()
    p = d.public_numbers.parameter_numbers
    fields = {"kind": "dsa", "p": number(p.p), "q": number(p.q), "g": number(p.g), "y": number(d.public_numbers.y), "x": number(d.x)}
    out.append({"key": fields, "hash": "sha1", "signature": raw_pair(dsa_key.sign(message, hashes.SHA1()), (p.q.bit_length() + 7) // 8)})
    return {"messageSeed": 42, "messageBytes": 200, "vectors": out, "rsaWithoutZero": {"messageSeed": short, "messageBytes": 20, "hash": "sha256", "signature": trimmed}}


def mlkem768():
    from cryptography.hazmat.primitives.asymmetric import mlkem

    key = mlkem.MLKEM768PrivateKey.from_seed_bytes(patterned(64, 9))
    public = key.public_key()
    secret, ciphertext = public.encapsulate()
    return {"seed": 9, "public": digest(public.public_bytes_raw()), "ciphertext": ciphertext.hex(), "secret": secret.hex()}


result = {"chachaPoly": chacha_poly(), "aesGcm": aes_gcm(), "streams": streams(), "ecdh": ecdh(), "signatures": signatures()}
try:
    result["mlkem768"] = mlkem768()
except Exception as missing:
    result["mlkem768"] = None
    import sys

    print("no ML-KEM here:", missing, file=sys.stderr)
print(json.dumps(result, indent=1))
