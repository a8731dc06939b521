// Keys restricted to destinations: seen and used over connections bound to sessions, hop after hop (OpenSSH PROTOCOL.agent).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AgentClient } from '../../src/agent/client.ts'
import type { Destination } from '../../src/agent/constraints.ts'
import { privateKey, publicKey } from '../keys/fixtures.ts'
import { agentRig, certified, data, here, host, identity, loginData, proofOf, way } from './rig.ts'

// The user's key is ed25519; hop shows ecdsa256, far shows ecdsa384.
const mine = publicKey('ed25519').blob
const refused = { name: 'AgentError', code: 'AGENT_REFUSED' }
const toHop = way(here, host('hop', 'ecdsa256'))
const onToFar = way(host('hop', 'ecdsa256'), host('far', 'ecdsa384'))

const withKey = async (destinations: readonly Destination[], options: Parameters<typeof agentRig>[0] = {}) => {
  const rig = agentRig(options)
  await rig.client().add(identity('ed25519'), 'mine', { destinations })
  return rig
}
const sees = async (client: AgentClient): Promise<boolean> => (await client.list()).length === 1
const signs = (client: AgentClient, bytes: Uint8Array): Promise<boolean> =>
  client.sign(mine, bytes, 'ssh-ed25519').then(
    () => true,
    error => {
      assert.equal(error.code, 'AGENT_REFUSED')
      return false
    },
  )

describe('on the machine of the agent', () => {
  test('the key is seen, and signs for nothing before the connection is bound', async () => {
    const rig = await withKey([toHop])
    const client = rig.client()
    assert.ok(await sees(client))
    const proof = await proofOf('ecdsa256', 1)
    assert.ok(!(await signs(client, data)))
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof))))
  })

  test('bound to the server it is for, it signs the login there, in that session, and nothing else', async () => {
    const rig = await withKey([toHop])
    const proof = await proofOf('ecdsa256', 1)
    const client = rig.client()
    await client.bindSession(proof, false)
    assert.ok(await sees(client))
    assert.ok(await signs(client, loginData('ed25519', 'ann', proof)))
    assert.ok(await signs(client, loginData('ed25519', 'ann', proof, { namesHost: false })), 'old servers do not take the name')
    assert.ok(!(await signs(client, data)), 'no login')
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', { ...proof, sessionId: new Uint8Array(32).fill(2) }))), 'another session')
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', { ...proof, hostKey: publicKey('ecdsa384').blob }))), 'another server')
    assert.ok(!(await signs(client, loginData('ecdsa256', 'ann', proof))), 'a login with another key')
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof, { algorithm: 'ssh-rsa' }))), 'by an algorithm the key has not')
    assert.ok(!(await signs(client, Uint8Array.of(...loginData('ed25519', 'ann', proof), 0))), 'and something behind it')
  })

  test('bound to another server it is neither seen nor used', async () => {
    const rig = await withKey([toHop])
    const proof = await proofOf('ecdsa384', 1)
    const client = rig.client()
    await client.bindSession(proof, false)
    assert.ok(!(await sees(client)))
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof))))
    await assert.rejects(client.remove(mine), refused, 'nor removed')
    await assert.rejects(client.add(identity('ed25519'), 'mine'), refused, 'nor set free by adding it again')
    assert.ok(await sees(rig.client()))
  })

  test('keys without destinations are not concerned', async () => {
    const rig = agentRig()
    await rig.client().add(identity('ed25519'), 'free')
    const client = rig.client()
    await client.bindSession(await proofOf('ecdsa384', 1), false)
    assert.ok(await sees(client))
    assert.ok(await signs(client, data))
  })

  test('a pattern of users holds for the login, not for the list', async () => {
    const rig = await withKey([way(here, host('hop', 'ecdsa256', 'ann*'))])
    const proof = await proofOf('ecdsa256', 1)
    const client = rig.client()
    await client.bindSession(proof, false)
    assert.ok(await sees(client))
    for (const [user, may] of [
      ['ann', true],
      ['anna', true],
      ['bob', false],
    ] as const)
      assert.equal(await signs(client, loginData('ed25519', user, proof)), may, user)
  })

  test('who is asked to confirm is told the user', async () => {
    const users: (string | undefined)[] = []
    const rig = agentRig({ confirm: ({ user }) => users.push(user) > 0 })
    await rig.client().add(identity('ed25519'), 'mine', { destinations: [toHop], confirm: true })
    const proof = await proofOf('ecdsa256', 1)
    const client = rig.client()
    await client.bindSession(proof, false)
    await client.sign(mine, loginData('ed25519', 'ann', proof), 'ssh-ed25519')
    assert.deepEqual(users, ['ann'])
  })
})

