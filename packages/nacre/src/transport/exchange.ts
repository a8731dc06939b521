// Owns one key exchange after both KEXINITs are known: the method's dialogue, the exchange hash, the server's proof, the
// six keys, NEWKEYS both ways (RFC 4253 §7, §8). Knows nothing of why or when an exchange begins.
import { type Agreed, type AgreedDirection } from '../algorithms/negotiate.ts'
import {
  type Cipher,
  compute,
  type KexMethod,
  type KexProof,
  type KexResult,
  type KexRun,
  type KexServerRun,
  type Mac,
  type Opener,
  type Sealer,
} from '../algorithms/rows.ts'
import type { AlgorithmTables } from '../algorithms/tables.ts'
import { escapeForPeople, ProtocolError } from '../errors.ts'
import { certificateTypeOf, isCertificateType, parseCertificate, plainTypeOf } from '../keys/certificate.ts'
import { plainClaim } from '../keys/certified-signer.ts'
import { parsePublicKey, sameBlob } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import { verifySignature } from '../keys/verify.ts'
import { type Codec, bytes, encode, rest, struct } from '../wire/codec.ts'
import { type Ask, ask, type Dialogue, receive, send } from '../wire/dialogue.ts'
import { type KeyLetter, KeySchedule } from './key-schedule.ts'
import { NewKeys } from './messages.ts'
import { createOpener, createSealer, type DirectionKeys } from './protect.ts'

/** What a server proved in the first exchange: it signed the session identifier with its key. Agents take it as a witness. */
export interface SessionProof {
  /** Public key or certificate blob. */
  readonly hostKey: Uint8Array
  /** RFC 4253 §7.2. */
  readonly sessionId: Uint8Array
  /** A whole signature blob; it has been verified. */
  readonly signature: Uint8Array
}

/** Is this the right key of the server we meant to reach? Answer `true`, or fail the question with a `HostKeyError`. */
export interface HostKeyQuestion extends Ask<true> {
  readonly is: 'host-key'
  /** Public key or certificate blob; its signature over the exchange has been verified. */
  readonly hostKey: Uint8Array
  readonly keyType: string
  readonly algorithm: string
  /** In the first exchange only. */
  readonly proof: SessionProof | undefined
}

/** What protects one direction from NEWKEYS on. */
export interface NewDirection<P> {
  readonly agreed: AgreedDirection
  readonly protector: P
  /** The cipher's own limit on bytes under one key. */
  readonly rekeyAfterBytes: number
}

export interface ExchangeRun extends KexRun {
  readonly tables: AlgorithmTables
  readonly agreed: Agreed
  readonly method: KexMethod
  /** V_C, V_S, I_C, I_S of the exchange hash (RFC 4253 §8). */
  readonly clientIdentification: Uint8Array
  readonly serverIdentification: Uint8Array
  readonly clientKexInit: Uint8Array
  readonly serverKexInit: Uint8Array
  /** The session identifier; `undefined` in the first exchange, whose hash becomes it (RFC 4253 §7.2). */
  readonly sessionId: Uint8Array | undefined
  /** Client: the host key already trusted in this session. */
  readonly trustedHostKey: Uint8Array | undefined
  /** Server: the key that signs. */
  readonly hostKey: Signer | undefined
  /** RSA host keys below this many bits are refused by a client. */
  readonly minimumRsaBits: number
  /** Our NEWKEYS has just been sent. */
  useOutgoing(direction: NewDirection<Sealer>, result: ExchangeResult): void
  /** The peer's NEWKEYS has just been taken. */
  useIncoming(direction: NewDirection<Opener>): void
}

export interface ExchangeResult {
  readonly sessionId: Uint8Array
  readonly exchangeHash: Uint8Array
  readonly hostKey: Uint8Array
}

/** RFC 4253 §8. What stands between K_S and K is the method's own; K is encoded already. */
const exchangeHashFields: Codec<{
  V_C: Uint8Array
  V_S: Uint8Array
  I_C: Uint8Array
  I_S: Uint8Array
  K_S: Uint8Array
  rest: KexResult
}> = struct({
  V_C: bytes,
  V_S: bytes,
  I_C: bytes,
  I_S: bytes,
  K_S: bytes,
  rest: struct({ hashed: rest, secret: rest }),
})

