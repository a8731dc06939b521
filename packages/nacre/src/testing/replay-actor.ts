// Owns the application's part in a replay: it reads from what was sent what the application must have done, and does it
// again. Knows nothing of comparing.
import {
  UserauthBanner,
  UserauthFailure,
  UserauthInfoRequest,
  UserauthInfoResponse,
  UserauthPasswdChangereq,
  UserauthRequest,
  UserauthSuccess,
} from '../auth/messages.ts'
import type { Credential, Verdict } from '../auth/questions.ts'
import type { Channel } from '../connection/channel.ts'
import type { ChannelRequestQuestion, GlobalRequestQuestion, OpenQuestion } from '../connection/events.ts'
import {
  ChannelClose,
  ChannelData,
  ChannelEof,
  ChannelExtendedData,
  ChannelFailure,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
  GlobalRequest,
  RequestFailure,
  RequestSuccess,
} from '../connection/messages.ts'
import { Secret } from '../crypto/secret.ts'
import type { Engine } from '../engine/engine.ts'
import type { Ended, EngineEvent, EngineQuestion } from '../engine/events.ts'
import type { TranscriptPacket } from '../engine/trace.ts'
import { channelOpenFailures, type ChannelOpenFailureReason, disconnectReasonName } from '../errors.ts'
import { signatureBlob } from '../keys/verify.ts'
import { Disconnect, KexInit, Ping } from '../transport/messages.ts'
import { boolean, bytes, encode, prose, rest, text } from '../wire/codec.ts'
import { decodeMessage } from '../wire/message.ts'
import { Reader } from '../wire/reader.ts'

/** Details exactly as they were sent. */
const raw = (name: string) => ({ name, codec: rest })

const failureName = (code: number): ChannelOpenFailureReason =>
  (Object.keys(channelOpenFailures) as ChannelOpenFailureReason[]).find(each => channelOpenFailures[each] === code) ?? 'connect-failed'

/** What a client tried, from its request. */
const credentialFrom = (payload: Uint8Array): Credential => {
  const { methodName, details } = decodeMessage(UserauthRequest, payload)
  const reader = new Reader(details)
  if (methodName === 'password') {
    boolean.read(reader)
    return { method: 'password', password: new Secret(text.read(reader)), source: 'transcript' }
  }
  if (methodName === 'keyboard-interactive') {
    prose.read(reader)
    return { method: 'keyboard-interactive', submethods: prose.read(reader), source: 'transcript' }
  }
  if (methodName === 'hostbased') {
    const algorithm = text.read(reader)
    const publicKey = bytes.read(reader).slice()
    const [clientHost, clientUser] = [text.read(reader), text.read(reader)]
    const sign = (): Uint8Array => encode(signatureBlob, { algorithm, signature: new Uint8Array(64) })
    return { method: 'hostbased', publicKey, algorithm, clientHost, clientUser, fingerprint: '', source: 'transcript', sign }
  }
  if (methodName === 'publickey') {
    const proof = boolean.read(reader)
    const algorithm = text.read(reader)
    const publicKey = bytes.read(reader).slice()
    return {
      method: 'publickey',
      publicKey,
      algorithm,
      fingerprint: '',
      source: 'transcript',
      query: !proof,
      sign: () => encode(signatureBlob, { algorithm, signature: new Uint8Array(64) }),
    }
  }
  return { method: 'none' }
}

/** A signature blob of the algorithm a proof named; certificates sign by the name of their key. */
const signatureFrom = (payload: Uint8Array): Uint8Array => {
  const { methodName, details } = decodeMessage(UserauthRequest, payload)
  const reader = new Reader(details)
  if (methodName !== 'hostbased') boolean.read(reader)
  text.read(reader)
  bytes.read(reader)
  if (methodName === 'hostbased') {
    text.read(reader)
    text.read(reader)
  }
  return bytes.read(reader).slice()
}

/** What a server decided, from what it said next. */
const verdictFrom = (payload: Uint8Array): Verdict => {
  switch (payload[0]) {
    case UserauthSuccess.number:
      return { is: 'accept', identity: undefined }
    case UserauthFailure.number: {
      const { canContinue, partialSuccess } = decodeMessage(UserauthFailure, payload)
      return { is: partialSuccess ? 'partial' : 'refuse', remaining: canContinue }
    }
    default:
      return { is: 'refuse', remaining: [] }
  }
}

