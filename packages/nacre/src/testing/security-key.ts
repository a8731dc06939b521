// Owns a security key in memory, for tests of logins with one: it signs as a token does, and says what it is told to say about
// touches. Protects nothing. Knows nothing of servers, agents or devices.
import type { CryptoProvider, PrivateKeyNumbers, SigningKey } from '../crypto/provider.ts'
import { encodeBase64 } from '../keys/base64.ts'
import { PrivateKey } from '../keys/private.ts'
import type { PublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import { mpint } from '../wire/codec.ts'
import { Writer } from '../wire/writer.ts'

export interface TestSecurityKeyOptions {
  /** Default `ed25519`. */
  readonly kind?: 'ed25519' | 'ecdsa'
  /** Default `ssh:`. */
  readonly application?: string
}

const webauthn = 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com'
const utf8 = new TextEncoder()

/** A security key in memory. What it says of the next signature can be changed at any time. */
export class TestSecurityKey implements Signer {
  /** What its file holds: no secret. For agents and key files. */
  readonly key: PrivateKey
  readonly source = 'a security key in memory'
  readonly slow = true
  /** What it says: 1 touched, 4 verified (PIN, finger). Default 1. */
  flags = 1
  /** Counts its signatures. */
  counter = 0
  /** The page that asks, for signatures as browsers make them. */
  origin = 'https://example.org'
  readonly #crypto: CryptoProvider
  readonly #signing: SigningKey

  constructor(crypto: CryptoProvider, key: PrivateKey, signing: SigningKey) {
    this.key = key
    this.#crypto = crypto
    this.#signing = signing
  }

  get publicKey(): PublicKey {
    return this.key.publicKey
  }

  get algorithms(): readonly string[] {
    return this.key.type.startsWith('sk-ecdsa') ? [this.key.type, webauthn] : [this.key.type]
  }

  async sign(data: Uint8Array, algorithm: string = this.key.type): Promise<Uint8Array> {
    if (!this.algorithms.includes(algorithm)) throw new TypeError(`this security key cannot sign as ${algorithm}`)
    this.counter++
    const clientData = algorithm === webauthn ? this.#clientData(data) : undefined
    const blob = new Writer()
    blob.text(algorithm)
    blob.string(await this.#inner(clientData ?? data))
    blob.byte(this.flags)
    blob.uint32(this.counter)
    if (clientData !== undefined) {
      blob.text(this.origin)
      blob.string(clientData)
      blob.string(new Uint8Array(0))
    }
    return blob.written()
  }

  #clientData(data: Uint8Array): Uint8Array {
    const challenge = encodeBase64(data).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    return utf8.encode(JSON.stringify({ type: 'webauthn.get', challenge, origin: this.origin, crossOrigin: false }))
  }

  async #inner(message: Uint8Array): Promise<Uint8Array> {
    const numbers = this.key.revealNumbers()
    if (!('application' in numbers)) throw new TypeError('a security key holds keys of security keys')
    const signed = new Writer()
    signed.fixed(this.#crypto.hash('sha256', utf8.encode(numbers.application)))
    signed.byte(this.flags)
    signed.uint32(this.counter)
    signed.fixed(this.#crypto.hash('sha256', message))
    if (numbers.kind === 'sk-ed25519') return await this.#signing.sign(undefined, signed.written())
    const raw = await this.#signing.sign('sha256', signed.written())
    const pair = new Writer()
    mpint.write(pair, raw.subarray(0, 32))
    mpint.write(pair, raw.subarray(32))
    return pair.written()
  }
}

/** A new security key in memory. */
export const createTestSecurityKey = async (
  crypto: CryptoProvider,
  { kind = 'ed25519', application = 'ssh:' }: TestSecurityKeyOptions = {},
): Promise<TestSecurityKey> => {
  const numbers = await crypto.generateKey(kind === 'ed25519' ? { kind } : { kind, curve: 'nistp256' })
  const handle = { application, flags: 1, keyHandle: utf8.encode('in memory'), reserved: new Uint8Array(0) }
  const shown: PrivateKeyNumbers | undefined =
    numbers.kind === 'ed25519'
      ? { kind: 'sk-ed25519', publicKey: numbers.publicKey, ...handle }
      : numbers.kind === 'ecdsa'
        ? { kind: 'sk-ecdsa', point: numbers.point, ...handle }
        : undefined
  if (shown === undefined) throw new TypeError('security keys hold Ed25519 and nistp256')
  return new TestSecurityKey(crypto, new PrivateKey(shown, 'security key'), crypto.signingKey(numbers))
}
