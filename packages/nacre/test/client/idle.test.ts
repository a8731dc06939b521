// Channels of a client over which nothing passes: those of one type are closed, others go on, and all together count as one.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { credentials } from '../../src/client/identities.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import type { IdleLimits } from '../../src/io/idle-limits.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { password } from '../../src/server/authenticators/password.ts'
import { Server } from '../../src/server/create.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { signerOf } from '../keys/certificates.ts'

const site = async (limits: IdleLimits) => {
  const clock = virtualClock()
  const server = new Server<string>(
    {
      hostKeys: [signerOf('ed25519')],
      authenticate: password(() => 'ada'),
      session: {
        exec: async session => {
          for await (const bytes of session.stdin) await session.stdout.write(bytes)
          return 0
        },
        subsystems: { still: () => new Promise<number>(() => {}) },
      },
      refusalFloor: () => 0,
    },
    nodeRuntime(),
  )
  const [ours, theirs] = memoryPair()
  server.accept(theirs)
  const connection = await connectOver(
    ours,
    {
      ...{ user: 'ada', host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities: credentials({ password: () => 'x' }) },
      ...limits,
      keepalive: false,
      clock,
    },
    nodeRuntime(),
  )
  return { clock, connection, [Symbol.asyncDispose]: () => server.close() }
}

const soon = async (): Promise<void> => {
  for (let turns = 0; turns < 20; turns++) await new Promise(resolve => setImmediate(resolve))
}

describe('a client that closes idle channels', () => {
  it('does so by what they are, and counts from the last byte that passed', async () => {
    await using it = await site({ idleMilliseconds: type => (type === 'session:command' ? 1000 : undefined) })
    const { clock, connection } = it
    const echo = await connection.exec('echo')
    const still = await connection.subsystem('still')
    clock.advance(900)
    await echo.stdin.write(new Uint8Array(1))
    await soon()
    clock.advance(900)
    assert.equal(connection.channels.length, 2, 'something passed')
    clock.advance(101)
    await soon()
    assert.equal(connection.channels.length, 1)
    void echo.exited.catch(() => {})
    void still.exited.catch(() => {})
    clock.advance(1_000_000)
    await soon()
    assert.equal(connection.channels.length, 1, 'another type has no limit')
  })

  it('takes all channels together for one', async () => {
    await using it = await site({ idleTogetherMilliseconds: 1000 })
    const { clock, connection } = it
    const echo = await connection.exec('echo')
    const still = await connection.subsystem('still')
    void Promise.allSettled([echo.exited, still.exited])
    for (let time = 0; time < 5; time++) {
      clock.advance(900)
      await echo.stdin.write(new Uint8Array(1))
      await soon()
    }
    assert.equal(connection.channels.length, 2, 'what passes over one keeps the other')
    clock.advance(1001)
    await soon()
    assert.equal(connection.channels.length, 0)
  })
})
