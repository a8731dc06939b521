// Pairs of engines on a clock and a network by hand, everything drawn from a seed: any cut, delay, stall, key exchange,
// reader and accident. What must hold is checked at every step. `npm run simulate` runs more of them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { scenarioOf } from './scenario.ts'
import { type Outcome, simulate } from './simulation.ts'

const seedsHere = 1000
const perTest = 100

const runSeeds = (from: number, count: number): readonly Outcome[] =>
  Array.from({ length: count }, (_, index) => {
    const seed = from + index
    try {
      return simulate(seed)
    } catch (cause) {
      throw new Error(`seed ${seed} fails; see what happens with: npm run simulate -- --seed ${seed} --verbose`, { cause })
    }
  })

describe('a simulation', () => {
  const outcomes: Outcome[] = []
  for (let from = 1; from <= seedsHere; from += perTest) {
    it(`keeps every promise with seeds ${from} to ${from + perTest - 1}`, () => {
      outcomes.push(...runSeeds(from, perTest))
    })
  }

  it('of these seeds had enough in it to mean something', () => {
    const sum = (figure: (outcome: Outcome) => number): number => outcomes.reduce((total, each) => total + figure(each), 0)
    assert.ok(sum(each => Number(each.complete)) > seedsHere / 2, 'most run to their end')
    assert.ok(sum(each => each.channels) > 2 * seedsHere)
    assert.ok(sum(each => each.exchanges) > 4 * seedsHere)
    assert.ok(sum(each => each.packets) > 50 * seedsHere)
  })

  it('is the same whenever it is run', () => {
    for (const seed of [3, 40, 77]) {
      const [first, second] = [0, 1].map(() => {
        const lines: string[] = []
        simulate(seed, line => lines.push(line))
        return lines
      })
      assert.deepEqual(second, first)
    }
  })

  it('plans every kind of thing', () => {
    const plans = Array.from({ length: seedsHere }, (_, index) => scenarioOf(index + 1))
    const some = (what: string, holds: (plan: (typeof plans)[number]) => boolean): void => assert.ok(plans.some(holds), what)
    some('hundreds of channels', plan => plan.channels.length > 100)
    some('bytes one by one', plan => plan.network.largestRead === 1)
    some('windows of a byte', plan => plan.sides.client.limits.initialWindow === 1)
    some('absent readers', plan => plan.channels.some(each => each.ends.client.reader.is === 'absent'))
    some('keys every few packets', plan => plan.sides.server.rekey.packets === 3)
    some('real cryptography', plan => plan.crypto === 'real')
    some('compression after login', plan => plan.algorithms.compression === 'zlib@openssh.com')
    for (const is of ['disconnect', 'half-close', 'reset', 'silence'] as const) some(is, plan => plan.accident?.ending.is === is)
  })
})
