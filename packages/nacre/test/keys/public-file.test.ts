// Public keys in every format: those that ssh-keygen, OpenSSL and puttygen wrote, and what we write, to the byte.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPublicKeys, writePublicKey } from '../../src/keys/public-file.ts'
import { parsePublicKey } from '../../src/keys/public.ts'
import { keyNames, publicKey, vector } from './fixtures.ts'
import { fileOf, publicFiles } from './key-files.ts'

const shown = ({ maker, key, how }: (typeof publicFiles)[number]): string => `${maker} ${key} ${how}`

test('every file that the others made is read', () => {
  for (const file of publicFiles) {
    const keys = readPublicKeys(file.text)
    assert.equal(keys.length, 1, shown(file))
    assert.ok(keys[0].equals(publicKey(file.key)), shown(file))
  }
})

test('bytes, and lines that end as on Windows', () => {
  for (const file of publicFiles) {
    const [key] = readPublicKeys(new TextEncoder().encode(file.text.replaceAll('\n', '\r\n')))
    assert.ok(key.equals(publicKey(file.key)), shown(file))
  }
})

test('a .pub file, and several lines with remarks between them', () => {
  const text = `# mine\n${vector('ed25519.pub')}\n \n${vector('rsa2048.pub')}`
  assert.deepEqual(
    readPublicKeys(text).map(key => [key.type, key.comment]),
    [
      ['ssh-ed25519', 'ed25519@vectors'],
      ['ssh-rsa', 'rsa2048@vectors'],
    ],
  )
})

test('private key files that show their public half', () => {
  for (const text of [vector('encrypted-aes256-ctr.key'), fileOf('puttygen', 'ed25519', 'ppk 3, argon2id')])
    assert.ok(readPublicKeys(text)[0].equals(publicKey('ed25519')))
  assert.throws(() => readPublicKeys(vector('rsa2048-pem.pem'), { path: '/k' }), {
    code: 'KEY_UNSUPPORTED',
    message: 'The key file /k (PEM (PKCS#1) format) holds a private key and does not show its public half.',
  })
})

test('what we write is what ssh-keygen writes, to the byte', () => {
  for (const { maker, key, how, text } of publicFiles) {
    if (key === 'dsa' && how !== 'rfc4716') continue
    if (maker === 'openssl') assert.equal(writePublicKey(publicKey(key), 'pkcs8'), text, `${key} ${how}`)
    if (maker !== 'ssh-keygen') continue
    const form = how === 'rfc4716' || how === 'pem' ? how : 'pkcs8'
    const [theirs] = readPublicKeys(text)
    assert.equal(writePublicKey(theirs, form), text, `${key} ${how}`)
  }
})

test('what we write in any format we read', () => {
  for (const name of keyNames.filter(each => each !== 'dsa'))
    for (const format of ['openssh', 'rfc4716', 'pem', 'pkcs8', 'jwk'] as const) {
      const [again] = readPublicKeys(writePublicKey(publicKey(name), format))
      assert.ok(again.equals(publicKey(name)), `${name} ${format}`)
      assert.equal(again.comment, format === 'pem' || format === 'pkcs8' ? '' : `${name}@vectors`)
    }
})

test('RFC 4716: a comment of any length comes back, in lines of at most 72 bytes', () => {
  for (const comment of ['', 'x'.repeat(61), 'x'.repeat(62), 'x'.repeat(500), 'ö€𝄞'.repeat(60), 'ends with \\', '"quoted"', 'a: b']) {
    const text = writePublicKey(publicKey('ed25519').withComment(comment), 'rfc4716')
    for (const line of text.split('\n')) assert.ok(new TextEncoder().encode(line).length <= 72, line)
    assert.equal(readPublicKeys(text)[0].comment, comment)
  }
  const long = readPublicKeys(writePublicKey(publicKey('ed25519').withComment('y'.repeat(2000)), 'rfc4716'))[0].comment
  assert.equal(long, 'y'.repeat(1022))
})

const block = (...lines: readonly string[]): string =>
  ['---- BEGIN SSH2 PUBLIC KEY ----', ...lines, '---- END SSH2 PUBLIC KEY ----', ''].join('\n')
const base64 = vector('ed25519.pub').split(' ')[1]

test('RFC 4716: headers in any case, others beside the comment, several keys', () => {
  const text = block('Subject: me', 'X-whatever: a \\', 'and b\\', ' and c', 'COMMENT: no quotes', base64)
  const keys = readPublicKeys(text + block(base64))
  assert.deepEqual(
    keys.map(key => key.comment),
    ['no quotes', ''],
  )
})

test('a file of beginnings in one another is read once', () => {
  // Each as the header of the one before it goes on: were each looked for again, this would take minutes.
  const line = `x: ${'y'.repeat(20)}\\\n---- BEGIN SSH2 PUBLIC KEY ----\n`
  const text = `---- BEGIN SSH2 PUBLIC KEY ----\n${line.repeat(16_000)}${base64}\n---- END SSH2 PUBLIC KEY ----\n`
  assert.equal(readPublicKeys(text).length, 1)
})

test('damaged and unknown files say what they are', () => {
  const spki = publicFiles.find(({ maker, key }) => maker === 'openssl' && key === 'ed25519')?.text ?? ''
  const refused: readonly [string, string, RegExp][] = [
    ['', 'KEY_FORMAT_UNKNOWN', /^The key file \/k is empty/],
    ['hello', 'KEY_FORMAT_UNKNOWN', /in no format of public keys that is known/],
    [block(base64).replace(/---- END.*/, ''), 'KEY_MALFORMED', /RFC 4716 format.*last line/],
    [block(base64.slice(0, 40)), 'KEY_MALFORMED', /RFC 4716 format/],
    [block('Comment: "x"\\'), 'KEY_MALFORMED', /header goes on/],
    [block(`${'x'.repeat(65)}: y`, base64), 'KEY_MALFORMED', /header is longer/],
    [block(`x: ${'y'.repeat(1025)}`, base64), 'KEY_MALFORMED', /header is longer/],
    [block('!!!!'), 'KEY_MALFORMED', /not base64/],
    [spki.replace(/-----END.*/, ''), 'KEY_MALFORMED', /PEM \(SPKI\) format.*last line/],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', 'KEY_MALFORMED', /PEM \(SPKI\) format/],
    ['-----BEGIN RSA PUBLIC KEY-----\nMAA=\n-----END RSA PUBLIC KEY-----\n', 'KEY_MALFORMED', /PEM \(PKCS#1\) format/],
    [JSON.stringify({ keys: [3] }), 'KEY_MALFORMED', /JWK format/],
    [' '.repeat(2 ** 20 + 1), 'KEY_MALFORMED', /1048577 bytes, far more than a key/],
  ]
  for (const [text, code, message] of refused)
    assert.throws(() => readPublicKeys(text, { path: '/k' }), { code, message }, text.slice(0, 80))
})

test('a key of a type that has no such form is refused, and kept in the forms that know none', () => {
  const key = parsePublicKey(new TextEncoder().encode('\0\0\0\x0bssh-unknown...'))
  for (const format of ['pem', 'pkcs8', 'jwk'] as const)
    assert.throws(() => writePublicKey(key, format), { code: 'KEY_UNSUPPORTED', message: /There is no .* form of a ssh-unknown key/ })
  for (const format of ['openssh', 'rfc4716'] as const) assert.ok(readPublicKeys(writePublicKey(key, format))[0].equals(key), format)
  for (const format of ['pem', 'pkcs8', 'jwk'] as const)
    assert.throws(() => writePublicKey(publicKey('dsa'), format), { code: 'KEY_UNSUPPORTED' })
})
