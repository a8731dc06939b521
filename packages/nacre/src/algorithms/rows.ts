// Owns the shape of a row in each algorithm table. Adding an algorithm is one file with such a value and one line in
// `tables.ts`. Knows nothing of packets on a wire or of the engine that runs a key exchange.
import type { Codec } from '../wire/codec.ts'
import type { Ask, Dialogue } from '../wire/dialogue.ts'
import type { Message } from '../wire/message.ts'
import type { Reader } from '../wire/reader.ts'
import type {
  CryptoProvider,
  Direction,
  HashName,
  KeyHolder,
  PrivateKeyNumbers,
  PublicKeyNumbers,
  Random,
  SigningKey,
  StreamTransform,
  VerifyKey,
} from '../crypto/provider.ts'

/**
 * `default`: in the default offer. `offered-on-request`: safe, but not offered unless asked for.
 * `insecure`: only ever offered when someone names it; its identifier in code begins with `insecure`.
 */
export type Standing = 'default' | 'offered-on-request' | 'insecure'

interface Row<N extends string> {
  /** The name on the wire. */
  readonly name: N
  readonly standing: Standing
}

/**
 * Protects one direction. A packet is `packet_length (4) || padding_length || payload || padding`, then the tag.
 * All offsets are into `bytes`; `start` is where the length stands.
 */
export interface Sealer extends KeyHolder {
  /** Seals in place: `packetLength` bytes after the 4 of the length; the tag goes behind them. Room for it exists. */
  seal(bytes: Uint8Array, start: number, packetLength: number, sequence: number): void
  readonly tagBytes: number
  /** The multiple packets are padded to; at least 8 (RFC 4253 §6). */
  readonly blockBytes: number
  /** True when the 4 length bytes count towards that multiple (neither AEAD nor encrypt-then-MAC). */
  readonly lengthCounts: boolean
}

export interface Opener extends KeyHolder {
  /** How many bytes must be there before `packetLength` can be asked. */
  readonly firstBytes: number
  readonly tagBytes: number
  readonly blockBytes: number
  readonly lengthCounts: boolean
  /** The packet's length field. Asked exactly once per packet; may decrypt the first block in place. */
  packetLength(bytes: Uint8Array, start: number, sequence: number): number
  /**
   * Checks and decrypts. Returns `padding_length || payload || padding`, or `undefined` when the integrity check
   * failed. The length has been checked against floor, ceiling and block size.
   */
  open(bytes: Uint8Array, start: number, packetLength: number, sequence: number): Uint8Array | undefined
  /** True when what `open` returns is a buffer of its own. */
  readonly detached: boolean
}

interface CipherColumns<N extends string> extends Row<N> {
  readonly keyBytes: number
  readonly ivBytes: number
  readonly blockBytes: number
  /** Rekey after this many blocks of `blockBytes` at the latest (RFC 4344 §3.2), as a number of bytes. */
  readonly rekeyAfterBytes: number
}
/** A cipher with integrity of its own: the negotiated MAC is ignored. */
export interface AeadCipher<N extends string = string> extends CipherColumns<N> {
  readonly integrity: 'built-in'
  createSealer(crypto: CryptoProvider, key: Uint8Array, iv: Uint8Array): Sealer
  createOpener(crypto: CryptoProvider, key: Uint8Array, iv: Uint8Array): Opener
}
/** A cipher that needs a MAC beside it. */
export interface PlainCipher<N extends string = string> extends CipherColumns<N> {
  readonly integrity: 'mac'
  create(crypto: CryptoProvider, key: Uint8Array, iv: Uint8Array, direction: Direction): StreamTransform
}
export type Cipher<N extends string = string> = AeadCipher<N> | PlainCipher<N>

