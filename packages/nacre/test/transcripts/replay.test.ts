// Conversations with real peers, held again: an engine that is given what came says what was said, to the byte where the wire
// was recorded, and tells what it told, however the bytes are cut.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { transcriptLines } from '../../src/engine/transcript.ts'
import { Secret } from '../../src/crypto/secret.ts'
import { createPair, type PairClientOptions, passwordCredential } from '../../src/testing/pair.ts'
import { explainDifference, type ReplayDifference, replay, type ReplayOptions, replayWire } from '../../src/testing/replay.ts'
import { badEnd, parseTranscript, type RecordedConversation } from '../../src/testing/transcript.ts'
import { runCommand } from '../pair/fixtures.ts'
import { kept } from './recorded.ts'

const all = kept()
const named = (name: string): RecordedConversation => {
  const found = all.find(each => each.name === name)
  assert.ok(found !== undefined, name)
  return found.recorded
}

/** A new one each time; NACRE_SEED repeats one. */
const seed = Number(process.env.NACRE_SEED ?? Math.floor(Math.random() * 2 ** 31))

const ways: readonly ReplayOptions[] = [{ chunk: 'whole' }, { chunk: 'bytes' }, { chunk: 'random', seed }]
const wayName = ({ chunk, seed }: ReplayOptions): string => `${chunk}${seed === undefined ? '' : `, NACRE_SEED=${seed}`}`

const goesAsItWent = (difference: ReplayDifference | undefined, way: ReplayOptions): void => {
  if (difference !== undefined) assert.fail(`${wayName(way)}: ${explainDifference(difference)}`)
}

describe('a recorded conversation goes as it went', () => {
  const started = process.cpuUsage()
  after(() => {
    // Not an assertion: it shows when the transcripts become a burden.
    const { user, system } = process.cpuUsage(started)
    console.log(`${all.length} transcripts, ${ways.length} ways: ${((user + system) / 1e6).toFixed(1)} s of CPU`)
  })
  for (const { name, recorded } of all) {
    it(name, async () => {
      assert.ok(recorded.packets.length > 10)
      // Without cryptography, as a trace is replayed.
      for (const way of ways) goesAsItWent(replay(recorded, way), way)
      // With it, as it was.
      if (recorded.wire !== undefined) for (const way of ways) goesAsItWent(await replayWire(recorded, nodeCrypto(), way), way)
    })
  }
})

/** The text in a packet that is shown in hexadecimal. */
const said = (shown: string | undefined): string => Buffer.from(shown?.split(' ')[1]?.replace('…', '') ?? '', 'hex').toString('latin1')

describe('a replay', () => {
  const trace = named('traces/nacre-ssh-openssh-9.2')
  const wire = named('openssh-9.2/server-default')

  it('finds the packet that differs', () => {
    const accept = trace.packets.findIndex(each => each.name === 'SSH_MSG_SERVICE_REQUEST')
    const difference = replay({ ...trace, packets: trace.packets.filter((_, i) => i !== accept) })
    assert.match(difference?.actual ?? '', /^SSH_MSG_SERVICE_REQUEST/)
  })

  it('ends where the engine ended', () => {
    const { packets } = trace
    const at = packets.findLastIndex(each => each.name === 'SSH_MSG_CHANNEL_REQUEST' && each.direction === 'received')
    const broken = packets.map((each, i) => (i === at ? { ...each, payload: each.payload.subarray(0, 8) } : each))
    assert.match(replay({ ...trace, packets: broken })?.actual ?? '', /SSH_MSG_DISCONNECT/)
  })

  it('finds an event that differs', () => {
    const events = (trace.events ?? []).map(each => (each.event === 'authenticated' ? { ...each, user: 'mallory' } : each))
    assert.match(replay({ ...trace, events })?.expected ?? '', /mallory/)
    assert.match(replay({ ...trace, events: (trace.events ?? []).filter(each => each.event !== 'eof') })?.actual ?? '', /"event":"eof"/)
  })

  it('of a wire finds a byte that was altered on the way', async () => {
    const recorded = wire.wire
    assert.ok(recorded !== undefined)
    const received = Buffer.from(recorded.received, 'base64')
    received[(recorded.ends.at(-1) ?? 0) - 40] ^= 1
    const difference = await replayWire({ ...wire, wire: { ...recorded, received: received.toString('base64') } }, nodeCrypto())
    assert.match(said(difference?.actual), /integrity check/)
  })

  it('of a wire finds a byte that left otherwise, though every packet says the same', async () => {
    const recorded = wire.wire
    assert.ok(recorded !== undefined)
    const sent = { ...recorded.sent, sha256: recorded.sent.sha256.replace(/^./, first => (first === '0' ? '1' : '0')) }
    const difference = await replayWire({ ...wire, wire: { ...recorded, sent } }, nodeCrypto())
    assert.match(difference?.expected ?? '', /bytes on the wire/)
  })

  it('of a wire needs another seed to fail', async () => {
    const recorded = wire.wire
    assert.ok(recorded !== undefined)
    const difference = await replayWire({ ...wire, wire: { ...recorded, seed: recorded.seed + 1 } }, nodeCrypto())
    assert.match(difference?.expected ?? '', /SSH_MSG_KEXINIT/)
    await assert.rejects(replayWire(trace, nodeCrypto()), TypeError)
  })
})

