// Owns the method "password" (RFC 4252 §8) with the change of an expired password, both sides. Knows nothing of where
// passwords come from or how they are checked.
import { ProtocolError } from '../../errors.ts'
import { Secret } from '../../crypto/secret.ts'
import { boolean, decode, struct, text } from '../../wire/codec.ts'
import { ask, send } from '../../wire/dialogue.ts'
import { UserauthPasswdChangereq } from '../messages.ts'
import { type AuthMethod, outcomeOf, settled } from '../method.ts'
import type { Credential, NewPasswordQuestion } from '../questions.ts'

// RFC 4252 §8: the boolean says whether a new password follows.
const passwordDetails = struct({ change: boolean, password: text })
const changeDetails = struct({ change: boolean, oldPassword: text, newPassword: text })

/** How often one server may refuse a new password before it is taken for a loop. */
const changeLimit = 10

export const password: AuthMethod<Extract<Credential, { method: 'password' }>> = {
  name: 'password',
  messages: [UserauthPasswdChangereq],
  *client(turn, credential) {
    yield* turn.request('password', passwordDetails, { change: false, password: credential.password.reveal() })
    for (let changes = 0; ; changes++) {
      const reply = yield* turn.reply(UserauthPasswdChangereq)
      if (reply.is !== 'SSH_MSG_USERAUTH_PASSWD_CHANGEREQ') return outcomeOf(reply, changes > 0 ? 'after a change of password' : undefined)
      if (changes === changeLimit)
        throw new ProtocolError('auth-request-limit', `The server asked for a new password more than ${changeLimit} times.`)
      const question: NewPasswordQuestion = { is: 'new-password', prompt: reply.value.prompt }
      const chosen = yield* ask(question)
      if (chosen === undefined) return { is: 'abandoned', note: 'the password has expired and no new one was given' }
      yield* turn.request('password', changeDetails, {
        change: true,
        oldPassword: credential.password.reveal(),
        newPassword: chosen.reveal(),
      })
    }
  },
  *server(turn, input) {
    const changes = input.length > 0 && input[0] !== 0
    const verdict = yield* turn.judge(changes ? changeAttempt(input) : passwordAttempt(input))
    if (verdict.is !== 'change-password') return settled('password', verdict)
    yield* send(UserauthPasswdChangereq, { prompt: verdict.prompt, languageTag: '' })
    return { is: 'answered' }
  },
}

const passwordAttempt = (input: Uint8Array) =>
  ({ method: 'password', password: new Secret(decode(passwordDetails, input).password) }) as const

const changeAttempt = (input: Uint8Array) => {
  const { oldPassword, newPassword } = decode(changeDetails, input)
  return { method: 'password-change', oldPassword: new Secret(oldPassword), newPassword: new Secret(newPassword) } as const
}
