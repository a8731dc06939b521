// Certificates of users and of hosts on whole connections, in memory: what is asked for and offered, who proves what, and hosts
// whose certificates prove nothing.
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { connect, type WebConnectOptions } from '../../src/client/connect-web.ts'
import { credentials } from '../../src/client/identities.ts'
import type { PresentedHostKey } from '../../src/client/policy.ts'
import type { AlgorithmOptions } from '../../src/engine/assemble.ts'
import { memoryPair } from '../../src/io/memory.ts'
import type { Certificate } from '../../src/keys/certificate.ts'
import { certificateTypeOf } from '../../src/keys/certificate.ts'
import { certifiedSigner } from '../../src/keys/certified-signer.ts'
import { parsePublicKey } from '../../src/keys/public.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { trustedCertificates } from '../../src/server/authenticators/certificates.ts'
import { createServer } from '../../src/server/create-web.ts'
import { withinLimits } from '../../src/server/limits.ts'
import { issue, signerOf } from '../keys/certificates.ts'
import { crypto, publicKey } from '../keys/fixtures.ts'

const authority = publicKey('ed25519')
const forUser = (name: string): Promise<Certificate> => issue({ key: publicKey(name) })
const forHost = (name: string): Promise<Certificate> => issue({ key: publicKey(name), kind: 'host', principals: ['memory'] })
const signs = async (name: string, certificate: Promise<Certificate>): Promise<Signer> => certifiedSigner(signerOf(name), await certificate)

interface Meeting {
  readonly hostKeys?: readonly Signer[]
  readonly signers: readonly Signer[]
  readonly algorithms?: AlgorithmOptions
  readonly serverAlgorithms?: AlgorithmOptions
  /** What the client has a reason to ask for. */
  readonly prefers?: readonly string[]
}

/** Logs in and runs a command; `presented` is the host key as it was shown. */
const meet = async ({ hostKeys = [signerOf('ecdsa256')], signers, algorithms, serverAlgorithms, prefers = [] }: Meeting) => {
  const usual = credentials({ signers })
  let offered = ''
  let told: readonly string[] = []
  await using server = createServer({
    hostKeys,
    authenticate: trustedCertificates(crypto, { authorities: [authority] }),
    session: connection =>
      withinLimits(
        { exec: session => session.stdout.write(`${session.user.certificate.keyId}: ${session.command}`) },
        connection.identity?.limits ?? assert.fail('a session of nobody'),
      ),
    ...(serverAlgorithms === undefined ? {} : { algorithms: serverAlgorithms }),
  })
  const [ours, theirs] = memoryPair()
  server.accept(theirs)
  let presented: PresentedHostKey | undefined
  const options: WebConnectOptions = {
    transport: ours,
    hostKey: shown => void (presented = shown),
    auth: {
      ...usual,
      preferHostKeys: prefers,
      next: question => {
        told = question.serverSignatureAlgorithms ?? []
        return usual.next(question)
      },
    },
    ...(algorithms === undefined ? {} : { algorithms }),
    trace: ({ direction, fields }) => {
      if (direction === 'sent' && fields['serverHostKeyAlgorithms'] !== undefined) offered = String(fields['serverHostKeyAlgorithms'])
    },
  }
  await using client = await connect('ada@memory', options)
  const { stdout } = await client.run('echo asked')
  return { stdout, presented: presented ?? assert.fail('no host key was shown'), offered, told }
}

describe('a user', () => {
  // Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
  const alive = setInterval(() => {}, 60_000)
  after(() => clearInterval(alive))

  for (const name of ['ed25519', 'ecdsa256', 'ecdsa521', 'rsa2048'])
    test(`logs in by a certificate of ${name}`, async () => {
      const { stdout } = await meet({ signers: [await signs(name, forUser(name))] })
      assert.equal(stdout, 'test: echo asked')
    })
  test('runs what the certificate forces', async () => {
    const certificate = issue({ key: publicKey('ecdsa256'), criticalOptions: { 'force-command': 'uptime' } })
    assert.equal((await meet({ signers: [await signs('ecdsa256', certificate)] })).stdout, 'test: uptime')
  })
  test('is not let in by the plain key of a certificate', async () =>
    await assert.rejects(meet({ signers: [signerOf('ecdsa256')] }), { name: 'AuthenticationError' }))
  test('is not let in with somebody else’s certificate', async () => {
    const certificate = await forUser('ecdsa256')
    const [algorithm] = [certificate.type]
    // Signs with a key of its own, and shows what is not its own.
    const thief: Signer = {
      ...signerOf('ed25519'),
      publicKey: parsePublicKey(certificate.blob),
      algorithms: [algorithm],
      sign: data => signerOf('ed25519').sign(data, 'ssh-ed25519'),
    }
    await assert.rejects(meet({ signers: [thief] }), { name: 'AuthenticationError' })
  })
  test('cannot use certificates where the server leaves them out', async () => {
    const signers = [await signs('ed25519', forUser('ed25519'))]
    await assert.rejects(meet({ signers, serverAlgorithms: { publicKeyAccepted: 'ssh-ed25519' } }), { name: 'AuthenticationError' })
    const only = { publicKeyAccepted: 'ssh-ed25519-cert-v01@openssh.com,ssh-ed25519' }
    assert.equal((await meet({ signers, serverAlgorithms: only })).stdout, 'test: echo asked')
  })
  test('is told of plain algorithms, as by OpenSSH: certificates go by those of their keys', async () => {
    const { told } = await meet({ signers: [await signs('rsa2048', forUser('rsa2048'))] })
    assert.ok(told.includes('rsa-sha2-512'))
    assert.doesNotMatch(told.join(), /cert-v01/)
  })
})

