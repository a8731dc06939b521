// Figures an authenticator sets for one connection once it knows who comes: attempts, sessions, times; and ending it.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { credentials } from '../../src/client/identities.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { generateKeyNumbers } from '../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { AuthenticationError, ChannelOpenError, DisconnectedError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { createSigner } from '../../src/keys/signer.ts'
import type { Applicant, Authenticator, ConnectionLimits } from '../../src/server/authenticate.ts'
import { Server } from '../../src/server/create.ts'
import { Startups } from '../../src/server/startups.ts'

const hostKey = createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' }), 'host'), 'host')

/** Lets everybody in by the password `right`, and tells of the applicant first. */
const told = (tell: (applicant: Applicant) => void): Authenticator<string> => ({
  methods: ['password'],
  begin: applicant => {
    return {
      remaining: () => ['password'],
      attempt: async attempt => {
        tell(applicant)
        return attempt.method === 'password' && attempt.password.reveal() === 'right'
          ? { is: 'accept', identity: applicant.user }
          : { is: 'refuse' }
      },
    }
  },
})

const site = (tell: (applicant: Applicant) => void) => {
  const startups = new Startups({ penalties: { failed: 0, noAttempt: 0, refused: 60_000, invalidUser: 60_000, minimum: 0 } })
  const server = new Server<string>(
    {
      hostKeys: [hostKey],
      authenticate: told(tell),
      session: { exec: () => new Promise<number>(() => {}) },
      refusalFloor: () => 0,
      startups,
    },
    nodeRuntime(),
  )
  let address = 1
  const connect = (password: string | undefined, from = `192.0.2.${address++}`) => {
    const [ours, theirs] = memoryPair({ address: from, port: 1, localAddress: '192.0.2.200', localPort: 22 })
    const connection = server.accept(theirs)
    if (connection === undefined) return undefined
    return connectOver(
      ours,
      {
        user: 'ada',
        host: 'h',
        port: 22,
        hostKey: insecureAcceptAnyHostKey,
        identities: credentials(password === undefined ? {} : { password: () => password }),
      },
      nodeRuntime(),
    )
  }
  return { connect, [Symbol.asyncDispose]: () => server.close() }
}
const limited = (limits: ConnectionLimits) => site(applicant => applicant.connection?.limit(limits))

describe('an authenticator', () => {
  // Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
  const alive = setInterval(() => {}, 60_000)
  after(() => clearInterval(alive))

  test('knows both ends of the connection', async () => {
    const seen: unknown[] = []
    await using it = site(({ remote }) => seen.push(remote))
    await (await it.connect('right', '192.0.2.9'))?.close()
    assert.deepEqual(seen.at(-1), { address: '192.0.2.9', port: 1, localAddress: '192.0.2.200', localPort: 22 })
  })

  test('sets how many attempts there are', async () => {
    await using it = limited({ maximumAttempts: 1 })
    await assert.rejects(it.connect('wrong') ?? Promise.resolve(), error => {
      assert.ok(error instanceof AuthenticationError)
      assert.match(error.message, /Too many authentication failures/)
      return true
    })
    await (await it.connect('right'))?.close()
  })

  test('sets how many sessions there are at once', async () => {
    await using it = limited({ maximumSessions: 1 })
    const client = await it.connect('right')
    assert.ok(client !== undefined)
    const first = client.run('sleep')
    await assert.rejects(client.run('another'), error => error instanceof ChannelOpenError && /at most 1 sessions/.test(error.message))
    await client.close()
    await assert.rejects(first)
  })

  test('sets after how long without a session the connection ends', async () => {
    await using it = limited({ unusedMilliseconds: 20 })
    const client = await it.connect('right')
    assert.ok(client !== undefined)
    const { by, error } = await client.closed
    assert.equal(by, 'peer')
    assert.ok(error instanceof DisconnectedError)
    assert.match(error.description, /no channel was open/)
  })

  test('a session keeps it open, and is closed when nothing passes for too long', async () => {
    const types: string[] = []
    await using it = limited({
      unusedMilliseconds: 40,
      idleMilliseconds: type => {
        types.push(type)
        return 120
      },
    })
    const client = await it.connect('right')
    assert.ok(client !== undefined)
    const process = await client.exec('wait')
    const ended = await Promise.race([
      process.exited.then(
        () => 'session',
        () => 'session',
      ),
      client.closed.then(() => 'connection'),
    ])
    assert.equal(ended, 'session')
    assert.deepEqual(types, ['session:command'])
    // With the session gone nothing is open.
    assert.equal((await client.closed).by, 'peer')
  })

  test('has all sessions closed together when nothing passes over any of them', async () => {
    await using it = limited({ idleTogetherMilliseconds: 120 })
    const client = await it.connect('right')
    assert.ok(client !== undefined)
    const [one, other] = [await client.exec('wait'), await client.exec('wait')]
    // Neither ended by itself: the handler would have said a status.
    assert.deepEqual(
      (await Promise.all([one.exited, other.exited])).map(each => 'code' in each),
      [false, false],
    )
    // The connection is still there.
    await client.exec('another')
    await client.close()
  })

  test('ends the connection, and its source pays for it', async () => {
    await using it = site(({ connection }) => connection?.refuse('not today'))
    await assert.rejects(it.connect('right', '192.0.2.77') ?? Promise.resolve(), /not today/)
    assert.equal(it.connect('right', '192.0.2.77'), undefined)
    assert.notEqual(
      it.connect('right', '192.0.2.78')?.catch(() => {}),
      undefined,
    )
  })

  test('says that there is nobody of that name, for which a source pays that tried nothing', async () => {
    await using it = site(({ connection }) => connection?.unknownUser())
    await (await it.connect('right', '192.0.2.80'))?.close()
    // Who tries a proof pays for that instead, here nothing.
    await assert.rejects(it.connect('wrong', '192.0.2.80') ?? Promise.resolve())
    await assert.rejects(it.connect(undefined, '192.0.2.80') ?? Promise.resolve())
    assert.equal(it.connect('right', '192.0.2.80'), undefined)
  })
})

test('IPQoS is asked for by the sessions of a connection, at the server’s end too', async () => {
  const marks: number[] = []
  const server = new Server<string>(
    {
      hostKeys: [hostKey],
      authenticate: told(applicant => applicant.connection?.limit({ ipQuality: { interactive: 0xb8, bulk: 0x20 } })),
      session: { pty: true, exec: () => 0 },
      refusalFloor: () => 0,
    },
    nodeRuntime(),
  )
  const [ours, theirs] = memoryPair()
  server.accept({
    start: sink => theirs.start(sink),
    write: (bytes, taken) => theirs.write(bytes, taken),
    pause: () => theirs.pause(),
    resume: () => theirs.resume(),
    close: deserted => theirs.close(deserted),
    mark: byte => void marks.push(byte),
    remote: undefined,
  })
  const client = await connectOver(
    ours,
    {
      ...{ user: 'ada', host: 'h', port: 22, hostKey: insecureAcceptAnyHostKey },
      identities: credentials({ password: () => 'right' }),
    },
    nodeRuntime(),
  )
  assert.deepEqual(marks, [], 'nothing runs yet')
  await client.run('work')
  await client.run('work', { pty: { columns: 80, rows: 24 } })
  await client.close()
  await server.close()
  assert.deepEqual(marks, [0x20, 0xb8, 0x20])
})
