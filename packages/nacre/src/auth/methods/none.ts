// Owns the method "none" (RFC 4252 §5.2): asks what the server wants, or is let in without any proof.
// Knows nothing of who would allow that.
import { decode, struct } from '../../wire/codec.ts'
import { type AuthMethod, outcomeOf, settled } from '../method.ts'
import type { Credential } from '../questions.ts'

const details = struct({})

export const none: AuthMethod<Extract<Credential, { method: 'none' }>> = {
  name: 'none',
  messages: [],
  *client(turn) {
    yield* turn.request('none', details, {})
    return outcomeOf(yield* turn.reply())
  },
  *server(turn, input) {
    decode(details, input)
    return settled('none', yield* turn.judge({ method: 'none' }))
  },
}
