// Owns the specification of a shared connection as its clients see it: sessions and forwarded connections by proxy mode, each client apart
// from the others, and what is asked of the connection as a whole.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authAgent } from '../../src/connection/channel-types/auth-agent.ts'
import { ChannelOpenError, DisconnectedError, RequestRefusedError, ShareError } from '../../src/errors.ts'
import type { LocalSockets } from '../../src/forward/sockets.ts'
import type { SocksTarget } from '../../src/forward/socks.ts'
import type { SharedForwards } from '../../src/mux/master-forwards.ts'
import type { SessionHandlers } from '../../src/server/session.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { agentRig, identity } from '../agent/rig.ts'
import { echoing } from '../client/forward-fixtures.ts'
import { quiet } from '../io/fixtures.ts'
import { patterned } from '../pair/fixtures.ts'
import { sharedWorld } from './fixtures.ts'

describe('a client of a shared connection', () => {
  it('runs commands with input, output, errors and an exit status', async () => {
    await using all = await sharedWorld()
    const shared = await all.shared()
    const result = await shared.run('echo', { input: 'hello' })
    assert.equal(result.stdout, 'hello')
    assert.equal(result.stderr, 'for echo')
    assert.equal(result.code, 7)
    assert.equal(shared.shared, true)
    assert.throws(() => shared.hostKey, TypeError)
    assert.equal(shared.serverVersion, all.at.client.serverVersion)
  })
  it('carries more than any window or buffer holds, whole, both ways', async () => {
    await using all = await sharedWorld()
    const shared = await all.shared()
    const bytes = patterned(7 * 1024 * 1024 + 13)
    const result = await shared.run('cat', { input: bytes })
    assert.equal(Buffer.compare(result.stdoutBytes, bytes), 0)
  })
  it('has its own channels beside those of fifty others and of the owner', async () => {
    await using all = await sharedWorld()
    const clients = await Promise.all(Array.from({ length: 50 }, () => all.shared()))
    const results = await Promise.all([all.at.client, ...clients].map((each, index) => each.run(`${index}`, { input: `in ${index}` })))
    assert.deepEqual(
      results.map(({ stdout, stderr }) => [stdout, stderr]),
      results.map((_, index) => [`in ${index}`, `for ${index}`]),
    )
    assert.equal(all.sharing.clients, 50)
  })
  it('leaves the connection to others when it closes, and takes its channels with it', async () => {
    await using all = await sharedWorld()
    const [first, second] = [await all.shared(), await all.shared()]
    const held = await first.exec('held')
    await first.close()
    await quiet()
    await assert.rejects(held.exited, DisconnectedError)
    assert.equal(all.at.client.link.openChannels, 0)
    assert.equal((await second.run('x', { input: 'still' })).stdout, 'still')
    assert.equal(all.sharing.clients, 1)
  })
  it('is told when the connection under all has ended', async () => {
    await using all = await sharedWorld()
    const shared = await all.shared()
    const held = await shared.exec('held')
    await all.at.client.close()
    await assert.rejects(held.exited)
    const { error } = await shared.closed
    assert.match(error.message, /shared connection is lost/)
  })
  it('connects on from the server, and hears why that did not work', async () => {
    await using all = await sharedWorld()
    await echoing(all.at.there, { host: 'db', port: 5432 }, 'db says ')
    const shared = await all.shared()
    const stream = await shared.dial('db:5432')
    await stream.writable.write('hello')
    stream.end()
    let text = ''
    for await (const bytes of stream.readable) text += new TextDecoder().decode(bytes)
    assert.equal(text, 'db says hello')
    await assert.rejects(shared.dial('nobody:1'))
  })
  it('gets what connects to where the server listens for it, and the owner and others do not', async () => {
    await using all = await sharedWorld()
    const [one, other] = [await all.shared(), await all.shared()]
    const got: string[] = []
    const first = await one.reverse({ listen: 'localhost:8001', to: stream => void (got.push('one'), stream.close()) })
    await other.reverse({ listen: 'localhost:8002', to: stream => void (got.push('other'), stream.close()) })
    await all.at.client.reverse({ listen: 'localhost:8003', to: stream => void (got.push('owner'), stream.close()) })
    for (const port of [8002, 8001, 8003]) await all.at.connected('localhost', port)
    await quiet()
    assert.deepEqual(got, ['other', 'one', 'owner'])
    await assert.rejects(all.at.connected('localhost', 8004), ChannelOpenError)
    await first.close()
    await quiet()
    await assert.rejects(all.at.connected('localhost', 8001), ChannelOpenError)
  })
  it('learns the port that the server chose', async () => {
    await using all = await sharedWorld()
    const forward = await (await all.shared()).reverse({ listen: 'localhost:0', to: stream => stream.close() })
    assert.deepEqual(forward.address, { host: 'localhost', port: 50_000 })
  })
  it('has the server listen no more when it goes', async () => {
    await using all = await sharedWorld()
    const shared = await all.shared()
    await shared.reverse({ listen: 'localhost:8001', to: stream => stream.close() })
    await shared.close()
    await quiet()
    assert.ok(all.at.asked.some(each => each.startsWith('cancel-tcpip-forward') && each.includes('8001')))
  })
  it('cannot cancel what another listens for', async () => {
    await using all = await sharedWorld()
    const row = {
      name: 'cancel-tcpip-forward',
      codec: (await import('../../src/connection/global-requests/cancel-tcpip-forward.ts')).cancelTcpipForward.codec,
    }
    await all.at.client.reverse({ listen: 'localhost:8003', to: stream => stream.close() })
    const shared = await all.shared()
    await assert.rejects(shared.request(row, { addressToBind: 'localhost', portNumberToBind: 8003 }), RequestRefusedError)
    assert.ok(!all.at.asked.some(each => each.startsWith('cancel')))
  })
  it('may promise to open no more sessions for itself alone', async () => {
    await using all = await sharedWorld()
    const shared = await all.shared()
    await shared.request((await import('../../src/connection/global-requests/no-more-sessions.ts')).noMoreSessions, {})
    await assert.rejects(shared.exec('x'), ChannelOpenError)
    assert.equal((await all.at.client.run('x')).code, 7)
  })
  it('asks the server itself for a sign of life', async () => {
    await using all = await sharedWorld()
    await (await all.shared()).ping()
  })
  it('lends its own agent, whatever the others lend, while its session is open', async () => {
    const seen: string[] = []
    const exec: SessionHandlers<{ readonly name: string }>['exec'] = async ({ agent }) => {
      const there = await agent?.connect()
      seen.push(...((await there?.list()) ?? [{ comment: 'none' }]).map(({ comment }) => comment))
      there?.close()
      return 0
    }
    await using all = await sharedWorld({}, { server: { session: { exec, agent: true } } })
    const clients = [await all.shared(), await all.shared(), await all.shared()]
    const agents = ['first', 'second'].map(async comment => {
      const rig = agentRig()
      await rig.client().add(identity('ed25519'), comment)
      return rig.agent
    })
    for (const [index, client] of clients.entries())
      await client.run('list', index < agents.length ? { forwardAgent: await agents[index] } : {})
    assert.deepEqual(seen, ['first', 'second', 'none'])
    await quiet()
    await assert.rejects(all.at.served.open(authAgent, {}), { reason: 'administratively-prohibited' })
  })
  it('lends no display, which has no mark of whose it is', async () => {
    await using all = await sharedWorld({}, { server: { session: { exec: async () => 0 } } })
    let refused = 0
    const x11 = { display: ':0', onRefused: () => void refused++ }
    assert.equal((await (await all.shared()).run('x', { x11 })).code, 0)
    assert.equal(refused, 1)
  })
  it('forwards nothing, either way, where the server may be the wrong one', async () => {
    await using all = await sharedWorld({}, { client: { hostKey: () => ({ untrusted: true }) } })
    const shared = await all.shared()
    await echoing(all.at.there, { host: 'db', port: 5432 })
    await assert.rejects(shared.dial('db:5432'), { message: /not over a shared connection/ })
    await assert.rejects(shared.reverse({ listen: 8001, to: stream => stream.close() }))
    assert.deepEqual(all.at.asked, [])
    assert.equal((await shared.run('x')).code, 7)
  })
  it('opens no channels of other kinds', async () => {
    await using all = await sharedWorld()
    const shared = await all.shared()
    const x11 = { name: 'x11', codec: { read: () => undefined, write: () => {} } }
    await assert.rejects(shared.open(x11, undefined), {
      reason: 'administratively-prohibited',
      description: 'not over a shared connection',
    })
  })
})

