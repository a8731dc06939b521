// The states of one direction of a channel, checked against RFC 4254 §5.3 by hand, and the picture made of them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { drawHalf, halfTransitions } from '../../src/connection/half.ts'

describe('one direction of a channel', () => {
  it('goes from open to eof to closed, and never back', () => {
    assert.deepEqual(halfTransitions, {
      open: { data: 'open', request: 'open', eof: 'eof', close: 'closed' },
      eof: { request: 'eof', eof: 'eof', close: 'closed' },
      closed: {},
    })
  })

  it('is drawn from its table', () => {
    assert.equal(
      drawHalf(),
      `stateDiagram-v2
  [*] --> open
  open --> open: data
  open --> open: request
  open --> eof: eof
  open --> closed: close
  eof --> eof: request
  eof --> eof: eof
  eof --> closed: close
  closed --> [*]
`,
    )
  })
})
