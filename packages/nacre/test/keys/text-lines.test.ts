// Lines of a text, and what stands in front of a key in one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOfOptions, startsWithKey } from '../../src/keys/options-field.ts'
import { eachLine, withLine } from '../../src/keys/text-lines.ts'

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
