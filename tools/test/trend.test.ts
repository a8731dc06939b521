// What a soak calls flat.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { growth, leftOver, slope, warmUp } from '../soak/trend.ts'

describe('the slope of a series', () => {
  it('is what it grows by from point to point', () => {
    assert.equal(slope([3, 5, 7, 9]), 2)
    assert.equal(slope([]), 0)
    assert.equal(slope([4]), 0)
  })
  it('does not mind one point far off', () => {
    assert.equal(slope([1, 1, 1, 900, 1, 1, 1]), 0)
  })
})

describe('the growth of a series', () => {
  it('leaves out the first third', () => {
    assert.equal(warmUp(12), 4)
    assert.equal(growth([100, 50, 30, 20, 10, 10, 10, 10, 10, 10, 10, 10]), 0)
  })
  it('sees a leak under noise', () => {
    const noise = [7, -4, 2, -9, 5, 0, -3, 8, -6, 1, 4, -2]
    const grown = growth(noise.map((each, round) => 1000 + 10 * round + each))
    assert.ok(grown > 55 && grown < 85, String(grown))
    assert.ok(Math.abs(growth(noise.map(each => 1000 + each))) < 15)
  })
})

describe('what is left over', () => {
  it('is what there is more of, by kind', () => {
    assert.deepEqual(leftOver({ TCPServerWrap: 1, Timeout: 2 }, { TCPServerWrap: 1, Timeout: 1, TCPSocketWrap: 3 }), ['3 TCPSocketWrap'])
    assert.deepEqual(leftOver({}, {}), [])
  })
})
