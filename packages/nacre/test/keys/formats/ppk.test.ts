// PuTTY's files, versions 2 and 3: written to the byte as puttygen does, and each line that can be wrong.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import type { CryptoProvider } from '../../../src/crypto/provider.ts'
import { fromHex } from '../../../src/keys/formats/hex.ts'
import { loadPrivateKey, readPrivateKey, readPublicPart, writePrivateKey } from '../../../src/keys/private-file.ts'
import { crypto, passphrase, privateKey, publicKey } from '../fixtures.ts'
import { fileOf } from '../key-files.ts'

const names = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048'] as const
const drawing = (bytes: Uint8Array): CryptoProvider => ({ ...crypto, random: into => void into.set(bytes) })

test('what we write is what puttygen writes, to the byte', async () => {
  for (const name of names) {
    const key = privateKey(name)
    assert.equal(await writePrivateKey(crypto, key, { format: 'ppk' }), fileOf('puttygen', name, 'ppk 3'), name)
    assert.equal(await writePrivateKey(crypto, key, { format: 'ppk2' }), fileOf('puttygen', name, 'ppk 2'), name)
    assert.equal(await writePrivateKey(crypto, key, { format: 'ppk2', passphrase }), fileOf('puttygen', name, 'ppk 2, aes256-cbc'), name)
  }
  for (const [name, how, argon2, rounds] of [
    ['ed25519', 'ppk 3, argon2id', {}, 2],
    ['rsa2048', 'ppk 3, argon2id', {}, 2],
    ['ecdsa384', 'ppk 3, argon2i', { name: 'argon2i' }, 2],
    ['ecdsa384', 'ppk 3, argon2d', { name: 'argon2d' }, 2],
    ['rsa2048', 'ppk 3, four lanes', { parallelism: 4 }, 3],
  ] as const) {
    const theirs = fileOf('puttygen', name, how)
    const salt = fromHex(/Argon2-Salt: (\w+)/.exec(theirs)?.[1] ?? '')
    assert.ok(salt)
    const options = { format: 'ppk', passphrase, rounds, argon2: { memory: 64, ...argon2 } } as const
    assert.equal(await writePrivateKey(drawing(salt), privateKey(name), options), theirs, `${name} ${how}`)
  }
})

const open = fileOf('puttygen', 'ecdsa256', 'ppk 3')
const locked = fileOf('puttygen', 'ecdsa256', 'ppk 3, argon2id')

test('a checksum that is wrong: in an open file it is damage, else it is the passphrase', async () => {
  const changes: readonly [RegExp, string][] = [
    [/@vectors/, '@vectorz'],
    [/Private-MAC: \w{64}/, `Private-MAC: ${'0'.repeat(64)}`],
    [/(Private-Lines: 1\n.{8})./, '$1/'],
  ]
  for (const [from, to] of changes) {
    const text = open.replace(from, to)
    assert.notEqual(text, open)
    assert.throws(() => readPrivateKey(crypto, text), { code: 'KEY_MALFORMED', message: /checksum \(Private-MAC\) is wrong/ })
  }
  for (const hex of ['0'.repeat(64), 'f'.repeat(64)]) {
    const text = locked.replace(/Private-MAC: \w+/, `Private-MAC: ${hex}`)
    await assert.rejects(loadPrivateKey(crypto, text, { passphrase }), { code: 'KEY_PASSPHRASE_WRONG' })
  }
  // What is in clear is under the checksum too.
  await assert.rejects(loadPrivateKey(crypto, locked.replace('@vectors', '@vectorz'), { passphrase }), { code: 'KEY_PASSPHRASE_WRONG' })
})

