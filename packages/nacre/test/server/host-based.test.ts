// The authenticators for hosts and for mechanisms of GSS-API: what their checks see, and what never reaches them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServerAttempt } from '../../src/auth/questions.ts'
import { firstOf } from '../../src/server/authenticators/combine.ts'
import { gssapi, type GssClaim } from '../../src/server/authenticators/gssapi.ts'
import { hostBased, type HostClaim } from '../../src/server/authenticators/host-based.ts'
import { answerAttempts, type Applicant } from '../../src/server/authenticate.ts'
import { Ending } from '../../src/io/ending.ts'
import { fakeMechanism } from '../auth/gss-mechanism.ts'
import { testKey } from '../auth/fixtures.ts'
import { systemClock } from '../../src/io/clock.ts'
import type { Authenticator } from '../../src/server/authenticate.ts'

const key = testKey(1)
const hostAttempt = (said: Partial<Extract<ServerAttempt, { method: 'hostbased' }>> = {}): ServerAttempt => ({
  method: 'hostbased',
  algorithm: 'ssh-ed25519',
  publicKey: key.blob,
  fingerprint: key.fingerprint,
  clientHost: 'Desk.Example.ORG.',
  clientUser: 'lovelace',
  ...said,
})

/** Answers as a server would; errors of the authenticator come second. */
const asking = (authenticator: Authenticator<unknown>) => {
  const errors: unknown[] = []
  const answer = answerAttempts(authenticator, {
    remote: undefined,
    ending: new Ending(),
    clock: systemClock,
    floor: () => 0,
    onError: error => errors.push(error),
  })
  let ordinal = 0
  return {
    errors,
    ask: async (attempt: ServerAttempt) =>
      await answer({ is: 'attempt', user: 'ada', service: 'ssh-connection', attempt, ordinal: ordinal++, banner: () => {} }),
  }
}

test('a host is told by its name in lower case, without the dot, and its key', async () => {
  const seen: [string, Omit<HostClaim, 'fingerprint'>, string][] = []
  const { ask } = asking(
    hostBased((applicant: Applicant, { fingerprint, ...claim }: HostClaim) => {
      seen.push([applicant.user, claim, fingerprint()])
      return 'ada'
    }),
  )
  assert.deepEqual(await ask(hostAttempt()), { is: 'accept', identity: 'ada' })
  assert.deepEqual(seen, [
    ['ada', { host: 'desk.example.org', user: 'lovelace', type: 'ssh-ed25519', algorithm: 'ssh-ed25519', blob: key.blob }, key.fingerprint],
  ])
})
test('what is falsy refuses, and so does a check that throws', async () => {
  for (const check of [() => undefined, () => false as const, () => Promise.resolve(null)])
    assert.equal((await asking(hostBased(check)).ask(hostAttempt())).is, 'refuse')
  const broken = asking(
    hostBased(() => {
      throw new Error('disk')
    }),
  )
  assert.equal((await broken.ask(hostAttempt())).is, 'refuse')
  assert.equal(broken.errors.length, 1)
})
test('a host with a certificate is not shown to a check that compares keys', async () => {
  const type = 'ssh-ed25519-cert-v01@openssh.com'
  const publicKey = Uint8Array.from([0, 0, 0, type.length, ...new TextEncoder().encode(type), 0])
  assert.equal((await asking(hostBased(() => 'in')).ask(hostAttempt({ publicKey }))).is, 'refuse')
  assert.equal((await asking(hostBased(() => 'in', { certificates: 'left-to-the-check' })).ask(hostAttempt({ publicKey }))).is, 'accept')
})
test('other methods are nothing to it', async () => {
  const attempt: ServerAttempt = { method: 'publickey', algorithm: 'ssh-ed25519', publicKey: key.blob, fingerprint: '', proven: true }
  assert.equal((await asking(hostBased(() => 'in')).ask(attempt)).is, 'refuse')
})

const mechanism = fakeMechanism()
const begin: ServerAttempt = { method: 'gssapi-with-mic', mechanisms: [Uint8Array.of(6, 1, 9), mechanism.identifier] }
const proof: ServerAttempt = { method: 'gssapi-with-mic-proof', mechanism: 'fake', initiator: 'ada@TEST', delegated: undefined }

test('of the mechanisms a client names the first we have is taken, and who it proves is judged', async () => {
  const seen: GssClaim[] = []
  const { ask } = asking(
    gssapi([fakeMechanism({ arc: 5, name: 'unused' }), mechanism], (_, claim) => {
      seen.push(claim)
      return claim.initiator === 'ada@TEST' && 'ada'
    }),
  )
  const verdict = await ask(begin)
  assert.ok(verdict.is === 'gss' && verdict.mechanism.name === 'fake')
  assert.deepEqual(await ask(proof), { is: 'accept', identity: 'ada' })
  assert.deepEqual(seen, [{ mechanism: 'fake', initiator: 'ada@TEST', delegated: undefined }])
})
test('without one in common it refuses', async () => {
  assert.equal(
    (await asking(gssapi([mechanism], () => 'in')).ask({ method: 'gssapi-with-mic', mechanisms: [Uint8Array.of(6, 1, 9)] })).is,
    'refuse',
  )
})
test('a proof counts once, and only by the mechanism that was chosen here', async () => {
  const { ask } = asking(gssapi([mechanism], () => 'in'))
  assert.equal((await ask(proof)).is, 'refuse')
  await ask(begin)
  assert.equal((await ask({ ...proof, mechanism: 'other' })).is, 'refuse')
  await ask(begin)
  assert.equal((await ask(proof)).is, 'accept')
  const again = asking(gssapi([mechanism], () => false as const))
  await again.ask(begin)
  assert.equal((await again.ask(proof)).is, 'refuse')
  assert.equal((await again.ask(proof)).is, 'refuse')
})
test('in a list, the proof of one mechanism does not pass another', async () => {
  const { ask } = asking(
    firstOf(
      gssapi([mechanism], () => false as const),
      gssapi([fakeMechanism({ arc: 5, name: 'fake' })], () => 'in'),
    ),
  )
  assert.equal((await ask(begin)).is, 'gss')
  assert.equal((await ask(proof)).is, 'refuse')
})
test('the context of a key exchange counts only where that was asked for', async () => {
  const attempt: ServerAttempt = { method: 'gssapi-keyex', mechanism: 'fake', initiator: 'ada@TEST', delegated: undefined }
  assert.equal((await asking(gssapi([mechanism], () => 'in')).ask(attempt)).is, 'refuse')
  const both = gssapi([mechanism], () => 'in', { keyExchange: true })
  assert.deepEqual(both.methods, ['gssapi-keyex', 'gssapi-with-mic'])
  assert.equal((await asking(both).ask(attempt)).is, 'accept')
})
