// Patterns of hosts, users and variables.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matchesPattern, matchesPatternList } from '../../src/config/pattern.ts'

test('a star stands for any characters, a question mark for one', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['a*c', 'abbbc', true],
    ['a*c', 'ac', true],
    ['a*c', 'acd', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*.example.*', 'www.example.com', true],
    ['*a*b*c', 'xxaxxbxxc', true],
    ['*a*b*c', 'xxaxxcxxb', false],
    ['10.0.0.?', '10.0.0.12', false],
    ['A', 'a', false],
    ['[a]', 'a', false],
  ]
  for (const [pattern, text, expected] of cases) assert.equal(matchesPattern(pattern, text), expected, `${pattern} on ${text}`)
})

test('a pattern made of many stars does not take exponential work', () => {
  assert.equal(matchesPattern(`${'*a'.repeat(200)}b`, 'a'.repeat(2000)), false)
})

test('a negated pattern excludes whatever else fits; alone it fits nothing', () => {
  assert.equal(matchesPatternList(['*.example', '!bad.example'], 'good.example'), true)
  assert.equal(matchesPatternList(['*.example', '!bad.example'], 'bad.example'), false)
  assert.equal(matchesPatternList(['!bad.example'], 'good.example'), false)
  assert.equal(matchesPatternList([], 'x'), false)
})
