// Spans of time on command lines, and as they are shown.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readTimeSpan, shownTimeSpan } from '../src/time-span.ts'

test('seconds, and units that add up', () => {
  for (const [text, seconds] of [
    ['90', 90],
    ['90s', 90],
    ['5m', 300],
    ['1h30m', 5400],
    ['1H30M5', 5405],
    ['1w2d', 777_600],
    ['0', 0],
    ['2147483647', 2_147_483_647],
  ] as const)
    assert.equal(readTimeSpan(text), seconds, text)
})

test('what is no span, or too long to be one', () => {
  for (const text of ['', 'soon', '5x', '-5', '1.5h', ' 5', '5 ', '2147483648', '9999999w', 'm5'])
    assert.equal(readTimeSpan(text), undefined, text)
})

test('shown as a clock does, with days and weeks where there are any', () => {
  for (const [seconds, text] of [
    [5, '00:00:05'],
    [5400, '01:30:00'],
    [86_399, '23:59:59'],
    [86_400, '1d00h00m'],
    [3 * 86_400 + 3 * 3600 + 240, '3d03h04m'],
    [604_800, '01w0d00h'],
    [11 * 604_800 + 6 * 86_400 + 7200, '11w6d02h'],
  ] as const)
    assert.equal(shownTimeSpan(seconds), text)
})
