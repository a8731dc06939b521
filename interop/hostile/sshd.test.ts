// Attacks on `nacre sshd` as it runs: the goodbye of each reaches the attacker, the process lives and has its sockets and
// memory back, and the session of somebody else goes on.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { disconnectReasons, loadSigner, violations } from 'nacre'
import type { Signer } from 'nacre/keys'
import { UserauthRequest, UserauthSuccess } from '../../packages/nacre/src/auth/messages.ts'
import { publickeySignedData } from '../../packages/nacre/src/auth/methods/publickey.ts'
import { ChannelOpen, ChannelOpenConfirmation } from '../../packages/nacre/src/connection/messages.ts'
import { ServiceRequest } from '../../packages/nacre/src/transport/messages.ts'
import { boolean, bytes, encode, struct, text } from '../../packages/nacre/src/wire/codec.ts'
import { attacks, hostileChannel, type Scene } from '../../packages/nacre/test/hostile/scenarios.ts'
import type { Target } from '../peers/peer.ts'
import { userKey } from '../rig/keys.ts'
import { test } from '../rig/test.ts'
import { nacreConnect } from '../sites/client.ts'
import { nacreSshd } from '../sites/commands.ts'
import { type Attacker, eventually, hostileClient, within } from './attacker.ts'
import { Company } from './company.ts'
import { residentOf, socketsOf } from './ledger.ts'

const proof = struct({ hasSignature: boolean, algorithmName: text, publicKey: bytes, signature: bytes })
const algorithmName = 'ssh-ed25519'

/** Logs the attacker in with a key, as anybody would. */
const login = async (attacker: Attacker, user: string, signer: Signer): Promise<void> => {
  await attacker.until(() => attacker.exchanged, 'keys were exchanged')
  const { sessionId } = attacker.hostile.transport
  assert.ok(sessionId !== undefined)
  const publicKey = signer.publicKey.blob
  const signed = publickeySignedData({ sessionId, user, service: 'ssh-connection' }, algorithmName, publicKey)
  const signature = await signer.sign(signed, algorithmName)
  attacker.hostile.send(ServiceRequest, { serviceName: 'ssh-userauth' })
  attacker.hostile.send(UserauthRequest, {
    userName: user,
    serviceName: 'ssh-connection',
    methodName: 'publickey',
    details: encode(proof, { hasSignature: true, algorithmName, publicKey, signature }),
  })
  await attacker.until(() => attacker.hostile.heardAll(UserauthSuccess).length > 0, 'the login')
}

const never = (): Promise<never> => Promise.reject(new Error('nobody can make sshd do that'))
const sceneOf = (attacker: Attacker, user: string, signer: Signer): Scene => ({
  hostile: attacker.hostile,
  exchanged: () => attacker.until(() => attacker.exchanged, 'keys were exchanged'),
  loggedIn: () => login(attacker, user, signer),
  async sessionOpen() {
    attacker.hostile.send(ChannelOpen, { channelType: 'session', ...hostileChannel })
    await attacker.until(() => attacker.hostile.heardAll(ChannelOpenConfirmation).length > 0, 'the session was open')
  },
  sessionWanted: never,
  victimRekeys: never,
})

/** Those that any server is open to, whatever its options. */
const usual = attacks.filter(({ victim, scenario }) => victim === 'server' && scenario.victim === undefined && scenario.large !== true)

const attack = async (to: Target, signer: Signer, { violation, scenario }: (typeof attacks)[number]): Promise<void> => {
  const attacker = (await hostileClient(to.port, scenario.hostile)).start()
  await scenario.act?.(sceneOf(attacker, to.user, signer))
  attacker.flush()
  await within(attacker.closed, `the server left after ${violation}`)
  assert.equal(attacker.hostile.goodbye?.reasonCode, disconnectReasons[violations[violation]], violation)
  assert.notEqual(attacker.hostile.goodbye.description, '', violation)
}

describe('nacre sshd', () => {
  test(`stands ${usual.length} kinds of attacks, time and again`, {}, async () => {
    await using server = await nacreSshd({ accepts: { keys: [userKey()] }, config: ['PerSourcePenalties no', 'MaxAuthTries 100'] })
    const signer = await loadSigner(userKey().path)
    await using company = new Company(await nacreConnect(server.to, { key: userKey() }), 'cat')
    const { pid } = server.process
    const round = async (): Promise<void> => {
      for (const each of usual) await attack(server.to, signer, each)
      await company.undisturbed()
    }
    await round()
    const sockets = socketsOf(pid)
    const resident = residentOf(pid)
    for (let i = 0; i < 3; i++) await round()
    assert.ok(!server.process.ended)
    await eventually(
      () => socketsOf(pid) <= sockets,
      () => `the server holds ${socketsOf(pid)} sockets again, and not more than ${sockets}`,
      10,
    )
    assert.ok(residentOf(pid) < resident + 48 * 2 ** 20, `${resident} bytes resident before, ${residentOf(pid)} after`)
    assert.doesNotMatch(server.process.log(), /internal error/)
  })
})
