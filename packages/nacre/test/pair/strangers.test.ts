// What is said of a peer that never identified itself: what it said instead, and what it seems to be.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DisconnectedError, TimeoutError } from '../../src/errors.ts'
import { createPair } from '../../src/testing/index.ts'

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

/** The error of a client whose peer says this and then leaves, or stays silent. */
const errorAfter = (said: string, then: 'leaves' | 'is silent'): Error => {
  const { engine } = createPair().client
  engine.start(0)
  if (said !== '') engine.receive(latin1(said), 1)
  if (then === 'leaves') engine.end(2)
  else engine.elapse(engine.deadline() ?? 0)
  for (let event = engine.nextEvent(); event !== undefined; event = engine.nextEvent()) if (event.is === 'ended') return event.error
  throw new Error('it did not end')
}

describe('a peer that leaves before it identified itself', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['a web server', 'HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n', /It said "HTTP\/1\.1 400 Bad Request"\. This is a web server.*port/],
    ['a TLS server', '\x15\x03\x03\x00\x02\x02\x46', /It said ".*\\x03.*"\. This is TLS/],
    ['a mail server', '220 mail.example.org ESMTP\r\n', /220 mail\.example\.org.*mail or FTP server/],
    ['a server without places', 'Exceeded MaxStartups\r\n', /no place.*again later/],
    ['a server that shuts us out', 'Not allowed at this time\r\n', /shuts out our address/],
    ['something else', 'go away\u001b[31m\r\n', /It said "go away\\x1b\[31m"\. Is that an SSH server/],
    ['nothing at all', '', /may not be an SSH service.*refuses our address.*MaxStartups/],
  ]
  for (const [what, said, pattern] of cases) {
    it(`is told of as ${what}`, () => {
      const error = errorAfter(said, 'leaves')
      assert.ok(error instanceof DisconnectedError)
      assert.equal(error.code, 'CONNECTION_LOST')
      assert.match(error.message, pattern)
    })
  }
})

describe('a peer that never identifies itself', () => {
  it('is told of by what it said', () => {
    const error = errorAfter('220 ftp\r\n', 'is silent')
    assert.ok(error instanceof TimeoutError)
    assert.equal(error.phase, 'handshake')
    assert.match(error.message, /did not identify itself within .* It said "220 ftp"/)
  })
  it('or as silent', () => assert.match(errorAfter('', 'is silent').message, /took the connection and said nothing/))
})
