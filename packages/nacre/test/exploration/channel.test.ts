// Every sequence of what a peer and an application can do with one channel, opened by either side, and with global requests,
// held against a model written from RFC 4254: what is sent, what the application is told, what ends the connection.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel } from '../../src/connection/channel.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import type { OpenQuestion } from '../../src/connection/events.ts'
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
} from '../../src/connection/messages.ts'
import { shell } from '../../src/connection/requests/shell.ts'
import { ProtocolError, WireError } from '../../src/errors.ts'
import { encodeMessage } from '../../src/wire/message.ts'
import { Side } from '../connection/pair.ts'
import { channelModel, globalModel, states } from './channel-model.ts'
import { explore, type Subject } from './explore.ts'

const timeout = 60_000
const nothing = new Uint8Array(0)
const to = { recipientChannel: 0 } as const
const opening = { channelType: 'session', senderChannel: 9, initialWindowSize: 1000, details: nothing } as const
const request = (wantReply: boolean) => encodeMessage(ChannelRequest, { ...to, requestType: 'shell', wantReply, details: nothing })
const global = (wantReply: boolean) => encodeMessage(GlobalRequest, { requestName: 'nonsense@example.org', wantReply, details: nothing })

const payloads: Readonly<Record<string, Uint8Array>> = {
  OPEN: encodeMessage(ChannelOpen, { ...opening, maximumPacketSize: 100 }),
  'OPEN for packets of 0 bytes': encodeMessage(ChannelOpen, { ...opening, maximumPacketSize: 0 }),
  OPEN_CONFIRMATION: encodeMessage(ChannelOpenConfirmation, {
    ...to,
    senderChannel: 9,
    initialWindowSize: 1000,
    maximumPacketSize: 100,
    details: nothing,
  }),
  OPEN_FAILURE: encodeMessage(ChannelOpenFailure, { ...to, reasonCode: 1, description: '', languageTag: '' }),
  DATA: encodeMessage(ChannelData, { ...to, data: Uint8Array.of(1) }),
  EXTENDED_DATA: encodeMessage(ChannelExtendedData, { ...to, dataTypeCode: 1, data: Uint8Array.of(1) }),
  'EXTENDED_DATA of type 0': encodeMessage(ChannelExtendedData, { ...to, dataTypeCode: 0, data: Uint8Array.of(1) }),
  'DATA for another channel': encodeMessage(ChannelData, { recipientChannel: 1, data: Uint8Array.of(1) }),
  WINDOW_ADJUST: encodeMessage(ChannelWindowAdjust, { ...to, bytesToAdd: 1 }),
  EOF: encodeMessage(ChannelEof, to),
  CLOSE: encodeMessage(ChannelClose, to),
  REQUEST: request(false),
  'REQUEST that wants a reply': request(true),
  SUCCESS: encodeMessage(ChannelSuccess, to),
  FAILURE: encodeMessage(ChannelFailure, to),
  GLOBAL_REQUEST: global(false),
  'GLOBAL_REQUEST that wants a reply': global(true),
  REQUEST_SUCCESS: encodeMessage(RequestSuccess, { details: nothing }),
  REQUEST_FAILURE: encodeMessage(RequestFailure, {}),
}

/** An application with one channel, and a list of what it was asked. */
const subject = (): Subject => {
  const side = new Side('server', { limits: { maximumChannels: 1 } })
  const { connection } = side
  const seen: string[] = []
  const held: { succeed(): void; fail(): void }[] = []
  let offered: OpenQuestion | undefined
  let channel: Channel | undefined
  side.onEvent = event => {
    if (event.is === 'open-request') offered = event.question
    if (event.is === 'channel-request' || event.is === 'global-request') held.push(event.question)
    if (event.is === 'data') event.channel.consume(event.bytes.length)
    seen.push(event.is)
  }
  const reply = (ok: boolean, error?: Error): void => void seen.push(`reply: ${error === undefined ? (ok ? 'yes' : 'no') : 'never'}`)
  const acts: Readonly<Record<string, () => unknown>> = {
    'we open': () => (channel = connection.open(session, {})),
    'we accept': () => (channel = offered?.accept()),
    'we refuse': () => offered?.refuse('connect-failed'),
    'we write': () => channel?.write(Uint8Array.of(1)),
    'we end our data': () => channel?.eof(),
    'we close': () => channel?.close(),
    'we ask': () => channel?.request(shell, {}, reply),
    'we ask globally': () => connection.keepalive(error => reply(true, error)),
    'we agree to the oldest': () => held.shift()?.succeed(),
    'we refuse the newest': () => held.pop()?.fail(),
  }
  return {
    act: letter => {
      seen.length = 0
      let ended: string[] = []
      try {
        if (letter in acts) acts[letter]()
        else side.take(payloads[letter])
      } catch (error) {
        if (error instanceof ProtocolError) ended = [`ended ${error.violation}`]
        else if (error instanceof WireError) ended = ['ended malformed-message']
        else throw error
      }
      return [...side.said(), ...seen, ...ended]
    },
  }
}

const after = (...letters: readonly string[]): (() => Subject) => {
  return () => {
    const made = subject()
    for (const letter of letters) made.act(letter)
    return made
  }
}

describe('a channel', () => {
  const life = ['OPEN', 'we accept', 'REQUEST that wants a reply', 'we close', 'CLOSE']
  const walks: readonly (readonly [string, keyof typeof states, readonly string[], number])[] = [
    ['that does not exist yet', 'none', [], 5],
    ['that we opened', 'open', ['we open', 'OPEN_CONFIRMATION'], 4],
    ['that the peer opened', 'open', ['OPEN', 'we accept'], 4],
    ['that has the number of one before, of which a request is still held', 'left', life, 5],
  ]
  for (const [what, state, before, depth] of walks) {
    it(`${what}: every sequence of ${depth} messages and calls`, { timeout }, context => {
      const walk = explore(channelModel(states[state]), after(...before), depth)
      context.diagnostic(`${walk.sequences} sequences`)
      assert.ok(walk.sequences > 1000)
    })
  }
})

describe('global requests', () => {
  it('of both sides: every sequence of 6 messages and answers', { timeout }, context => {
    // A keepalive does not tell yes from no: any answer is a sign of life.
    const model = { ...globalModel, step: (state: typeof globalModel.first, letter: string) => anyAnswer(globalModel.step(state, letter)) }
    const walk = explore(model, subject, 6)
    context.diagnostic(`${walk.sequences} sequences`)
    assert.ok(walk.sequences > 1000)
  })
})

const anyAnswer = <R extends { readonly seen: readonly string[] }>(reaction: R): R => ({
  ...reaction,
  seen: reaction.seen.map(each => (each === 'reply: no' ? 'reply: yes' : each)),
})
