// A login with the keys of an agent: the agent is told of the server before anything is asked of it, so that keys restricted to
// destinations serve for theirs.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Destination } from '../../src/agent/constraints.ts'
import { agentSigners } from '../../src/agent/signers.ts'
import { connectOver } from '../../src/client/connect.ts'
import { credentials } from '../../src/client/identities.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { AuthenticationError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { publicKey as publicKeyAuthenticator } from '../../src/server/authenticators/public-key.ts'
import { Server } from '../../src/server/create.ts'
import { agentRig, here, host, identity, way } from '../agent/rig.ts'
import { crypto, privateKey, publicKey } from '../keys/fixtures.ts'

/** Logs in as bob at a server whose key is ecdsa256, with the agent's ed25519. */
const login = async (destinations: readonly Destination[], tellsAgent = true): Promise<'in' | 'out'> => {
  const [ours, theirs] = memoryPair()
  await using server = new Server(
    {
      hostKeys: [createSigner(crypto, privateKey('ecdsa256'), 'host')],
      authenticate: publicKeyAuthenticator((_, { blob }) => publicKey('ed25519').equals(blob)),
      session: {},
      refusalFloor: () => 0,
    },
    nodeRuntime(),
  )
  server.accept(theirs)
  const rig = agentRig()
  await rig.client().add(identity('ed25519'), 'mine', { destinations })
  const identities = credentials({
    signers: proof => agentSigners(rig.client(), tellsAgent && proof !== undefined ? { proof } : {}),
  })
  try {
    const options = { user: 'bob', host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities }
    await using connection = await connectOver(ours, options, nodeRuntime())
    assert.ok(connection)
    return 'in'
  } catch (error) {
    assert.ok(error instanceof AuthenticationError, String(error))
    return 'out'
  }
}

describe('a key of the agent', () => {
  test('without destinations logs in, whether or not the agent is told', async () => {
    assert.equal(await login([]), 'in')
    assert.equal(await login([], false), 'in')
  })
  test('for this server logs in, since the agent is told what the server proved', async () => {
    assert.equal(await login([way(here, host('test', 'ecdsa256', 'bob'))]), 'in')
    assert.equal(await login([way(here, host('test', 'ecdsa256', 'bob'))], false), 'out')
  })
  test('for another server or another user does not; that the agent refuses is an attempt that was skipped', async () => {
    assert.equal(await login([way(here, host('test', 'ecdsa384'))]), 'out')
    assert.equal(await login([way(here, host('test', 'ecdsa256', 'ann'))]), 'out')
  })
})
