// Which rows are offered: defaults, lists, and OpenSSH's + - ^ notation.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { choose } from '../../src/algorithms/preference.ts'
import { ConfigError } from '../../src/errors.ts'

const rows = [
  { name: 'a1', standing: 'default' },
  { name: 'a2', standing: 'default' },
  { name: 'b1', standing: 'offered-on-request' },
  { name: 'old', standing: 'insecure' },
] as const

describe('choosing algorithms', () => {
  for (const [specification, expected] of [
    [undefined, ['a1', 'a2']],
    ['a2,a1', ['a2', 'a1']],
    ['+old', ['a1', 'a2', 'old']],
    ['-a2', ['a1']],
    ['-?2', ['a1']],
    ['^b1', ['b1', 'a1', 'a2']],
    ['^a2', ['a2', 'a1']],
    ['^b*', ['b1', 'a1', 'a2']],
    ['+?1', ['a1', 'a2', 'b1']],
    ['*', ['a1', 'a2', 'b1']],
    [
      ['old', 'a1'],
      ['old', 'a1'],
    ],
  ] as const) {
    it(`${JSON.stringify(specification)} gives ${expected.join(',')}`, () =>
      assert.deepEqual(choose('cipher', rows, specification), expected))
  }
  it('refuses a name nobody has, and lists those there are', () => {
    assert.throws(
      () => choose('cipher', rows, 'nope'),
      (error: unknown) =>
        error instanceof ConfigError && /"nope" is not a cipher nacre knows\. It knows: a1, a2, b1, old\./.test(error.message),
    )
  })
  it('refuses a pattern that stands for nothing but what is insecure', () => {
    assert.throws(() => choose('cipher', rows, 'ol*'), /"ol\*" stands for no cipher nacre knows/)
    assert.throws(() => choose('cipher', rows, '+z?'), ConfigError)
  })
  it('refuses to be left with nothing', () => {
    assert.throws(() => choose('cipher', rows, '-*'), ConfigError)
    assert.throws(() => choose('cipher', rows, '+'), ConfigError)
  })
})
