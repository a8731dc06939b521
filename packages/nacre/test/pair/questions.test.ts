// Questions that are answered late: while one is open no packet is taken, and what came meanwhile is taken afterwards.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Secret } from '../../src/crypto/secret.ts'
import { AuthenticationError, DisconnectedError } from '../../src/errors.ts'
import type { EngineQuestion } from '../../src/engine/events.ts'
import { createAttack } from '../../src/testing/hostile.ts'
import { leaveOpen, type PairSide } from '../../src/testing/pair-side.ts'
import { createPair, pairPassword, passwordCredential } from '../../src/testing/pair.ts'
import { Disconnect, Ignore } from '../../src/transport/messages.ts'
import { keyCredential, testKey } from '../auth/fixtures.ts'

const openQuestion = <A extends EngineQuestion['about']>(side: PairSide, about: A): Extract<EngineQuestion, { readonly about: A }> => {
  const question = side.unanswered.shift()
  assert.equal(question?.about, about)
  return question as Extract<EngineQuestion, { readonly about: A }>
}

describe('a question that is open', () => {
  it('stops the conversation, at every stage of a login', () => {
    const pair = createPair({
      client: { 'host-key': () => leaveOpen, credential: () => leaveOpen, signature: () => leaveOpen },
      server: { attempt: () => leaveOpen },
    })
    const key = testKey(3)
    pair.run()
    assert.equal(pair.client.engine.stage, 'exchange')
    openQuestion(pair.client, 'host-key').answer(true)
    pair.run()
    // The server has said what it takes, so the login begins beside the request for the service.
    assert.equal(pair.client.engine.stage, 'service')
    openQuestion(pair.client, 'credential').answer(keyCredential(key))
    pair.run()
    assert.equal(pair.server.engine.stage, 'auth')
    openQuestion(pair.server, 'attempt').answer({ is: 'accept', identity: undefined })
    pair.run()
    const signature = openQuestion(pair.client, 'signature')
    signature.answer(key.sign(signature.ask.data))
    pair.run()
    openQuestion(pair.server, 'attempt').answer({ is: 'accept', identity: 'proven' })
    pair.run()
    assert.equal(pair.server.all('authenticated')[0]?.identity, 'proven')
    assert.equal(pair.client.authenticated, true)
    assert.equal(pair.client.engine.wantsInput && pair.server.engine.wantsInput, true)
  })

  it('lets bytes in up to 32 KiB, and takes none of them', () => {
    const { victim, hostile, line } = createAttack({ victim: { role: 'server', attempt: () => leaveOpen }, chunk: 'random' })
    while (line.step());
    hostile.greet()
    while (line.step());
    assert.equal(victim.engine.wantsInput, true)
    for (let i = 0; i < 100; i++) hostile.send(Ignore, { data: new Uint8Array(1000) })
    for (let i = 0; i < 100_000 && victim.engine.wantsInput; i++) line.step()
    assert.equal(victim.engine.wantsInput, false)
    assert.equal(victim.ending, undefined)
    const [question] = victim.unanswered
    if (question?.about === 'attempt') question.answer({ is: 'accept', identity: 'patient' })
    while (line.step());
    assert.equal(victim.engine.wantsInput, true)
    assert.equal(victim.all('authenticated')[0]?.identity, 'patient')
    assert.equal(victim.ending, undefined)
  })

  it('does not hide that the peer left', () => {
    const { victim, hostile, line } = createAttack({ victim: { role: 'server', attempt: () => leaveOpen } })
    while (line.step());
    hostile.greet()
    while (line.step());
    hostile.send(Disconnect, { reasonCode: 11, description: 'bored', languageTag: '' })
    hostile.hangUp()
    while (line.step());
    assert.equal(victim.ending?.by, 'peer')
    const [question] = victim.unanswered
    if (question?.about === 'attempt') question.answer({ is: 'accept', identity: 'too late' })
    while (line.step());
    assert.equal(victim.authenticated, false)
  })

  it('loses nothing of what arrives all the same', () => {
    for (let seed = 1; seed <= 40; seed++) {
      // With random chunks some arrive in spite of the pause.
      const pair = createPair({
        seed,
        chunk: 'random',
        client: { 'host-key': () => leaveOpen },
        server: { attempt: () => leaveOpen, banner: 'hello' },
      })
      pair.run()
      openQuestion(pair.client, 'host-key').answer(true)
      pair.run()
      // The client pipelines nothing, so the server's question is the only one.
      openQuestion(pair.server, 'attempt').answer({ is: 'accept', identity: seed })
      pair.run()
      assert.equal(pair.client.authenticated, true, `seed ${seed}`)
      assert.equal(pair.client.all('banner').length, 1, `seed ${seed}`)
    }
  })

  it('may be answered by promises, in turns of an event loop', async () => {
    const soon = async <T>(value: T): Promise<T> => {
      await new Promise(resolve => setImmediate(resolve))
      return value
    }
    const pair = await createPair({
      client: { 'host-key': () => soon(true as const), credential: () => soon(passwordCredential()) },
      server: {
        attempt: ({ attempt }) =>
          soon(
            attempt.method === 'password' && attempt.password.reveal() === pairPassword
              ? { is: 'accept', identity: 1 }
              : { is: 'refuse', remaining: [] },
          ),
      },
    }).settle()
    assert.equal(pair.client.authenticated && pair.server.authenticated, true)
  })
})

