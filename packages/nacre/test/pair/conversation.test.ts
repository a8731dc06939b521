// Two engines talk from the first byte to the last, on a clock that only moves when told.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AttemptQuestion, Verdict } from '../../src/auth/questions.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { env } from '../../src/connection/requests/env.ts'
import { shell } from '../../src/connection/requests/shell.ts'
import { AuthenticationError, DisconnectedError, HostKeyError } from '../../src/errors.ts'
import { Secret } from '../../src/crypto/secret.ts'
import type { TraceRecord } from '../../src/engine/trace.ts'
import { nullCrypto } from '../../src/testing/null-crypto.ts'
import { createPair, type PairOptions, passwordCredential } from '../../src/testing/pair.ts'
import { keyCredential, testKey } from '../auth/fixtures.ts'
import { commandsOf, patterned, runCommand, same, told } from './fixtures.ts'

describe('a login and a command', () => {
  it('tell both sides what happened, in order', () => {
    const pair = createPair().run()
    assert.deepEqual(pair.client.events.map(told), [
      'identified nacre_0.1',
      'question host-key',
      'exchanged mlkem768x25519-sha256 aes128-gcm@openssh.com first=true strict=true',
      'question credential',
      'authenticated ada password:accepted',
    ])
    assert.deepEqual(pair.server.events.map(told), [
      'identified nacre_0.1',
      'exchanged mlkem768x25519-sha256 aes128-gcm@openssh.com first=true strict=true',
      'question attempt',
      'authenticated ada ',
    ])
    assert.equal(pair.server.all('authenticated')[0].identity, 'ada')
    assert.deepEqual(pair.client.engine.sessionId, pair.server.engine.sessionId)
  })

  it('bring the command there, and its output, errors and status back', () => {
    const pair = createPair().run()
    const { client, server } = runCommand(pair, 'ls -l', { out: 'total 0\n', err: 'ls: no\n', code: 2 })
    assert.deepEqual(
      commandsOf(server),
      ['exec'].map(() => 'ls -l'),
    )
    assert.equal(client.text(), 'total 0\n')
    assert.equal(client.text(1), 'ls: no\n')
    const status = client.requests[0]?.request
    assert.deepEqual(status?.type === 'exit-status' && status.value, { exitStatus: 2 })
    assert.equal(client.eof && client.closed && server.closed, true)
    assert.equal(pair.client.engine.connection.channelCount, 0)
    assert.equal(pair.server.engine.connection.channelCount, 0)
  })

  it('go on both ways at once on many channels', () => {
    const pair = createPair({ seed: 3, chunk: 'random' }).run()
    const channels = Array.from({ length: 10 }, () => pair.open(session, {}))
    for (const [i, { client, server }] of channels.entries()) {
      client.send(patterned(100_000 + i, i))
      server.send(patterned(50_000 + i, 100 + i))
    }
    pair.run()
    for (const [i, { client, server }] of channels.entries()) {
      same(server.received(), patterned(100_000 + i, i), `channel ${i}, to the server`)
      same(client.received(), patterned(50_000 + i, 100 + i), `channel ${i}, to the client`)
    }
  })

  it('keep the other direction when one has ended', () => {
    const pair = createPair().run()
    const { client, server } = pair.open(session, {})
    client.send('question').afterwards(channel => channel.eof())
    pair.run()
    assert.equal(server.eof, true)
    server.send('answer')
    pair.run()
    assert.equal(client.text(), 'answer')
    assert.equal(client.eof, false)
  })

  it('answer requests in their order, whatever order the answers come in', () => {
    const pair = createPair({ server: { channelRequested: () => {} } }).run()
    const { client, server } = pair.open(session, {})
    const answers: string[] = []
    client.channel.request(env, { name: 'A', value: '1' }, ok => answers.push(`env ${ok}`))
    client.channel.request(shell, {}, ok => answers.push(`shell ${ok}`))
    pair.run()
    server.requests[1].succeed()
    pair.run()
    assert.deepEqual(answers, [])
    server.requests[0].fail()
    pair.run()
    assert.deepEqual(answers, ['env false', 'shell true'])
  })
})