const exchangeHash = (run: ExchangeRun, hostKey: Uint8Array, result: KexResult): Uint8Array => {
  const input = encode(exchangeHashFields, {
    V_C: run.clientIdentification,
    V_S: run.serverIdentification,
    I_C: run.clientKexInit,
    I_S: run.serverKexInit,
    K_S: hostKey,
    rest: result,
  })
  const hash = run.crypto.hash(run.method.hash, input)
  // It ends with the secret.
  input.fill(0)
  return hash
}

const nothing: Uint8Array = new Uint8Array(0)

/** The whole exchange, in the order of RFC 4253 §7 and §8. */
export function* exchange(run: ExchangeRun): Dialogue<ExchangeResult> {
  const { result, hostKey, hash } = run.role === 'client' ? yield* proveThem(run) : yield* proveUs(run)
  const sessionId = run.sessionId ?? hash
  const done: ExchangeResult = { sessionId, exchangeHash: hash, hostKey }
  const schedule = new KeySchedule({ crypto: run.crypto, hash: run.method.hash, secret: result.secret, exchangeHash: hash, sessionId })
  result.secret.fill(0)
  const { outgoing, incoming } = newDirections(run, schedule)
  schedule.wipe()
  yield* send(NewKeys, {})
  run.useOutgoing(outgoing, done)
  yield* receive(NewKeys)
  run.useIncoming(incoming)
  return done
}

interface Proven {
  readonly result: KexResult
  readonly hostKey: Uint8Array
  readonly hash: Uint8Array
}

/** Client: the server's signature is checked first; only then is anybody asked about the key. */
function* proveThem(run: ExchangeRun): Dialogue<Proven> {
  const result = yield* run.method.client(run)
  // Views of the reply would not outlive a question.
  const hostKey = result.proof.hostKey.slice()
  const signature = result.proof.signature.slice()
  const hash = exchangeHash(run, hostKey, result)
  const keyType = checkHostKey(run, hostKey)
  if (
    !verifySignature(
      run.crypto,
      run.tables,
      plainClaim(
        { publicKey: hostKey, algorithm: run.agreed.hostKey, data: hash, signature, minimumRsaBits: run.minimumRsaBits },
        run.tables.keyTypes,
      ),
    )
  ) {
    throw new ProtocolError(
      'host-key-signature-invalid',
      'The server could not prove that it holds its host key: the signature over the key exchange is wrong. Someone may be in between.',
    )
  }
  if (run.trustedHostKey === undefined || !sameBlob(hostKey, run.trustedHostKey)) {
    const proof = run.sessionId === undefined ? { hostKey, sessionId: hash, signature } : undefined
    const question: HostKeyQuestion = { is: 'host-key', hostKey, keyType, algorithm: run.agreed.hostKey, proof }
    yield* ask(question)
  }
  return { result, hostKey, hash }
}

const checkHostKey = (run: ExchangeRun, blob: Uint8Array): string => {
  const { hostKey: agreed } = run.agreed
  const plain = run.tables.signatures.find(row => row.name === plainTypeOf(agreed))?.keyType
  const wanted = plain !== undefined && isCertificateType(agreed) ? certificateTypeOf(plain) : plain
  let key: ReturnType<typeof parsePublicKey>
  try {
    key = parsePublicKey(blob)
    // Whom to trust is asked later; that it can be read has to be known before anybody is asked.
    if (isCertificateType(key.type)) parseCertificate(blob, run.tables.keyTypes)
  } catch (cause) {
    throw new ProtocolError(
      'host-key-malformed',
      `The server's host key cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {},
      { cause },
    )
  }
  if (key.type !== wanted) {
    throw new ProtocolError(
      'host-key-wrong-type',
      `The server sent a host key of type ${escapeForPeople(key.type, { limit: 64 })} where ${agreed} was agreed.`,
    )
  }
  if (key.numbers?.kind === 'rsa' && key.bits < run.minimumRsaBits) {
    throw new ProtocolError(
      'host-key-too-weak',
      `The server's RSA host key has ${key.bits} bits; at least ${run.minimumRsaBits} are required (RequiredRSASize).`,
    )
  }
  return key.type
}

