// Owns logins by security keys: ours and OpenSSH's clients at ours and OpenSSH's servers, by an agent with a security key in
// memory behind it. Both servers must judge every touch and PIN alike, and ssh-keygen takes the signatures too.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe } from 'node:test'
import { createAgent, listenAgent } from 'nacre/agent'
import { nodeCrypto } from 'nacre/crypto/node'
import { type Certificate, certifiedSigner, formatPublicKeyLine, parseCertificate, signFile, writeOpensshPrivateKey } from 'nacre/keys'
import { createTestSecurityKey, type TestSecurityKey } from 'nacre/testing'
import { openSshCommand, openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { type KeyFile, newKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreSshCommand, nacreSshd } from './sites/commands.ts'

const crypto = nodeCrypto()
const kinds = ['ed25519', 'ecdsa'] as const

/** An agent that has a token, on a socket. */
const agentWith = async (token: TestSecurityKey) => {
  const agent = createAgent({ crypto, signBySecurityKey: use => token.sign(use.data) })
  assert.ok(agent.add({ key: token.key, certificate: undefined }, 'a security key'))
  const listening = await listenAgent(agent, freshPath('agent'))
  assert.ok(listening.path !== undefined)
  return { path: listening.path, [Symbol.asyncDispose]: () => listening.close() }
}

/** The key as the tests know keys; `options` stand in front of it where it is authorized. */
const keyFile = (token: TestSecurityKey, options = ''): KeyFile => ({
  path: freshFile('sk.pub', `${formatPublicKeyLine(token.publicKey)}\n`),
  publicPath: '',
  line: `${options} ${formatPublicKeyLine(token.publicKey)}`.trim(),
  type: token.publicKey.type,
  fingerprint: token.publicKey.fingerprint(),
  passphrase: undefined,
})

// OpenSSH 9.2 has the signatures of browsers not in its default list. Many are refused here, and a younger sshd would soon not listen.
const common = ['PubkeyAcceptedAlgorithms +webauthn-sk-ecdsa-sha2-nistp256@openssh.com']
const servers = [
  { name: 'OpenSSH sshd', start: openSshServer, config: common },
  { name: 'nacre sshd', start: nacreSshd, config: [...common, 'PerSourcePenalties no'] },
]
const clients = [
  { name: 'OpenSSH ssh', command: openSshCommand },
  { name: 'nacre ssh', command: nacreSshCommand },
]

for (const kind of kinds) {
  for (const client of clients) {
    for (const server of servers) {
      test(`${client.name} at ${server.name} by a security key with ${kind}, in an agent`, {}, async () => {
        const token = await createTestSecurityKey(crypto, { kind })
        await using agent = await agentWith(token)
        const key = keyFile(token)
        await using there = await server.start({ accepts: { keys: [key] }, config: server.config })
        const run = async (): Promise<{ readonly code: number | null; readonly said: string; readonly stderr: string }> => {
          const { command, options } = client.command({ to: there.to, login: { key }, command: 'echo inside' })
          const result = await finish(command, { ...options, env: { ...options.env, SSH_AUTH_SOCK: agent.path } })
          return { code: result.code, said: result.stdout.toString(), stderr: result.stderr }
        }
        const touched = await run()
        assert.equal(touched.said, 'inside\n', touched.stderr)
        assert.ok(token.counter > 0)
        token.flags = 0
        const untouched = await run()
        assert.deepEqual([untouched.code, untouched.said], [255, ''], untouched.stderr)
      })
    }
  }
}

describe('both servers judge alike', () => {
  /** With a certificate, that is what is shown. */
  const enters = async (server: PeerServer, token: TestSecurityKey, algorithm: string, certificate?: Certificate): Promise<boolean> => {
    const { publicKey, source, slow } = token
    const signer = { publicKey, source, slow, algorithms: [algorithm], sign: (data: Uint8Array) => token.sign(data, algorithm) }
    const signers = [certificate === undefined ? signer : certifiedSigner(signer, certificate)]
    try {
      await using connection = await nacreConnect(server.to, {}, { auth: { signers } })
      return (await connection.run('true')).code === 0
    } catch (error) {
      assert.match(String((error as { code?: unknown }).code), /AUTHENTICATION_FAILED/)
      return false
    }
  }
  for (const { options, config, letIn } of [
    { options: '', config: [], letIn: [1, 5, 0x21] },
    { options: 'no-touch-required', config: [], letIn: [0, 1, 4, 5, 0x20, 0x21] },
    { options: 'verify-required', config: [], letIn: [5] },
    { options: 'verify-required,no-touch-required', config: [], letIn: [4, 5] },
    { options: 'no-touch-required', config: ['PubkeyAuthOptions touch-required'], letIn: [1, 5, 0x21] },
    { options: '', config: ['PubkeyAuthOptions touch-required verify-required'], letIn: [5] },
  ]) {
    test(`${options || 'without options'} ${config.join('')}`, { seconds: 120 }, async () => {
      for (const kind of kinds) {
        const token = await createTestSecurityKey(crypto, { kind })
        for (const { name, start, config: own } of servers) {
          await using server = await start({ accepts: { keys: [keyFile(token, options)] }, config: [...own, ...config] })
          for (const algorithm of token.algorithms) {
            for (const flags of [0, 1, 4, 5, 0x20, 0x21]) {
              token.flags = flags
              assert.equal(await enters(server, token, algorithm), letIn.includes(flags), `${name}, ${algorithm}, flags ${flags}`)
            }
          }
        }
      }
    })
  }

  for (const { extensions, letIn } of [
    { extensions: [], letIn: [1, 5] },
    { extensions: ['no-touch-required'], letIn: [0, 1, 4, 5] },
    { extensions: ['verify-required'], letIn: [5] },
    { extensions: ['verify-required', 'no-touch-required'], letIn: [4, 5] },
  ]) {
    test(`a certificate with ${extensions.join(' and ') || 'nothing'}`, { seconds: 120 }, async () => {
      const authority = newKey('ed25519')
      const trusted = freshFile('authorities', `${authority.line}\n`, 0o644)
      for (const kind of kinds) {
        const token = await createTestSecurityKey(crypto, { kind })
        const { path } = keyFile(token)
        const options = extensions.flatMap(each => ['-O', each])
        const signed = await finish(['ssh-keygen', '-s', authority.path, '-I', 'token', '-n', world().user, ...options, path])
        assert.equal(signed.code, 0, signed.stderr)
        const [, blob = ''] = readFileSync(path.replace(/\.pub$/, '-cert.pub'), 'utf8').split(' ')
        const certificate = parseCertificate(Uint8Array.from(Buffer.from(blob, 'base64')))
        for (const { name, start, config: own } of servers) {
          const config = [`TrustedUserCAKeys ${trusted}`, ...own]
          await using server = await start({ accepts: { keys: [] }, config })
          // OpenSSH 9.2 knows no certificates of browsers.
          for (const algorithm of start === openSshServer ? token.algorithms.slice(0, 1) : token.algorithms) {
            for (const flags of [0, 1, 4, 5]) {
              token.flags = flags
              assert.equal(
                await enters(server, token, algorithm, certificate),
                letIn.includes(flags),
                `${name}, ${algorithm}, flags ${flags}`,
              )
            }
          }
        }
      }
    })
  }
})

test('the file of such a key is one for ssh-keygen, and it takes what the key signs', {}, async () => {
  for (const kind of kinds) {
    const token = await createTestSecurityKey(crypto, { kind, application: 'ssh:of the tests' })
    const file = freshFile('id_sk', writeOpensshPrivateKey(crypto, token.key))
    const shown = await finish(['ssh-keygen', '-y', '-f', file])
    assert.equal(shown.stdout.toString(), `${formatPublicKeyLine(token.publicKey)}\n`, shown.stderr)
    const message = readFileSync(file)
    const signature = freshFile('sig', await signFile(crypto, token, message, { namespace: 'file' }))
    const checked = await finish(['ssh-keygen', '-Y', 'check-novalidate', '-n', 'file', '-s', signature], { stdin: message })
    assert.equal(checked.code, 0, checked.stderr)
  }
})
