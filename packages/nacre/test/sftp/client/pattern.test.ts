// Patterns for names, as OpenSSH's sftp takes them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isPattern, literalOf, nameMatcher } from '../../../src/sftp/client/pattern.ts'

const rows: readonly (readonly [pattern: string, fits: readonly string[], not: readonly string[]])[] = [
  ['*', ['a', 'a.b', 'ü', '-'], ['.a', '.']],
  ['.*', ['.a', '.bashrc'], ['a.b']],
  ['?', ['a', 'ü', '😀'], ['', 'ab', '.']],
  ['a*b*c', ['abc', 'aXbYc', 'abbcc', 'abcabc'], ['ab', 'bc', 'abcd']],
  ['*.log', ['x.log', 'a.b.log'], ['x.logs', '.log', 'log']],
  ['[abc]', ['a', 'b', 'c'], ['d', '', 'ab']],
  ['[a-c]x', ['ax', 'bx'], ['dx', '-x']],
  ['[!a-c]', ['d', '-'], ['a', 'b']],
  ['[^a]', ['b', '^'], ['a']],
  ['[]a]', [']', 'a'], ['b', '[']],
  ['[!]a]', ['b'], [']', 'a']],
  ['[a-]', ['a', '-'], ['b']],
  ['[-a]', ['a', '-'], ['b']],
  ['[[:digit:]]*', ['7up', '1'], ['up', 'a1']],
  ['[[:upper:]x]', ['A', 'x', 'Ä'], ['a', 'y']],
  ['[[:nonsense:]]', [':]', 'n]'], ['[', 'a']],
  ['[a', ['[a'], ['a']],
  ['a[', ['a['], ['a']],
  ['\\*', ['*'], ['a', '\\*']],
  ['[\\]]', [']'], ['\\']],
  ['[\\a-\\c]', ['b'], ['\\', '-']],
  ['a\\', ['a\\'], ['a']],
  ['**', ['a', ''], ['.a']],
  ['plain', ['plain'], ['Plain', 'plain2']],
  ['\udcff*', ['\udcff', '\udcffx'], ['x']],
]

describe('a pattern', () => {
  for (const [pattern, fits, not] of rows)
    test(JSON.stringify(pattern), () => {
      const matches = nameMatcher(pattern)
      for (const name of fits) assert.equal(matches(name), true, `${name} should fit`)
      for (const name of not) assert.equal(matches(name), false, `${name} should not fit`)
    })

  test('is told from a plain name', () => {
    for (const pattern of ['*', 'a?', '[a]', 'x[!b]y', '[]]']) assert.equal(isPattern(pattern), true, pattern)
    for (const plain of ['a', 'a[', '[a', '\\*', 'a\\?b', '', '[]']) assert.equal(isPattern(plain), false, plain)
    assert.equal(literalOf('a\\*b\\\\c\\'), 'a*b\\c\\')
  })

  test('takes no longer than pattern times name', () => {
    const stars = nameMatcher(`${'a*'.repeat(500)}b`)
    assert.equal(stars('a'.repeat(5000)), false)
  })
})
