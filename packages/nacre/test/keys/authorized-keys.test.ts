// authorized_keys: which lines let whom in.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  addAuthorizedKey,
  findAuthorizedKey,
  formatAuthorizedKey,
  parseAuthorizedKeys,
  removeAuthorizedKey,
} from '../../src/keys/authorized-keys.ts'
import { type KeyOptions, noOptions, parseKeyOptions } from '../../src/keys/key-options.ts'
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

test('blanks that sshd does not pass over make another option of the first', () => {
  const file = parseAuthorizedKeys(`\u00a0${key}\n\ufeff${key}\n\f${key}\n \t${key}\r\n`, 'ak')
  assert.deepEqual(
    file.entries.map(each => each.line),
    [4],
  )
  assert.equal(file.entries[0].comment, 'ed25519@vectors')
})

test('principals without cert-authority let nobody in', () => {
  assert.match(parseAuthorizedKeys(`principals="a" ${key}`, 'ak').problems[0].problem, /only for keys with "cert-authority"/)
})

describe('changing the text', () => {
  const options = (field: string): KeyOptions => {
    const parsed = parseKeyOptions(field)
    if (typeof parsed === 'string') throw new Error(parsed)
    return parsed
  }
  const ed25519 = publicKey('ed25519')
  const rsa = publicKey('rsa2048')

  test('a line for a key, with options and comment', () => {
    assert.equal(formatAuthorizedKey({ key: ed25519 }), key)
    assert.equal(formatAuthorizedKey({ key: ed25519, comment: 'two\nlines' }), `${key.split(' ').slice(0, 2).join(' ')} two lines`)
    const line = formatAuthorizedKey({ key: ed25519, options: options('restrict,command="echo \\"x\\""') })
    assert.equal(line, `restrict,command="echo \\"x\\"" ${key}`)
    assert.equal(formatAuthorizedKey(parseAuthorizedKeys(line, 'ak').entries[0]), line)
    assert.throws(() => formatAuthorizedKey({ key: ed25519, options: { ...noOptions, command: 'a\nb' } }), TypeError)
  })

  test('a key is added once, at the end, whatever options it has there', () => {
    const text = `# mine\r\nno-pty ${key}`
    assert.deepEqual(addAuthorizedKey(text, { key: ed25519 }), { text, added: false })
    const added = addAuthorizedKey(text, { key: rsa, options: options('restrict') })
    assert.deepEqual(added, { text: `${text}\r\nrestrict ${rsa}\r\n`, added: true })
    assert.deepEqual(addAuthorizedKey('', { key: rsa }).text, `${rsa}\n`)
    assert.ok(addAuthorizedKey(text, { key: ed25519, options: options('cert-authority') }).added, 'an authority is another thing')
    assert.ok(addAuthorizedKey(`strange ${key}\n`, { key: ed25519 }).added, 'a line that lets nobody in is none')
  })

  test('a key is removed with all its lines, and all others stay as they are', () => {
    const rest = [`# ${key}\n`, '\n', `  no-pty   ${rsa}\r\n`, 'nonsense\n', `strange ${key}\n`]
    const text = `${rest[0]}${rest[1]}no-pty ${key}\n${rest[2]}${rest[3]}${key}\n${rest[4]}cert-authority ${key}`
    assert.deepEqual(removeAuthorizedKey(text, ed25519), { text: rest.join(''), removed: [3, 6, 8] })
    assert.deepEqual(removeAuthorizedKey(text, publicKey('ecdsa256').blob), { text, removed: [] })
  })
})
