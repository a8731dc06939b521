// Owns key files in both directions: what ssh-keygen, OpenSSL and puttygen write now we read, and what we write they read, of
// each type, in each format, with each encryption; and which modes of a file are too open.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { describe } from 'node:test'
import { KeyFormatError, openssh } from 'nacre'
import { createAgent, listenAgent } from 'nacre/agent'
import { nodeCrypto } from 'nacre/crypto/node'
import {
  type KeyFileFormat,
  loadPrivateKey,
  type PrivateKey,
  readPrivateKey,
  readPublicKeys,
  writePrivateKey,
  type WriteKeyOptions,
  writePublicKey,
} from 'nacre/keys'
import { loadPrivateKeyFile } from 'nacre/keys/node'
import { freshFile, freshPath } from './rig/folder.ts'
import { type KeyKind, newKey, soundKinds, userKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'

const crypto = nodeCrypto()
const passphrase = 'correct horse: "battery" & staple'
const noPuttygen = existsSync('/usr/bin/puttygen') ? false : 'puttygen is not installed'
const fileCiphers = ['aes128-ctr', 'aes192-ctr', 'aes256-ctr', 'aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc']
const sealingCiphers = [...fileCiphers, 'aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com']

/** What a program printed; it must have ended well. */
const said = async (...command: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await finish(command)
  assert.equal(code, 0, `${command.join(' ')}: ${stderr}`)
  return stdout.toString()
}

const blobOf = (line: string): string => line.trim().split(' ').slice(0, 2).join(' ')
const keyOf = (kind: KeyKind): PrivateKey => readPrivateKey(crypto, readFileSync(userKey(kind).path))

/** A copy of a key file that programs may change. */
const copyOf = (kind: KeyKind): string => freshFile(`copy-${kind}`, readFileSync(userKey(kind).path))

const isRead = async (text: string | Uint8Array, kind: KeyKind, what: string): Promise<void> => {
  const key = await loadPrivateKey(crypto, text, { passphrase })
  assert.equal(`${key.type} ${Buffer.from(key.publicBlob).toString('base64')}`, userKey(kind).line, what)
  assert.deepEqual(key.revealNumbers(), keyOf(kind).revealNumbers(), what)
}

describe('what they write we read', () => {
  for (const kind of soundKinds) {
    test(`ssh-keygen, ${kind}: its own format with every cipher, PEM and PKCS#8`, {}, async () => {
      for (const cipher of sealingCiphers) {
        const path = copyOf(kind)
        await said('ssh-keygen', '-q', '-p', '-P', '', '-N', passphrase, '-Z', cipher, '-a', '2', '-f', path)
        await isRead(readFileSync(path), kind, cipher)
      }
      for (const format of kind === 'ed25519' ? [] : ['PEM', 'PKCS8'])
        for (const secret of ['', passphrase]) {
          const path = copyOf(kind)
          await said('ssh-keygen', '-q', '-p', '-m', format, '-P', '', '-N', secret, '-f', path)
          await isRead(readFileSync(path), kind, `${format} "${secret}"`)
        }
    })

    test(`OpenSSL, ${kind}: PKCS#8 with each cipher and function`, {}, async () => {
      const plain = freshFile('pkcs8', await writePrivateKey(crypto, keyOf(kind), { format: 'pkcs8' }))
      const secret = freshFile('secret', passphrase)
      const to = ['openssl', 'pkcs8', '-topk8', '-in', plain, '-passout', `file:${secret}`]
      for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des3'])
        for (const prf of ['hmacWithSHA1', 'hmacWithSHA224', 'hmacWithSHA256', 'hmacWithSHA384', 'hmacWithSHA512'])
          await isRead(await said(...to, '-v2', cipher, '-v2prf', prf), kind, `${cipher} ${prf}`)
      await isRead(await said(...to, '-scrypt'), kind, 'scrypt')
    })

    test(`puttygen, ${kind}: versions 2 and 3 with each function`, { skip: noPuttygen }, async () => {
      const secrets = { '': freshFile('none', ''), [passphrase]: freshFile('secret', passphrase) }
      for (const [secret, file] of Object.entries(secrets))
        for (const how of ['version=2', ...['argon2id', 'argon2i', 'argon2d'].map(kdf => `version=3,kdf=${kdf},passes=3`)]) {
          const out = freshPath('ppk')
          const command = ['puttygen', userKey(kind).path, '-O', 'private', '-o', out, '--new-passphrase', file, '--ppk-param', how]
          await said(...command)
          await isRead(readFileSync(out), kind, `${how} "${secret}"`)
        }
    })
  }
})

const written = async (kind: KeyKind, format: KeyFileFormat, options: WriteKeyOptions = {}): Promise<string> =>
  freshFile(`${kind}.${format}`, await writePrivateKey(crypto, keyOf(kind), { format, ...options }))

const costs = { passphrase, rounds: 2 }

describe('what we write they read', () => {
  for (const kind of soundKinds) {
    test(`ssh-keygen, ${kind}`, {}, async () => {
      const line = async (path: string, secret: string) => blobOf(await said('ssh-keygen', '-y', '-P', secret, '-f', path))
      assert.equal(await line(await written(kind, 'openssh'), ''), userKey(kind).line)
      for (const cipher of sealingCiphers)
        assert.equal(await line(await written(kind, 'openssh', { ...costs, cipher }), passphrase), userKey(kind).line, cipher)
      // OpenSSH reads Ed25519 in PKCS#8 since 9.6, and never in PEM.
      for (const format of kind === 'ed25519' ? [] : (['pem', 'pkcs8'] as const)) {
        assert.equal(await line(await written(kind, format), ''), userKey(kind).line, format)
        const sealed = await written(kind, format, format === 'pem' ? { passphrase } : costs)
        assert.equal(await line(sealed, passphrase), userKey(kind).line, format)
      }
    })

    test(`OpenSSL, ${kind}`, {}, async () => {
      const secret = freshFile('secret', passphrase)
      const half = writePublicKey(keyOf(kind).publicKey, 'pkcs8')
      for (const format of kind === 'ed25519' ? (['pkcs8'] as const) : (['pem', 'pkcs8'] as const)) {
        const pkey = ['openssl', 'pkey', '-pubout', '-passin', `file:${secret}`, '-in']
        assert.equal(await said(...pkey, await written(kind, format)), half)
        assert.equal(await said(...pkey, await written(kind, format, format === 'pem' ? { passphrase } : costs)), half)
      }
    })

    test(`puttygen, ${kind}`, { skip: noPuttygen }, async () => {
      const secret = freshFile('secret', passphrase)
      const read = async (path: string) => blobOf(await said('puttygen', path, '-L', '--old-passphrase', secret))
      for (const format of ['ppk', 'ppk2'] as const) {
        assert.equal(await read(await written(kind, format)), userKey(kind).line, format)
        assert.equal(await read(await written(kind, format, costs)), userKey(kind).line, format)
      }
      for (const name of ['argon2i', 'argon2d', 'argon2id'] as const) {
        const argon2 = { name, memory: 256, parallelism: 2 }
        assert.equal(await read(await written(kind, 'ppk', { ...costs, argon2 })), userKey(kind).line, name)
      }
      assert.equal(await read(await written(kind, 'openssh', { ...costs, cipher: 'aes256-ctr' })), userKey(kind).line)
      // To see that the private half is whole, it is written again as OpenSSH has it.
      const out = freshPath('again')
      const from = await written(kind, 'ppk', costs)
      const command = ['puttygen', from, '--old-passphrase', secret, '-O', 'private-openssh-new', '-o', out, '--new-passphrase']
      await said(...command, freshFile('none', ''))
      await isRead(readFileSync(out), kind, 'by way of puttygen')
    })

    test(`public keys, ${kind}`, {}, async () => {
      const key = keyOf(kind).publicKey
      const formats = { RFC4716: 'rfc4716', PEM: 'pem', PKCS8: 'pkcs8' } as const
      for (const [theirs, ours] of Object.entries(formats)) {
        // Neither has a way to write Ed25519 by OpenSSL's functions.
        if (kind === 'ed25519' && theirs !== 'RFC4716') continue
        const text = await said('ssh-keygen', '-e', '-m', theirs, '-f', userKey(kind).publicPath)
        assert.ok(readPublicKeys(text)[0].equals(key), theirs)
        // RSA alone may come back from PKCS#1.
        if (theirs === 'PEM' && kind !== 'rsa') continue
        const back = await said('ssh-keygen', '-i', '-m', theirs, '-f', freshFile('public', writePublicKey(key, ours)))
        assert.equal(blobOf(back), userKey(kind).line, theirs)
      }
      if (noPuttygen !== false) return
      const shown = await said('puttygen', freshFile('rfc4716', writePublicKey(key.withComment('x'.repeat(40)), 'rfc4716')), '-L')
      assert.equal(shown.trim(), `${userKey(kind).line} ${'x'.repeat(40)}`)
    })
  }
})

test('the same modes are too open for ssh-keygen and for us, and the same is said first', {}, async () => {
  const { path } = newKey('ed25519')
  for (const mode of [0o600, 0o400, 0o700, 0o640, 0o604, 0o620, 0o601, 0o610, 0o644, 0o666, 0o777]) {
    chmodSync(path, mode)
    const theirs = await finish(['ssh-keygen', '-y', '-P', '', '-f', path])
    const ours = await loadPrivateKeyFile(path).catch((error: unknown) => error)
    const sentence = /Permissions 0\d+ for '.*' are too open/.exec(theirs.stderr)?.[0]
    assert.equal(ours instanceof KeyFormatError, theirs.code !== 0, mode.toString(8))
    if (!(ours instanceof KeyFormatError)) continue
    assert.ok(sentence !== undefined, theirs.stderr)
    assert.equal(ours.code, 'KEY_PERMISSIONS')
    assert.ok(ours.message.startsWith(sentence), `${ours.message} / ${sentence}`)
  }
})

test('a key that an agent has is known by what its file shows: nobody is asked for the passphrase', {}, async () => {
  const agent = createAgent({ crypto })
  assert.ok(agent.add({ key: keyOf('ed25519'), certificate: undefined }, 'a key'))
  const listening = await listenAgent(agent, freshPath('agent'))
  try {
    for (const format of ['openssh', 'ppk'] as const) {
      const { identities } = await openssh('host.example', 22, {
        agent: listening.path ?? false,
        knownHostsFiles: [],
        identityFiles: [await written('ed25519', format, costs)],
        identitiesOnly: true,
        passphrase: () => assert.fail('it asked for a passphrase'),
      })
      const question = { user: 'ada', remaining: ['publickey'], attempts: [], serverSignatureAlgorithms: undefined }
      const credential = await identities.next({ is: 'credential', ...question })
      assert.ok(credential.method === 'publickey' && credential.source.includes('agent'), format)
    }
  } finally {
    await listening.close()
  }
})
