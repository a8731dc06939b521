// Remote forwards: what the server is asked for, which channels are taken, who carries them on, what a server that lies or floods
// gets, and the end.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import type { ReverseInfo } from '../../src/client/reverse.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { forwardedTcpip } from '../../src/connection/channel-types/forwarded-tcpip.ts'
import { ChannelOpenError, DisconnectedError, ForwardError } from '../../src/errors.ts'
import type { Place } from '../../src/forward/sockets.ts'
import type { ChannelStream } from '../../src/io/channel-stream.ts'
import { encode } from '../../src/wire/codec.ts'
import { quiet } from '../io/fixtures.ts'
import { bytesOf, echoing, world } from './forward-fixtures.ts'

// Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
const alive = setInterval(() => {}, 60_000)
after(() => clearInterval(alive))

const textOf = async (stream: ChannelStream): Promise<string> => {
  let text = ''
  for await (const chunk of stream.readable) text += new TextDecoder().decode(chunk)
  return text
}
const say = async (stream: ChannelStream, text: string): Promise<string> => {
  await stream.write(bytesOf(text))
  stream.end()
  return await textOf(stream)
}
const refusedWith = (reason: string) => (error: unknown) => error instanceof ChannelOpenError && error.reason === reason

describe('a remote forward', () => {
  it('asks for an address as RFC 4254 §7.1 writes them, and cancels with the same words', async () => {
    await using at = await world()
    const cases: readonly (readonly [string | number, string])[] = [
      [8080, 'localhost'],
      [':8081', ''],
      ['*:8082', ''],
      ['0.0.0.0:8083', '0.0.0.0'],
      ['[::]:8084', '::'],
      ['192.0.2.1:8085', '192.0.2.1'],
    ]
    for (const [listen] of cases) await (await at.client.reverse({ listen, to: 'db:1' })).close()
    const port = (listen: string | number): number => Number(String(listen).replace(/.*:/, ''))
    assert.deepEqual(
      at.asked,
      cases.flatMap(([listen, address]) =>
        ['tcpip-forward', 'cancel-tcpip-forward'].map(
          name => `${name} ${JSON.stringify({ addressToBind: address, portNumberToBind: port(listen) })}`,
        ),
      ),
    )
  })

  const ends: readonly (readonly [string, Place])[] = [
    ['a port', { host: 'db', port: 5432 }],
    ['a socket', { path: '/run/db.sock' }],
  ]
  for (const [name, to] of ends) {
    it(`of a port connects here to ${name}`, async () => {
      await using at = await world()
      await echoing(at.here, to, 'db says ')
      await using forward = await at.client.reverse({ listen: 8080, to })
      assert.deepEqual(forward.address, { host: 'localhost', port: 8080 })
      assert.equal(await say(await at.connected('localhost', 8080), 'hello'), 'db says hello')
      await quiet()
      assert.deepEqual(forward.counts, { open: 0, total: 1, refused: 0, bytesToServer: 13, bytesFromServer: 5 })
    })
    it(`of a socket connects here to ${name}`, async () => {
      await using at = await world()
      await echoing(at.here, to)
      const forward = await at.client.reverse({ listen: '/run/there.sock', to })
      assert.equal(await say(await at.connectedPath('/run/there.sock'), 'hello'), 'hello')
      await assert.rejects(at.connectedPath('/run/other.sock'), refusedWith('administratively-prohibited'))
      await forward.close()
      await assert.rejects(at.connectedPath('/run/there.sock'), refusedWith('administratively-prohibited'))
      assert.deepEqual(at.asked, [
        'streamlocal-forward@openssh.com {"socketPath":"/run/there.sock"}',
        'cancel-streamlocal-forward@openssh.com {"socketPath":"/run/there.sock"}',
      ])
    })
  }

  it('hands each connection to a function, with where it came and from whom; what that throws cuts it off', async () => {
    await using at = await world()
    const heard: ReverseInfo[] = []
    const forward = await at.client.reverse({
      listen: 8080,
      to: async (stream, info) => {
        heard.push(info)
        if (heard.length === 2) throw new Error('not today')
        await stream.write(bytesOf('by hand'))
        stream.end()
      },
    })
    const stream = await at.connected('localhost', 8080)
    stream.end()
    assert.equal(await textOf(stream), 'by hand')
    assert.deepEqual(heard[0], { address: { host: 'localhost', port: 8080 }, originator: { address: '198.51.100.7', port: 1234 } })
    assert.equal(await textOf(await at.connected('localhost', 8080)), '')
    assert.match(forward.lastError?.message ?? '', /not today/)
    await quiet()
    assert.equal(forward.counts.open, 0)
  })

  it('of port 0 listens on the port the server tells, also for who connects in the same moment', async () => {
    let soon: Promise<ChannelStream> | undefined
    await using at = await world({
      answer: question => {
        if (question.request.type !== 'tcpip-forward') return false
        question.succeed(encode(tcpipForward.reply, { allocatedPort: 4321 }))
        // In the same packet of the network as the answer.
        soon = at.connected('localhost', 4321)
        return true
      },
    })
    await echoing(at.here, { host: 'db', port: 1 })
    const forward = await at.client.reverse({ listen: 0, to: 'db:1' })
    assert.deepEqual(forward.address, { host: 'localhost', port: 4321 })
    assert.ok(soon !== undefined)
    assert.equal(await say(await soon, 'at once'), 'at once')
    await forward.close()
    assert.match(at.asked[1] ?? '', /^cancel-tcpip-forward .*4321/)
  })

  it('of port 0 whose server tells none, or one that is none, is no forward', async () => {
    for (const reply of [
      undefined,
      encode(tcpipForward.reply, { allocatedPort: 0 }),
      encode(tcpipForward.reply, { allocatedPort: 70_000 }),
    ]) {
      await using at = await world({
        answer: question => {
          question.succeed(reply)
          return true
        },
      })
      await assert.rejects(at.client.reverse({ listen: 0, to: 'db:1' }), /says it is (0|70000)/)
    }
  })

  it('that the server refuses says what to look at', async () => {
    await using at = await world({
      answer: question => {
        question.fail()
        return true
      },
    })
    const port = at.client.reverse({ listen: ':80', to: 'db:1' })
    await assert.rejects(port, (error: unknown) => {
      assert.ok(error instanceof ForwardError && error.code === 'FORWARD_REFUSED')
      assert.match(error.message, /does not listen on any address port 80: .*AllowTcpForwarding, PermitListen, GatewayPorts/)
      return true
    })
    await assert.rejects(at.client.reverse({ listen: '/s', to: 'db:1' }), /AllowStreamLocalForwarding/)
    await assert.rejects(at.connected('', 80), refusedWith('administratively-prohibited'))
  })

  it('is asked for a hundred at a time, and so are their ends: servers bound what waits', async () => {
    const waiting: (() => void)[] = []
    let most = 0
    await using at = await world({
      answer: question => {
        waiting.push(() => question.succeed())
        most = Math.max(most, waiting.length)
        return true
      },
    })
    const answered = async <T>(all: Promise<T>): Promise<T> => {
      let over = false
      const done = all.finally(() => (over = true))
      while (!over) {
        for (const answer of waiting.splice(0)) answer()
        at.served.link.wake()
        await quiet()
      }
      return await done
    }
    const ports = Array.from({ length: 500 }, (_, index) => 10_000 + index)
    const forwards = await answered(Promise.all(ports.map(listen => at.client.reverse({ listen, to: 'db:1' }))))
    assert.deepEqual([at.asked.length, most], [500, 100])
    await answered(Promise.all(forwards.map(each => each.close())))
    assert.deepEqual([at.asked.length, most], [1000, 100])
  })

  it('that waits to be asked for ends with the connection', async () => {
    await using at = await world({ answer: () => true })
    const all = Promise.allSettled(Array.from({ length: 300 }, (_, index) => at.client.reverse({ listen: 10_000 + index, to: 'db:1' })))
    await quiet()
    assert.equal(at.asked.length, 100)
    await at.client.close()
    assert.deepEqual(new Set((await all).map(each => each.status)), new Set(['rejected']))
  })

  it('is not waited for without end', async () => {
    await using at = await world({ answer: () => true })
    await assert.rejects(at.client.reverse({ listen: 80, to: 'db:1', timeout: 10 }), /did not answer within 0\.01 s/)
    const pending = at.client.reverse({ listen: 81, to: 'db:1' })
    await quiet()
    at.served.disconnect('by-application', 'good night')
    await assert.rejects(pending, DisconnectedError)
    await assert.rejects(at.client.reverse({ listen: 82, to: 'db:1' }), DisconnectedError)
  })

  it('that the server grants too late is taken back', async () => {
    const late: (() => void)[] = []
    await using at = await world({
      answer: (question, name) => {
        if (name.startsWith('cancel')) return false
        late.push(() => question.succeed())
        return true
      },
    })
    await assert.rejects(at.client.reverse({ listen: 80, to: 'db:1', timeout: 1 }), ForwardError)
    await assert.rejects(at.client.reverse({ listen: '/s', to: 'db:1', timeout: 1 }), ForwardError)
    for (const answer of late) answer()
    at.served.link.wake()
    await quiet()
    assert.deepEqual(at.asked.slice(2), [
      'cancel-tcpip-forward {"addressToBind":"localhost","portNumberToBind":80}',
      'cancel-streamlocal-forward@openssh.com {"socketPath":"/s"}',
    ])
    await assert.rejects(at.connected('localhost', 80), refusedWith('administratively-prohibited'))
  })

  it('takes no connection once it is closed, and ends with the connection', async () => {
    await using at = await world()
    await echoing(at.here, { host: 'db', port: 1 })
    const first = await at.client.reverse({ listen: 80, to: 'db:1' })
    const second = await at.client.reverse({ listen: 81, to: 'db:1' })
    await first.close()
    await assert.rejects(at.connected('localhost', 80), refusedWith('administratively-prohibited'))
    assert.equal(await say(await at.connected('localhost', 81), 'x'), 'x')
    at.served.disconnect('by-application', 'good night')
    assert.match((await second.closed)?.message ?? '', /good night/)
    await second.close()
  })

  it('whose place here takes nobody tells the server, and cuts nobody else off', async () => {
    await using at = await world()
    at.here.silent.add('hangs:1')
    await echoing(at.here, { host: 'db', port: 1 })
    const nobody = await at.client.reverse({ listen: 80, to: 'nobody:1' })
    await at.client.reverse({ listen: 81, to: 'hangs:1' })
    await at.client.reverse({ listen: 82, to: 'db:1' })
    const hangs = at.connected('localhost', 81)
    hangs.catch(() => {})
    await assert.rejects(at.connected('localhost', 80), refusedWith('connect-failed'))
    assert.match(nobody.lastError?.message ?? '', /nothing listens/)
    assert.equal(await say(await at.connected('localhost', 82), 'works'), 'works')
  })
})

