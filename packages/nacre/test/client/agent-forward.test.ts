// A person's agent at the other end of a session: asked for, taken only then, bound to the session, confirmed, bounded.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { AgentForwarding, ForwardedAgentUse } from '../../src/client/agent-forward.ts'
import type { RunOptions } from '../../src/client/run.ts'
import { authAgent } from '../../src/connection/channel-types/auth-agent.ts'
import { agentTransportPair } from '../../src/agent/transport.ts'
import { ChannelOpenError } from '../../src/errors.ts'
import type { Session } from '../../src/server/session.ts'
import { agentRig, data, here, host, identity, loginData, way } from '../agent/rig.ts'
import { type Joined, joined, quiet } from '../io/fixtures.ts'
import { publicKey } from '../keys/fixtures.ts'

const mine = publicKey('ed25519').blob
type Lent = Session<{ readonly name: string }>

/** A server whose command does `work` with the session. */
const serving = (work: (session: Lent) => Promise<void>, agent: boolean | (() => boolean) = true) => ({
  exec: async (session: Lent) => {
    await work(session)
    return 0
  },
  agent,
})

/** Runs the command; what it asserted is what fails. */
const ran = async (at: Joined, options: RunOptions): Promise<void> => {
  const { code } = await at.client.run('x', options)
  for (const error of at.errors) throw error
  assert.equal(code, 0)
}

const withKey = async (options: Parameters<typeof agentRig>[0] = {}) => {
  const rig = agentRig(options)
  await rig.client().add(identity('ed25519'), 'mine')
  return rig
}

// Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
const alive = setInterval(() => {}, 60_000)
after(() => clearInterval(alive))

