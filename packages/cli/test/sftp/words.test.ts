// Owns how a line at the prompt of `sftp` is taken apart: prefixes, quotes, backslashes, comments, braces.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { literalOf } from 'nacre/sftp'
import { expandBraces, LineError, patternOf, plainOf, readPrefixes, splitWords } from '../../src/sftp/words.ts'

const texts = (line: string): readonly string[] => splitWords(line).map(word => word.text)

describe('words', () => {
  for (const [line, words] of [
    ['', []],
    ['  \t ', []],
    ['get a b', ['get', 'a', 'b']],
    ['  get\ta  b\r', ['get', 'a', 'b']],
    ['get "a b" \'c d\'', ['get', 'a b', 'c d']],
    ['get a" "b', ['get', 'a b']],
    [`get "a"'b'c`, ['get', 'abc']],
    [`get "it's" 'say "x"'`, ['get', "it's", 'say "x"']],
    ['get a\\ b', ['get', 'a b']],
    ['get a\\"b', ['get', 'a"b']],
    [String.raw`get "a\"b" 'a\'b'`, ['get', 'a"b', "a'b"]],
    ['get ""', ['get', '']],
    ['get a\\', ['get', 'a']],
    ['get a # b', ['get', 'a']],
    ['get a#b', ['get', 'a']],
    ['get "a#b" a\\#b', ['get', 'a#b', 'a#b']],
  ] as const)
    test(`${JSON.stringify(line)} is ${JSON.stringify(words)}`, () => assert.deepEqual(texts(line), words))

  for (const [line, pattern, name] of [
    ['*', '*', undefined],
    ['"*"', String.raw`\*`, '*'],
    [String.raw`\*`, String.raw`\*`, '*'],
    [String.raw`a\\b`, String.raw`a\\b`, String.raw`a\b`],
    ["'[a]?'", String.raw`\[a]\?`, '[a]?'],
    [String.raw`"a\*b"`, String.raw`a\\\*b`, String.raw`a\*b`],
    [String.raw`"a\\b"`, String.raw`a\\b`, String.raw`a\b`],
  ] as const)
    test(`${line} is the pattern ${pattern}`, () => {
      assert.deepEqual(texts(line), [pattern])
      if (name !== undefined) assert.deepEqual([literalOf(pattern), plainOf(pattern)], [name, name])
    })

  test('where nothing is looked up a backslash that was quoted stays', () => {
    assert.deepEqual(texts(String.raw`"a\nb"`).map(plainOf), [String.raw`a\nb`])
  })
  test('a quote that stays open is refused, and let pass while somebody types', () => {
    assert.throws(() => splitWords('get "a b'), new LineError('Unterminated quoted argument'))
    assert.deepEqual(splitWords(`get 'a "b`, { lenient: true }).at(-1), { text: 'a "b', start: 4, open: "'" })
  })
  test('more than 128 are refused', () => {
    assert.equal(texts('a '.repeat(128)).length, 128)
    assert.throws(() => texts('a '.repeat(129)), new LineError('Too many arguments.'))
  })
  test('the pattern of a name means that name alone', () => {
    for (const name of ['a*b', 'a?', '[x]', 'a\\b', 'plain']) assert.equal(literalOf(patternOf(name)), name)
  })
})

describe('prefixes', () => {
  for (const [line, forgiving, silent, command] of [
    ['ls', false, false, 'ls'],
    ['-ls', true, false, 'ls'],
    ['@ls', false, true, 'ls'],
    ['-@ls', true, true, 'ls'],
    [' @- ls -l', true, true, 'ls -l'],
    ['# ls', false, false, ''],
    ['-# ls', true, false, ''],
    ['   ', false, false, ''],
  ] as const)
    test(JSON.stringify(line), () => assert.deepEqual(readPrefixes(line), { forgiving, silent, command }))
})

describe('braces', () => {
  for (const [pattern, expanded] of [
    ['a', ['a']],
    ['{a,b}', ['a', 'b']],
    ['x{a,b}y', ['xay', 'xby']],
    ['{a,b}{c,d}', ['ac', 'ad', 'bc', 'bd']],
    ['{a,{b,c}d}', ['a', 'bd', 'cd']],
    ['{}', ['{}']],
    ['{a', ['{a']],
    [String.raw`\{a,b}`, [String.raw`\{a,b}`]],
  ] as const)
    test(pattern, () => assert.deepEqual(expandBraces(pattern), expanded))
})