describe('the end', () => {
  it('reaches the peer with its reason, and nothing comes after it', () => {
    const pair = createPair().run()
    const { client, server } = pair.open(session, {})
    client.send('some bytes')
    pair.client.engine.disconnect('by-application', 'that was all')
    pair.run()
    assert.equal(server.text(), 'some bytes')
    const theirs = pair.server.ending
    assert.equal(theirs?.by, 'peer')
    assert.ok(theirs.error instanceof DisconnectedError)
    assert.equal(theirs.error.description, 'that was all')
    for (const side of [pair.client, pair.server]) {
      assert.deepEqual(
        side.events
          .slice(-2)
          .map(told)
          .map(line => line.split(' ')[0]),
        ['closed', 'ended'],
      )
      const count = side.events.length
      side.engine.receive(new Uint8Array(100), 0)
      side.engine.end(0)
      side.engine.disconnect('by-application')
      side.engine.rekey()
      side.engine.ping(new Uint8Array(1))
      side.engine.elapse(1e9)
      client.channel.close()
      client.channel.consume(0)
      assert.equal(client.channel.write(new Uint8Array(1)), 0)
      side.settle()
      assert.equal(side.events.length, count)
      assert.equal(side.engine.wantsInput, false)
    }
  })

  it('is told to whoever waits', () => {
    const pair = createPair({ server: { channelRequested: () => {} } }).run()
    const { client } = pair.open(session, {})
    const told: unknown[] = []
    client.channel.request(shell, {}, (ok, error) => told.push(ok, error))
    pair.client.engine.connection.keepalive(error => told.push(error))
    pair.run()
    told.length = 0
    client.channel.request(shell, {}, (ok, error) => told.push(ok, error))
    pair.server.engine.disconnect('by-application', 'no more')
    pair.run()
    assert.equal(told[0], false)
    assert.ok(told.includes(pair.client.ending?.error))
  })

  it('without a goodbye says how far the connection had come', () => {
    const none = createPair()
    none.client.engine.end(none.clock.now())
    none.run()
    assert.match(none.client.ending?.error.message ?? '', /before the peer identified itself/)
    const pair = createPair().run()
    pair.client.engine.end(pair.clock.now())
    pair.run()
    assert.match(pair.client.ending?.error.message ?? '', /without a goodbye/)
    assert.equal(pair.client.ending?.by, 'network')
  })
})

describe('host keys', () => {
  it('that are refused end the connection, and the server learns why', () => {
    const refusal = new HostKeyError('HOST_KEY_UNKNOWN', 'never seen', { fingerprint: 'SHA256:x', keyType: 'ssh-ed25519' })
    const pair = createPair({
      client: {
        'host-key': () => {
          throw refusal
        },
      },
    }).run()
    assert.equal(pair.client.ending?.error, refusal)
    assert.equal(pair.server.ending?.reason, 'host-key-not-verifiable')
    assert.equal(pair.client.authenticated || pair.server.authenticated, false)
  })
  it('are asked about once: a later exchange with the same key is no news', () => {
    const pair = createPair().run()
    pair.client.engine.rekey()
    pair.run()
    assert.equal(pair.client.all('exchanged').length, 2)
    assert.deepEqual(pair.client.all('question').filter(each => each.question.about === 'host-key').length, 1)
  })
})

describe('logging in', () => {
  const login = (options: PairOptions) => createPair(options).run()

  it('may take a chain of methods', () => {
    const steps: string[] = []
    const attempt = ({ attempt }: AttemptQuestion): Verdict => {
      steps.push(attempt.method + ('proven' in attempt ? (attempt.proven ? ' proof' : ' query') : ''))
      if (attempt.method === 'publickey')
        return attempt.proven ? { is: 'partial', remaining: ['keyboard-interactive'] } : { is: 'accept', identity: undefined }
      if (attempt.method === 'keyboard-interactive')
        return { is: 'prompt', name: 'more', instruction: '', prompts: [{ prompt: 'Code: ', echo: false }] }
      return attempt.method === 'keyboard-interactive-response' && attempt.responses[0]?.reveal() === '123456'
        ? { is: 'accept', identity: 'both' }
        : { is: 'refuse', remaining: ['publickey'] }
    }
    const pair = login({
      server: { attempt },
      client: {
        credentials: [keyCredential(testKey(1)), { method: 'keyboard-interactive', submethods: '', source: 'test' }],
        prompts: ({ prompts }) => (prompts[0].prompt === 'Code: ' ? ['123456'] : undefined),
      },
    })
    assert.deepEqual(steps, ['publickey query', 'publickey proof', 'keyboard-interactive', 'keyboard-interactive-response'])
    assert.deepEqual(
      pair.client.all('authenticated')[0]?.attempts.map(each => `${each.method} ${each.outcome}`),
      ['publickey partial', 'keyboard-interactive accepted'],
    )
    assert.equal(pair.server.all('authenticated')[0]?.identity, 'both')
  })

  it('may take a new password', () => {
    const pair = login({
      client: { 'new-password': ({ prompt }) => new Secret(prompt === 'expired' ? 'fresh' : '') },
      server: {
        attempt: ({ attempt }) =>
          attempt.method === 'password-change' && attempt.newPassword.reveal() === 'fresh' && attempt.oldPassword.reveal() === 'secret'
            ? { is: 'accept', identity: 'changed' }
            : { is: 'change-password', prompt: 'expired' },
      },
    })
    assert.equal(pair.server.all('authenticated')[0]?.identity, 'changed')
  })

  it('that fails lists every attempt, and the server is told who gave up', () => {
    const pair = login({
      client: { credentials: [{ method: 'none' }, passwordCredential('wrong'), keyCredential(testKey(2), false)] },
      server: { methods: ['password', 'publickey'] },
    })
    const error = pair.client.ending?.error
    assert.ok(error instanceof AuthenticationError)
    assert.deepEqual(
      error.attempts.map(each => `${each.method} ${each.outcome}`),
      ['none refused', 'password refused', 'publickey refused'],
    )
    assert.equal(pair.server.ending?.by, 'peer')
    assert.equal(pair.server.ending?.reason, 'no-more-auth-methods-available')
  })

  it('shows banners', () => {
    const pair = login({
      server: {
        banner: 'welcome\n',
        attempt: ({ banner }) => {
          banner('mind the gap\n')
          return { is: 'accept', identity: 1 }
        },
      },
    })
    assert.deepEqual(
      pair.client.all('banner').map(each => each.message),
      ['welcome\n', 'mind the gap\n'],
    )
  })
})

