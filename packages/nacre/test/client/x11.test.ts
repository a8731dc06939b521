// A display that goes along: what is asked of the server, the cookie at the beginning of each connection, who is refused and told so.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { parseXauthList } from '../../src/client/xauth-node.ts'
import type { X11Forwarding } from '../../src/client/x11.ts'
import { x11 } from '../../src/connection/channel-types/x11.ts'
import { ChannelOpenError } from '../../src/errors.ts'
import type { LocalConnection, LocalSockets, Place } from '../../src/forward/sockets.ts'
import { readX11Setup, writeX11Setup } from '../../src/forward/x11-setup.ts'
import type { ChannelStream } from '../../src/io/channel-stream.ts'
import type { Session } from '../../src/server/session.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { joined, quiet } from '../io/fixtures.ts'

type Lent = Session<{ readonly name: string }>
const real = { protocol: 'MIT-MAGIC-COOKIE-1', data: Uint8Array.from({ length: 16 }, (_, at) => 0xa0 + at) }
const from = { address: '192.0.2.5', port: 40_000 }

/** An X server in memory: keeps what it got, and answers each connection with `ok`. */
const display = () => {
  const connections: { readonly place: Place; bytes: number[]; over: boolean }[] = []
  const sockets: LocalSockets = {
    listen: () => Promise.reject(new Error('nobody listens here')),
    connect: place => {
      const kept = { place, bytes: [] as number[], over: false }
      connections.push(kept)
      const connection: LocalConnection = {
        peer: { address: '', port: 0 },
        read: () => Promise.resolve(undefined),
        putBack: () => {},
        write: bytes => void kept.bytes.push(...bytes),
        join(stream) {
          stream.tap({ data: bytes => void kept.bytes.push(...bytes), end: () => (kept.over = true) })
          void stream.write(new TextEncoder().encode('ok'))
        },
        watch: () => {},
        end: () => (kept.over = true),
        discard: () => (kept.over = true),
        closed: new Promise(() => {}),
      } as LocalConnection
      return Promise.resolve(connection)
    },
  }
  return { connections, sockets: () => Promise.resolve(sockets) }
}

const hexBytes = (text: string): Uint8Array => Uint8Array.from(text.match(/../g) ?? [], digits => Number.parseInt(digits, 16))
/** What a program at the other end sends first, with that cookie. */
const setupOf = (cookie: Uint8Array, bigEndian = false, protocol = real.protocol): Uint8Array =>
  writeX11Setup(
    { bigEndian, majorVersion: 11, minorVersion: 0, protocol: '', data: new Uint8Array(0), length: 0 },
    { protocol, data: cookie },
  )

/** All that comes until the channel ends, or until so many bytes; one of which must happen by itself. */
const heard = async (stream: ChannelStream, enough = Number.POSITIVE_INFINITY): Promise<Uint8Array> => {
  const all: number[] = []
  let over = false
  const reading = async (): Promise<void> => {
    for await (const chunk of stream.readable) {
      all.push(...chunk)
      if (all.length >= enough) break
    }
    over = true
  }
  void reading()
  await quiet(40)
  assert.ok(over, 'the channel goes on')
  return Uint8Array.from(all)
}

interface At {
  readonly x: ReturnType<typeof display>
  readonly notes: string[]
  readonly clock: ReturnType<typeof virtualClock>
  readonly refused: () => number
  open(stream: Uint8Array): Promise<ChannelStream>
}

/** Runs `work` as the command of a session with a display, at the server. */
const within = async (
  options: Partial<X11Forwarding>,
  work: (lent: NonNullable<Lent['x11']>, at: At) => Promise<void>,
  permits: boolean = true,
): Promise<void> => {
  const x = display()
  const notes: string[] = []
  const clock = virtualClock()
  let refusals = 0
  let worked = false
  await using at = await joined(
    {
      exec: async (session: Lent) => {
        const lent = session.x11
        if (lent === undefined) return 0
        const open = async (bytes: Uint8Array): Promise<ChannelStream> => {
          const stream = await lent.open(from)
          void stream.write(bytes)
          return stream
        }
        await work(lent, { x, notes, clock, refused: () => refusals, open })
        worked = true
        return 0
      },
      x11: permits,
    },
    { client: { sockets: x.sockets, clock } },
  )
  const { code } = await at.client.run('x', {
    x11: { display: ':3.1', authentication: real, onNote: note => notes.push(note), onRefused: () => refusals++, ...options },
  })
  // What the command asserted is what fails.
  for (const error of at.errors) throw error
  assert.equal(code, 0)
  assert.equal(worked, permits)
  assert.equal(refusals, permits ? 0 : 1)
}

// Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
const alive = setInterval(() => {}, 60_000)
after(() => clearInterval(alive))

describe('a display that goes along', () => {
  it('is asked for with its screen and a cookie that is not the real one, but as long', async () => {
    await within({ single: true }, lent => {
      assert.deepEqual(
        { single: lent.single, protocol: lent.protocol, screen: lent.screen, length: lent.cookie.length },
        { single: true, protocol: 'MIT-MAGIC-COOKIE-1', screen: 1, length: 32 },
      )
      assert.notDeepEqual(hexBytes(lent.cookie), real.data)
      return Promise.resolve()
    })
  })

  it('may be refused; the session goes on without', async () => {
    await within({}, () => Promise.resolve(assert.fail('there is no display')), false)
  })

  for (const bigEndian of [false, true])
    it(`gets the real cookie in the place of ours, and all that follows (${bigEndian ? 'greatest' : 'least'} byte first)`, async () => {
      await within({}, async (lent, { x, open }) => {
        const bytes = setupOf(hexBytes(lent.cookie), bigEndian)
        const stream = await open(Uint8Array.of(...bytes, 7, 8))
        assert.deepEqual(await heard(stream, 2), new TextEncoder().encode('ok'))
        void stream.write(Uint8Array.of(9))
        await quiet()
        assert.deepEqual(x.connections[0].place, { path: '/tmp/.X11-unix/X3' })
        const [setup, ...others] = [readX11Setup(Uint8Array.from(x.connections[0].bytes)), ...x.connections[0].bytes.slice(48)]
        assert.deepEqual({ data: setup?.data, bigEndian: setup?.bigEndian, others }, { data: real.data, bigEndian, others: [7, 8, 9] })
      })
    })

  it('takes a beginning byte by byte', async () => {
    await within({}, async (lent, { x, open }) => {
      const stream = await open(new Uint8Array(0))
      for (const byte of setupOf(hexBytes(lent.cookie))) {
        void stream.write(Uint8Array.of(byte))
        await quiet(2)
      }
      await quiet()
      assert.deepEqual(readX11Setup(Uint8Array.from(x.connections[0]?.bytes ?? []))?.data, real.data)
    })
  })

  it('without a cookie of its own is asked without one', async () => {
    await within({ authentication: undefined }, async (lent, { x, open }) => {
      await open(setupOf(hexBytes(lent.cookie)))
      await quiet()
      const setup = readX11Setup(Uint8Array.from(x.connections[0].bytes))
      assert.deepEqual({ protocol: setup?.protocol, length: setup?.data.length }, { protocol: '', length: 0 })
    })
  })

  it('refuses a wrong cookie, tells the program why and the person that it was tried', async () => {
    await within({}, async (lent, { x, notes, open }) => {
      const cookie = hexBytes(lent.cookie)
      const wrong = [cookie.map(byte => byte ^ 1), cookie.subarray(0, 15), new Uint8Array(0), real.data]
      for (const each of wrong) {
        const answer = await heard(await open(setupOf(each)))
        assert.equal(answer[0], 0, 'failed')
        assert.match(new TextDecoder().decode(answer), /wrong authentication/)
      }
      const answer = await heard(await open(setupOf(cookie, false, 'MIT-MAGIC-COOKIE-2')))
      assert.equal(answer[0], 0)
      assert.equal(x.connections.length, 0)
      assert.equal(notes.length, wrong.length + 1)
      assert.match(notes[0], /X11 connection from 192\.0\.2\.5 port 40000 rejected because of wrong authentication/)
    })
  })

  it('ends what is no X11 connection at all, and waits for none for ever', async () => {
    await within({}, async (_, { x, notes, clock, open }) => {
      assert.equal((await heard(await open(new TextEncoder().encode('GET / HTTP/1.0\r\n\r\n')))).length, 0)
      assert.match(notes[0], /rejected: it began with/)
      const silent = await open(setupOf(real.data).subarray(0, 20))
      await quiet()
      clock.advance(30_001)
      assert.equal((await heard(silent)).length, 0)
      const left = await open(Uint8Array.of(0x6c))
      left.end()
      assert.equal((await heard(left)).length, 0)
      assert.equal(x.connections.length, 0)
    })
  })

  it('takes one connection and no more when that is said', async () => {
    await within({ single: true }, async (lent, { x, open }) => {
      await open(setupOf(hexBytes(lent.cookie)))
      await quiet()
      await assert.rejects(open(setupOf(hexBytes(lent.cookie))), { code: 'FORWARD_REFUSED' })
      assert.equal(x.connections.length, 1)
    })
  })

  it('takes so many at once', async () => {
    await within({ maximumConnections: 2 }, async (lent, { notes, open }) => {
      const first = await open(setupOf(hexBytes(lent.cookie)))
      await open(setupOf(hexBytes(lent.cookie)))
      await quiet()
      await assert.rejects(lent.open(from), ChannelOpenError)
      assert.match(notes.join(), /as many as may be/)
      first.abort()
      await quiet()
      const again = await open(setupOf(hexBytes(lent.cookie)))
      assert.equal((await heard(again, 2)).length, 2)
    })
  })

  it('takes none any more once the time is over; those there are go on', async () => {
    await within({ timeout: 1000 }, async (lent, { x, notes, clock, open }) => {
      const early = await open(setupOf(hexBytes(lent.cookie)))
      assert.equal((await heard(early, 2)).length, 2)
      const late = await open(Uint8Array.of(0x6c))
      clock.advance(1001)
      await assert.rejects(lent.open(from), ChannelOpenError)
      assert.match(notes.join(), /after ForwardX11Timeout expired/)
      void late.write(setupOf(hexBytes(lent.cookie)).subarray(1))
      assert.equal((await heard(late))[0], 0, 'one that began before, and had not said who it was')
      assert.equal(x.connections.length, 1)
      assert.ok(!x.connections[0].over)
    })
  })

  it('that cannot be reached is told of at both ends', async () => {
    const gone = (): Promise<LocalSockets> => Promise.reject(new Error('no sockets today'))
    const notes: string[] = []
    await using at = await joined(
      {
        exec: async (session: Lent) => {
          const stream = await session.x11?.open(from)
          void stream?.write(setupOf(hexBytes(session.x11?.cookie ?? '')))
          assert.ok(stream !== undefined)
          assert.match(new TextDecoder().decode(await heard(stream)), /cannot be reached/)
          return 0
        },
        x11: true,
      },
      { client: { sockets: gone } },
    )
    await at.client.run('x', { check: true, x11: { display: ':3', onNote: note => notes.push(note) } })
    assert.match(notes.join(), /the display :3 cannot be reached: no sockets today/)
  })

  it('is each session with its own cookie', async () => {
    const x = display()
    const cookies: string[] = []
    await using at = await joined(
      {
        exec: async (session: Lent) => {
          cookies.push(session.x11?.cookie ?? '')
          const stream = await session.x11?.open(from)
          void stream?.write(setupOf(hexBytes(session.x11?.cookie ?? '')))
          await quiet()
          return 0
        },
        x11: true,
      },
      { client: { sockets: x.sockets } },
    )
    await Promise.all([1, 2].map(number => at.client.run('x', { check: true, x11: { display: `there:${number}` } })))
    assert.notEqual(cookies[0], cookies[1])
    assert.deepEqual(new Set(x.connections.map(({ place }) => ('port' in place ? place.port : 0))), new Set([6001, 6002]))
  })
})

