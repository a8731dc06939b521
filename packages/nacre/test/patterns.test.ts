// Wildcards and pattern lists as ssh_config(5) has them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesPatternList, matchesWildcard } from '../src/patterns.ts'

test('a star is any number of characters, a question mark is one', () => {
  for (const [pattern, text, expected] of [
    ['', '', true],
    ['*', '', true],
    ['?', '', false],
    ['a*', 'abc', true],
    ['*c', 'abc', true],
    ['a*c', 'abcabc', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*.example', 'example', false],
    ['*.example', 'a.b.example', true],
    ['[host]:22', '[host]:22', true],
    ['[host]:22', 'h:22', false],
    ['a.c', 'abc', false],
    ['**?*', 'x', true],
  ] as const) {
    assert.equal(matchesWildcard(pattern, text), expected, `${pattern} on ${text}`)
  }
})

test('a pattern made to be slow is not', () => {
  assert.equal(matchesWildcard(`${'a*'.repeat(200)}b`, 'a'.repeat(2000)), false)
})

test('one negated pattern that matches outweighs all others', () => {
  assert.equal(matchesPatternList(['*.example', '!bad.example'], 'good.example'), true)
  assert.equal(matchesPatternList(['!bad.example', '*.example'], 'bad.example'), false)
  assert.equal(matchesPatternList(['*.example', '!bad.example'], 'bad.example'), false)
  assert.equal(matchesPatternList(['!bad.example'], 'good.example'), false, 'a negated pattern alone matches nothing')
})