describe('extensions', () => {
  it('are announced under the first keys: what the server signs with and takes, and ping', () => {
    const pair = createPair({ server: { algorithms: { publicKeyAccepted: ['ssh-ed25519', 'rsa-sha2-512'] } } }).run()
    assert.deepEqual(pair.client.engine.peerExtensions?.serverSignatureAlgorithms, ['ssh-ed25519', 'rsa-sha2-512'])
    assert.equal(pair.client.engine.peerExtensions?.ping, true)
    pair.client.engine.ping(Uint8Array.of(1, 2, 3))
    pair.run()
    assert.deepEqual([...(pair.client.all('pong')[0]?.data ?? [])], [1, 2, 3])
  })

  /** Spoils a name in the offers of both sides, which only works where nothing is verified. */
  const without = (name: string, options: PairOptions = {}) => {
    const spoilt = (chunk: Uint8Array): void => {
      const at = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).indexOf(name)
      if (at >= 0) chunk[at] ^= 1
    }
    return createPair({ crypto: nullCrypto, ...options, tap: (_way, chunk) => spoilt(chunk) }).run()
  }
  it('are not announced to a peer that does not ask for them (RFC 8308 §2.1)', () => {
    const pair = without('ext-info-c')
    assert.equal(pair.client.engine.peerExtensions, undefined)
    assert.equal(pair.client.authenticated, true)
  })

  for (const strict of [true, false]) {
    it(`count packets ${strict ? 'anew' : 'on'} after NEWKEYS ${strict ? 'when both sides are strict' : 'when one side is not strict'}`, () => {
      const seen: TraceRecord[] = []
      const options: PairOptions = { client: { trace: record => seen.push(record) } }
      const pair = strict ? createPair(options).run() : without('kex-strict-', options)
      pair.client.engine.rekey()
      pair.run()
      assert.equal(pair.client.all('exchanged').length, 2)
      assert.ok(pair.client.all('exchanged').every(each => each.strict === strict))
      for (const direction of ['sent', 'received'] as const) {
        const records = seen.filter(each => each.direction === direction)
        for (const [i, record] of records.entries()) {
          const expected = i === 0 || (strict && records[i - 1].name === 'SSH_MSG_NEWKEYS') ? 0 : records[i - 1].sequence + 1
          assert.equal(record.sequence, expected, `${direction} ${record.name}`)
        }
      }
    })
  }
})

describe('compression', () => {
  it('starts when the user is in, both ways, and survives a key exchange', () => {
    for (const chunk of ['whole', 'random'] as const) {
      const carried = { rightwards: 0, leftwards: 0 }
      const algorithms = { compression: 'zlib@openssh.com' }
      const pair = createPair({
        chunk,
        client: { algorithms },
        server: { algorithms },
        tap: (way, chunk) => {
          carried[way] += chunk.length
        },
      }).run()
      const { client, server } = pair.open(session, {})
      const before = { ...carried }
      client.send(new Uint8Array(500_000))
      server.send(new Uint8Array(500_000))
      pair.run()
      pair.client.engine.rekey()
      pair.run()
      client.send(patterned(10_000))
      server.send(new Uint8Array(500_000))
      pair.run()
      assert.equal(client.received().length, 1_000_000)
      same(server.received().subarray(500_000), patterned(10_000), chunk)
      assert.ok(carried.rightwards - before.rightwards < 30_000, `${carried.rightwards - before.rightwards} bytes were carried`)
      assert.ok(carried.leftwards - before.leftwards < 20_000, `${carried.leftwards - before.leftwards} bytes were carried`)
    }
  })
})
