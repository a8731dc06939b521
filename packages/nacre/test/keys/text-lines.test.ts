// Lines of a text, and what stands in front of a key in one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfOptions, startsWithKey } from '../../src/keys/options-field.ts'
import { parseAllowedSigners } from '../../src/keys/allowed-signers.ts'
import { parseAuthorizedKeys } from '../../src/keys/authorized-keys.ts'
import { parseKnownHosts } from '../../src/keys/known-hosts.ts'
import { parseRevocations } from '../../src/keys/krl/input.ts'
import { parseRevokedKeys } from '../../src/keys/krl/query.ts'
import { readPublicKeys } from '../../src/keys/public-file.ts'
import { eachLine, withLine, withoutBlanks } from '../../src/keys/text-lines.ts'

test('lines put together are the text again', () => {
  assert.deepEqual(eachLine(''), [])
  assert.deepEqual(eachLine('a'), ['a'])
  assert.deepEqual(eachLine('a\n\r\n\nb'), ['a\n', '\r\n', '\n', 'b'])
  assert.deepEqual(eachLine('\n'), ['\n'])
})

test('a line is put behind the last, with the line break of the first', () => {
  assert.equal(withLine('', 'x'), 'x\n')
  assert.equal(withLine('a\n', 'x'), 'a\nx\n')
  assert.equal(withLine('a', 'x'), 'a\nx\n')
  assert.equal(withLine('a\r\nb', 'x'), 'a\r\nb\r\nx\r\n')
  assert.equal(withLine('a\nb\r\n', 'x'), 'a\nb\r\nx\n')
})

test('options end at a blank that is in no quotes', () => {
  assert.equal(endOfOptions('no-pty ssh-ed25519'), 6)
  assert.equal(endOfOptions('a="b c"\tkey'), 7)
  assert.equal(endOfOptions('a="b \\" c" key'), 10)
  assert.equal(endOfOptions('a="b c key'), -1)
  assert.equal(endOfOptions('no-pty'), -1)
})

test('a key is a type and base64 of a length', () => {
  assert.ok(startsWithKey('ssh-ed25519 AAAAC3'))
  assert.ok(startsWithKey('future@example.org\tAAAAC3'))
  assert.ok(!startsWithKey('no-pty ssh-ed25519 AAAAC3'))
  assert.ok(!startsWithKey('command="x" AAAAC3'))
  assert.ok(!startsWithKey(' ssh-ed25519 AAAAC3'))
})

test('blanks around a line go, and carriage returns at its end', () => {
  assert.equal(withoutBlanks(' \t a \t b \t\r\r '), 'a \t b')
  assert.equal(withoutBlanks('\ra\r'), '\ra')
  assert.equal(withoutBlanks('\r a\r', ' \t\r'), 'a')
  assert.equal(withoutBlanks(' \t\r'), '')
  assert.equal(withoutBlanks('\u00a0a\v'), '\u00a0a\v', 'nothing but those')
})

// Of each of these a pattern for blanks at an end would make hours: whoever may write such a file must not hold the process.
test('a long run of blanks within a line is nothing special', () => {
  const run = ' '.repeat(1_000_000)
  assert.equal(withoutBlanks(`a${run}b`).length, run.length + 2)
  assert.equal(parseAuthorizedKeys(`no-pty${run}x ssh-ed25519 AAAA\n`, 'file').entries.length, 0)
  assert.equal(parseKnownHosts(`host${run}x\n`, 'file').entries.length, 0)
  assert.equal(parseAllowedSigners(`somebody${run}x\n`, 'file').entries.length, 0)
  assert.throws(() => parseRevocations(`a${run}b`), { code: 'KRL_ENTRY' })
  assert.throws(() => parseRevokedKeys(new TextEncoder().encode(`a${run}b`)), { code: 'KRL_MALFORMED' })
})

test('nor are headers of RFC 4716 in a great many pieces', () => {
  const text = `---- BEGIN SSH2 PUBLIC KEY ----\nComment: ${'a\\\n'.repeat(300_000)}\n---- END SSH2 PUBLIC KEY ----\n`
  assert.throws(() => readPublicKeys(text), { code: 'KEY_MALFORMED', message: /a header is longer than RFC 4716 has it/ })
})
