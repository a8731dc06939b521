// Every sequence of data, consumption and adjustments on a channel with a window of a few bytes, or of nearly 2^32: nothing is
// sent or taken beyond it, no sum leaves the numbers, and nobody waits for ever.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel } from '../../src/connection/channel.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import {
  ChannelData,
  ChannelEof,
  ChannelExtendedData,
  ChannelOpenConfirmation,
  ChannelWindowAdjust,
} from '../../src/connection/messages.ts'
import { ProtocolError } from '../../src/errors.ts'
import { decodeMessage } from '../../src/wire/message.ts'
import { Side } from '../connection/pair.ts'
import { explore, type Subject } from './explore.ts'
import { largest, receives, type Receiving, receivingLetters, sendingModel, sendingPacket } from './window-model.ts'

const timeout = 60_000
const to = { recipientChannel: 0 } as const

interface Ends {
  readonly side: Side
  readonly channel: Channel
  /** Does something and returns what was seen of it. */
  readonly watch: (act: () => string | void) => readonly string[]
}

/** A channel whose peer takes `window` bytes, and may send `size` of them. */
const openChannel = (window: number, size: number, packet: number): Ends => {
  const side = new Side('client', { limits: { initialWindow: size, maximumPacket: packet } })
  const channel = side.connection.open(session, {})
  side.hear(ChannelOpenConfirmation, {
    ...to,
    senderChannel: 9,
    initialWindowSize: window,
    maximumPacketSize: sendingPacket,
    details: new Uint8Array(0),
  })
  const seen: string[] = []
  side.onEvent = event => void seen.push(event.is === 'data' ? `data ${event.bytes.length}` : event.is)
  side.wire.length = 0
  const sent = (payload: Uint8Array): string =>
    payload[0] === ChannelData.number
      ? `CHANNEL_DATA ${decodeMessage(ChannelData, payload).data.length}`
      : `ADJUST ${decodeMessage(ChannelWindowAdjust, payload).bytesToAdd}`
  return {
    side,
    channel,
    watch: act => {
      seen.length = 0
      const said: string[] = []
      try {
        const result = act()
        if (result !== undefined) said.push(result)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        said.push(`ended ${error.violation}`)
      }
      return [...side.wire.splice(0).map(sent), ...seen, ...said]
    },
  }
}

describe('the window of a peer', () => {
  for (const window of [0, 3, largest - 1, largest]) {
    const depth = 5
    it(`of ${window} bytes: every sequence of ${depth} writes and adjustments`, { timeout }, context => {
      const fresh = (): Subject => {
        const { side, channel, watch } = openChannel(window, 1000, 1000)
        const act = (letter: string): string | void => {
          const [what, number] = letter.split(' ')
          if (what === 'write') return `took ${channel.write(new Uint8Array(Number(number)))}`
          if (what === 'ADJUST') side.hear(ChannelWindowAdjust, { ...to, bytesToAdd: Number(number) })
          else if (letter === 'the network is full') side.room = 0
          else side.open()
        }
        return { act: letter => watch(() => act(letter)) }
      }
      const walk = explore(sendingModel(window), fresh, depth)
      context.diagnostic(`${walk.sequences} sequences`)
      assert.ok(walk.sequences > 1000)
    })
  }
})

describe('our window', () => {
  const drive = (state: Receiving, letters: readonly string[]): readonly string[] => {
    const { side, channel, watch } = openChannel(0, state.size, state.packet)
    const act = (letter: string): void => {
      const [what, number] = letter.split(' ')
      if (what === 'consume') channel.consume(Number(number))
      else if (what === 'DATA') side.hear(ChannelData, { ...to, data: new Uint8Array(Number(number)) })
      else if (what === 'EOF') side.hear(ChannelEof, to)
      else side.hear(ChannelExtendedData, { ...to, dataTypeCode: 1, data: new Uint8Array(Number(number)) })
    }
    let seen: readonly string[] = []
    for (const letter of letters) seen = watch(() => act(letter))
    return seen
  }

  for (const [size, packet] of [
    [1, 1],
    [3, 3],
    [5, 3],
    [8, 3],
    [2, 4],
    [largest, 3],
  ] as const) {
    const depth = 5
    it(`of ${size} bytes, ${packet} in a message: every sequence of ${depth} messages and consumptions`, { timeout }, context => {
      let sequences = 0
      const walk = (state: Receiving, letters: readonly string[]): void => {
        if (letters.length === depth) return
        for (const letter of receivingLetters(state)) {
          sequences++
          const all = [...letters, letter]
          const seen = drive(state, all)
          const after = receives(state, letter, seen)
          assert.ok(typeof after !== 'string', `${all.join(' · ')}: ${String(after)}, but: ${seen.join(', ')}`)
          if (!after.over) walk(after.state, all)
        }
      }
      walk({ size, packet, window: size, unconsumed: 0, eof: false }, [])
      context.diagnostic(`${sequences} sequences`)
      assert.ok(sequences > 500)
    })
  }
})
