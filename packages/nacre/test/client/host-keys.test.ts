// The machine we are on vouches: its keys as files, certificates beside them, the helper that signs where files are root's alone,
// and the name it has. The helper here is a program of the test's own that speaks OpenSSH's protocol.
import assert from 'node:assert/strict'
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { machineIdentity } from '../../src/client/host-keys-node.ts'
import { keysignSigner } from '../../src/client/keysign-node.ts'
import { generateKeyNumbers } from '../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { AgentError } from '../../src/errors.ts'
import { issueCertificate } from '../../src/keys/authority.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { formatPublicKeyLine } from '../../src/keys/public.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { writePrivateKey } from '../../src/keys/private-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nacre-host-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const newKey = async () => {
  const key = new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' }), 'host')
  return { key, signer: createSigner(nodeCrypto(), key, 'host') }
}

/** A helper that runs `body` with `asked`: its whole input. */
const helperOf = (body: string): string => {
  const path = join(folder, 'helper.mjs')
  const program = `#!${process.execPath}
import { readFileSync, writeSync } from 'node:fs'
const asked = readFileSync(0)
const answer = signature => {
  const out = Buffer.alloc(9 + signature.length)
  out.writeUInt32BE(5 + signature.length, 0)
  out[4] = 2
  out.writeUInt32BE(signature.length, 5)
  signature.copy(out, 9)
  writeSync(1, out)
}
${body}`
  writeFileSync(path, program)
  chmodSync(path, 0o755)
  return path
}
const data = Uint8Array.from({ length: 300 }, (_, i) => i)

describe('the helper', () => {
  it('is asked with the length, version 2, the number of the socket and the data, and answers with the signature', async () => {
    const { signer } = await newKey()
    const { sign, algorithms, source } = keysignSigner(signer.publicKey, helperOf('answer(asked)'), undefined)
    const asked = Buffer.from(await sign(data, 'ssh-ed25519'))
    assert.deepEqual([asked.readUInt32BE(0), asked[4], asked.readUInt32BE(5), asked.readUInt32BE(9)], [309, 2, 3, 300])
    assert.deepEqual(new Uint8Array(asked.subarray(13)), data)
    assert.deepEqual([algorithms, source], [['ssh-ed25519'], 'ssh-keysign'])
  })
  it('has the socket as its fourth descriptor', async () => {
    const { signer } = await newKey()
    const told = join(folder, 'socket')
    writeFileSync(told, 'what stands for a socket')
    const descriptor = openSync(told, 'r')
    const { sign } = keysignSigner(signer.publicKey, helperOf('answer(readFileSync(3))'), descriptor)
    assert.equal(Buffer.from(await sign(data, 'ssh-ed25519')).toString(), 'what stands for a socket')
    closeSync(descriptor)
  })
  for (const [what, body, words] of [
    [
      'refuses',
      "console.error('ssh-keysign not enabled in \\x1b[2J/etc/ssh/ssh_config'); process.exit(255)",
      /no signature: ssh-keysign not enabled in \\x1b\[2J/,
    ],
    ['ends without a word', 'process.exit(3)', /status 3/],
    ['says something else', "writeSync(1, 'hello')", /could not be read/],
    ['speaks another version', 'writeSync(1, Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 0]))', /version 1/],
  ] as const)
    it(`that ${what} makes no signature, in words`, async () => {
      const { signer } = await newKey()
      const signing = keysignSigner(signer.publicKey, helperOf(body), undefined).sign(data, 'ssh-ed25519')
      await assert.rejects(
        async () => await signing,
        (error: unknown) => error instanceof AgentError && error.code === 'AGENT_REFUSED' && words.test(error.message),
      )
    })
  it('that is not there makes none either', async () => {
    const { signer } = await newKey()
    await assert.rejects(
      async () => await keysignSigner(signer.publicKey, join(folder, 'nothing'), undefined).sign(data, 'ssh-ed25519'),
      AgentError,
    )
  })
})

describe('the machine', () => {
  const write = async () => {
    const { key, signer } = await newKey()
    const path = join(folder, 'ssh_host_ed25519_key')
    writeFileSync(path, await writePrivateKey(nodeCrypto(), key), { mode: 0o600 })
    writeFileSync(`${path}.pub`, `${formatPublicKeyLine(signer.publicKey)}\n`)
    return { path, signer }
  }
  const none = join(tmpdir(), 'no-such-helper')

  it('has the keys that can be read, our name, and its own', async () => {
    const { path, signer } = await write()
    const identity = await machineIdentity({ folder, keysign: none })()
    assert.ok(identity)
    assert.deepEqual([identity.user, identity.host], [userInfo().username, hostname()])
    assert.deepEqual(
      identity.signers.map(each => [each.source, each.publicKey.fingerprint()]),
      [[path, signer.publicKey.fingerprint()]],
    )
  })
  it('is called as its address on the connection is', async () => {
    await write()
    const remote = { address: '127.0.0.1', port: 22, localAddress: '::ffff:127.0.0.1', localPort: 1 }
    const identity = await machineIdentity({ folder, keysign: none })({ remote, descriptor: undefined })
    assert.notEqual(identity?.host, '::ffff:127.0.0.1')
    assert.ok(identity?.host !== undefined && identity.host !== '')
  })
  it('shows the certificate beside a key before the key', async () => {
    const { path, signer } = await write()
    const { signer: authority } = await newKey()
    const certificate = await issueCertificate({
      signer: authority,
      key: signer.publicKey,
      kind: 'host',
      principals: ['desk'],
      keyId: 'd',
      random: nodeCrypto().random,
    })
    writeFileSync(`${path}-cert.pub`, `${certificate.type} ${Buffer.from(certificate.blob).toString('base64')}\n`)
    const identity = await machineIdentity({ folder, keysign: none })()
    assert.deepEqual(
      identity?.signers.map(each => each.publicKey.type),
      ['ssh-ed25519-cert-v01@openssh.com', 'ssh-ed25519'],
    )
  })
  it('has those that only the helper can read by the helper', async () => {
    const { path, signer } = await write()
    rmSync(path)
    const identity = await machineIdentity({ folder, keysign: helperOf('answer(Buffer.from("signed"))') })()
    assert.deepEqual(
      identity?.signers.map(each => [each.source, each.publicKey.fingerprint()]),
      [['ssh-keysign', signer.publicKey.fingerprint()]],
    )
  })
  it('cannot vouch without keys, and a key that cannot be used is told of', async () => {
    const notes: string[] = []
    assert.equal(await machineIdentity({ folder, keysign: none, onNote: note => notes.push(note) })(), undefined)
    assert.match(notes.join('\n'), /No key of this host can be used: none in .* can be read/)
    writeFileSync(join(folder, 'ssh_host_rsa_key'), 'rubbish', { mode: 0o600 })
    await machineIdentity({ folder, keysign: none, onNote: note => notes.push(note) })()
    assert.match(notes.join('\n'), /The host key .*ssh_host_rsa_key is not used/)
  })
})
