// The arithmetic under sntrup761, compared with the slow way of doing the same.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { decodeSmall, encodeSmall, radixCode, smallBytes } from '../../src/crypto/sntrup761-encoding.ts'
import { halfQ, invertTripled, mod3, modQ, multiplySmall, p, q } from '../../src/crypto/sntrup761-field.ts'
import { sortObliviously } from '../../src/crypto/sntrup761-sort.ts'
import { invertTernary, multiplyTernary } from '../../src/crypto/sntrup761-ternary.ts'

const centered = (value: number, modulus: number): number => {
  const rest = ((value % modulus) + modulus) % modulus
  return rest > (modulus - 1) / 2 ? rest - modulus : rest
}

/** The product modulo x^p - x - 1, coefficient by coefficient. */
const slowProduct = (left: ArrayLike<number>, right: ArrayLike<number>, modulus: number): number[] => {
  const sums = Array.from({ length: 2 * p }, () => 0)
  for (let i = 0; i < p; i++) for (let j = 0; j < p; j++) sums[i + j] += left[i] * right[j]
  for (let i = 2 * p - 1; i >= p; i--) {
    sums[i - p] += sums[i]
    sums[i - p + 1] += sums[i]
  }
  return sums.slice(0, p).map(each => centered(each, modulus))
}

const small = fc.array(fc.integer({ min: -1, max: 1 }), { minLength: p, maxLength: p }).map(each => Int8Array.from(each))
const big = fc.array(fc.integer({ min: -halfQ, max: halfQ }), { minLength: p, maxLength: p }).map(each => Int32Array.from(each))
const extremes = [-1, 0, 1].map(each => new Int8Array(p).fill(each))
const one = [1, ...Array.from({ length: p - 1 }, () => 0)]

describe('remainders', () => {
  it('are exact and centered, for q', () => {
    for (let value = -8_000_000; value <= 8_000_000; value += 13) {
      const rest = modQ(value)
      if (rest < -halfQ || rest > halfQ || (value - rest) % q !== 0) assert.fail(`${value} became ${rest}`)
    }
    for (const value of [-8_000_000, -q, -halfQ - 1, -halfQ, 0, halfQ, halfQ + 1, q, 8_000_000])
      assert.equal(modQ(value), centered(value, q) + 0)
  })
  it('are exact and centered, for 3', () => {
    for (let value = -q; value <= q; value++) assert.equal(mod3(value), centered(value, 3) + 0)
  })
})

describe('R/q', () => {
  it('multiplies', () => {
    fc.assert(
      fc.property(big, small, (left, right) => assert.deepEqual([...multiplySmall(left, right)], slowProduct(left, right, q))),
      { numRuns: 5 },
    )
    for (const right of extremes) {
      const left = new Int32Array(p).fill(halfQ)
      assert.deepEqual([...multiplySmall(left, right)], slowProduct(left, right, q))
    }
  })
  it('inverts three times an element', () => {
    fc.assert(
      fc.property(small, element => {
        fc.pre(element.some(each => each !== 0))
        assert.deepEqual(
          [...multiplySmall(invertTripled(element), element)].map(each => modQ(3 * each)),
          one,
        )
      }),
      { numRuns: 10 },
    )
    assert.equal(modQ(3 * invertTripled(Int8Array.from(one))[0]), 1)
  })
})

describe('R/3', () => {
  it('multiplies', () => {
    fc.assert(
      fc.property(small, small, (left, right) => assert.deepEqual([...multiplyTernary(left, right)], slowProduct(left, right, 3))),
      { numRuns: 5 },
    )
    for (const left of extremes)
      for (const right of extremes) assert.deepEqual([...multiplyTernary(left, right)], slowProduct(left, right, 3))
  })
  it('inverts what has an inverse', () => {
    let inverted = 0
    fc.assert(
      fc.property(small, element => {
        const inverse = invertTernary(element)
        if (inverse === undefined) return
        inverted++
        assert.deepEqual([...multiplyTernary(inverse, element)], one)
      }),
      { numRuns: 20 },
    )
    assert.ok(inverted > 0)
  })
  it('has no inverse for zero', () => assert.equal(invertTernary(new Int8Array(p)), undefined))
})

describe('sorting', () => {
  it('orders every number of elements', () => {
    for (let count = 0; count <= 130; count++) {
      const numbers = Int32Array.from({ length: count }, (_, i) => Math.imul(i + 1, 0x9e3779b1))
      const sorted = numbers.slice().sort()
      sortObliviously(numbers)
      assert.deepEqual(numbers, sorted, `${count} elements`)
    }
  })
  it('orders any numbers, also where their difference overflows', () => {
    fc.assert(
      fc.property(fc.int32Array({ maxLength: 800 }), numbers => {
        const sorted = numbers.slice().sort()
        sortObliviously(numbers)
        assert.deepEqual(numbers, sorted)
      }),
    )
    const ends = Int32Array.of(0x7fffffff, -0x80000000, 0, -1, 0x7fffffff, -0x80000000)
    sortObliviously(ends)
    assert.deepEqual([...ends], [-0x80000000, -0x80000000, -1, 0, 0x7fffffff, 0x7fffffff])
  })
})

describe('encodings', () => {
  for (const [modulus, size] of [
    [q, 1158],
    [(q + 2) / 3, 1007],
  ] as const) {
    const code = radixCode(modulus)
    it(`put ${p} numbers below ${modulus} into ${size} bytes and back`, () => {
      const numbers = fc.array(fc.integer({ min: 0, max: modulus - 1 }), { minLength: p, maxLength: p }).map(each => Int32Array.from(each))
      const roundTrip = (values: Int32Array): void => {
        const bytes = new Uint8Array(size + 8)
        assert.equal(code.encode(values, bytes, 3), size + 3)
        assert.deepEqual(code.decode(bytes, 3), values)
      }
      fc.assert(fc.property(numbers, roundTrip), { numRuns: 30 })
      roundTrip(new Int32Array(p))
      roundTrip(new Int32Array(p).fill(modulus - 1))
    })
    it(`read any ${size} bytes as numbers below ${modulus}`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: size, maxLength: size }), bytes => {
          assert.ok(code.decode(bytes, 0).every(each => each >= 0 && each < modulus))
        }),
        { numRuns: 30 },
      )
    })
  }
  it('put four small coefficients into a byte and back', () => {
    fc.assert(
      fc.property(small, element => {
        assert.equal(encodeSmall(element).length, smallBytes)
        assert.deepEqual(decodeSmall(encodeSmall(element)), element)
      }),
      { numRuns: 20 },
    )
    assert.deepEqual(
      encodeSmall(Int8Array.from({ length: p }, (_, i) => [-1, 0, 1, -1][i] ?? -1)).subarray(0, 2),
      Uint8Array.of(0b00100100, 0),
    )
  })
})
