// Owns turning what node:crypto hands out into plain Uint8Arrays and its DER into key objects. `Buffer` stays in this
// folder: its `slice` makes a view where Uint8Array's copies, and that difference must not reach the core.
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** The same memory as a plain Uint8Array. */
export const plain = (buffer: Uint8Array): Uint8Array => new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.length)

const worthFreeing = 2048

/**
 * Frees the memory of a result that was copied elsewhere; it must not be used afterwards. Left to the collector the results
 * of bulk transfers cost a fifth of all CPU: none is warm when it is made, and together they bring on whole collections.
 */
export const discard = (result: Uint8Array): void => {
  const memory = result.buffer as ArrayBuffer
  if (result.length >= worthFreeing && result.length === memory.byteLength) memory.transfer(0)
}

// The DER functions want Buffers.
const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)

export const publicKeyFromDer = (der: Uint8Array): KeyObject => createPublicKey({ key: asBuffer(der), format: 'der', type: 'spki' })

/** Imports PKCS #8 and overwrites it. */
export const privateKeyFromDer = (der: Uint8Array): KeyObject => {
  try {
    return createPrivateKey({ key: asBuffer(der), format: 'der', type: 'pkcs8' })
  } finally {
    der.fill(0)
  }
}

/** `prefix` and `key` in one piece: DER whose last field is the raw key. */
export const prefixed = (prefix: Uint8Array, key: Uint8Array): Uint8Array => {
  const der = new Uint8Array(prefix.length + key.length)
  der.set(prefix)
  der.set(key, prefix.length)
  return der
}

// Raw keys came to node:crypto during Node 24; DER does the same at two to seven times the cost.
let probed: boolean | undefined
const knowsRawKeys = (): boolean => {
  if (probed === undefined) {
    try {
      createPublicKey({ key: new Uint8Array(32).fill(9), format: 'raw-public', asymmetricKeyType: 'x25519' } as never)
      probed = true
    } catch {
      probed = false
    }
  }
  return probed
}

/** The key object of a raw private key, which is overwritten. Its length has been checked; `prefix` is its PKCS #8. */
export const privateKeyFromRaw = (raw: Uint8Array, type: 'x25519', prefix: Uint8Array): KeyObject => {
  try {
    return knowsRawKeys()
      ? createPrivateKey({ key: raw, format: 'raw-private', asymmetricKeyType: type } as never)
      : privateKeyFromDer(prefixed(prefix, raw))
  } finally {
    raw.fill(0)
  }
}

/** The raw bytes of a public key whose DER ends with them, `count` of them. */
export const rawPublicKey = (key: KeyObject, count: number): Uint8Array => {
  if (knowsRawKeys()) return plain(key.export({ format: 'raw-public' } as never) as unknown as Uint8Array)
  const der = key.export({ format: 'der', type: 'spki' })
  return plain(der.subarray(der.length - count))
}

/** The key object of a raw public key; throws when it is malformed. Its length has been checked; `prefix` is its DER. */
export const publicKeyFromRaw = (raw: Uint8Array, type: 'x25519' | 'ml-kem-768' | 'ed25519', prefix: Uint8Array): KeyObject =>
  knowsRawKeys()
    ? createPublicKey({ key: raw, format: 'raw-public', asymmetricKeyType: type } as never)
    : publicKeyFromDer(prefixed(prefix, raw))
