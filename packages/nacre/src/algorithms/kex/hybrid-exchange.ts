// Owns the exchange that joins a key encapsulation with a curve, client and server: the client sends a KEM key and a
// point, the server a ciphertext and a point, and K is the hash of both secrets. Knows no KEM and no curve by name.
import type { Encapsulation, HashName } from '../../crypto/provider.ts'
import { bytes, encode } from '../../wire/codec.ts'
import { ask, receive, send } from '../../wire/dialogue.ts'
import type { Message } from '../../wire/message.ts'
import { compute, type KexMethod, type KexResult, type KexRun, type Standing } from '../rows.ts'
import { publicValues } from './curve-exchange.ts'
import type { Curve } from './curves.ts'
import { checkSize, onPeerValue } from './peer-values.ts'

/** A key encapsulation mechanism as SSH uses it. */
export interface Kem {
  readonly label: string
  readonly publicBytes: number
  readonly ciphertextBytes: number
  generate(run: KexRun): Encapsulation
  /** Throws when the key is malformed; it has the right size. */
  encapsulate(run: KexRun, publicKey: Uint8Array): { ciphertext: Uint8Array; secret: Uint8Array }
}

interface HybridColumns<N extends string> {
  readonly name: N
  readonly standing: Standing
  readonly hash: HashName
  readonly kem: Kem
  readonly curve: Curve
  readonly init: Message<string, { clientPublic: Uint8Array }>
  readonly reply: Message<string, { hostKey: Uint8Array; serverPublic: Uint8Array; signature: Uint8Array }>
}

/** A method's row. Both public values are the KEM's part, then the curve's. */
export const hybridExchange = <const N extends string>({
  name,
  standing,
  hash,
  kem,
  curve,
  init,
  reply,
}: HybridColumns<N>): KexMethod<N> => ({
  name,
  standing,
  hash,
  messages: [init, reply],
  *client(run) {
    // A KEM may take milliseconds: whoever runs the dialogue decides where.
    const key = yield* ask(compute(() => kem.generate(run)))
    const point = curve.generate(run)
    const clientPublic = joined(key.publicKey, point.publicKey)
    yield* send(init, { clientPublic })
    const received = yield* receive(reply)
    checkSize('server', `${kem.label} ciphertext and public value`, received.serverPublic, kem.ciphertextBytes + curve.publicBytes)
    // Views would not outlive the next step.
    const proof = { hostKey: received.hostKey.slice(), signature: received.signature.slice() }
    const serverPublic = received.serverPublic.slice()
    const classical = curve.agree(point, 'server', serverPublic.subarray(kem.ciphertextBytes))
    const quantumSafe = yield* ask(
      compute(() => onPeerValue('server', `${kem.label} ciphertext`, () => key.decapsulate(serverPublic.subarray(0, kem.ciphertextBytes)))),
    )
    return { ...combine(run, hash, quantumSafe, classical, clientPublic, serverPublic), proof }
  },
  *server(run) {
    const received = yield* receive(init)
    checkSize('client', `${kem.label} key and public value`, received.clientPublic, kem.publicBytes + curve.publicBytes)
    const clientPublic = received.clientPublic.slice()
    const point = curve.generate(run)
    const classical = curve.agree(point, 'client', clientPublic.subarray(kem.publicBytes))
    const quantumSafe = yield* ask(
      compute(() => onPeerValue('client', `${kem.label} key`, () => kem.encapsulate(run, clientPublic.subarray(0, kem.publicBytes)))),
    )
    const serverPublic = joined(quantumSafe.ciphertext, point.publicKey)
    const done = combine(run, hash, quantumSafe.secret, classical, clientPublic, serverPublic)
    const proof = yield* run.prove(done)
    yield* send(reply, { ...proof, serverPublic })
    return done
  },
})

/** K = HASH(K_PQ || K_CL), a `string` in hashes and not a number. */
const combine = (run: KexRun, hash: HashName, K_PQ: Uint8Array, K_CL: Uint8Array, Q_C: Uint8Array, Q_S: Uint8Array): KexResult => {
  const K = run.crypto.hash(hash, K_PQ, K_CL)
  const done = { secret: encode(bytes, K), hashed: encode(publicValues, { Q_C, Q_S }) }
  for (const each of [K, K_PQ, K_CL]) each.fill(0)
  return done
}

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
