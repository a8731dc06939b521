// Groups for Diffie-Hellman: the lines of their files, what the sieve leaves, and which numbers pass.
import assert from 'node:assert/strict'
import { generatePrimeSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { formatGroupLine, type GroupLine, groupTests, groupTypes, parseGroupLine } from '../../src/ssh-keygen/moduli-line.ts'
import { screen } from '../../src/ssh-keygen/moduli-screen.ts'
import { sieve } from '../../src/ssh-keygen/moduli-sieve.ts'

const wait = async (): Promise<void> => {}

describe('a line of a moduli file', () => {
  it('is written as ssh-keygen writes it, and read again', () => {
    const group: GroupLine = { type: 4, tests: 2, tries: 6542, size: 510, generator: 0, modulus: 0xabcdef0123n }
    const text = formatGroupLine(group, new Date(Date.UTC(2026, 0, 2, 3, 4, 5)))
    assert.equal(text, '20260102030405 4 2 6542 510 0 ABCDEF0123\n')
    assert.deepEqual(parseGroupLine(text), group)
  })
  it('is nothing else', () => {
    for (const text of ['', '# comment', '20260102030405 4 2 6542 510', '2026 4 2 6542 510 0 AB', '20260102030405 4 2 6542 510 0 XY'])
      assert.equal(parseGroupLine(text), undefined)
  })
})

describe('the sieve', () => {
  const factorsBelow = 3000
  const smallPrimes = Array.from({ length: factorsBelow }, (_, n) => n).filter(
    n => n > 2 && Array.from({ length: Math.floor(Math.sqrt(n)) - 1 }, (_, i) => i + 2).every(d => n % d !== 0),
  )
  /** By trying every factor. */
  const survives = (q: bigint): boolean => smallPrimes.every(t => q % BigInt(t) !== 0n && (2n * q + 1n) % BigInt(t) !== 0n)

  for (const start of [(1n << 510n) + 12_345n, (1n << 200n) + 1n, BigInt(smallPrimes[5]) ** 40n])
    it(`leaves exactly what has no small factor, from ${start.toString(16).slice(0, 12)}… on`, async () => {
      const numbers = 20_000
      const found = await sieve({ start, numbers, factorsBelow }, wait)
      assert.equal(found.tried, smallPrimes.length)
      const expected = Array.from({ length: numbers }, (_, at) => start + 2n * BigInt(at)).filter(survives)
      assert.deepEqual([...found.candidates()], expected)
      assert.ok(expected.length > 10)
    })
})

describe('screening', () => {
  const safe = generatePrimeSync(512, { safe: true, add: 24n, rem: 11n, bigint: true })
  const half = (safe - 1n) / 2n
  const candidate = (change: Partial<GroupLine> = {}): GroupLine => ({
    type: groupTypes.sophieGermain,
    tests: groupTests.sieve,
    tries: 100,
    size: 510,
    generator: 0,
    modulus: half,
    ...change,
  })
  const how = { rounds: 8, generator: undefined }

  it(`takes a safe prime, and says its generator (${safe})`, async () => {
    const group = {
      type: groupTypes.safe,
      tests: groupTests.sieve | groupTests.millerRabin,
      tries: 8,
      size: 511,
      generator: 2,
      modulus: safe,
    }
    assert.deepEqual(await screen(candidate(), how), { is: 'safe', group })
    assert.deepEqual(await screen(group, how), { is: 'safe', group: { ...group, tries: 16 } })
  })
  for (const [what, change, counts] of [
    ['what is known to be composite', { tests: groupTests.composite }, false],
    ['a size that is not its own', { size: 511 }, false],
    ['what is too short', { modulus: half >> 10n, size: 500 }, false],
    ['no known generator', { modulus: half + 6n }, false],
    ['composites', { modulus: half + 12n * 35n }, true],
  ] as const)
    it(`refuses ${what}`, async () => {
      const result = await screen(candidate(change), how)
      assert.equal(result.is, 'not')
      if (result.is === 'not' && !counts) assert.equal(result.counts, false, result.why)
    })
  it('refuses another generator than the one wanted', async () => {
    assert.deepEqual(await screen(candidate(), { rounds: 8, generator: 5 }), { is: 'not', why: 'generator 2 != 5', counts: false })
    assert.equal((await screen(candidate(), { rounds: 8, generator: 2 })).is, 'safe')
  })
})
