// Forwards that listen at the client: all pairs of places, who is told what, ends, counts, bounds, and one that hangs beside others
// that do not.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { ConfigError, ConnectError, ForwardError, SshError } from '../../src/errors.ts'
import type { Place } from '../../src/forward/sockets.ts'
import { quiet } from '../io/fixtures.ts'
import { bytesOf, echoing, exchange, world } from './forward-fixtures.ts'

// Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
const alive = setInterval(() => {}, 60_000)
after(() => clearInterval(alive))

describe('a local forward', () => {
  const ends: readonly (readonly [string, Place, Place])[] = [
    ['port to port', { host: '127.0.0.1', port: 8080 }, { host: 'db', port: 5432 }],
    ['port to socket', { host: '127.0.0.1', port: 8080 }, { path: '/run/db.sock' }],
    ['socket to port', { path: '/tmp/here.sock' }, { host: 'db', port: 5432 }],
    ['socket to socket', { path: '/tmp/here.sock' }, { path: '/run/db.sock' }],
  ]
  for (const [name, listen, to] of ends)
    it(`carries both directions to their ends: ${name}`, async () => {
      await using at = await world()
      await echoing(at.there, to, 'db says ')
      await using forward = await at.client.forward({ listen, to })
      assert.deepEqual(forward.address, listen)
      assert.equal(await exchange(await at.here.connect(listen), 'hello'), 'db says hello')
      await quiet()
      assert.deepEqual(forward.counts, { open: 0, total: 1, refused: 0, bytesToServer: 5, bytesFromServer: 13 })
    })

  it('tells the server who connected, and of a socket what OpenSSH tells', async () => {
    await using at = await world()
    await echoing(at.there, { host: 'db', port: 1 })
    await at.client.forward({ listen: '127.0.0.1:8080', to: 'db:1' })
    await at.client.forward({ listen: '/s', to: 'db:1' })
    await exchange(await at.here.connect({ host: '127.0.0.1', port: 8080 }), '')
    await exchange(await at.here.connect({ path: '/s' }), '')
    assert.match(at.originators[0] ?? '', /^127\.0\.0\.1:4\d{4}$/)
    assert.equal(at.originators[1], '127.0.0.1:65535')
  })

  it('listens on both addresses of localhost, with one port, and tells it', async () => {
    await using at = await world()
    await using forward = await at.client.forward({ listen: 0, to: 'db:1' })
    assert.ok('port' in forward.address && forward.address.host === 'localhost')
    const { port } = forward.address
    assert.deepEqual(at.here.listening, [`127.0.0.1:${port}`, `::1:${port}`])
    await forward.close()
    assert.deepEqual([at.here.listening, forward.state, await forward.closed], [[], 'closed', undefined])
  })

  it('is content with one address of localhost, but not with none', async () => {
    await using at = await world()
    await at.here.listen({ host: '::1', port: 8080 }, {}, () => {})
    await at.client.forward({ listen: 8080, to: 'db:1' })
    await assert.rejects(at.client.forward({ listen: 8080, to: 'db:1' }), (error: unknown) => {
      assert.ok(error instanceof ForwardError && error.code === 'FORWARD_LISTEN')
      assert.match(error.message, /127\.0\.0\.1:8080: it is in use already/)
      return true
    })
  })

  it('carries a half-close, and what the other side says after it', async () => {
    await using at = await world()
    const taken: { write(text: string): void; end(): void; text(): Promise<string> }[] = []
    await at.there.listen({ host: 'db', port: 1 }, {}, socket => void taken.push(socket as never))
    await at.client.forward({ listen: '/s', to: 'db:1' })
    const near = await at.here.connect({ path: '/s' })
    near.write('that is all')
    near.end()
    await quiet()
    assert.equal(await taken[0]?.text(), 'that is all')
    taken[0]?.write('and this is the answer')
    taken[0]?.end()
    assert.equal(await near.text(), 'and this is the answer')
    await quiet()
    assert.equal(at.client.link.openChannels, 0)
  })

  it('that is closed takes no more, and leaves what is there; disposing of it does not', async () => {
    await using at = await world()
    const taken = await echoing(at.there, { host: 'db', port: 1 })
    const forward = await at.client.forward({ listen: '/s', to: 'db:1' })
    const first = await at.here.connect({ path: '/s' })
    const second = await at.here.connect({ path: '/s' })
    await quiet()
    await forward.close()
    await assert.rejects(at.here.connect({ path: '/s' }), ConnectError)
    assert.equal(await exchange(first, 'still'), 'still')
    await forward[Symbol.asyncDispose]()
    await quiet()
    assert.equal(await second.read(), undefined)
    assert.equal(taken.length, 2)
    assert.equal(at.client.link.openChannels, 0)
  })

  it('ends with the connection, and says why', async () => {
    await using at = await world()
    const forward = await at.client.forward({ listen: '/s', to: 'db:1' })
    const listened = await at.here.connect({ path: '/s' })
    at.served.disconnect('by-application', 'closing for the night')
    assert.match((await forward.closed)?.message ?? '', /closing for the night/)
    assert.deepEqual([forward.state, at.here.listening], ['closed', []])
    assert.equal(await listened.read(), undefined)
  })

  it('of a server that makes no connection: who came is cut off, the reason is kept and told', async () => {
    await using at = await world()
    const told: string[] = []
    const forward = await at.client.forward({
      listen: '/s',
      to: 'nobody:1',
      onRefused: (error, from) => told.push(`${from.port}: ${error.message}`),
    })
    assert.equal(await (await at.here.connect({ path: '/s' })).read(), undefined)
    await quiet()
    assert.match(forward.lastError?.message ?? '', /made no connection to nobody port 1: .*nothing listens/)
    assert.match(told[0] ?? '', /^0: The server made no connection/)
    assert.deepEqual(forward.counts, { open: 0, total: 1, refused: 1, bytesToServer: 0, bytesFromServer: 0 })
  })

  it('with a far end that never answers holds up nobody else, and gives up in time', async () => {
    await using at = await world()
    at.there.silent.add('hangs:1')
    await echoing(at.there, { host: 'db', port: 1 })
    const hanging = await at.client.forward({ listen: '/hangs', to: 'hangs:1', connectTimeout: 50 })
    await at.client.forward({ listen: '/works', to: 'db:1' })
    const stuck = await at.here.connect({ path: '/hangs' })
    for (let round = 0; round < 10; round++)
      assert.equal(await exchange(await at.here.connect({ path: '/works' }), `round ${round}`), `round ${round}`)
    assert.equal(await stuck.read(), undefined)
    await quiet()
    assert.match(hanging.lastError?.message ?? '', /within 0\.05 s/)
  })

  it('asks the server for nothing more when who connected has left', async () => {
    await using at = await world()
    at.there.silent.add('hangs:1')
    const forward = await at.client.forward({ listen: '/s', to: 'hangs:1' })
    const near = await at.here.connect({ path: '/s' })
    await quiet()
    assert.equal(forward.counts.open, 1)
    near.discard()
    await quiet()
    assert.equal(forward.counts.open, 0)
    assert.match(forward.lastError?.message ?? '', /has left/)
  })

  it('takes so many connections at once and no more', async () => {
    await using at = await world()
    await echoing(at.there, { host: 'db', port: 1 })
    const forward = await at.client.forward({ listen: '/s', to: 'db:1', maximumConnections: 2 })
    const [first, , third] = await Promise.all([1, 2, 3].map(() => at.here.connect({ path: '/s' })))
    assert.equal(await third?.read(), undefined)
    assert.match(forward.lastError?.message ?? '', /2 connections on this forward already/)
    if (first !== undefined) assert.equal(await exchange(first, 'one'), 'one')
    await quiet()
    assert.equal(await exchange(await at.here.connect({ path: '/s' }), 'again'), 'again')
    assert.deepEqual([forward.counts.total, forward.counts.refused, forward.counts.open], [4, 1, 1])
  })

  it('holds no more than windows for a reader who never reads, and carries all once he does', async () => {
    await using at = await world({ client: { limits: { initialWindow: 64 * 1024 } } })
    const megabytes = 4
    let sent = 0
    await at.there.listen({ host: 'db', port: 1 }, {}, socket => {
      for (let i = 0; i < megabytes; i++) socket.write(new Uint8Array(1024 * 1024).fill(i))
    })
    await at.client.forward({ listen: '/s', to: 'db:1' })
    const near = await at.here.connect({ path: '/s' })
    await quiet(200)
    assert.ok(near.held < 512 * 1024, `${near.held} bytes held`)
    while (sent < megabytes * 1024 * 1024) sent += (await near.read())?.length ?? Number.POSITIVE_INFINITY
    assert.equal(sent, megabytes * 1024 * 1024)
  })

  it('where the runtime has no sockets says so; what is no place is refused at once', async () => {
    await using at = await world({ client: { sockets: undefined as never } })
    await assert.rejects(at.client.forward({ listen: 1, to: 'db:1' }), /no sockets to listen/)
    await using other = await world()
    await assert.rejects(other.client.forward({ listen: 'nowhere', to: 'db:1' }), ConfigError)
    await assert.rejects(other.client.forward({ listen: 1, to: 'db' }), ConfigError)
  })
})