/** Computes the MAC of one packet. */
export interface PacketMac extends KeyHolder {
  /** MAC of `sequence || bytes[start..end)` (RFC 4253 §6.4); `tagBytes` long. */
  compute(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array
}
export interface Mac<N extends string = string> extends Row<N> {
  readonly keyBytes: number
  readonly tagBytes: number
  /** True for encrypt-then-MAC: length in clear, MAC over the ciphertext. */
  readonly encryptThenMac: boolean
  create(crypto: CryptoProvider, key: Uint8Array): PacketMac
}

/** Stateful over the life of a key; one per direction. Output is a buffer of its own. */
export interface Compressor {
  compress(payload: Uint8Array): Uint8Array
}
export interface Decompressor {
  /** Throws `WireError` on damaged input and `InflatedTooLarge` (see `compression/`) above `limit` bytes. */
  decompress(payload: Uint8Array, limit: number): Uint8Array
}
export interface Compression<N extends string = string> extends Row<N> {
  /** When it starts: never, at NEWKEYS, or once the user is authenticated (`zlib@openssh.com`). */
  readonly starts: 'never' | 'at-once' | 'after-authentication'
  createCompressor(): Compressor
  createDecompressor(): Decompressor
}

/** Asks the engine's driver for a result that may take long or come from another thread. */
export interface Compute<Answer> extends Ask<Answer> {
  readonly is: 'compute'
  readonly compute: () => Answer | Promise<Answer>
}
export const compute = <Answer>(work: () => Answer | Promise<Answer>): Compute<Answer> => ({ is: 'compute', compute: work })

/** What a key exchange method learns from, and may ask of, the exchange it runs in. */
export interface KexRun {
  readonly crypto: CryptoProvider
  readonly random: Random
  readonly role: 'client' | 'server'
  /** Bounds and choice for `diffie-hellman-group-exchange` (RFC 4419), in bits. */
  readonly groupSizes: { readonly min: number; readonly preferred: number; readonly max: number }
  /** Server: the safe groups it can choose from. */
  readonly groups: readonly DhGroup[]
}
export interface DhGroup {
  readonly p: Uint8Array
  readonly g: Uint8Array
}

/**
 * A method's result. The exchange hash is
 * `hash(V_C, V_S, I_C, I_S, K_S, ...hashed, K)` with `hashed` and `secret` already encoded as the method wants them.
 */
export interface KexResult {
  /** K, encoded as it enters hashes: an `mpint`, or a `string` for the hybrid post-quantum methods. */
  readonly secret: Uint8Array
  /** What stands between K_S and K in the exchange hash, encoded. */
  readonly hashed: Uint8Array
}

/** The server's last step: proves its identity over everything so far. Given to the method because the reply carries it. */
export interface KexProof {
  readonly hostKey: Uint8Array
  readonly signature: Uint8Array
}
export interface KexServerRun extends KexRun {
  /** K_S and the signature of the exchange hash made from `result`. */
  prove(result: KexResult): Dialogue<KexProof>
}

export interface KexMethod<N extends string = string> extends Row<N> {
  readonly hash: HashName
  /** The messages 30 to 49 this method defines; traces decode them by this list. */
  readonly messages: readonly Message[]
  client(run: KexRun): Dialogue<KexResult & { readonly proof: KexProof }>
  server(run: KexServerRun): Dialogue<KexResult>
}

/** What a security key says beside its signature, which covers it (PROTOCOL.u2f). */
export interface SecurityKeyProof {
  /** As they travel: 1 somebody touched it, 4 it knows who (PIN, finger), 0x80 extensions follow. */
  readonly flags: number
  readonly userPresent: boolean
  readonly userVerified: boolean
  /** Signatures of this token, or of this key, so far; tokens that do not count say 0. */
  readonly counter: number
  /** The web page that asked for the signature, e.g. `https://example.org`; `undefined` when it was no browser. */
  readonly origin: string | undefined
}

/** What a right signature proves. */
export interface SignatureProof {
  /** `undefined` for keys that lie in no security key. */
  readonly securityKey: SecurityKeyProof | undefined
}

/** A public key made ready to verify. */
export interface OpenedKey {
  readonly numbers: PublicKeyNumbers
  readonly verifier: VerifyKey
}

/** A signature algorithm: `rsa-sha2-256` over keys of type `ssh-rsa`. */
export interface SignatureAlgorithm<N extends string = string> extends Row<N> {
  readonly keyType: string
  /**
   * Checks the signature over `data`: `signature` is what stands behind the algorithm's name in the blob, `behind` is at
   * what follows it, which must be read to its end. `undefined` when it is wrong; throws `WireError` when it is malformed.
   */
  verify(crypto: CryptoProvider, key: OpenedKey, data: Uint8Array, signature: Uint8Array, behind: Reader): SignatureProof | undefined
  /** Makes what stands behind the algorithm's name. `undefined` where only a token or a browser can. */
  readonly sign: ((key: SigningKey, data: Uint8Array) => Uint8Array | Promise<Uint8Array>) | undefined
}

/** A key type: how its public numbers stand in a key blob and its private ones in an OpenSSH key file. */
export interface KeyType<N extends string = string> {
  readonly name: N
  /** What `ssh-keygen -l` prints in parentheses. */
  readonly shortName: string
  /** The fields after the type name in a public key blob. Refuses (`WireError`) what is not a valid key. */
  readonly publicFields: Codec<PublicKeyNumbers>
  /** The fields after the type name in an `openssh-key-v1` private section and in agent messages. */
  readonly privateFields: Codec<PrivateKeyNumbers>
  bits(numbers: PublicKeyNumbers): number
  /** Bits a new key may have; `undefined` where there is nothing to choose. */
  readonly sizes: { readonly minimum: number; readonly maximum: number; readonly usual: number } | undefined
  /** Makes a new key of one of those sizes. `undefined` where that is not ours to do, or no longer wise. */
  readonly generate: ((crypto: CryptoProvider, bits: number) => Promise<PrivateKeyNumbers>) | undefined
  /** Makes a key ready to verify; throws for numbers that are no key. */
  verifyKey(crypto: CryptoProvider, numbers: PublicKeyNumbers): VerifyKey
  /** Makes a key ready to sign. `undefined` where the private half never leaves a token. */
  readonly signingKey: ((crypto: CryptoProvider, numbers: PrivateKeyNumbers) => SigningKey) | undefined
}
