// Named points in time: the earliest counts, each passes once.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Deadlines } from '../../src/engine/deadlines.ts'

describe('deadlines', () => {
  it('come in the order of their times, each once', () => {
    const deadlines = new Deadlines<'a' | 'b'>()
    assert.equal(deadlines.next(), undefined)
    deadlines.set('a', 20)
    deadlines.set('b', 10)
    assert.equal(deadlines.next(), 10)
    assert.equal(deadlines.takePassed(9), undefined)
    assert.equal(deadlines.takePassed(10), 'b')
    assert.equal(deadlines.takePassed(10), undefined)
    assert.equal(deadlines.next(), 20)
  })
  it('can be moved and cleared', () => {
    const deadlines = new Deadlines<'a' | 'b'>()
    deadlines.set('a', 10)
    deadlines.set('a', 30)
    deadlines.set('b', 20)
    assert.equal(deadlines.has('a'), true)
    deadlines.clear('b')
    assert.equal(deadlines.takePassed(29), undefined)
    deadlines.clearAll()
    assert.equal(deadlines.next(), undefined)
  })
})