test('each line that can be wrong', async () => {
  const refused: readonly [RegExp, string, string, RegExp][] = [
    [/File-3/, 'File-4', 'KEY_UNSUPPORTED', /PuTTY 4 format.*2 and 3 are/],
    [/File-3/, 'File-33', 'KEY_UNSUPPORTED', /PuTTY format/],
    [/aes256-cbc/, 'rot13', 'KEY_UNSUPPORTED', /encrypted with rot13/],
    [/Comment/, 'Remark', 'KEY_MALFORMED', /where its line "Comment" belongs/],
    [/Public-Lines: \d/, 'Public-Lines: x', 'KEY_MALFORMED', /"Public-Lines" is no number/],
    [/Public-Lines: \d/, 'Public-Lines: 999999999', 'KEY_MALFORMED', /cut off within its "Public-Lines"/],
    [/Public-Lines: \d/, 'Public-Lines: 1', 'KEY_MALFORMED', /line/],
    [/AAAA/, 'AAA!', 'KEY_MALFORMED', /under its "Public-Lines" are not base64/],
    [/nistp256/, 'nistp384', 'KEY_MALFORMED', /another type than its public part/],
    [/Argon2id/, 'Argon3', 'KEY_UNSUPPORTED', /makes its key with Argon3/],
    [/Argon2-Passes: \d+/, 'Argon2-Passes: 0', 'KEY_MALFORMED', /costs or a salt/],
    [/Argon2-Parallelism: \d+/, 'Argon2-Parallelism: 0', 'KEY_MALFORMED', /costs or a salt/],
    [/Argon2-Memory: \d+/, 'Argon2-Memory: 7', 'KEY_MALFORMED', /costs or a salt/],
    [/Argon2-Salt: \w+/, 'Argon2-Salt: 0011', 'KEY_MALFORMED', /costs or a salt/],
    [/Argon2-Salt: \w+/, `Argon2-Salt: ${'00'.repeat(1025)}`, 'KEY_UNSUPPORTED', /more than is reasonable/],
    [/Argon2-Memory: \d+/, 'Argon2-Memory: 524289', 'KEY_UNSUPPORTED', /524289 KiB, 2 passes and 1 lanes, more than is reasonable/],
    [/Argon2-Passes: \d+/, 'Argon2-Passes: 262145', 'KEY_UNSUPPORTED', /262145 passes/],
    [/64\nArgon2-Passes: 2\nArgon2-Parallelism: 1/, '136\nArgon2-Passes: 2\nArgon2-Parallelism: 17', 'KEY_UNSUPPORTED', /17 lanes/],
    [/Argon2-Salt: \w+/, 'Argon2-Salt: xy', 'KEY_MALFORMED', /"Argon2-Salt" is not hexadecimal/],
    [/Private-MAC: \w\w/, 'Private-MAC: ', 'KEY_MALFORMED', /"Private-MAC" is cut off/],
    [/Private-MAC.*\n/, '', 'KEY_MALFORMED', /cut off before its line "Private-MAC"/],
    [/(Private-Lines: 1\n)(.{24}).*/, '$1$2', 'KEY_MALFORMED', /a length that its cipher cannot make/],
  ]
  for (const [from, to, code, message] of refused) {
    const text = locked.replace(from, to)
    assert.notEqual(text, locked, String(from))
    const loading = loadPrivateKey(crypto, text, { passphrase: () => assert.fail(`it asked for a passphrase: ${to}`) })
    await assert.rejects(loading, { code, message }, to)
  }
})

test('a type whose private part is not known is named', () => {
  const blob = Buffer.from('000000097373682d65643434380000000100', 'hex').toString('base64')
  const text = open.replace(/: ecdsa\S+/, ': ssh-ed448').replace(/Public-Lines: \d\n[^:]*\n/, `Public-Lines: 1\n${blob}\n`)
  assert.throws(() => readPrivateKey(crypto, text), { code: 'KEY_UNSUPPORTED', message: /key of type ssh-ed448/ })
})

test('comments in an older code than UTF-8 come back as they were, and the checksum fits', async () => {
  const text = await writePrivateKey(crypto, privateKey('ed25519'), { format: 'ppk', comment: 'Schlüssel' })
  assert.equal(readPrivateKey(crypto, text).comment, 'Schlüssel')
  // The checksum over the comment as a program on Windows has it.
  const blob = (name: string): Buffer => {
    const lines = new RegExp(`${name}: \\d+\\n([^:]*)\\n`).exec(text)?.[1] ?? ''
    return Buffer.from(lines, 'base64')
  }
  const strings = [
    Buffer.from('ssh-ed25519'),
    Buffer.from('none'),
    Buffer.from('Schlüssel', 'latin1'),
    blob('Public-Lines'),
    blob('Private-Lines'),
  ]
  const input = strings.flatMap(each => [Buffer.of(0, 0, each.length >> 8, each.length), each])
  const mac = createHmac('sha256', new Uint8Array(0)).update(Buffer.concat(input)).digest('hex')
  const old = Buffer.from(text.replace(/Private-MAC: \w+/, `Private-MAC: ${mac}`), 'latin1')
  assert.equal(readPrivateKey(crypto, old).comment, 'Schlüssel')
})

test('line breaks in a comment do not make lines of the file', async () => {
  const text = await writePrivateKey(crypto, privateKey('ed25519'), { format: 'ppk', comment: 'one\r\nPrivate-Lines: 0\ntwo' })
  assert.equal(readPrivateKey(crypto, text).comment, 'one Private-Lines: 0 two')
})

test('the public half is there without the passphrase', () => {
  const half = readPublicPart(locked)
  assert.ok(half !== undefined && half.equals(publicKey('ecdsa256')))
  assert.equal(half?.comment, 'ecdsa256@vectors')
})