describe('a server that lies or floods', () => {
  it('reaches nothing that nobody asked for', async () => {
    await using at = await world()
    await echoing(at.here, { host: 'db', port: 1 })
    await assert.rejects(at.connected('localhost', 80), refusedWith('administratively-prohibited'))
    const forward = await at.client.reverse({ listen: 80, to: 'db:1' })
    await assert.rejects(at.connected('localhost', 81), refusedWith('administratively-prohibited'))
    await assert.rejects(at.connected('localhost', 0), refusedWith('administratively-prohibited'))
    await assert.rejects(at.connected('localhost', 0xffffffff), refusedWith('administratively-prohibited'))
    await assert.rejects(at.connectedPath('/run/db.sock'), refusedWith('administratively-prohibited'))
    assert.deepEqual([forward.counts.total, forward.lastError], [0, undefined])
  })

  it('gets so many connections and no more, each refused with the reason', async () => {
    await using at = await world()
    await echoing(at.here, { host: 'db', port: 1 })
    const forward = await at.client.reverse({ listen: 80, to: 'db:1', maximumConnections: 10 })
    const outcomes = await Promise.allSettled(Array.from({ length: 500 }, () => at.connected('localhost', 80)))
    const opened = outcomes.filter(each => each.status === 'fulfilled')
    assert.equal(opened.length, 10)
    for (const each of outcomes) if (each.status === 'rejected') assert.ok(refusedWith('resource-shortage')(each.reason))
    assert.deepEqual([forward.counts.open, forward.counts.refused], [10, 490])
    for (const { value } of opened) value.abort()
    await quiet()
    assert.equal(await say(await at.connected('localhost', 80), 'again'), 'again')
  })

  it('that goes while opens wait leaves nothing behind', async () => {
    await using at = await world()
    at.here.silent.add('hangs:1')
    const forward = await at.client.reverse({ listen: 80, to: 'hangs:1' })
    for (let i = 0; i < 50; i++) at.connected('localhost', 80).catch(() => {})
    await quiet()
    assert.equal(forward.counts.open, 50)
    at.served.disconnect('by-application', 'gone')
    await quiet()
    assert.deepEqual([forward.counts.open, forward.state], [0, 'closed'])
  })

  it('that sends details that are none breaks the protocol', async () => {
    await using at = await world()
    const wrong = { ...forwardedTcpip, codec: tcpipForward.codec }
    await assert.rejects(at.served.open(wrong as never, { addressToBind: 'x', portNumberToBind: 1 } as never))
  })
})

