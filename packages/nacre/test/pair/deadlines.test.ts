// What happens when nothing happens: deadlines for the handshake, the login and later exchanges, and the verdict on a peer
// that has gone silent. Time is virtual; every figure is exact.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { TimeoutError } from '../../src/errors.ts'
import { leaveOpen } from '../../src/testing/pair-side.ts'
import { createPair, passwordCredential } from '../../src/testing/pair.ts'

const timedOut = (error: Error | undefined, phase: string): void => {
  assert.ok(error instanceof TimeoutError, String(error))
  assert.equal(error.phase, phase)
  assert.equal(error.code, 'TIMEOUT')
}
const quiet = { keepalive: false } as const

describe('the handshake', () => {
  it('takes 60 s at most, on both sides', () => {
    const pair = createPair()
    pair.line.cut()
    pair.elapse(59_999)
    assert.equal(pair.client.all('ended').length + pair.server.all('ended').length, 0)
    pair.elapse(1)
    timedOut(pair.client.ending?.error, 'handshake')
    timedOut(pair.server.ending?.error, 'handshake')
  })
  it('includes the time a host key is looked at, and tells the peer why it ends', () => {
    const pair = createPair({ client: { 'host-key': () => leaveOpen, deadlines: { handshake: 5000 } } }).run()
    pair.elapse(5000)
    timedOut(pair.client.ending?.error, 'handshake')
    assert.match(pair.server.ending?.error.message ?? '', /first key exchange within 5 s/)
  })
})

describe('the login', () => {
  it('takes 120 s at most, as the server sees it', () => {
    const pair = createPair({ client: { credential: () => leaveOpen } }).run()
    pair.elapse(119_999)
    assert.equal(pair.server.all('ended').length, 0)
    pair.elapse(1)
    timedOut(pair.server.ending?.error, 'login')
    // A client that waits for its user takes no packet, but it notices that the server is gone, and why.
    assert.equal(pair.client.ending?.by, 'peer')
    assert.match(pair.client.ending?.error.message ?? '', /did not authenticate within 120 s/)
  })
  it('is not cut short once it is over', () => {
    const pair = createPair({ client: quiet, server: quiet }).run()
    pair.elapse(500_000)
    assert.equal(pair.client.ending ?? pair.server.ending, undefined)
  })
  it('is not prolonged by attempts', () => {
    const pair = createPair({ server: { deadlines: { login: 10_000 }, attempt: () => leaveOpen } }).run()
    pair.elapse(10_000)
    timedOut(pair.server.ending?.error, 'login')
  })
})

describe('an answer to a login', () => {
  it('comes within 120 s, or the client gives up: the network may be dead', () => {
    const pair = createPair({ server: { attempt: () => leaveOpen, deadlines: { login: 1_000_000 } } }).run()
    pair.line.cut()
    pair.elapse(119_999)
    assert.equal(pair.client.all('ended').length, 0)
    pair.elapse(1)
    timedOut(pair.client.ending?.error, 'login')
    assert.match(pair.client.ending?.error.message ?? '', /server did not answer the login within 120 s/)
  })
  it('has its time anew for each attempt, and none is counted while the user is asked', () => {
    const pair = createPair({
      client: { credential: () => leaveOpen },
      server: { attempt: () => leaveOpen, deadlines: { login: 1_000_000 } },
    }).run()
    pair.elapse(500_000)
    assert.equal(pair.client.all('ended').length, 0)
    const [question] = pair.client.unanswered
    assert.equal(question.about, 'credential')
    if (question.about === 'credential') question.answer(passwordCredential())
    pair.run()
    pair.elapse(119_999)
    assert.equal(pair.client.all('ended').length, 0)
    pair.elapse(1)
    timedOut(pair.client.ending?.error, 'login')
  })
})

