// Owns Diffie-Hellman in a fixed group (RFC 4253 §8, RFC 8268), client and server.
import type { HashName } from '../../crypto/provider.ts'
import { encode, mpint, struct } from '../../wire/codec.ts'
import { receive, send } from '../../wire/dialogue.ts'
import type { DhGroup, KexMethod, KexResult, Standing } from '../rows.ts'
import { agreed, ourSide, publicValue } from './diffie-hellman.ts'
import { group1, group14, group16, group18 } from './groups.ts'
import { KexDhInit, KexDhReply } from './messages.ts'

/** What stands between K_S and K. */
const values = struct({ e: mpint, f: mpint })

const groupExchange = <const N extends string>(
  columns: { readonly name: N; readonly standing: Standing; readonly hash: HashName },
  group: DhGroup,
): KexMethod<N> => ({
  ...columns,
  messages: [KexDhInit, KexDhReply],
  *client(run) {
    const mine = yield* ourSide(run, group)
    yield* send(KexDhInit, { e: mine.publicKey })
    const reply = yield* receive(KexDhReply)
    const proof = { hostKey: reply.hostKey.slice(), signature: reply.signature.slice() }
    const f = publicValue(group, 'server', reply.f)
    const secret = yield* agreed(mine, 'server', f)
    return { ...result(secret, mine.publicKey, f), proof }
  },
  *server(run) {
    const e = publicValue(group, 'client', (yield* receive(KexDhInit)).e)
    const mine = yield* ourSide(run, group)
    const done = result(yield* agreed(mine, 'client', e), e, mine.publicKey)
    const proof = yield* run.prove(done)
    yield* send(KexDhReply, { ...proof, f: mine.publicKey })
    return done
  },
})

const result = (secret: Uint8Array, e: Uint8Array, f: Uint8Array): KexResult => {
  const done = { secret: encode(mpint, secret), hashed: encode(values, { e, f }) }
  secret.fill(0)
  return done
}

export const diffieHellmanGroup14Sha256 = groupExchange(
  { name: 'diffie-hellman-group14-sha256', standing: 'default', hash: 'sha256' },
  group14,
)
export const diffieHellmanGroup16Sha512 = groupExchange(
  { name: 'diffie-hellman-group16-sha512', standing: 'default', hash: 'sha512' },
  group16,
)
export const diffieHellmanGroup18Sha512 = groupExchange(
  { name: 'diffie-hellman-group18-sha512', standing: 'default', hash: 'sha512' },
  group18,
)

/** SHA-1 (RFC 9142 §3.4). */
export const insecureDiffieHellmanGroup14Sha1 = groupExchange(
  { name: 'diffie-hellman-group14-sha1', standing: 'insecure', hash: 'sha1' },
  group14,
)
/** SHA-1 and a group of 1024 bits that a state can break. */
export const insecureDiffieHellmanGroup1Sha1 = groupExchange(
  { name: 'diffie-hellman-group1-sha1', standing: 'insecure', hash: 'sha1' },
  group1,
)
