// Limits are checked before a connection begins.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkLimits, type ConnectionLimits, defaultLimits } from '../../src/connection/limits.ts'
import { ConfigError } from '../../src/errors.ts'

describe('limits', () => {
  it('are fine as they are', () => checkLimits(defaultLimits))

  it('can be as small as one', () => {
    checkLimits(Object.fromEntries(Object.keys(defaultLimits).map(name => [name, 1])) as unknown as ConnectionLimits)
  })

  const wrong: readonly (readonly [keyof ConnectionLimits, number])[] = [
    ['initialWindow', 0],
    ['initialWindow', 2 ** 32],
    ['maximumPacket', 256 * 1024],
    ['maximumPacket', 0],
    ['maximumDataBytes', 64 * 1024 + 1],
    ['maximumChannels', -1],
    ['maximumPendingOpens', 1.5],
    ['maximumPendingRequests', Number.NaN],
  ]
  for (const [name, value] of wrong) {
    it(`refuse ${name} of ${value}, by name`, () => {
      assert.throws(
        () => checkLimits({ ...defaultLimits, [name]: value }),
        (error: unknown) => error instanceof ConfigError && error.message.includes(`limits.${name}`),
      )
    })
  }
})
