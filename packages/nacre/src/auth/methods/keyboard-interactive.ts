// Owns the method "keyboard-interactive" (RFC 4256), both sides: rounds of prompts and responses. Knows nothing of who
// answers a prompt or what the prompts are about.
import { ProtocolError } from '../../errors.ts'
import { Secret } from '../../crypto/secret.ts'
import { decode, prose, struct } from '../../wire/codec.ts'
import { ask, receiveAny, send } from '../../wire/dialogue.ts'
import { UserauthInfoRequest, UserauthInfoResponse, UserauthRequest } from '../messages.ts'
import { type AuthMethod, outcomeOf, settled } from '../method.ts'
import type { Credential, PromptsQuestion } from '../questions.ts'

// RFC 4256 §3.1. The language tag is deprecated there; submethods are hints, separated by commas.
const requestDetails = struct({ languageTag: prose, submethods: prose })

/** Rounds a server may ask for before it is taken for a loop. */
const roundLimit = 100

export const keyboardInteractive: AuthMethod<Extract<Credential, { method: 'keyboard-interactive' }>> = {
  name: 'keyboard-interactive',
  messages: [UserauthInfoRequest, UserauthInfoResponse],
  *client(turn, credential) {
    yield* turn.request('keyboard-interactive', requestDetails, { languageTag: '', submethods: credential.submethods })
    for (let rounds = 0; ; rounds++) {
      const reply = yield* turn.reply(UserauthInfoRequest)
      if (reply.is !== 'SSH_MSG_USERAUTH_INFO_REQUEST') {
        return outcomeOf(reply, rounds === 0 && reply.is === 'SSH_MSG_USERAUTH_FAILURE' ? 'the server asked nothing' : undefined)
      }
      if (rounds === roundLimit) throw new ProtocolError('auth-request-limit', `The server sent prompts more than ${roundLimit} times.`)
      const { name, instruction, prompts } = reply.value
      // Without prompts too: the texts may be news for the person (RFC 4256 §3.2), and the empty response is due.
      const question: PromptsQuestion = { is: 'prompts', name, instruction, prompts }
      const responses = yield* ask(question)
      if (responses === undefined) return { is: 'abandoned', note: 'the prompts were cancelled' }
      if (responses.length !== prompts.length) {
        return { is: 'abandoned', note: `${responses.length} responses were given to ${prompts.length} prompts` }
      }
      yield* send(UserauthInfoResponse, { responses })
    }
  },
  *server(turn, input) {
    const { submethods } = decode(requestDetails, input)
    const hints = submethods.split(',').filter(each => each !== '')
    let verdict = yield* turn.judge({ method: 'keyboard-interactive', submethods: hints })
    while (verdict.is === 'prompt') {
      const { name, instruction, prompts } = verdict
      yield* send(UserauthInfoRequest, { name, instruction, languageTag: '', prompts })
      // RFC 4256 §3.1: a new request abandons this one.
      const received = yield* receiveAny(UserauthRequest, UserauthInfoResponse)
      if (received.is === 'SSH_MSG_USERAUTH_REQUEST') return { is: 'abandoned', next: received.value }
      turn.count()
      // RFC 4256 §3.4: another number of responses than of prompts is a failure.
      if (received.value.responses.length !== prompts.length) return { is: 'failed' }
      verdict = yield* turn.judge({
        method: 'keyboard-interactive-response',
        responses: received.value.responses.map(each => new Secret(each)),
      })
    }
    return settled('keyboard-interactive', verdict)
  },
}
