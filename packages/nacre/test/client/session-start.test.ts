// How a session starts: what leaves together, which refusals count, and what becomes of it when nobody wants it any more.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Process } from '../../src/client/process.ts'
import { type SessionOptions, SessionStart } from '../../src/client/session-start.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { exitStatus } from '../../src/connection/requests/exit-status.ts'
import type { EngineEvent } from '../../src/engine/events.ts'
import { RequestRefusedError } from '../../src/errors.ts'
import { ChannelPort } from '../../src/io/channel-port.ts'
import { createPair, type PairServerOptions } from '../../src/testing/pair.ts'

/** A channel that is there, and a start that may be told of it. The port gets its events by hand, as from a link. */
const ready = (options: SessionOptions, channelRequested: PairServerOptions['channelRequested'] = () => {}) => {
  const asked: string[] = []
  const pair = createPair({
    // Whoever handles the port answers.
    client: { channelRequested: () => {} },
    server: {
      channelRequested: (question, side) => {
        asked.push(question.request.name)
        channelRequested?.(question, side)
      },
    },
  }).run()
  const ends = pair.open(session, {})
  const port = new ChannelPort(ends.client.channel, { wake() {} })
  let outcome: Process | Error | undefined
  const start = new SessionStart(options, (to, answered) => to.request(exec, { command: 'x' }, answered), false, {
    resolve: process => {
      assert.equal(outcome, undefined)
      outcome = process
    },
    reject: error => {
      assert.equal(outcome, undefined)
      outcome = error as Error
    },
  })
  let seen = pair.client.events.length
  const give = (event: EngineEvent): void => {
    if (event.is === 'data') port.data(event.bytes, event.type, event.detached)
    else if (event.is === 'eof') port.peerEof()
    else if (event.is === 'closed') port.ended(event.error)
    else if (event.is === 'channel-request') port.requested(event.question)
  }
  return {
    start,
    port,
    asked,
    far: ends.server,
    outcome: () => outcome,
    run: () => {
      pair.run()
      for (; seen < pair.client.events.length; seen++) give(pair.client.events[seen])
    },
  }
}

const started = (outcome: Process | Error | undefined): Process => {
  assert.ok(outcome !== undefined && !(outcome instanceof Error), String(outcome))
  return outcome
}

describe('a session', () => {
  it('asks for everything as soon as the channel is open, in order', () => {
    const at = ready({ pty: { columns: 80, rows: 24 }, env: { A: '1', B: '2' } }, question => question.succeed())
    at.start.opened(at.port)
    assert.equal(at.outcome(), undefined)
    at.run()
    assert.deepEqual(at.asked, ['pty-req', 'env', 'env', 'exec'])
    started(at.outcome())
  })

  it('does not start without the terminal it asked for, nor when the command is refused', () => {
    for (const refused of ['pty-req', 'exec']) {
      const at = ready({ pty: { columns: 80, rows: 24 } }, question =>
        question.request.name === refused ? question.fail() : question.succeed(),
      )
      at.start.opened(at.port)
      at.run()
      const error = at.outcome()
      assert.ok(error instanceof RequestRefusedError && error.request === refused, refused)
      assert.equal(at.far.channel.phase, 'gone', 'the channel is closed')
    }
  })

  it('does not mind variables that are refused', () => {
    const at = ready({ env: { A: '1' } }, question => (question.request.name === 'env' ? question.fail() : question.succeed()))
    at.start.opened(at.port)
    at.run()
    started(at.outcome())
  })

  it('has run when it said how it ended, although the channel closed before the answer', async () => {
    const at = ready({})
    at.start.opened(at.port)
    at.run()
    at.far.channel.request(exitStatus, { exitStatus: 3 })
    at.far.channel.close()
    at.run()
    assert.deepEqual(await started(at.outcome()).exited, { code: 3 })
  })

  it('has not run when the channel closed without a word', () => {
    const at = ready({})
    at.start.opened(at.port)
    at.run()
    at.far.channel.close()
    at.run()
    assert.ok(at.outcome() instanceof RequestRefusedError)
  })

  it('fails, and closes its channel, when a request cannot be written', () => {
    const at = ready({ pty: { columns: -1, rows: 24 } })
    at.start.opened(at.port)
    at.run()
    assert.match(String(at.outcome()), /-1 is not a uint32/)
    assert.equal(at.far.channel.phase, 'gone')
    assert.deepEqual(at.asked, [])
  })
})

describe('a signal', () => {
  const reason = new Error('enough')

  it('that fires before the channel is there closes it when it comes', () => {
    const controller = new AbortController()
    const at = ready({ signal: controller.signal })
    controller.abort(reason)
    assert.equal(at.outcome(), reason)
    at.start.opened(at.port)
    at.run()
    assert.deepEqual(at.asked, [])
    assert.equal(at.far.channel.phase, 'gone')
  })

  it('that fires before the answer does not wait for it', () => {
    const controller = new AbortController()
    const at = ready({ signal: controller.signal })
    at.start.opened(at.port)
    at.run()
    controller.abort(reason)
    assert.equal(at.outcome(), reason)
    at.run()
    assert.equal(at.far.channel.phase, 'gone')
  })

  it('that fires later closes the channel, and is not listened to once that is closed', () => {
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...how: Parameters<typeof addEventListener>) => (listeners++, addEventListener.apply(signal, how))
    signal.removeEventListener = (...how: Parameters<typeof removeEventListener>) => (listeners--, removeEventListener.apply(signal, how))
    const first = ready({ signal }, question => question.succeed())
    const second = ready({ signal }, question => question.succeed())
    for (const at of [first, second]) {
      at.start.opened(at.port)
      at.run()
      started(at.outcome())
    }
    assert.equal(listeners, 2)
    first.far.channel.close()
    first.run()
    assert.equal(listeners, 1)
    controller.abort(reason)
    second.run()
    assert.equal(second.far.channel.phase, 'gone')
    started(second.outcome())
  })

  it('is not listened to when the channel could not be opened', () => {
    const at = ready({ signal: new AbortController().signal })
    const failure = new Error('refused')
    at.start.failed(failure)
    assert.equal(at.outcome(), failure)
  })
})
