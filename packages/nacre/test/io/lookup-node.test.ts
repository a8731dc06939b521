// Names are looked up a few at a time, in order, and not for whoever has given up.
import assert from 'node:assert/strict'
import type { LookupFunction } from 'node:net'
import { describe, it } from 'node:test'
import { lookupInTurn } from '../../src/io/lookup-node.ts'

/** A resolver that answers by hand. */
const byHand = () => {
  const asked: string[] = []
  const answers: (() => void)[] = []
  const lookup: LookupFunction = (host, _, callback) => {
    asked.push(host)
    answers.push(() => callback(null, `address of ${host}`, 4))
  }
  return { asked, answers, lookup }
}

describe('looking up in turn', () => {
  it('asks for so many at once and for the others as answers come, in order', () => {
    const { asked, answers, lookup } = byHand()
    const inTurn = lookupInTurn(lookup, { most: 2 })
    const found: unknown[] = []
    for (const host of ['a', 'b', 'c', 'd']) inTurn(host, {}, (error, address) => found.push(error ?? address))
    assert.deepEqual(asked, ['a', 'b'])
    answers[1]?.()
    assert.deepEqual(asked, ['a', 'b', 'c'])
    answers[0]?.()
    answers[2]?.()
    answers[3]?.()
    assert.deepEqual(asked, ['a', 'b', 'c', 'd'])
    assert.deepEqual(
      found,
      ['b', 'a', 'c', 'd'].map(host => `address of ${host}`),
    )
    inTurn('e', {}, () => {})
    assert.equal(asked.at(-1), 'e')
  })

  it('forgets who has waited too long', () => {
    const { asked, answers, lookup } = byHand()
    let time = 0
    const inTurn = lookupInTurn(lookup, { most: 1, patience: 100, now: () => time })
    for (const host of ['slow', 'left']) inTurn(host, {}, () => {})
    time = 60
    inTurn('waits', {}, () => {})
    time = 120
    answers[0]?.()
    assert.deepEqual(asked, ['slow', 'waits'])
  })
})