describe('a remote dynamic forward', () => {
  const request = (host: string, port: number): Uint8Array =>
    Uint8Array.from([4, 1, port >> 8, port & 255, 0, 0, 0, 1, 0, ...bytesOf(host), 0])

  it('goes from here to where each client there says', async () => {
    await using at = await world()
    await echoing(at.here, { host: 'db', port: 80 }, 'db says ')
    const forward = await at.client.reverse({ listen: 1080, to: 'socks' })
    const stream = await at.connected('localhost', 1080)
    await stream.write(Uint8Array.from([...request('db', 80), ...bytesOf('early')]))
    await quiet()
    const said = await say(stream, ', late')
    assert.deepEqual(
      [...bytesOf(said.slice(0, 2))],
      [0, 0x5a].map(byte => (byte > 127 ? 0xfffd : byte)),
    )
    assert.equal(said.slice(8), 'db says early, late')
    await quiet()
    assert.equal(forward.counts.open, 0)
  })

  it('goes only where it is permitted', async () => {
    await using at = await world()
    await echoing(at.here, { host: 'db', port: 80 })
    const forward = await at.client.reverse({
      listen: 1080,
      to: 'socks',
      permit: ({ host }) => host === 'db' || 'PermitRemoteOpen says no',
    })
    const stream = await at.connected('localhost', 1080)
    await stream.write(request('elsewhere', 80))
    assert.deepEqual([...bytesOf(await textOf(stream))].slice(0, 2), [0, 0x5b])
    assert.match(forward.lastError?.message ?? '', /PermitRemoteOpen says no/)
    const other = await at.connected('localhost', 1080)
    await other.write(request('db', 80))
    assert.match(await say(other, 'in'), /in$/)
  })

  it('is cut off when what comes is no SOCKS, or nothing', async () => {
    await using at = await world()
    const forward = await at.client.reverse({ listen: 1080, to: 'socks', socksTimeout: 20 })
    const web = await at.connected('localhost', 1080)
    await web.write(bytesOf('GET / HTTP/1.1\r\n\r\n'))
    assert.equal(await textOf(web), '')
    assert.match(forward.lastError?.message ?? '', /begins with 71/)
    assert.equal(await textOf(await at.connected('localhost', 1080)), '')
    await quiet()
    assert.deepEqual([forward.counts.open, forward.counts.total], [0, 2])
  })

  it('holds no more than a window of what comes before there is somewhere to send it', async () => {
    await using at = await world({ client: { limits: { initialWindow: 64 * 1024 } } })
    at.here.silent.add('hangs:80')
    await at.client.reverse({ listen: 1080, to: 'socks' })
    const stream = await at.connected('localhost', 1080)
    await stream.write(request('hangs', 80))
    const waiting = stream.write(new Uint8Array(1024 * 1024))
    let taken = false
    void waiting?.then(
      () => (taken = true),
      () => {},
    )
    await quiet(100)
    assert.equal(taken, false)
    stream.abort()
  })
})
