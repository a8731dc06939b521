// Owns the method "gssapi-with-mic" (RFC 4462 §3), both sides: choosing a mechanism, its tokens back and forth, and the
// signature that ties them to this session and user. Knows no mechanism, and nothing of who is allowed in.
import { equalBytes } from '../../crypto/constant-time.ts'
import { escapeForPeople, ProtocolError } from '../../errors.ts'
import { bytes, counted, decode, struct } from '../../wire/codec.ts'
import { type Dialogue, receiveAny, send } from '../../wire/dialogue.ts'
import { type GssContext, type GssStep, gssSign, gssSignedData, gssStep, gssVerify } from '../gss.ts'
import {
  UserauthGssapiErrtok,
  UserauthGssapiError,
  UserauthGssapiExchangeComplete,
  UserauthGssapiMic,
  UserauthGssapiResponse,
  UserauthGssapiToken,
  UserauthRequest,
} from '../messages.ts'
import {
  type AuthMethod,
  type ClientOutcome,
  type ClientTurn,
  type MethodReply,
  outcomeOf,
  type ServerOutcome,
  type ServerTurn,
  settled,
} from '../method.ts'
import type { Credential } from '../questions.ts'

/** Mechanisms one request may name; more is no offer in good faith. */
const mechanismLimit = 64
/** Tokens one side may want before it is taken for a loop. */
const tokenLimit = 100

// RFC 4462 §3.2
const requestDetails = struct({ mechanisms: counted(bytes, mechanismLimit) })

export const gssapiWithMic: AuthMethod<Extract<Credential, { method: 'gssapi-with-mic' }>> = {
  name: 'gssapi-with-mic',
  messages: [
    UserauthGssapiResponse,
    UserauthGssapiToken,
    UserauthGssapiExchangeComplete,
    UserauthGssapiError,
    UserauthGssapiErrtok,
    UserauthGssapiMic,
  ],
  *client(turn, credential) {
    const mechanisms = credential.mechanisms.filter(each => each.initiate !== undefined)
    yield* turn.request('gssapi-with-mic', requestDetails, { mechanisms: mechanisms.map(each => each.identifier) })
    const reply = yield* turn.reply(UserauthGssapiResponse)
    if (reply.is !== 'SSH_MSG_USERAUTH_GSSAPI_RESPONSE') return outcomeOf(reply, 'the server takes none of our mechanisms')
    const chosen = mechanisms.find(each => equalBytes(each.identifier, reply.value.mechanism))
    if (chosen?.initiate === undefined) throw new ProtocolError('message-unexpected', 'The server chose a mechanism that we did not offer.')
    const context = chosen.initiate()
    const ended = yield* establish(turn, context)
    if (ended !== undefined) return ended
    if (!context.integrity) {
      yield* send(UserauthGssapiExchangeComplete, {})
      return outcomeOf(yield* turn.reply())
    }
    const mic = yield* gssSign(context, gssSignedData(turn.run, 'gssapi-with-mic'))
    if (typeof mic === 'string') return { is: 'abandoned', note: mic }
    yield* send(UserauthGssapiMic, { mic })
    return outcomeOf(yield* turn.reply())
  },
  *server(turn, input) {
    const { mechanisms } = decode(requestDetails, input)
    const verdict = yield* turn.judge({ method: 'gssapi-with-mic', mechanisms })
    if (verdict.is === 'refuse') return verdict
    // Nothing is proven yet, whatever somebody answers.
    if (verdict.is !== 'gss') throw new TypeError(`The verdict "${verdict.is}" does not answer a list of mechanisms.`)
    const { mechanism, context } = verdict
    yield* send(UserauthGssapiResponse, { mechanism: mechanism.identifier })
    const ended = (yield* accept(turn, context)) ?? (yield* finish(turn, context))
    if (ended !== undefined) return ended
    const { initiator, delegated } = context
    // Whoever is established and has no name cannot be judged.
    if (initiator === undefined) return { is: 'failed' }
    const proof = { method: 'gssapi-with-mic-proof', mechanism: mechanism.name, initiator, delegated } as const
    return settled('gssapi-with-mic', yield* turn.judge(proof))
  },
}