describe('behind a hop, over a forwarded connection', () => {
  const bound = async (destinations: readonly Destination[], far = 'ecdsa384') => {
    const rig = await withKey(destinations)
    const client = rig.client()
    await client.bindSession(await proofOf('ecdsa256', 1), true)
    const proof = await proofOf(far, 2)
    return { client, proof }
  }

  test('a key for the hop alone is not seen there', async () => {
    const { client, proof } = await bound([toHop])
    assert.ok(!(await sees(client)))
    await client.bindSession(proof, false)
    assert.ok(!(await sees(client)))
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof))))
  })

  test('a key that leads on is seen, and signs for the next server only if that is named', async () => {
    const { client, proof } = await bound([toHop, onToFar])
    assert.ok(await sees(client))
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof))), 'that server has proven nothing yet')
    await client.bindSession(proof, false)
    assert.ok(await signs(client, loginData('ed25519', 'ann', proof)))
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof, { namesHost: false }))), 'a login that names no server')
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', { ...proof, hostKey: publicKey('ecdsa256').blob }))))
    const first = await proofOf('ecdsa256', 1)
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', first))), 'the session of the hop')
  })

  test('not for a server that is not on the way', async () => {
    const { client, proof } = await bound([toHop, onToFar], 'ecdsa521')
    await client.bindSession(proof, false)
    assert.ok(!(await sees(client)))
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof))))
  })

  test('nor for the next one when the way there begins elsewhere', async () => {
    const { client, proof } = await bound([way(here, host('far', 'ecdsa384')), toHop])
    await client.bindSession(proof, false)
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', proof))))
  })

  test('the hop itself cannot sign by the binding for forwarding', async () => {
    const { client } = await bound([toHop, onToFar])
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', await proofOf('ecdsa256', 1)))))
  })

  test('three servers long', async () => {
    const last = way(host('far', 'ecdsa384'), host('end', 'ecdsa521', 'root'))
    const { client, proof } = await bound([toHop, onToFar, last])
    await client.bindSession(proof, true)
    const end = await proofOf('ecdsa521', 3)
    await client.bindSession(end, false)
    assert.ok(await signs(client, loginData('ed25519', 'root', end)))
    assert.ok(!(await signs(client, loginData('ed25519', 'ann', end))))
  })
})

describe('a binding', () => {
  test('needs the signature of that very server over that very session', async () => {
    const rig = await withKey([toHop])
    const good = await proofOf('ecdsa256', 1)
    const other = await proofOf('ecdsa384', 1)
    const bad = [
      { ...good, signature: other.signature },
      { ...good, hostKey: other.hostKey },
      { ...good, sessionId: new Uint8Array(32).fill(9) },
      { ...good, signature: good.signature.slice(0, -1) },
      { ...good, hostKey: Uint8Array.of(1, 2, 3) },
    ]
    for (const proof of bad) {
      const client = rig.client()
      await assert.rejects(client.bindSession(proof, false), refused)
      assert.ok(!(await sees(client)), 'who tried in vain is not on the machine of the agent')
    }
  })

  test('for a login is the last of a connection; one for forwarding may be repeated, not with another key', async () => {
    const rig = agentRig()
    const [first, second] = [await proofOf('ecdsa256', 1), await proofOf('ecdsa384', 2)]
    const client = rig.client()
    await client.bindSession(first, true)
    await client.bindSession(first, true)
    await assert.rejects(client.bindSession(await proofOf('ecdsa384', 1), true), refused, 'the same session by another server')
    await client.bindSession(second, false)
    await assert.rejects(client.bindSession(await proofOf('ecdsa521', 3), false), refused)
  })

  test('is taken while the agent is locked, and holds when it is opened', async () => {
    const rig = await withKey([toHop])
    const client = rig.client()
    await rig.client().lock('pass')
    await client.bindSession(await proofOf('ecdsa384', 1), false)
    await rig.client().unlock('pass')
    assert.ok(!(await sees(client)))
  })

  test('of a session identifier that is too long, and more than sixteen, are refused', async () => {
    const { createSigner } = await import('../../src/keys/signer.ts')
    const { crypto } = await import('../keys/fixtures.ts')
    const sessionId = new Uint8Array(129)
    const signer = createSigner(crypto, privateKey('ed25519'), 'host')
    const long = { hostKey: privateKey('ed25519').publicBlob, sessionId, signature: await signer.sign(sessionId, 'ssh-ed25519') }
    const client = agentRig().client()
    await assert.rejects(client.bindSession(long, true), refused)
    for (let number = 1; number <= 16; number++) await client.bindSession(await proofOf('ed25519', number), true)
    await assert.rejects(client.bindSession(await proofOf('ed25519', 17), true), refused)
  })
})

describe('a server that shows a certificate', () => {
  const byAuthority = way(here, { user: '', host: 'hop.example', keys: [{ key: publicKey('ecdsa521').blob, authority: true }] })
  const shows = async (...parts: Parameters<typeof certified>) => {
    const rig = await withKey([byAuthority])
    const proof = await proofOf('ecdsa256', 1, (await certified(...parts)).blob)
    const client = rig.client()
    await client.bindSession(proof, false)
    return signs(client, loginData('ed25519', 'ann', proof))
  }
  test('is taken by its authority and its name', async () => {
    assert.ok(await shows('ecdsa256', 'host', ['hop.example']))
    assert.ok(await shows('ecdsa256', 'host', ['*.example']))
  })
  test('not for another host, not of a user, not by another authority', async () => {
    assert.ok(!(await shows('ecdsa256', 'host', ['other.example'])))
    assert.ok(!(await shows('ecdsa256', 'host', [])))
    assert.ok(!(await shows('ecdsa256', 'user', ['hop.example'])))
    assert.ok(!(await shows('ecdsa256', 'host', ['hop.example'], 'ecdsa384')))
  })
  test('nor is the key of the authority one of a server', async () => {
    const rig = await withKey([byAuthority])
    const proof = await proofOf('ecdsa521', 1)
    const client = rig.client()
    await client.bindSession(proof, false)
    assert.ok(!(await sees(client)))
  })
})
