// What people are shown of a peer's text.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { escapeForPeople } from '../src/errors.ts'

describe('text of a peer is shown with', () => {
  for (const [what, text, shown] of [
    ['letters of all kinds as they are', 'héllo 東京', 'héllo 東京'],
    ['controls as escapes', '\x1b[2J\x07\x9b', '\\x1b[2J\\x07\\x9b'],
    ['line breaks as escapes', 'a\r\nb\tc', 'a\\x0d\\x0ab\\x09c'],
    ['what turns text around as escapes', '\u202eabc\u2066', '\\u{202e}abc\\u{2066}'],
    ['what has no width as escapes', '\u200b\ufeff\u00ad', '\\u{200b}\\u{feff}\\u{ad}'],
    ['letters that are drawn as nothing as escapes', '\u3164\u115f\u034f\ufe0f\u{e0100}', '\\u{3164}\\u{115f}\\u{34f}\\u{fe0f}\\u{e0100}'],
    ['halves of characters as escapes', '\ud83d', '\\u{d83d}'],
    ['backslashes doubled, so that nothing looks like an escape that is none', '\\x1b', '\\\\x1b'],
  ] as const)
    it(what, () => assert.equal(escapeForPeople(text), shown))

  it('line breaks and tabs where lines are wanted', () => {
    assert.equal(escapeForPeople('a\r\nb\tc\x07', { lines: true }), 'a\nb\tc\\x07')
  })
  it('no more than a limit', () => {
    assert.equal(escapeForPeople('abcdef', { limit: 3 }), 'abc…')
  })
})
