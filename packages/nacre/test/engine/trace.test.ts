// A trace shows every packet both ways, decoded, and nothing that is secret; its lines can be printed whatever a peer sent.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UserauthInfoResponse } from '../../src/auth/messages.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { type TraceRecord, traceLine } from '../../src/engine/trace.ts'
import { createAttack } from '../../src/testing/hostile.ts'
import { createPair } from '../../src/testing/pair.ts'
import { Debug } from '../../src/transport/messages.ts'
import { encodeMessage } from '../../src/wire/message.ts'

const traced = () => {
  const client: TraceRecord[] = []
  const server: TraceRecord[] = []
  const pair = createPair({ client: { trace: record => client.push(record) }, server: { trace: record => server.push(record) } }).run()
  const ends = pair.open(session, {})
  ends.client.send('the plans of the fortress')
  ends.server.send('an error', 1)
  pair.run()
  return { client, server }
}
const named = (records: readonly TraceRecord[], direction: TraceRecord['direction']) =>
  records.filter(each => each.direction === direction).map(each => `${each.sequence} ${each.name}`)

describe('a trace', () => {
  it('has every packet of one side where the other side has it too, with its sequence number', () => {
    const { client, server } = traced()
    assert.deepEqual(named(client, 'sent'), named(server, 'received'))
    assert.deepEqual(named(server, 'sent'), named(client, 'received'))
    assert.ok(named(client, 'sent').some(each => each.endsWith('SSH_MSG_CHANNEL_DATA')))
    assert.ok(named(server, 'sent').some(each => each.endsWith('SSH_MSG_CHANNEL_EXTENDED_DATA')))
  })
  it('shows fields, and of secrets their size', () => {
    const { client, server } = traced()
    const all = JSON.stringify([client, server])
    assert.ok(!all.includes('fortress') && !all.includes(Buffer.from('fortress').toString('hex')))
    assert.ok(!all.includes('secret') && !all.includes(Buffer.from('secret').toString('hex')))
    const data = client.find(each => each.name === 'SSH_MSG_CHANNEL_DATA')
    assert.deepEqual(data?.fields, { recipientChannel: 0, data: '[25 bytes]' })
    const request = client.find(each => each.name === 'SSH_MSG_USERAUTH_REQUEST')
    assert.equal(request?.fields.methodName, 'password')
  })
  it('shows what is refused, too', () => {
    const records: TraceRecord[] = []
    const attack = createAttack({ victim: { role: 'server', trace: record => records.push(record) } }).login()
    attack.hostile.payload(encodeMessage(UserauthInfoResponse, { responses: ['a secret answer'] }))
    attack.run()
    assert.equal(attack.victim.engine.ended, true)
    const last = records.filter(each => each.direction === 'received').at(-1)
    assert.equal(last?.number, 61)
    assert.ok(!JSON.stringify(records).includes('answer'))
  })
  it('is one line for each packet, fit for a terminal', () => {
    const records: TraceRecord[] = []
    const attack = createAttack({ victim: { role: 'client', trace: record => records.push(record) } }).login()
    attack.hostile.send(Debug, { alwaysDisplay: true, message: 'a\nb\x1b[31m"', languageTag: '' })
    attack.hostile.payload(Uint8Array.of(200, 1, 2))
    attack.run()
    const lines = records.map(traceLine)
    for (const line of lines) assert.ok(!/[\x00-\x1f\x7f]/.test(line), JSON.stringify(line))
    assert.ok(
      lines.some(line => /^← #\d+ SSH_MSG_DEBUG alwaysDisplay=true message=/.test(line)),
      lines.join('\n'),
    )
    assert.ok(lines.some(line => /^← #\d+ message 200/.test(line)))
    assert.ok(lines.some(line => /^→ #\d+ SSH_MSG_SERVICE_REQUEST serviceName="ssh-userauth"$/.test(line)))
  })
})