describe('who shares a connection', () => {
  it('says its process id', async () => {
    await using all = await sharedWorld()
    assert.equal(await (await all.control()).check(), 4711)
  })
  it('sets up and cancels forwards for clients, once each', async () => {
    await using all = await sharedWorld()
    const control = await all.control()
    const local = { kind: 'local', listen: { host: '', port: 7001 }, connect: { host: 'db', port: 5432 } } as const
    await echoing(all.at.there, { host: 'db', port: 5432 }, 'db says ')
    assert.equal(await control.openForward(local), undefined)
    assert.equal(await control.openForward(local), undefined)
    const socket = await all.at.here.connect({ host: '127.0.0.1', port: 7001 })
    socket.discard()
    assert.equal(await control.openForward({ kind: 'remote', listen: { host: '', port: 0 }, connect: { host: 'web', port: 80 } }), 50_000)
    await control.closeForward(local)
    await assert.rejects(control.closeForward(local), { code: 'SHARE_FAILED', message: /port not forwarded/ })
    await assert.rejects(all.at.here.connect({ host: '127.0.0.1', port: 7001 }))
  })
  it('holds forwards to its own rules: who may connect to them, where they lead, how their sockets are made', async () => {
    const wanted: string[] = []
    const permit = ({ host, port }: SocksTarget): string => (wanted.push(`${host}:${port}`), 'not there')
    await using all = await sharedWorld({ forwards: { gatewayPorts: true, permit, mask: 0o077, unlink: true } })
    const listened: unknown[] = []
    const { here } = all.at
    const listen = here.listen.bind(here)
    const rehearsed: LocalSockets['listen'] = (place, { mask, unlink }, taken) => {
      listened.push([place, mask, unlink])
      return listen(place, {}, taken)
    }
    Object.assign(here, { listen: rehearsed })
    const control = await all.control()
    await control.openForward({ kind: 'local', listen: { host: '', port: 7001 }, connect: { host: 'db', port: 1 } })
    await control.openForward({ kind: 'dynamic', listen: { host: 'localhost', port: 7002 }, connect: undefined })
    await control.openForward({ kind: 'local', listen: { path: '/run/s' }, connect: { host: 'db', port: 1 } })
    assert.deepEqual(listened, [
      [{ host: undefined, port: 7001 }, 0o077, true],
      [{ host: '127.0.0.1', port: 7002 }, 0o077, true],
      [{ host: '::1', port: 7002 }, 0o077, true],
      [{ path: '/run/s' }, 0o077, true],
    ])
    await control.openForward({ kind: 'remote', listen: { host: '', port: 8001 }, connect: undefined })
    const socks = await all.at.connected('localhost', 8001)
    await socks.write(Uint8Array.of(4, 1, 0, 80, 192, 0, 2, 1, 0))
    await socks.closed
    assert.deepEqual(wanted, ['192.0.2.1:80'])
  })
  it('leaves forwards to a list of its own, where it has one', async () => {
    const asked: string[] = []
    const request = { kind: 'local', listen: { host: '', port: 7001 }, connect: { host: 'db', port: 1 } } as const
    const forwards: SharedForwards = {
      requests: [request],
      open: async ({ kind }) => void asked.push(`open ${kind}`),
      close: async ({ kind }) => (asked.push(`close ${kind}`), false),
      end: async () => void asked.push('end'),
    }
    await using all = await sharedWorld({ forwards })
    const control = await all.control()
    await control.openForward(request)
    await assert.rejects(control.closeForward(request), { code: 'SHARE_FAILED' })
    assert.match(await control.info('channels'), /local forward localhost:7001 -> db:1/)
    all.sharing.end()
    assert.deepEqual(asked, ['open local', 'close local', 'end'])
  })
  it('says why a forward did not work', async () => {
    await using all = await sharedWorld({}, { answer: question => (question.fail(), true) })
    const control = await all.control()
    const remote = { kind: 'remote', listen: { host: '', port: 8001 }, connect: { host: 'web', port: 80 } } as const
    await assert.rejects(control.openForward(remote), (error: unknown) => error instanceof ShareError && error.code === 'SHARE_FAILED')
    assert.equal(await control.check(), 4711)
  })
  it('does nothing that is not permitted, and says so', async () => {
    const asked: string[] = []
    await using all = await sharedWorld({ permit: what => (asked.push(what), false) })
    const control = await all.control()
    const forward = { kind: 'dynamic', listen: { host: '', port: 7001 }, connect: undefined } as const
    for (const refused of [control.terminate(), control.stopListening(), control.openForward(forward), control.proxy()])
      await assert.rejects(refused, { code: 'SHARE_REFUSED' })
    assert.equal(asked.length, 4)
    assert.equal(await control.check(), 4711)
    assert.equal(all.stops(), 0)
    assert.equal(all.at.client.link.ended, undefined)
  })
  it('takes no more clients when told so, and ends when told that', async () => {
    await using all = await sharedWorld()
    const control = await all.control()
    await control.stopListening()
    assert.equal(all.stops(), 1)
    await control.terminate()
    assert.equal((await all.at.client.closed).by, 'us')
  })
  it('tells of the connection and its channels', async () => {
    await using all = await sharedWorld()
    const control = await all.control()
    assert.match(await control.info('connection'), /^user ada\r\nserver .*\r\nkexalgorithm /)
    assert.match(await control.info('channels'), /^0 channels are open/)
  })
  it('has no place for more clients than it is told', async () => {
    await using all = await sharedWorld({ maximumClients: 1 })
    await all.shared()
    await assert.rejects(all.control(), { code: 'SHARE_NO_MASTER' })
  })
  it('ends when nobody has needed the connection for so long, and not before', async () => {
    const clock = virtualClock()
    await using all = await sharedWorld({ idle: 10_000, clock })
    const shared = await all.shared()
    clock.advance(30_000)
    await quiet()
    assert.equal(all.at.client.link.ended, undefined)
    await shared.close()
    await quiet()
    clock.advance(9000)
    await quiet()
    assert.equal(all.at.client.link.ended, undefined)
    clock.advance(2000)
    await new Promise(resolve => setTimeout(resolve, 5))
    await quiet()
    assert.notEqual(all.at.client.link.ended, undefined)
    assert.equal((await all.at.client.closed).by, 'us')
  })
})