describe('an agent that is forwarded', () => {
  it('lists and signs for the command at the other end', async () => {
    const { agent } = await withKey()
    const seen: string[] = []
    await using at = await joined(
      serving(async session => {
        const there = await session.agent?.connect()
        for (const key of (await there?.list()) ?? []) seen.push(key.comment)
        assert.ok(((await there?.sign(mine, data, 'ssh-ed25519'))?.length ?? 0) > 64)
        there?.close()
      }),
    )
    await ran(at, { forwardAgent: agent })
    assert.deepEqual(seen, ['mine'])
    assert.deepEqual(at.errors, [])
  })

  it('may be that of the whole connection; a session can go without', async () => {
    const { agent } = await withKey()
    const there: boolean[] = []
    const session = serving(session => Promise.resolve(void there.push(session.agent !== undefined)))
    await using at = await joined(session, { client: { forwardAgent: agent } })
    await ran(at, {})
    await ran(at, { forwardAgent: false })
    assert.deepEqual(there, [true, false])
  })

  it('is asked for by the name of RFC 9987 where the server announced that, else by the older', async () => {
    const { agent } = await withKey()
    const types: string[] = []
    await using at = await joined(serving(async session => void (await session.agent?.connect())?.close()))
    at.client.serve('agent-connect', () => false)
    const { served } = at
    const open = served.link.open.bind(served.link)
    served.link.open = (row, details) => {
      types.push(row.name)
      return open(row, details)
    }
    await ran(at, { forwardAgent: agent })
    assert.deepEqual(types, ['agent-connect'])
  })

  it('is refused by a server that was not told to permit it, and the command runs all the same', async () => {
    const { agent } = await withKey()
    let refused = 0
    let lent: unknown = 'unasked'
    for (const permits of [false, () => false]) {
      await using at = await joined(serving(session => Promise.resolve(void (lent = session.agent)), permits))
      await ran(at, { forwardAgent: { agent, onRefused: () => refused++ } })
      assert.equal(lent, undefined)
    }
    assert.equal(refused, 2)
  })

  it('is bound to the session with the server, so that keys for elsewhere are not seen there', async () => {
    const rig = agentRig()
    await rig.client().add(identity('ed25519'), 'elsewhere', { destinations: [way(here, host('other', 'ecdsa384'))] })
    await rig.client().add(identity('ecdsa256'), 'anywhere')
    const seen: string[] = []
    await using at = await joined(
      serving(async session => {
        const there = await session.agent?.connect()
        for (const key of (await there?.list()) ?? []) seen.push(key.comment)
        await assert.rejects(
          async () => there?.sign(mine, loginData('ed25519', 'ann', { hostKey: mine, sessionId: data, signature: data }), 'ssh-ed25519'),
          { code: 'AGENT_REFUSED' },
        )
      }),
    )
    await ran(at, { forwardAgent: rig.agent })
    assert.deepEqual(seen, ['anywhere'])
  })

  it('is used as the person confirms: each connection, and each signature with whose login it is', async () => {
    const { agent } = await withKey()
    const uses: ForwardedAgentUse[] = []
    const confirm = (use: ForwardedAgentUse): boolean => {
      uses.push(use)
      return use.about === 'connection' || use.user === 'ann'
    }
    await using at = await joined(
      serving(async session => {
        const there = await session.agent?.connect()
        assert.equal((await there?.list())?.length, 1)
        const proof = { hostKey: mine, sessionId: data, signature: data }
        await there?.sign(mine, loginData('ed25519', 'ann', proof), 'ssh-ed25519')
        await assert.rejects(async () => there?.sign(mine, loginData('ed25519', 'bob', proof), 'ssh-ed25519'), { code: 'AGENT_REFUSED' })
        await assert.rejects(async () => there?.sign(mine, data, 'ssh-ed25519'), { code: 'AGENT_REFUSED' })
        there?.close()
      }),
    )
    await ran(at, { forwardAgent: { agent, confirm } })
    assert.deepEqual(
      uses.map(use => (use.about === 'connection' ? 'connection' : `${use.publicKey?.type} ${use.user}`)),
      ['connection', 'ssh-ed25519 ann', 'ssh-ed25519 bob', 'ssh-ed25519 undefined'],
    )
  })

  it('is not connected to when the person says no', async () => {
    const { agent } = await withKey()
    const notes: string[] = []
    await using at = await joined(
      serving(async session => {
        await assert.rejects(async () => session.agent?.connect(), ChannelOpenError)
      }),
    )
    await ran(at, { forwardAgent: { agent, confirm: () => false, onNote: note => notes.push(note) } })
    assert.match(notes.join(), /not allowed/)
  })

  it('takes so many connections at once', async () => {
    const { agent } = await withKey()
    await using at = await joined(
      serving(async session => {
        const first = await session.agent?.connect()
        const second = await session.agent?.connect()
        await assert.rejects(async () => session.agent?.connect(), ChannelOpenError)
        first?.close()
        await quiet()
        assert.equal((await (await session.agent?.connect())?.list())?.length, 1)
        second?.close()
      }),
    )
    await ran(at, { forwardAgent: { agent, maximumConnections: 2 } })
  })

  it('that cannot be reached is told of, and its channels are refused', async () => {
    const notes: string[] = []
    const forward: AgentForwarding = {
      agent: () => Promise.reject(new Error('no such socket')),
      onNote: note => notes.push(note),
    }
    await using at = await joined(
      serving(async session => {
        await assert.rejects(async () => session.agent?.connect(), ChannelOpenError)
      }),
    )
    await ran(at, { forwardAgent: forward })
    assert.match(notes.join(), /cannot be reached: no such socket/)
  })

  it('that does not answer is let go when nobody waits for it any more', async () => {
    const [ours, theirs] = agentTransportPair()
    await using at = await joined(
      serving(async session => {
        const there = await session.agent?.connect()
        const listing = assert.rejects(async () => there?.list(), { code: 'AGENT_UNREACHABLE' })
        await quiet()
        there?.close()
        await quiet()
        await listing
      }),
    )
    await ran(at, { forwardAgent: () => ours })
    const heard: (number | undefined)[] = []
    // The binding, which it never answers, and then the end.
    for (const _ of [1, 2]) heard.push((await theirs.read())?.[4])
    assert.deepEqual(heard, [27, undefined])
  })

  it('that goes away in the middle ends its connections only', async () => {
    const forward: AgentForwarding = {
      agent: () => {
        const [ours, theirs] = agentTransportPair()
        void theirs.read().then(() => theirs.close())
        return ours
      },
    }
    await using at = await joined(
      serving(async session => {
        await assert.rejects(async () => (await session.agent?.connect())?.list(), { code: 'AGENT_UNREACHABLE' })
      }),
    )
    await ran(at, { forwardAgent: forward })
  })
})

describe('channels to an agent', () => {
  it('are refused when no session asked, and when the one that did is over', async () => {
    const { agent } = await withKey()
    await using at = await joined(serving(async session => void (await session.agent?.connect())?.close()))
    await assert.rejects(at.served.open(authAgent, {}), ChannelOpenError)
    await ran(at, { forwardAgent: agent })
    await quiet()
    await assert.rejects(at.served.open(authAgent, {}), ChannelOpenError)
  })

  it('are opened by a server only while the session is there', async () => {
    const { agent } = await withKey()
    let kept: Lent['agent']
    await using at = await joined(serving(session => Promise.resolve(void (kept = session.agent))))
    await ran(at, { forwardAgent: agent })
    await quiet()
    await assert.rejects(async () => kept?.connect(), { code: 'FORWARD_REFUSED' })
  })

  it('are nothing a server gets that may be the wrong one', async () => {
    const { agent } = await withKey()
    const lent: unknown[] = []
    await using at = await joined(
      serving(session => Promise.resolve(void lent.push(session.agent))),
      {
        client: { hostKey: () => ({ untrusted: true }), forwardAgent: agent },
      },
    )
    await assert.rejects(at.client.run('x', { forwardAgent: agent }), { code: 'FORWARDING_REFUSED' })
    await assert.doesNotReject(ran(at, {}))
    assert.deepEqual(lent, [undefined])
  })
})
