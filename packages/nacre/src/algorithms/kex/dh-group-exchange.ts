// Owns Diffie-Hellman in a group that the server picks by the client's wishes (RFC 4419, RFC 8270), client and server.
import type { HashName } from '../../crypto/provider.ts'
import { ProtocolError } from '../../errors.ts'
import { type Codec, encode, mpint, struct, uint32 } from '../../wire/codec.ts'
import { receive, receiveAny, send } from '../../wire/dialogue.ts'
import type { DhGroup, KexMethod, KexResult, KexRun, Standing } from '../rows.ts'
import { bitLength, isOdd } from '../signature/integers.ts'
import { agreed, isGenerator, ourSide, publicValue } from './diffie-hellman.ts'
import { KexDhGexGroup, KexDhGexInit, KexDhGexReply, KexDhGexRequest, KexDhGexRequestOld } from './messages.ts'
import { invalidValue } from './peer-values.ts'

/** What the client asked for, in bits. The old request has `n` alone. */
type Wishes = { readonly min: number; readonly n: number; readonly max: number } | { readonly n: number }

/** What stands between K_S and K after the wishes. */
const values = struct({ p: mpint, g: mpint, e: mpint, f: mpint })
const wishes: Codec<{ min: number; n: number; max: number }> = struct({ min: uint32, n: uint32, max: uint32 })

const groupExchange = <const N extends string>(columns: {
  readonly name: N
  readonly standing: Standing
  readonly hash: HashName
}): KexMethod<N> => ({
  ...columns,
  messages: [KexDhGexRequest, KexDhGexRequestOld, KexDhGexGroup, KexDhGexInit, KexDhGexReply],
  *client(run) {
    const { min, preferred: n, max } = run.groupSizes
    yield* send(KexDhGexRequest, { min, n, max })
    const offered = yield* receive(KexDhGexGroup)
    const group = { p: offered.p.slice(), g: offered.g.slice() }
    checkGroup(run, group)
    const mine = yield* ourSide(run, group)
    yield* send(KexDhGexInit, { e: mine.publicKey })
    const reply = yield* receive(KexDhGexReply)
    const proof = { hostKey: reply.hostKey.slice(), signature: reply.signature.slice() }
    const f = publicValue(group, 'server', reply.f)
    const secret = yield* agreed(mine, 'server', f)
    return { ...result(secret, { min, n, max }, group, mine.publicKey, f), proof }
  },
  *server(run) {
    const request = yield* receiveAny(KexDhGexRequest, KexDhGexRequestOld)
    const group = chooseGroup(run, request.value)
    yield* send(KexDhGexGroup, group)
    const e = publicValue(group, 'client', (yield* receive(KexDhGexInit)).e)
    const mine = yield* ourSide(run, group)
    const done = result(yield* agreed(mine, 'client', e), request.value, group, e, mine.publicKey)
    const proof = yield* run.prove(done)
    yield* send(KexDhGexReply, { ...proof, f: mine.publicKey })
    return done
  },
})

/** That the prime is one is taken on trust, as everywhere: to test it would take longer than the rest of the connection. */
const checkGroup = (run: KexRun, group: DhGroup): void => {
  const { min, max } = run.groupSizes
  const bits = bitLength(group.p)
  if (bits < min || bits > max) {
    throw new ProtocolError(
      'group-out-of-bounds',
      `The server chose a Diffie-Hellman group of ${bits} bits; we asked for ${min} to ${max}.`,
    )
  }
  if (!isOdd(group.p)) throw invalidValue(`The modulus of the server's Diffie-Hellman group (${bits} bits) is even, so it is no prime.`)
  if (!isGenerator(group)) {
    throw invalidValue(
      `The generator of the server's Diffie-Hellman group has ${bitLength(group.g)} bits; it must lie between 1 and p - 1.`,
    )
  }
}

/** The smallest group that is large enough, else the largest allowed (RFC 4419 §3). Our own bounds narrow the client's. */
const chooseGroup = (run: KexRun, wanted: Wishes): DhGroup => {
  const asked = 'min' in wanted ? wanted : { ...run.groupSizes, n: wanted.n }
  const min = Math.max(asked.min, run.groupSizes.min)
  const max = Math.min(asked.max, run.groupSizes.max)
  const fitting = run.groups
    .map(group => ({ group, bits: bitLength(group.p) }))
    .filter(({ bits }) => bits >= min && bits <= max)
    .sort((a, b) => a.bits - b.bits)
  const chosen = fitting.find(({ bits }) => bits >= asked.n) ?? fitting.at(-1)
  // The old request states no bounds that could contradict each other.
  const orderly = !('min' in wanted) || (wanted.min <= wanted.n && wanted.n <= wanted.max)
  if (chosen === undefined || !orderly) {
    throw new ProtocolError(
      'group-out-of-bounds',
      `The client asked for a Diffie-Hellman group of ${asked.min} to ${asked.max} bits, best ${asked.n}; ` +
        (orderly
          ? `we have none of these between ${run.groupSizes.min} and ${run.groupSizes.max}.`
          : 'these bounds contradict each other.'),
    )
  }
  return chosen.group
}

const result = (secret: Uint8Array, wanted: Wishes, group: DhGroup, e: Uint8Array, f: Uint8Array): KexResult => {
  const first = 'min' in wanted ? encode(wishes, wanted) : encode(uint32, wanted.n)
  const second = encode(values, { p: group.p, g: group.g, e, f })
  const hashed = new Uint8Array(first.length + second.length)
  hashed.set(first)
  hashed.set(second, first.length)
  const done = { secret: encode(mpint, secret), hashed }
  secret.fill(0)
  return done
}

export const diffieHellmanGroupExchangeSha256 = groupExchange({
  name: 'diffie-hellman-group-exchange-sha256',
  standing: 'default',
  hash: 'sha256',
})

/** SHA-1 (RFC 9142 §3.3). */
export const insecureDiffieHellmanGroupExchangeSha1 = groupExchange({
  name: 'diffie-hellman-group-exchange-sha1',
  standing: 'insecure',
  hash: 'sha1',
})
