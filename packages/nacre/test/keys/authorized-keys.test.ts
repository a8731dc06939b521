// authorized_keys: which lines let whom in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAuthorizedKey, parseAuthorizedKeys } from '../../src/keys/authorized-keys.ts'
import { noOptions } from '../../src/keys/key-options.ts'
import { keyNames, publicKey, vector } from './fixtures.ts'

const key = vector('ed25519.pub').trim()

test('plain lines, comments, empty lines', () => {
  const text = `# who\n\n  ${key}\n${keyNames.map(name => vector(`${name}.pub`)).join('')}`
  const file = parseAuthorizedKeys(text, '/home/a/.ssh/authorized_keys')
  assert.deepEqual(file.problems, [])
  assert.equal(file.entries.length, 1 + keyNames.length)
  const [first] = file.entries
  assert.deepEqual(first.options, noOptions)
  assert.equal(first.line, 3)
  assert.equal(first.comment, 'ed25519@vectors')
  assert.equal(first.file, '/home/a/.ssh/authorized_keys')
})

test('options stand before the key, blanks and quotes within them', () => {
  const file = parseAuthorizedKeys(`restrict,command="echo \\"a b\\" # no comment" ${key}`, 'ak')
  assert.deepEqual(file.problems, [])
  assert.equal(file.entries[0].options.command, 'echo "a b" # no comment')
  assert.equal(file.entries[0].options.may.pty, false)
  assert.equal(file.entries[0].comment, 'ed25519@vectors')
})

test('a line with an option that is unknown or wrong lets nobody in', () => {
  const lines = [
    `strange ${key}`,
    `restrict,strange="x" ${key}`,
    `command=ls ${key}`,
    `command="ls ${key}`,
    `from="" ${key}`,
    `pty="yes" ${key}`,
    `command ${key}`,
  ]
  const file = parseAuthorizedKeys(lines.join('\n'), 'ak')
  assert.deepEqual(file.entries, [])
  assert.deepEqual(
    file.problems.map(each => each.line),
    lines.map((_, i) => i + 1),
  )
  assert.match(file.problems[0].problem, /"strange" is not known/)
})

test('lines without a usable key are told', () => {
  const lines = [
    'nonsense',
    'restrict',
    'ssh-ed25519',
    `ssh-ed25519 ${'A'.repeat(20)}`,
    `ssh-rsa ${key.split(' ')[1]}`,
    `restrict ssh-ed25519 !!!`,
    '1024 65537 1234567',
  ]
  const file = parseAuthorizedKeys(lines.join('\n'), 'ak')
  assert.deepEqual(file.entries, [])
  assert.equal(file.problems.length, lines.length)
})

test('keys of types we do not know are kept', () => {
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 22]), Buffer.from('ssh-future@example.org'), Buffer.from([0, 0, 0, 1, 9])])
  const file = parseAuthorizedKeys(`verify-required ssh-future@example.org ${blob.toString('base64')} token`, 'ak')
  assert.deepEqual(file.problems, [])
  assert.equal(file.entries[0].key.numbers, undefined)
  assert.equal(file.entries[0].key.type, 'ssh-future@example.org')
})

test('a key is found by its blob, in the first line that is accepted', () => {
  const text = `command="one" ${key}\ncommand="two" ${key}\n${vector('rsa2048.pub')}`
  const file = parseAuthorizedKeys(text, 'ak')
  const { blob } = publicKey('ed25519')
  assert.equal(findAuthorizedKey(file, blob)?.options.command, 'one')
  assert.equal(findAuthorizedKey(file, blob, entry => entry.options.command === 'two')?.line, 2)
  assert.equal(findAuthorizedKey(file, publicKey('rsa2048').blob)?.line, 3)
  assert.equal(findAuthorizedKey(file, publicKey('ecdsa256').blob), undefined)
})

test('the key of a certificate authority does not log in itself', () => {
  const file = parseAuthorizedKeys(`cert-authority,principals="alice,bob" ${key}`, 'ak')
  assert.equal(findAuthorizedKey(file, publicKey('ed25519').blob), undefined)
  assert.deepEqual(file.entries[0].options.principals, ['alice', 'bob'])
})