describe('a conversation that ended in a fault', () => {
  const expected = named('asyncssh/client-opens-in-exchange')
  const { expects: _, ...header } = expected.header
  const unexpected = { ...expected, header }

  it('goes as it went when its header expects the fault', () => {
    assert.equal(badEnd(expected)?.what, 'message-during-key-exchange')
    assert.equal(replay(expected), undefined)
  })

  it('fails otherwise, says what happened, and how to say that it is right', () => {
    const difference = replay(unexpected)
    assert.equal(difference?.at, expected.packets.length - 1)
    assert.match(difference.expected, /the connection goes on.*"expects":"message-during-key-exchange"/)
    assert.match(difference.actual, /we ended it: The peer sent SSH_MSG_CHANNEL_OPEN at the wrong time/)
  })

  it('passes once the engine does not mind any more', () => {
    // As if the peer had been right: its channel in the middle of the exchange never came.
    const fault = expected.packets.length - 2
    assert.equal(expected.packets[fault].name, 'SSH_MSG_CHANNEL_OPEN')
    assert.equal(replay({ ...unexpected, packets: expected.packets.filter((_, i) => i !== fault) }), undefined)
  })

  it('fails when it was the peer who ended it', () => {
    const goodbye = { at: 0, direction: 'received', number: 1, name: 'SSH_MSG_DISCONNECT', payload: disconnect(2, 'what was that?') } as const
    const ended = { ...unexpected, packets: [...expected.packets.slice(0, -1), goodbye], events: [] }
    assert.deepEqual(badEnd(ended), { by: 'peer', what: 'protocol-error', message: 'what was that?', at: ended.packets.length - 1 })
    const cut = { ...ended, packets: [...expected.packets.slice(0, -2), goodbye] }
    assert.match(replay(cut)?.actual ?? '', /the peer ended it: what was that\?/)
  })
})

/** RFC 4253 §11.1. */
const disconnect = (reason: number, description: string): Uint8Array =>
  Buffer.concat([Uint8Array.of(1, 0, 0, 0, reason, 0, 0, 0, description.length), Buffer.from(description), Uint8Array.of(0, 0, 0, 0)])

describe('a transcript', () => {
  const record = (side: 'client' | 'server', client: PairClientOptions, server: Parameters<typeof createPair>[0] = {}) => {
    const lines: string[] = []
    const transcript = transcriptLines(line => lines.push(line))
    const pair = createPair({ client: { ...client, ...(side === 'client' ? { transcript } : {}) }, server: { ...server.server, ...(side === 'server' ? { transcript } : {}) } }).run()
    if (pair.client.authenticated) runCommand(pair, 'show', { out: 'topsecret-data', err: 'topsecret-error' })
    pair.client.engine.disconnect('by-application', 'bye')
    pair.run()
    return lines.join('\n')
  }
  const logins: readonly (readonly [string, PairClientOptions, Parameters<typeof createPair>[0]])[] = [
    ['a password', { credentials: [passwordCredential('topsecret'), passwordCredential()] }, {}],
    [
      'a new password',
      { credentials: [passwordCredential('topsecret')], 'new-password': () => new Secret('topsecret2') },
      { server: { attempt: ({ attempt }) => (attempt.method === 'password' ? { is: 'change-password', prompt: 'new?' } : { is: 'accept', identity: 1 }) } },
    ],
    [
      'answers to prompts',
      { credentials: [{ method: 'keyboard-interactive', submethods: '', source: 'test' }], prompts: () => ['topsecret', 'topsecret'] },
      {
        server: {
          attempt: ({ attempt }) =>
            attempt.method === 'keyboard-interactive'
              ? { is: 'prompt', name: 'n', instruction: 'i', prompts: [{ prompt: 'a', echo: false }, { prompt: 'b', echo: true }] }
              : { is: 'accept', identity: 1 },
        },
      },
    ],
  ]
  for (const [what, client, server] of logins) {
    for (const side of ['client', 'server'] as const) {
      it(`of a ${side} holds neither ${what} nor data, and replays all the same`, () => {
        const text = record(side, client, server)
        const recorded = parseTranscript(text)
        for (const { payload, name } of recorded.packets) {
          assert.ok(!Buffer.from(payload).includes('topsecret'), name)
          assert.ok(!Buffer.from(payload).includes('secret'), name)
        }
        assert.ok(recorded.packets.some(each => each.name === 'SSH_MSG_CHANNEL_EXTENDED_DATA' && each.payload.length > 20))
        assert.equal(replay(recorded), undefined)
        assert.equal(replay(recorded, { chunk: 'random' }), undefined)
      })
    }
  }
  it('does not even show how long a password or an answer is', () => {
    const answers = { is: 'prompt', name: '', instruction: '', prompts: [{ prompt: 'a', echo: false }] } as const
    const logins = (secret: string) =>
      [
        record('client', { credentials: [passwordCredential(secret), passwordCredential()] }),
        record(
          'server',
          { credentials: [{ method: 'keyboard-interactive', submethods: '', source: 'test' }], prompts: () => [secret] },
          { server: { attempt: ({ attempt }) => (attempt.method === 'keyboard-interactive' ? answers : { is: 'accept', identity: 1 }) } },
        ),
      ].map(text => parseTranscript(text).packets.filter(each => each.number === 50 || each.number === 61).map(each => each.payload))
    assert.deepEqual(logins('x'), logins('a long pass phrase'))
  })
  it('of something else is refused', () => {
    assert.throws(() => parseTranscript('{"transcript":2}\n'), TypeError)
    assert.throws(() => parseTranscript(''), TypeError)
    assert.throws(() => parseTranscript('{"transcript":1}\n{"payload":"***"}'), TypeError)
  })
})
