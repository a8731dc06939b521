// Owns the exchange of two curve points (RFC 5656 §4, RFC 8731 §3), client and server. Knows no curve by name.
import type { HashName } from '../../crypto/provider.ts'
import { bytes, encode, mpint, struct } from '../../wire/codec.ts'
import { receive, send } from '../../wire/dialogue.ts'
import type { KexMethod, KexResult, Standing } from '../rows.ts'
import type { Curve } from './curves.ts'
import { KexEcdhInit, KexEcdhReply } from './messages.ts'

/** What stands between K_S and K: Q_C and Q_S. */
export const publicValues = struct({ Q_C: bytes, Q_S: bytes })

/** A method's row. K is the agreed bytes as a big-endian number. */
export const curveExchange = <const N extends string>(
  columns: { readonly name: N; readonly standing: Standing; readonly hash: HashName },
  curve: Curve,
): KexMethod<N> => ({
  ...columns,
  messages: [KexEcdhInit, KexEcdhReply],
  *client(run) {
    const mine = curve.generate(run)
    yield* send(KexEcdhInit, { clientPublic: mine.publicKey })
    const { hostKey, serverPublic, signature } = yield* receive(KexEcdhReply)
    const secret = curve.agree(mine, 'server', serverPublic)
    return { ...result(secret, mine.publicKey, serverPublic), proof: { hostKey: hostKey.slice(), signature: signature.slice() } }
  },
  *server(run) {
    const { clientPublic } = yield* receive(KexEcdhInit)
    const mine = curve.generate(run)
    const done = result(curve.agree(mine, 'client', clientPublic), clientPublic, mine.publicKey)
    const proof = yield* run.prove(done)
    yield* send(KexEcdhReply, { ...proof, serverPublic: mine.publicKey })
    return done
  },
})

const result = (secret: Uint8Array, Q_C: Uint8Array, Q_S: Uint8Array): KexResult => {
  const done = { secret: encode(mpint, secret), hashed: encode(publicValues, { Q_C, Q_S }) }
  secret.fill(0)
  return done
}