describe('an answer', () => {
  it('is given once: the second throws', () => {
    const pair = createPair({ client: { 'host-key': () => leaveOpen } }).run()
    const question = openQuestion(pair.client, 'host-key')
    question.answer(true)
    assert.throws(() => question.answer(true), TypeError)
    assert.throws(() => question.fail(new Error('late')), TypeError)
    pair.run()
    assert.equal(pair.client.authenticated, true)
  })
  it('after the end does nothing', () => {
    const pair = createPair({ client: { 'host-key': () => leaveOpen }, server: { attempt: () => leaveOpen } }).run()
    const question = openQuestion(pair.client, 'host-key')
    pair.client.engine.disconnect('by-application')
    pair.run()
    const count = pair.client.events.length
    question.answer(true)
    pair.run()
    assert.equal(pair.client.events.length, count)
  })
  it('that cannot be given ends the connection with its error, and says little to the peer', () => {
    const cause = new Error('the disk with the passwords at /srv/secret is gone')
    const pair = createPair({ server: { attempt: () => leaveOpen } }).run()
    openQuestion(pair.server, 'attempt').fail(cause)
    pair.run()
    assert.equal(pair.server.ending?.error, cause)
    assert.equal(pair.client.ending?.by, 'peer')
    assert.ok(!pair.client.ending.error.message.includes('srv'))
  })
})

describe('opens and global requests', () => {
  it('are answered once', () => {
    const pair = createPair({ server: { openRequested: () => {}, globalRequested: () => {} } }).run()
    pair.client.open({ name: 'custom@example.org', codec: { read: () => undefined, write: () => {} } }, undefined)
    pair.client.engine.connection.keepalive()
    pair.run()
    const open = pair.server.all('open-request')[0].question
    open.refuse('connect-failed', 'nothing there')
    assert.throws(() => open.accept(), TypeError)
    const request = pair.server.all('global-request')[0].question
    request.succeed()
    assert.throws(() => request.fail(), TypeError)
    pair.run()
    assert.equal(pair.client.all('open-failed')[0]?.description, 'nothing there')
  })
  it('that are accepted after the end throw what ended it; refusing does nothing', () => {
    const pair = createPair({ server: { openRequested: () => {} } }).run()
    const row = { name: 'custom@example.org', codec: { read: () => undefined, write: () => {} } }
    pair.client.open(row, undefined)
    pair.client.open(row, undefined)
    pair.run()
    pair.server.engine.disconnect('by-application', 'over')
    pair.run()
    const [first, second] = pair.server.all('open-request')
    assert.throws(() => first.question.accept(), /over/)
    second.question.refuse('connect-failed')
  })
})

describe('a network that breaks off during a login', () => {
  const broken = (refusals: number) => {
    let asked = 0
    const pair = createPair({
      client: { credential: () => ({ method: 'password', password: new Secret('pw'), source: 'option' }) },
      server: { attempt: () => (asked++ < refusals ? { is: 'refuse', remaining: ['password'] } : leaveOpen) },
    })
    pair.run()
    openQuestion(pair.server, 'attempt')
    pair.client.engine.end(0)
    pair.run()
    const { ending } = pair.client
    assert.ok(ending !== undefined)
    return ending.error
  }

  it('blames no password that the server never judged', () => {
    const error = broken(0)
    assert.ok(error instanceof DisconnectedError)
    assert.equal(error.code, 'CONNECTION_LOST')
  })

  it('tells what was refused before, and that the last attempt has no answer', () => {
    const error = broken(1)
    assert.ok(error instanceof AuthenticationError)
    assert.deepEqual(
      error.attempts.map(each => each.outcome),
      ['refused', 'skipped'],
    )
    assert.match(error.message, /broke off before the server answered/)
    assert.match(error.message, /The login was not decided/)
    assert.doesNotMatch(error.message, /Likely cause/, 'what was refused before is not why')
  })
})

describe('a goodbye that comes while a question is open', () => {
  it('is told when the network ends, instead of that end', () => {
    const pair = createPair({ client: { credential: () => leaveOpen } })
    pair.run()
    openQuestion(pair.client, 'credential')
    pair.server.engine.disconnect('service-not-available', 'closed for the night')
    pair.run()
    pair.client.engine.end(0)
    pair.run()
    const error = pair.client.ending?.error
    assert.ok(error instanceof DisconnectedError)
    assert.equal(error.code, 'DISCONNECTED_BY_PEER')
    assert.match(error.message, /closed for the night/)
  })
})