describe('a dynamic forward', () => {
  const request = (host: string, port: number): Uint8Array =>
    Uint8Array.from([5, 1, 0, 5, 1, 0, 3, host.length, ...bytesOf(host), port >> 8, port & 255])

  it('goes where each client says, and answers once it is there; bytes that came early go with it', async () => {
    await using at = await world()
    await echoing(at.there, { host: 'db', port: 80 }, 'db says ')
    await using forward = await at.client.socks({ listen: '127.0.0.1:1080' })
    const near = await at.here.connect({ host: '127.0.0.1', port: 1080 })
    near.write(Uint8Array.from([...request('db', 80), ...bytesOf('early')]))
    near.write(', late')
    near.end()
    const said = await near.text()
    assert.equal(said.slice(12), 'db says early, late')
    assert.deepEqual([...bytesOf(said.slice(0, 4))], [5, 0, 5, 0])
    await quiet()
    assert.equal(forward.counts.bytesToServer, 'early, late'.length)
  })

  it('takes a request in pieces', async () => {
    await using at = await world()
    await echoing(at.there, { host: 'db', port: 80 })
    await at.client.socks({ listen: '/s' })
    const near = await at.here.connect({ path: '/s' })
    for (const byte of request('db', 80)) {
      near.write(Uint8Array.of(byte))
      await quiet(2)
    }
    assert.equal((await exchange(near, 'x')).slice(12), 'x')
  })

  it('tells the client in the words of SOCKS what the server said, then ends', async () => {
    await using at = await world()
    const forward = await at.client.socks({ listen: '/s' })
    const near = await at.here.connect({ path: '/s' })
    near.write(request('nobody', 80))
    assert.deepEqual([...((await near.read()) ?? [])], [5, 0])
    assert.deepEqual([...((await near.read()) ?? [])].slice(0, 2), [5, 5])
    assert.equal(await near.read(), undefined)
    await quiet()
    assert.deepEqual([forward.counts.refused, forward.counts.open], [1, 0])
  })

  it('hears nobody out who speaks something else, or nothing', async () => {
    await using at = await world()
    const forward = await at.client.socks({ listen: '/s', socksTimeout: 20 })
    const web = await at.here.connect({ path: '/s' })
    web.write('GET / HTTP/1.1\r\n\r\n')
    assert.equal(await web.read(), undefined)
    await quiet()
    assert.match(forward.lastError?.message ?? '', /begins with 71/)
    const mute = await at.here.connect({ path: '/s' })
    assert.equal(await mute.read(), undefined)
    await quiet()
    assert.match(forward.lastError?.message ?? '', /No request of SOCKS came within 0\.02 s/)
    const short = await at.here.connect({ path: '/s' })
    short.write(Uint8Array.of(5))
    short.end()
    await quiet()
    assert.match(forward.lastError?.message ?? '', /ended in the middle/)
  })
})

it('dial takes a path of the server’s', async () => {
  await using at = await world()
  await echoing(at.there, { path: '/run/db.sock' }, 'socket: ')
  const stream = await at.client.dial('/run/db.sock')
  await stream.write(bytesOf('x'))
  stream.end()
  let text = ''
  for await (const chunk of stream.readable) text += new TextDecoder().decode(chunk)
  assert.equal(text, 'socket: x')
  await assert.rejects(at.client.dial({ path: '/none' }), /made no connection to \/none: .*nothing listens/)
})

it('an untrusted server is asked to forward nothing, either way', async () => {
  await using at = await world({ client: { hostKey: () => ({ untrusted: true }) } })
  const refused = (error: unknown): boolean => error instanceof SshError && error.code === 'FORWARDING_REFUSED'
  await assert.rejects(at.client.forward({ listen: 1, to: 'db:1' }), refused)
  await assert.rejects(at.client.socks({ listen: 1 }), refused)
  await assert.rejects(at.client.reverse({ listen: 1, to: 'db:1' }), refused)
  await assert.rejects(at.client.dial('/run/db.sock'), refused)
  assert.deepEqual([at.here.listening, at.asked], [[], []])
})