describe('a later exchange', () => {
  it('takes 120 s at most, for the side that began it', () => {
    const pair = createPair({ client: quiet, server: quiet }).run()
    pair.line.cut()
    pair.client.engine.rekey()
    pair.elapse(119_999)
    assert.equal(pair.client.all('ended').length, 0)
    pair.elapse(1)
    timedOut(pair.client.ending?.error, 'rekey')
  })
  it('has a limit for the side that was asked, too', () => {
    const pair = createPair({ latency: 10, client: quiet, server: { ...quiet, deadlines: { rekey: 7000 } } }).run()
    pair.client.engine.rekey()
    pair.step()
    pair.clock.advance(10)
    // The server takes our KEXINIT, and nothing follows it.
    pair.step()
    pair.line.cut()
    pair.elapse(7000)
    timedOut(pair.server.ending?.error, 'rekey')
  })
  it('that is over in time leaves no deadline behind', () => {
    const pair = createPair({ client: quiet, server: quiet }).run()
    pair.client.engine.rekey()
    pair.run().elapse(600_000)
    assert.equal(pair.client.ending ?? pair.server.ending, undefined)
  })
})

describe('a peer that has gone silent', () => {
  it('is asked after 30 s, four times over, and then taken for dead', () => {
    const pair = createPair({ server: quiet }).run()
    pair.line.cut()
    pair.elapse(119_999)
    assert.equal(pair.client.all('ended').length, 0)
    pair.elapse(1)
    timedOut(pair.client.ending?.error, 'keepalive')
    assert.equal(pair.client.ending?.by, 'network')
    assert.equal(pair.client.ending.reason, 'connection-lost')
    assert.match(pair.client.ending.error.message, /has not answered for 120 s/)
  })
  it('is not dead when it only has nothing to say', () => {
    const pair = createPair().run()
    pair.elapse(3_000_000)
    assert.equal(pair.client.ending ?? pair.server.ending, undefined)
    // The server is asked by pings, which nobody above the engine sees; a client has none and is asked by requests.
    assert.ok(pair.client.all('global-request').length > 50)
    assert.equal(pair.client.all('pong').length, 0)
  })
  it('is not dead while it is slow to answer an earlier request', () => {
    const pair = createPair({ client: { keepalive: { milliseconds: 1000 } }, server: { ...quiet, globalRequested: () => {} } }).run()
    let answered = false
    pair.client.engine.connection.globalRequest(tcpipForward, { addressToBind: 'a', portNumberToBind: 0 }, () => {
      answered = true
    })
    pair.run()
    pair.elapse(600_000)
    assert.equal(pair.client.ending ?? pair.server.ending, undefined)
    const [{ question }] = pair.server.all('global-request')
    question.fail()
    pair.run()
    assert.equal(answered, true)
  })
  it('is not asked while it speaks', () => {
    const sent: string[] = []
    const pair = createPair({ server: quiet, client: { trace: ({ direction, name }) => direction === 'sent' && sent.push(name) } }).run()
    sent.length = 0
    for (let i = 0; i < 20; i++) {
      pair.server.engine.ping(Uint8Array.of(i))
      pair.elapse(20_000)
    }
    assert.deepEqual(new Set(sent), new Set(['SSH2_MSG_PONG']))
  })
  it('is left alone when nobody wants to know', () => {
    const pair = createPair({ client: quiet, server: quiet }).run()
    pair.line.cut()
    pair.elapse(3_000_000)
    assert.equal(pair.client.all('ended').length, 0)
  })
  it('is noticed in as short a time as one asks for', () => {
    const pair = createPair({ client: { keepalive: { milliseconds: 100, maximumUnanswered: 1 } } }).run()
    pair.line.cut()
    pair.elapse(200)
    timedOut(pair.client.ending?.error, 'keepalive')
  })
})

describe('between deadlines', () => {
  it('the engine says when it wants to be woken, and never in the past', () => {
    const pair = createPair().run()
    for (let i = 0; i < 10; i++) {
      const at = pair.client.engine.deadline()
      assert.ok(at !== undefined && at > pair.clock.now())
      pair.elapse(at - pair.clock.now())
    }
    pair.client.engine.disconnect('by-application')
    assert.equal(pair.client.engine.deadline(), undefined)
  })
})
