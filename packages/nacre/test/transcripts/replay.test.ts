// Recorded conversations, held again: an engine that is given what came says what was said, however the bytes are cut.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { transcriptLines } from '../../src/engine/transcript.ts'
import { Secret } from '../../src/crypto/secret.ts'
import { createPair, type PairClientOptions, passwordCredential } from '../../src/testing/pair.ts'
import { replay } from '../../src/testing/replay.ts'
import { parseTranscript } from '../../src/testing/transcript.ts'
import { runCommand } from '../pair/fixtures.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const files = readdirSync(folder).filter(name => name.endsWith('.jsonl'))
const read = (name: string) => parseTranscript(readFileSync(`${folder}/${name}`, 'utf8'))

describe('a recorded conversation goes as it went', () => {
  for (const name of files) {
    it(name, () => {
      const recorded = read(name)
      assert.ok(recorded.packets.length > 10)
      assert.equal(replay(recorded, { chunk: 'whole' }), undefined)
      assert.equal(replay(recorded, { chunk: 'bytes' }), undefined)
      for (let seed = 1; seed <= 10; seed++) assert.equal(replay(recorded, { chunk: 'random', seed }), undefined, `seed ${seed}`)
    })
  }
})

describe('a replay', () => {
  it('finds the packet that differs', () => {
    const { header, packets } = read('ours-to-sshd-9.2.jsonl')
    const accept = packets.findIndex(each => each.name === 'SSH_MSG_SERVICE_REQUEST')
    const without = packets.filter((_, i) => i !== accept)
    const difference = replay({ header, packets: without })
    assert.match(difference?.actual ?? '', /^SSH_MSG_SERVICE_REQUEST/)
  })

  it('ends where the engine ended', () => {
    const { header, packets } = read('ssh-9.2-to-ours-terminal.jsonl')
    const at = packets.findIndex(each => each.name === 'SSH_MSG_CHANNEL_REQUEST' && each.direction === 'received')
    const broken = packets.map((each, i) => (i === at ? { ...each, payload: each.payload.subarray(0, 8) } : each))
    const difference = replay({ header, packets: broken })
    assert.match(difference?.actual ?? '', /SSH_MSG_DISCONNECT/)
  })
})

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
  it('of something else is refused', () => {
    assert.throws(() => parseTranscript('{"transcript":2}\n'), TypeError)
    assert.throws(() => parseTranscript(''), TypeError)
    assert.throws(() => parseTranscript('{"transcript":1}\n{"payload":"***"}'), TypeError)
  })
})