/** Server: signs with the agreed algorithm; the key may be slow or elsewhere. */
function* proveUs(run: ExchangeRun): Dialogue<Proven> {
  const signer = run.hostKey
  if (signer === undefined) throw new TypeError('a server needs a host key for the agreed algorithm')
  const proving = new Proving(run, signer)
  const result = yield* run.method.server(proving)
  return { result, hostKey: signer.publicKey.blob, hash: proving.hash }
}

/** What the method of a server is given. A class: a generator that is a closure costs a hidden class of its own each time. */
class Proving implements KexServerRun {
  readonly #run: ExchangeRun
  readonly #signer: Signer
  /** Once `prove` was called. */
  hash: Uint8Array = nothing

  constructor(run: ExchangeRun, signer: Signer) {
    this.#run = run
    this.#signer = signer
  }

  get crypto(): KexRun['crypto'] {
    return this.#run.crypto
  }
  get random(): KexRun['random'] {
    return this.#run.random
  }
  get role(): KexRun['role'] {
    return this.#run.role
  }
  get groupSizes(): KexRun['groupSizes'] {
    return this.#run.groupSizes
  }
  get groups(): KexRun['groups'] {
    return this.#run.groups
  }

  *prove(soFar: KexResult): Dialogue<KexProof> {
    const hostKey = this.#signer.publicKey.blob
    this.hash = exchangeHash(this.#run, hostKey, soFar)
    const signature = yield* ask(compute(() => this.#signer.sign(this.hash, this.#run.agreed.hostKey)))
    return { hostKey, signature }
  }
}

interface Directions {
  readonly outgoing: NewDirection<Sealer>
  readonly incoming: NewDirection<Opener>
}

const newDirections = (run: ExchangeRun, schedule: KeySchedule): Directions => {
  const { crypto, tables, agreed } = run
  const rowsOf = (direction: AgreedDirection) => {
    const cipher = tables.ciphers.find(row => row.name === direction.cipher)
    if (cipher === undefined) throw new TypeError(`no row for cipher ${direction.cipher}`)
    return { cipher, mac: direction.mac === undefined ? undefined : tables.macs.find(row => row.name === direction.mac) }
  }
  const client = run.role === 'client'
  const ours = client ? agreed.clientToServer : agreed.serverToClient
  const theirs = client ? agreed.serverToClient : agreed.clientToServer
  const sealing = rowsOf(ours)
  const opening = rowsOf(theirs)
  const sealKeys = client ? keysOf(schedule, sealing, 'A', 'C', 'E') : keysOf(schedule, sealing, 'B', 'D', 'F')
  const openKeys = client ? keysOf(schedule, opening, 'B', 'D', 'F') : keysOf(schedule, opening, 'A', 'C', 'E')
  return {
    outgoing: {
      agreed: ours,
      protector: createSealer(crypto, sealing.cipher, sealing.mac, sealKeys),
      rekeyAfterBytes: sealing.cipher.rekeyAfterBytes,
    },
    incoming: {
      agreed: theirs,
      protector: createOpener(crypto, opening.cipher, opening.mac, openKeys),
      rekeyAfterBytes: opening.cipher.rekeyAfterBytes,
    },
  }
}

const keysOf = (
  schedule: KeySchedule,
  { cipher, mac }: { readonly cipher: Cipher; readonly mac: Mac | undefined },
  iv: KeyLetter,
  key: KeyLetter,
  macKey: KeyLetter,
): DirectionKeys => ({
  iv: schedule.key(iv, cipher.ivBytes),
  key: schedule.key(key, cipher.keyBytes),
  macKey: schedule.key(macKey, mac?.keyBytes ?? 0),
})