// ── client ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Exchanges tokens until our end is established; returns the outcome when that never happens. */
function* establish(turn: ClientTurn, context: GssContext): Dialogue<ClientOutcome | undefined> {
  let said: string | undefined
  let step = yield* gssStep(context, undefined)
  for (let tokens = 0; ; tokens++) {
    if (step.is === 'failed') {
      // RFC 4462 §3.9: the other mechanism is told why; the next request ends the method.
      if (step.token !== undefined) yield* send(UserauthGssapiErrtok, { token: step.token })
      return { is: 'abandoned', note: step.message }
    }
    if (step.token !== undefined) yield* send(UserauthGssapiToken, { token: step.token })
    if (step.is === 'established') return undefined
    if (tokens === tokenLimit) throw new ProtocolError('auth-request-limit', `The server wanted more than ${tokenLimit} tokens.`)
    let reply: MethodReply<[typeof UserauthGssapiToken, typeof UserauthGssapiError, typeof UserauthGssapiErrtok]>
    do {
      reply = yield* turn.reply(UserauthGssapiToken, UserauthGssapiError, UserauthGssapiErrtok)
      // RFC 4462 §3.8: words for the person, before the server gives up.
      if (reply.is === 'SSH_MSG_USERAUTH_GSSAPI_ERROR') said = escapeForPeople(reply.value.message, { limit: 400 })
    } while (reply.is === 'SSH_MSG_USERAUTH_GSSAPI_ERROR')
    if (reply.is === 'SSH_MSG_USERAUTH_FAILURE') return outcomeOf(reply, said)
    if (reply.is === 'SSH_MSG_USERAUTH_SUCCESS')
      throw new ProtocolError('message-unexpected', 'The server answered SUCCESS before the mechanism was done.')
    step = yield* gssStep(context, reply.value.token.slice())
    if (reply.is === 'SSH_MSG_USERAUTH_GSSAPI_ERRTOK') {
      const refusal = yield* turn.reply()
      return outcomeOf(refusal, said ?? (step.is === 'failed' ? step.message : undefined))
    }
  }
}

// ── server ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Exchanges tokens until our end is established; returns the outcome when that never happens. */
function* accept(turn: ServerTurn, context: GssContext): Dialogue<ServerOutcome | undefined> {
  for (;;) {
    const received = yield* receiveAny(UserauthRequest, UserauthGssapiToken, UserauthGssapiErrtok)
    if (received.is === 'SSH_MSG_USERAUTH_REQUEST') return { is: 'abandoned', next: received.value }
    turn.count()
    const step = yield* gssStep(context, received.value.token.slice())
    // RFC 4462 §3.9: what follows an error token is a new request; this one has failed.
    if (received.is === 'SSH_MSG_USERAUTH_GSSAPI_ERRTOK') return { is: 'failed' }
    if (step.is === 'failed') {
      yield* fail(step)
      return { is: 'failed' }
    }
    if (step.token !== undefined) yield* send(UserauthGssapiToken, { token: step.token })
    if (step.is === 'established') return undefined
  }
}

function* fail({ major, minor, message, token }: Extract<GssStep, { is: 'failed' }>): Dialogue<void> {
  if (token !== undefined) yield* send(UserauthGssapiErrtok, { token })
  // Without status codes it is our own trouble, whose words are for the log alone.
  if (major !== undefined) yield* send(UserauthGssapiError, { majorStatus: major, minorStatus: minor ?? 0, message, languageTag: '' })
}

/** The last message of the client; returns the outcome when nothing is proven. */
function* finish(turn: ServerTurn, context: GssContext): Dialogue<ServerOutcome | undefined> {
  const received = yield* receiveAny(UserauthRequest, UserauthGssapiMic, UserauthGssapiExchangeComplete)
  if (received.is === 'SSH_MSG_USERAUTH_REQUEST') return { is: 'abandoned', next: received.value }
  turn.count()
  // RFC 4462 §3.5: where signing is possible, a client that does not sign has proven nothing about this session.
  if (received.is === 'SSH_MSG_USERAUTH_GSSAPI_EXCHANGE_COMPLETE') return context.integrity ? { is: 'failed' } : undefined
  const session = { sessionId: turn.run.sessionId, user: turn.user, service: turn.service }
  const right = yield* gssVerify(context, gssSignedData(session, 'gssapi-with-mic'), received.value.mic.slice())
  return right ? undefined : { is: 'failed' }
}
