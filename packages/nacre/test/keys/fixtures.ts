// Owns reading the key vectors for the tests of keys and signatures. Knows nothing of what is in them.
import { readFileSync } from 'node:fs'
import { decodeBase64 } from '../../src/keys/base64.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { type PublicKey, parsePublicKeyLine } from '../../src/keys/public.ts'
import type { PrivateKey } from '../../src/keys/private.ts'
import { readPrivateKey } from '../../src/keys/private-file.ts'

export const crypto = nodeCrypto()
export const passphrase = 'correct horse'
export const keyNames = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048', 'rsa1024', 'dsa'] as const

export const vector = (name: string): string => readFileSync(new URL(`../vectors/keys/${name}`, import.meta.url), 'utf8')

export const publicKey = (name: string): PublicKey => parsePublicKeyLine(vector(`${name}.pub`))
export const privateKey = (name: string): PrivateKey => readPrivateKey(crypto, vector(`${name}.key`))

export interface SignatureVector {
  readonly key: string
  readonly algorithm: string
  readonly data: Uint8Array
  readonly signature: Uint8Array
}

/** Signature blobs made by OpenSSH's agent. */
export const signatureVectors = (): SignatureVector[] =>
  (JSON.parse(vector('signatures.json')) as { key: string; algorithm: string; data: string; signature: string }[]).map(row => ({
    key: row.key,
    algorithm: row.algorithm,
    data: new TextEncoder().encode(row.data),
    signature: base64(row.signature),
  }))

export const base64 = (text: string): Uint8Array => {
  const bytes = decodeBase64(text)
  if (bytes === undefined) throw new Error('a vector that is not base64')
  return bytes
}