describe('a host', () => {
  const user = signs('ed25519', forUser('ed25519'))
  const certified = async (name: string) => ({ hostKeys: [signerOf(name), await signs(name, forHost(name))], signers: [await user] })

  test('proves itself by its plain key to whoever has no reason to ask for more', async () => {
    const { presented, offered } = await meet(await certified('ecdsa256'))
    assert.equal(presented.algorithm, 'ecdsa-sha2-nistp256')
    assert.match(offered, /ssh-ed25519/)
    assert.doesNotMatch(offered, /cert-v01/)
  })
  for (const name of ['ed25519', 'ecdsa256', 'rsa2048'])
    test(`proves itself by a certificate of ${name} to whoever wants one`, async () => {
      const all = signerOf(name).algorithms.map(certificateTypeOf)
      const { presented } = await meet({ ...(await certified(name)), prefers: all })
      assert.equal(presented.key.type, certificateTypeOf(publicKey(name).type))
      assert.equal(presented.algorithm, all[0])
      assert.equal(presented.fingerprint, publicKey(name).fingerprint(), 'pinned keys are the same with a certificate')
    })
  test('proves itself by a certificate when it is asked for by name', async () => {
    for (const hostKey of [
      'ecdsa-sha2-nistp256-cert-v01@openssh.com',
      '+ecdsa-sha2-nistp256-cert-v01@openssh.com',
      ['ecdsa-sha2-nistp256-cert-v01@openssh.com'],
    ]) {
      const { presented, offered } = await meet({ ...(await certified('ecdsa256')), algorithms: { hostKey } })
      assert.match(presented.algorithm, /-cert-v01@openssh\.com$/)
      assert.doesNotMatch(offered, /ssh-ed25519-cert/)
    }
  })
  test('that has a certificate only is told of in the error of who does not ask for one', async () => {
    const hostKeys = [await signs('ecdsa256', forHost('ecdsa256'))]
    await assert.rejects(meet({ hostKeys, signers: [] }), {
      name: 'NegotiationError',
      message:
        /The peer offers: ecdsa-sha2-nistp256-cert-v01@openssh\.com\. .*HostKeyAlgorithms=\+ecdsa-sha2-nistp256-cert-v01@openssh\.com/,
    })
  })

  /** A server that shows these bytes as its certificate and signs with this key. */
  const shows = async (blob: Uint8Array, name: string) => {
    const signer = signerOf(name)
    const [algorithm] = (await signs('ecdsa256', forHost('ecdsa256'))).algorithms
    const hostKeys: readonly Signer[] = [
      {
        ...signer,
        publicKey: { blob, type: algorithm } as Signer['publicKey'],
        algorithms: [algorithm],
        sign: data => signer.sign(data, signer.algorithms[0]),
      },
    ]
    return meet({ hostKeys, signers: [await user], algorithms: { hostKey: algorithm } })
  }
  test('that shows a certificate of a key it does not have is refused', async () => {
    const { blob } = await forHost('ecdsa256')
    await assert.rejects(shows(blob, 'ecdsa384'), { violation: 'host-key-signature-invalid' })
    assert.equal((await shows(blob, 'ecdsa256')).stdout, 'test: echo asked')
  })
  test('whose certificate is damaged, or is none, or of another type, is refused', async () => {
    const { blob } = await forHost('ecdsa256')
    await assert.rejects(shows(blob.subarray(0, blob.length - 1), 'ecdsa256'), { violation: 'host-key-malformed' })
    await assert.rejects(shows(publicKey('ecdsa256').blob, 'ecdsa256'), { violation: 'host-key-wrong-type' })
    await assert.rejects(shows((await forHost('ed25519')).blob, 'ecdsa256'), { violation: 'host-key-wrong-type' })
  })
  test('with a certificate of a weak key is refused', async () => {
    const weak = await signs('rsa1024', issue({ key: publicKey('rsa1024'), kind: 'host' }))
    const hostKey = 'rsa-sha2-512-cert-v01@openssh.com'
    await assert.rejects(meet({ hostKeys: [weak], signers: [await user], algorithms: { hostKey } }), { violation: 'host-key-too-weak' })
  })
})
