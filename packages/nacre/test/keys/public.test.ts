// Public keys: blobs, fingerprints, and the lines of .pub files.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireError } from '../../src/errors.ts'
import { formatPublicKeyLine, parsePublicKey, parsePublicKeyLine } from '../../src/keys/public.ts'
import { encode, struct, text, bytes } from '../../src/wire/codec.ts'
import { keyNames, publicKey, vector } from './fixtures.ts'

interface Printed {
  key: string
  bits: number
  sha256: string
  sha1: string
  md5: string
}

test('fingerprints and sizes are those ssh-keygen -l prints', () => {
  const printed = JSON.parse(vector('fingerprints.json')) as Printed[]
  assert.equal(printed.length, keyNames.length)
  for (const row of printed) {
    const key = publicKey(row.key)
    assert.equal(key.bits, row.bits, row.key)
    for (const hash of ['sha256', 'sha1', 'md5'] as const) assert.equal(key.fingerprint(hash), row[hash])
    assert.equal(key.fingerprint(), row.sha256)
  }
})

test('the lines of .pub files go there and back', () => {
  for (const name of keyNames) {
    const line = vector(`${name}.pub`)
    const key = parsePublicKeyLine(line)
    assert.equal(key.comment, `${name}@vectors`)
    assert.equal(`${formatPublicKeyLine(key)}\n`, line)
  }
})

test('blanks around the fields do not matter, blanks within the comment stay', () => {
  const [type, base64] = vector('ed25519.pub').split(' ')
  assert.equal(parsePublicKeyLine(`  ${type}\t ${base64}   a  b \r\n`).comment, 'a  b')
  assert.equal(parsePublicKeyLine(`${type} ${base64}`).comment, '')
})

test('a comment with a line break cannot add a line', () => {
  const key = publicKey('ed25519').withComment('x\nevil.example ssh-ed25519 AAAA')
  assert.equal(formatPublicKeyLine(key).includes('\n'), false)
})

test('a blob of a type we do not know is kept, without numbers', () => {
  const blob = encode(struct({ name: text, rest: bytes }), { name: 'ssh-new@example.org', rest: Uint8Array.of(1, 2, 3) })
  const key = parsePublicKey(blob)
  assert.equal(key.type, 'ssh-new@example.org')
  assert.equal(key.numbers, undefined)
  assert.deepEqual(key.blob, blob)
})

test('a key keeps its own bytes when the input is overwritten', () => {
  const { blob } = publicKey('ed25519')
  for (const input of [blob.slice(), Buffer.from(blob)]) {
    const key = parsePublicKey(input)
    input.fill(0)
    assert.equal(key.fingerprint(), publicKey('ed25519').fingerprint())
    assert.ok(key.equals(blob))
  }
})

test('blobs that are cut, too long or nameless are refused', () => {
  for (const name of keyNames) {
    const { blob } = publicKey(name)
    for (let length = 0; length < blob.length; length++) {
      assert.throws(() => parsePublicKey(blob.subarray(0, length)), WireError, `${name} cut at ${length}`)
    }
    assert.throws(() => parsePublicKey(Uint8Array.of(...blob, 0)), WireError)
  }
  assert.throws(() => parsePublicKey(Uint8Array.of(0, 0, 0, 0)), WireError)
  assert.throws(() => parsePublicKey(Uint8Array.of(0, 0, 0, 1, 0x1b)), WireError)
})

test('a line made to be slow is not, and two lines are not one', () => {
  const [type, base64] = vector('ed25519.pub').split(' ')
  assert.equal(parsePublicKeyLine(`${type} ${base64} ${' '.repeat(200_000)}\u2028x`).comment.length, 2)
  assert.throws(() => parsePublicKeyLine(`${type} ${base64} ${' '.repeat(200_000)}\rx`), { code: 'KEY_FORMAT_UNKNOWN' })
  assert.throws(() => parsePublicKeyLine(vector('ed25519.pub').repeat(2)), { code: 'KEY_FORMAT_UNKNOWN' })
})

test('lines say what is wrong with them', () => {
  const [type, base64] = vector('ed25519.pub').split(' ')
  const refused: [string, string][] = [
    ['', 'KEY_FORMAT_UNKNOWN'],
    ['ssh-ed25519', 'KEY_FORMAT_UNKNOWN'],
    [`${type} ${base64.slice(0, -3)}`, 'KEY_MALFORMED'],
    [`ssh-rsa ${base64}`, 'KEY_MALFORMED'],
    [`${type} ${base64.slice(0, -4)}`, 'KEY_MALFORMED'],
  ]
  for (const [line, code] of refused) assert.throws(() => parsePublicKeyLine(line), { code, name: 'KeyFormatError' }, line)
  assert.throws(() => parsePublicKeyLine(`ssh-rsa ${base64}`, '/etc/key.pub'), /public key in \/etc\/key\.pub says it is of type ssh-rsa/)
})