describe('channels to a display', () => {
  it('are refused when no session asked', async () => {
    await using at = await joined({ exec: () => 0, x11: true })
    const asked = at.served.open(x11, { originatorAddress: 'a', originatorPort: 1 })
    await assert.rejects(asked, ChannelOpenError)
  })

  it('are nothing a server gets that may be the wrong one', async () => {
    const x = display()
    await using at = await joined({ exec: () => 0, x11: true }, { client: { hostKey: () => ({ untrusted: true }), sockets: x.sockets } })
    await assert.rejects(at.client.run('x', { x11: { display: ':0' } }), { code: 'FORWARDING_REFUSED' })
  })

  it('need a display that is one', async () => {
    await using at = await joined({ exec: () => 0, x11: true })
    await assert.rejects(at.client.run('x', { x11: { display: 'nonsense' } }))
  })
})

describe('what xauth lists', () => {
  it('is the first line with a cookie', () => {
    const listed = 'host/unix:0  MIT-MAGIC-COOKIE-1  00ff10\nhost:0  OTHER  aa\n'
    assert.deepEqual(parseXauthList(listed), { protocol: 'MIT-MAGIC-COOKIE-1', data: Uint8Array.of(0, 255, 16) })
    for (const none of ['', '\n', 'host:0  MIT-MAGIC-COOKIE-1\n', 'host:0  MIT  abc\n', 'host:0  MIT  zz\n'])
      assert.equal(parseXauthList(none), undefined)
  })
})