export class ReplayActor {
  ending: Ended | undefined
  readonly #engine: Engine
  /** Channels by our number, and by the peer's. */
  readonly #ours = new Map<number, Channel>()
  readonly #theirs = new Map<number, Channel>()
  readonly #opens: OpenQuestion[] = []
  readonly #globalRequests: GlobalRequestQuestion[] = []
  readonly #requests = new Map<Channel, ChannelRequestQuestion[]>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  event(event: EngineEvent): void {
    if (event.is === 'open-request') this.#opens.push(event.question)
    else if (event.is === 'global-request' && event.question.wantReply) this.#globalRequests.push(event.question)
    else if (event.is === 'channel-request' && event.question.wantReply) {
      const waiting = this.#requests.get(event.channel) ?? []
      this.#requests.set(event.channel, [...waiting, event.question])
    } else if (event.is === 'ended') this.ending = event
  }

  /** A packet that is about to arrive. */
  received({ number, payload }: TranscriptPacket): void {
    if (number !== ChannelOpenConfirmation.number) return
    const { recipientChannel, senderChannel } = decodeMessage(ChannelOpenConfirmation, payload)
    const channel = this.#ours.get(recipientChannel)
    if (channel !== undefined) this.#theirs.set(senderChannel, channel)
  }

  /** Answers a question of a login as it was answered then; `sent` is what followed, from `packets[at]` on. */
  answer(question: EngineQuestion, sent: TranscriptPacket, packets: readonly TranscriptPacket[], at: number): void {
    const { payload, number } = sent
    switch (question.about) {
      case 'credential':
        question.answer(number === UserauthRequest.number ? credentialFrom(payload) : { method: 'give-up', notes: [] })
        return
      case 'signature':
        question.answer(number === UserauthRequest.number ? signatureFrom(payload) : undefined)
        return
      case 'prompts':
        question.answer(number === UserauthInfoResponse.number ? decodeMessage(UserauthInfoResponse, payload).responses : undefined)
        return
      case 'new-password': {
        const reader = new Reader(number === UserauthRequest.number ? decodeMessage(UserauthRequest, payload).details : new Uint8Array(0))
        if (reader.remaining === 0) question.answer(undefined)
        else {
          boolean.read(reader)
          text.read(reader)
          question.answer(new Secret(text.read(reader)))
        }
        return
      }
      case 'attempt':
        this.#judge(question, packets, at)
        return
      default:
        question.fail(new TypeError(`a replay does not answer questions about ${question.about}`))
    }
  }

  #judge(question: Extract<EngineQuestion, { about: 'attempt' }>, packets: readonly TranscriptPacket[], from: number): void {
    let at = from
    for (; packets[at]?.direction === 'sent' && packets[at].number === UserauthBanner.number; at++)
      question.ask.banner(decodeMessage(UserauthBanner, packets[at].payload).message)
    const { payload, name } = packets[at]
    const { method } = question.ask.attempt
    if (name === UserauthInfoRequest.name) question.answer({ is: 'prompt', ...decodeMessage(UserauthInfoRequest, payload) })
    else if (name === UserauthPasswdChangereq.name)
      question.answer({ is: 'change-password', prompt: decodeMessage(UserauthPasswdChangereq, payload).prompt })
    else if (method === 'publickey' && !question.ask.attempt.proven && payload[0] === 60)
      question.answer({ is: 'accept', identity: undefined })
    else question.answer(verdictFrom(payload))
  }

  /** Does what made the engine send this. */
  act({ number, payload }: TranscriptPacket): void {
    const { connection } = this.#engine
    switch (number) {
      case Disconnect.number: {
        const { reasonCode, description } = decodeMessage(Disconnect, payload)
        this.#engine.disconnect(disconnectReasonName(reasonCode) ?? 'by-application', description)
        return
      }
      case KexInit.number:
        this.#engine.rekey()
        return
      case Ping.number:
        this.#engine.ping(decodeMessage(Ping, payload).data)
        return
      case GlobalRequest.number: {
        const { requestName, wantReply, details } = decodeMessage(GlobalRequest, payload)
        connection.globalRequest(raw(requestName), details, wantReply ? () => {} : undefined)
        return
      }
      case RequestSuccess.number:
        this.#globalRequests.shift()?.succeed(decodeMessage(RequestSuccess, payload).details)
        return
      case RequestFailure.number:
        this.#globalRequests.shift()?.fail()
        return
      case ChannelOpen.number: {
        const { channelType, details } = decodeMessage(ChannelOpen, payload)
        const channel = connection.open(raw(channelType), details)
        this.#ours.set(channel.number, channel)
        return
      }
      case ChannelOpenConfirmation.number: {
        const { recipientChannel, details } = decodeMessage(ChannelOpenConfirmation, payload)
        const channel = this.#opens.shift()?.accept(details)
        if (channel !== undefined) this.#theirs.set(recipientChannel, channel)
        return
      }
      case ChannelOpenFailure.number: {
        const { reasonCode, description } = decodeMessage(ChannelOpenFailure, payload)
        this.#opens.shift()?.refuse(failureName(reasonCode), description)
        return
      }
      default:
        this.#actOnChannel(number, payload)
    }
  }

  #actOnChannel(number: number, payload: Uint8Array): void {
    if (number < ChannelWindowAdjust.number || number > ChannelFailure.number) return
    const channel = this.#theirs.get(new Reader(payload, 1).uint32())
    if (channel === undefined) return
    switch (number) {
      case ChannelWindowAdjust.number:
        channel.consume(Math.min(channel.unconsumed, decodeMessage(ChannelWindowAdjust, payload).bytesToAdd))
        return
      case ChannelData.number:
        channel.write(decodeMessage(ChannelData, payload).data)
        return
      case ChannelExtendedData.number: {
        const { data, dataTypeCode } = decodeMessage(ChannelExtendedData, payload)
        channel.write(data, dataTypeCode)
        return
      }
      case ChannelEof.number:
        channel.eof()
        return
      case ChannelClose.number:
        channel.close()
        return
      case ChannelRequest.number: {
        const { requestType, wantReply, details } = decodeMessage(ChannelRequest, payload)
        channel.request(raw(requestType), details, wantReply ? () => {} : undefined)
        return
      }
      default: {
        const question = this.#requests.get(channel)?.shift()
        if (number === ChannelSuccess.number) question?.succeed()
        else question?.fail()
      }
    }
  }
}
