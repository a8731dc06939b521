// Owns the method "gssapi-keyex" (RFC 4462 §4), both sides: a key exchange by GSS-API has proven who the client is, and its
// context signs for this user. Knows nothing of the exchange; without its context the method fails.
import { bytes, decode, struct } from '../../wire/codec.ts'
import { gssSign, gssSignedData, gssVerify } from '../gss.ts'
import { type AuthMethod, outcomeOf, settled } from '../method.ts'
import type { Credential } from '../questions.ts'

// RFC 4462 §4
const requestDetails = struct({ mic: bytes })

export const gssapiKeyex: AuthMethod<Extract<Credential, { method: 'gssapi-keyex' }>> = {
  name: 'gssapi-keyex',
  messages: [],
  *client(turn, { context }) {
    const mic = yield* gssSign(context, gssSignedData(turn.run, 'gssapi-keyex'))
    if (typeof mic === 'string') return { is: 'abandoned', note: mic }
    yield* turn.request('gssapi-keyex', requestDetails, { mic })
    return outcomeOf(yield* turn.reply())
  },
  *server(turn, input) {
    const { mic } = decode(requestDetails, input)
    const context = turn.run.keyExchangeContext?.()
    if (context?.initiator === undefined) return { is: 'failed' }
    const session = { sessionId: turn.run.sessionId, user: turn.user, service: turn.service }
    if (!(yield* gssVerify(context, gssSignedData(session, 'gssapi-keyex'), mic))) return { is: 'failed' }
    const { initiator, delegated, mechanism } = context
    return settled('gssapi-keyex', yield* turn.judge({ method: 'gssapi-keyex', mechanism: mechanism.name, initiator, delegated }))
  },
}
