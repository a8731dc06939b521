// Peers that keep the rules and mean harm: they never stop, never read, never answer, ask without end, or leave in the middle
// of a packet. For each there is a bound on what they make us hold and a time after which they are gone.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createDeflate } from 'node:zlib'
import { connect, ConnectError, DisconnectedError, insecureAcceptAnyHostKey, type ProtocolError, TimeoutError } from 'nacre'
import type { ServerConnection, ServerOptions } from 'nacre/server'
import { zlibOpenssh } from '../../packages/nacre/src/algorithms/compression/zlib.ts'
import { UserauthRequest, UserauthSuccess } from '../../packages/nacre/src/auth/messages.ts'
import {
  ChannelData,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  GlobalRequest,
} from '../../packages/nacre/src/connection/messages.ts'
import type { Engine } from '../../packages/nacre/src/engine/engine.ts'
import { Debug, Ignore, Ping, ServiceRequest } from '../../packages/nacre/src/transport/messages.ts'
import { encodeMessage } from '../../packages/nacre/src/wire/message.ts'
import { Writer } from '../../packages/nacre/src/wire/writer.ts'
import { Attacker, dialFrom, eventually, hostileClient, trap, within } from './attacker.ts'
import { anybody, Company, honestClient, ourServer } from './company.ts'
import { backTo, heldMemory, holdings } from './ledger.ts'

const mebibyte = 2 ** 20
const nothing = new Uint8Array(0)
/** A dead peer is noticed after 900 ms of silence. Honest peers answer each question. */
const keepalive = { milliseconds: 300, maximumUnanswered: 2 }
/** Data waits for the network up to a mebibyte, and what answers the peer's questions up to another. */
const dataBound = mebibyte + 128 * 1024
const answerBound = 2 * mebibyte + 128 * 1024

/** One server with honest company and a list of how attackers fared. */
const ground = async (options: Partial<Omit<ServerOptions<string>, 'hostKeys'>> = {}) => {
  const errors: unknown[] = []
  const endings: { readonly port: number; readonly error: Error }[] = []
  const { server, port } = await ourServer({
    ...options,
    onError: error => errors.push(error),
    onEvent: (event, connection) => {
      if (event.is === 'ended') endings.push({ port: connection.remote?.port ?? 0, error: event.error })
    },
  })
  const company = await Company.at(port)
  await company.undisturbed()
  return {
    port,
    company,
    before: holdings(),
    connectionOf(attacker: Attacker): ServerConnection<string> | undefined {
      return [...server.connections].find(each => each.remote?.port === attacker.port)
    },
    /** Waits until our side has given the attacker up, and says why. */
    async endOf(attacker: Attacker): Promise<Error> {
      const found = (): Error | undefined => endings.find(each => each.port === attacker.port)?.error
      await eventually(
        () => found() !== undefined,
        () => 'the attacker was given up',
      )
      attacker.socket.destroy()
      return found() ?? new Error('nothing was reported')
    },
    async [Symbol.asyncDispose]() {
      await company.undisturbed()
      await backTo(this.before)
      assert.deepEqual(errors, [], 'no handler of ours failed')
      await company[Symbol.asyncDispose]()
      await server.close()
    },
  }
}

const login = async (attacker: Attacker): Promise<void> => {
  await attacker.until(() => attacker.exchanged, 'keys were exchanged')
  attacker.hostile.greet()
  await attacker.until(() => attacker.hostile.heardAll(UserauthSuccess).length > 0, 'the login')
}
const openSession = async (attacker: Attacker, senderChannel = 0): Promise<void> => {
  const before = attacker.hostile.heardAll(ChannelOpenConfirmation).length
  attacker.hostile.send(ChannelOpen, {
    channelType: 'session',
    senderChannel,
    initialWindowSize: 0xffffffff,
    maximumPacketSize: 32 * 1024,
    details: nothing,
  })
  await attacker.until(() => attacker.hostile.heardAll(ChannelOpenConfirmation).length > before, 'the session was open')
}
const run = (attacker: Attacker, recipientChannel: number, command: string): void => {
  const details = new Writer()
  details.text(command)
  attacker.hostile.send(ChannelRequest, { recipientChannel, requestType: 'exec', wantReply: true, details: details.written() })
  attacker.flush()
}

/** Looks at the output an engine holds until it has ended, and gives the most there was. */
const mostPending = async (engine: Engine): Promise<number> => {
  let most = 0
  await eventually(
    () => {
      most = Math.max(most, engine.pendingOutput)
      return engine.ended
    },
    () => 'the connection was given up',
  )
  return most
}

/** Says the same for as long as somebody listens. */
const repeat = async (attacker: Attacker, payload: Uint8Array, engine: Engine): Promise<void> => {
  const { socket, hostile } = attacker
  const batch = Math.max(1, Math.floor((64 * 1024) / (payload.length + 64)))
  while (!engine.ended) {
    if (!socket.writableNeedDrain) {
      for (let i = 0; i < batch; i++) hostile.payload(payload)
      attacker.flush()
    }
    await new Promise(resolve => setImmediate(resolve))
  }
}

describe('a client that never reads', () => {
  test('the output of a command: what waits for it is bounded, and it is dead after the keepalives', { timeout: 60_000 }, async () => {
    await using place = await ground({ keepalive })
    const attacker = (await hostileClient(place.port)).start()
    await login(attacker)
    await openSession(attacker)
    const connection = place.connectionOf(attacker)
    assert.ok(connection !== undefined)
    attacker.socket.pause()
    run(attacker, 0, 'endless')
    const most = await mostPending(connection.link.engine)
    assert.ok(most > mebibyte / 2 && most < dataBound, String(most))
    assert.equal((await place.endOf(attacker)).message, 'The peer has not answered for 0.9 s: it, or the network to it, is dead.')
  })

  test('the output of as many sessions as it can get: the bound is the same', { timeout: 60_000 }, async () => {
    await using place = await ground({ keepalive, maximumSessions: 64 })
    const attacker = (await hostileClient(place.port)).start()
    await login(attacker)
    for (let i = 0; i < 64; i++) await openSession(attacker, i)
    attacker.hostile.send(ChannelOpen, {
      channelType: 'session',
      senderChannel: 64,
      initialWindowSize: 0xffffffff,
      maximumPacketSize: 32 * 1024,
      details: nothing,
    })
    await attacker.until(() => attacker.hostile.heardAll(ChannelOpenFailure).length > 0, 'one too many was refused')
    const connection = place.connectionOf(attacker)
    assert.ok(connection !== undefined)
    attacker.socket.pause()
    for (let i = 0; i < 64; i++) run(attacker, i, 'endless')
    const most = await mostPending(connection.link.engine)
    assert.ok(most > mebibyte / 2 && most < dataBound, String(most))
    assert.ok((await place.endOf(attacker)) instanceof TimeoutError)
  })

  const open = { channelType: 'nonsense@example.org', senderChannel: 9, initialWindowSize: 1, maximumPacketSize: 1, details: nothing }
  const questions: readonly (readonly [string, Uint8Array])[] = [
    ['pings', encodeMessage(Ping, { data: new Uint8Array(8000) })],
    ['opens of channels', encodeMessage(ChannelOpen, open)],
    ['messages that nobody knows', Uint8Array.of(200)],
  ]
  for (const [what, payload] of questions) {
    test(`the answers to its ${what}: it is not listened to until it does, and then dead`, { timeout: 60_000 }, async () => {
      await using place = await ground({ keepalive })
      const attacker = (await hostileClient(place.port)).start()
      await login(attacker)
      const connection = place.connectionOf(attacker)
      assert.ok(connection !== undefined)
      attacker.socket.pause()
      const [most] = await Promise.all([mostPending(connection.link.engine), repeat(attacker, payload, connection.link.engine)])
      assert.ok(most > mebibyte && most < answerBound, String(most))
      assert.ok((await place.endOf(attacker)) instanceof TimeoutError)
    })
  }

  const channelRequest = { recipientChannel: 0, requestType: 'nonsense@example.org', wantReply: true, details: nothing }
  const keepaliveRequest = { requestName: 'keepalive@openssh.com', wantReply: true, details: nothing }
  for (const [what, payload] of [
    ['channel requests', encodeMessage(ChannelRequest, channelRequest)],
    ['global requests', encodeMessage(GlobalRequest, keepaliveRequest)],
  ] as const) {
    test(`the answers to its ${what}: a few hundred at once are too many`, { timeout: 60_000 }, async () => {
      await using place = await ground({ keepalive })
      const attacker = (await hostileClient(place.port)).start()
      await login(attacker)
      await openSession(attacker)
      const connection = place.connectionOf(attacker)
      assert.ok(connection !== undefined)
      attacker.socket.pause()
      const [most] = await Promise.all([mostPending(connection.link.engine), repeat(attacker, payload, connection.link.engine)])
      assert.ok(most < answerBound, String(most))
      assert.equal(((await place.endOf(attacker)) as ProtocolError).violation, 'too-many-pending-requests')
    })
  }

  test('and has not logged in: the time for that ends it', { timeout: 60_000 }, async () => {
    await using place = await ground({ deadlines: { login: 1500 } })
    const attacker = (await hostileClient(place.port)).start()
    await attacker.until(() => attacker.exchanged, 'keys were exchanged')
    const connection = place.connectionOf(attacker)
    assert.ok(connection !== undefined)
    attacker.socket.pause()
    const [most] = await Promise.all([
      mostPending(connection.link.engine),
      repeat(attacker, encodeMessage(Ping, { data: new Uint8Array(8000) }), connection.link.engine),
    ])
    assert.ok(most < answerBound, String(most))
    const error = await place.endOf(attacker)
    assert.ok(error instanceof TimeoutError && error.phase === 'login', String(error))
  })
})

describe('a server that never reads', () => {
  test('what our client writes: what waits for it is bounded, and it is dead after the keepalives', { timeout: 60_000 }, async () => {
    const before = holdings()
    const met = Promise.withResolvers<Attacker>()
    await using trapped = await trap(socket => met.resolve(new Attacker('server', socket).start()))
    const connecting = connect(
      { host: '127.0.0.1', port: trapped.port, user: 'ada' },
      { config: false, hostKey: insecureAcceptAnyHostKey, auth: {}, keepalive },
    )
    const attacker = await met.promise
    const connection = await connecting
    const wanted = connection.exec('swallow')
    await attacker.until(() => attacker.hostile.heardAll(ChannelOpen).length > 0, 'a session was wanted')
    attacker.hostile.send(ChannelOpenConfirmation, {
      recipientChannel: 0,
      senderChannel: 0,
      initialWindowSize: 0xffffffff,
      maximumPacketSize: 32 * 1024,
      details: nothing,
    })
    await attacker.until(() => attacker.hostile.heardAll(ChannelRequest).length > 0, 'a command was wanted')
    attacker.hostile.send(ChannelSuccess, { recipientChannel: 0 })
    attacker.flush()
    const process = await wanted
    attacker.socket.pause()
    const write = async (): Promise<never> => {
      for (const chunk = new Uint8Array(64 * 1024); ;) await process.stdin.write(chunk)
    }
    const writing = write()
    await assert.rejects(Promise.all([writing, mostPending(connection.link.engine).then(most => assert.ok(most < dataBound))]), {
      code: 'TIMEOUT',
    })
    assert.ok((await connection.closed).error instanceof TimeoutError)
    attacker.socket.destroy()
    await trapped[Symbol.asyncDispose]()
    await backTo(before)
  })
})

describe('a peer that never stops', () => {
  test('sending lines before its identification: our client leaves', { timeout: 60_000 }, async () => {
    for (const line of ['No, not yet.\r\n', 'x'.repeat(1000)]) {
      await using trapped = await trap(socket => {
        socket.on('error', () => {})
        socket.once('end', () => socket.destroy())
        const write = (): void => {
          while (socket.writable && socket.write(line));
        }
        socket.on('drain', write)
        socket.resume()
        write()
      })
      await assert.rejects(honestClient(trapped.port), { code: 'PROTOCOL_IDENTIFICATION_TOO_LONG' })
    }
  })

  test('its identification: our server leaves', { timeout: 60_000 }, async () => {
    await using place = await ground()
    const attacker = await hostileClient(place.port, { mute: true })
    const write = (): void => {
      while (attacker.socket.writable && attacker.socket.write('SSH-2.0-and_so_on'));
    }
    attacker.socket.on('drain', write)
    write()
    assert.equal(((await place.endOf(attacker)) as ProtocolError).violation, 'identification-too-long')
  })

  for (const [what, payload] of [
    ['IGNORE', encodeMessage(Ignore, { data: new Uint8Array(20_000) })],
    ['DEBUG', encodeMessage(Debug, { alwaysDisplay: true, message: 'x'.repeat(20_000), languageTag: '' })],
  ] as const) {
    test(`saying ${what}: nothing is kept of it, and the time for a login ends it`, { timeout: 60_000 }, async () => {
      await using place = await ground({ deadlines: { login: 1000 } })
      const attacker = (await hostileClient(place.port)).start()
      await attacker.until(() => attacker.exchanged, 'keys were exchanged')
      const connection = place.connectionOf(attacker)
      assert.ok(connection !== undefined)
      const memory = await heldMemory()
      let most = 0
      const look = setInterval(() => void heldMemory().then(held => (most = Math.max(most, held - memory))), 200)
      await repeat(attacker, payload, connection.link.engine)
      clearInterval(look)
      assert.ok(most < 8 * mebibyte, String(most))
      const error = await place.endOf(attacker)
      assert.ok(error instanceof TimeoutError && error.phase === 'login', String(error))
    })
  }

  test('guessing passwords: the sixth is the last that is looked at, however many came at once', { timeout: 60_000 }, async () => {
    let looked = 0
    const authenticate = anybody(user => {
      if (user !== 'honest') looked++
      return user !== 'honest'
    })
    await using place = await ground({ authenticate })
    const attacker = (await hostileClient(place.port)).start()
    await attacker.until(() => attacker.exchanged, 'keys were exchanged')
    attacker.hostile.send(ServiceRequest, { serviceName: 'ssh-userauth' })
    const details = new Writer()
    details.boolean(false)
    details.text('guess')
    const guess = { userName: 'ada', serviceName: 'ssh-connection', methodName: 'password', details: details.written() }
    for (let i = 0; i < 5000; i++) attacker.hostile.send(UserauthRequest, guess)
    attacker.flush()
    assert.equal(((await place.endOf(attacker)) as ProtocolError).violation, 'too-many-auth-attempts')
    assert.equal(looked, 6)
    assert.equal(attacker.hostile.goodbye?.reasonCode, 14)
  })

  test('talking while its password is looked at: little of it is read, and the time for a login ends it', { timeout: 60_000 }, async () => {
    const authenticate = {
      ...anybody(),
      begin: (applicant: Parameters<ReturnType<typeof anybody>['begin']>[0]) =>
        applicant.user === 'honest'
          ? anybody().begin(applicant)
          : { remaining: () => ['password'], attempt: () => new Promise<never>(() => {}) },
    }
    await using place = await ground({ authenticate, deadlines: { login: 1000 } })
    const attacker = (await hostileClient(place.port)).start()
    await attacker.until(() => attacker.exchanged, 'keys were exchanged')
    attacker.hostile.greet()
    const connection = place.connectionOf(attacker)
    assert.ok(connection !== undefined)
    const memory = await heldMemory()
    let most = 0
    const look = setInterval(() => void heldMemory().then(held => (most = Math.max(most, held - memory))), 200)
    await repeat(attacker, encodeMessage(Ignore, { data: new Uint8Array(20_000) }), connection.link.engine)
    clearInterval(look)
    assert.ok(most < 8 * mebibyte, String(most))
    assert.ok((await place.endOf(attacker)) instanceof TimeoutError)
  })
})

test('a packet that inflates to 200 MiB is refused before it has', { timeout: 60_000 }, async () => {
  const deflate = createDeflate({ level: 9 })
  const pieces: Buffer[] = []
  deflate.on('data', (piece: Buffer) => pieces.push(piece))
  const zeros = Buffer.alloc(mebibyte)
  for (let i = 0; i < 200; i++) if (!deflate.write(zeros)) await new Promise(resolve => deflate.once('drain', resolve))
  await new Promise<void>(resolve => {
    deflate.flush(() => resolve())
  })
  const bomb = Buffer.concat(pieces)
  assert.ok(bomb.length < 240 * 1024)
  await using place = await ground()
  const attacker = (await hostileClient(place.port, { algorithms: { compression: 'zlib@openssh.com' } })).start()
  await login(attacker)
  attacker.hostile.transport.incoming.startDecompression(zlibOpenssh.createDecompressor())
  const most = process.resourceUsage().maxRSS * 1024
  attacker.hostile.payload(bomb)
  attacker.flush()
  assert.equal(((await place.endOf(attacker)) as ProtocolError).violation, 'inflated-too-large')
  assert.ok(process.resourceUsage().maxRSS * 1024 - most < 50 * mebibyte)
})

// ── leaving in the middle ─────────────────────────────────────────────────────────────────────────────────────────────

const manners = {
  'closes the connection': (attacker: Attacker) => attacker.socket.destroy(),
  'resets the connection': (attacker: Attacker) => attacker.socket.resetAndDestroy(),
  'says no more, and listens': (attacker: Attacker) => attacker.socket.end(),
} as const

/** Lets `most` bytes through and then does `leave`. */
const leavingAfter = (attacker: Attacker, most: number, leave: (attacker: Attacker) => void): Attacker => {
  let left = most
  const { socket } = attacker
  const write = socket.write.bind(socket)
  socket.write = ((bytes: Uint8Array) => {
    if (left <= 0) return false
    const part = bytes.subarray(0, left)
    left -= part.length
    if (left > 0) return write(part)
    return write(part, () => leave(attacker))
  }) as typeof socket.write
  return attacker.start()
}

/** All that a session takes, from hello to a few bytes of data, as far as the attacker comes. */
const clientScript = async (attacker: Attacker): Promise<void> => {
  await login(attacker)
  await openSession(attacker)
  run(attacker, 0, 'echo')
  attacker.hostile.send(ChannelData, { recipientChannel: 0, data: new Uint8Array(100) })
  await attacker.until(() => attacker.hostile.heardAll(ChannelData).length > 0, 'the echo')
}

const stride = 53

for (const [what, leave] of Object.entries(manners)) {
  describe(`a peer that ${what}, wherever it is`, () => {
    test('is no harm to our server', { timeout: 60_000 }, async () => {
      await using place = await ground()
      const whole = (await hostileClient(place.port)).start()
      await clientScript(whole)
      const total = whole.socket.bytesWritten
      whole.socket.destroy()
      for (let most = 1; most < total; most += stride) {
        const attacker = leavingAfter(await hostileClient(place.port), most, leave)
        await clientScript(attacker).catch(() => {})
        await within(attacker.closed, 'our server closed too')
        const error = await place.endOf(attacker)
        assert.ok(error instanceof DisconnectedError, `after ${most} bytes: ${error.message}`)
        assert.equal(error.code, 'CONNECTION_LOST')
      }
    })

    test('is no harm to our client', { timeout: 60_000 }, async () => {
      const before = holdings()
      const play = async (most: number): Promise<{ readonly error: unknown; readonly sent: number }> => {
        const met = Promise.withResolvers<Attacker>()
        await using trapped = await trap(socket => met.resolve(leavingAfter(new Attacker('server', socket), most, leave)))
        const connecting = honestClient(trapped.port)
        connecting.catch(() => {})
        const attacker = await met.promise
        const session = async (): Promise<void> => {
          await attacker.until(() => attacker.hostile.heardAll(ChannelOpen).length > 0, 'a session was wanted')
          attacker.hostile.send(ChannelOpenConfirmation, {
            recipientChannel: 0,
            senderChannel: 0,
            initialWindowSize: 1000,
            maximumPacketSize: 1000,
            details: nothing,
          })
          await attacker.until(() => attacker.hostile.heardAll(ChannelRequest).length > 0, 'a command was wanted')
          attacker.hostile.send(ChannelSuccess, { recipientChannel: 0 })
          attacker.hostile.send(ChannelData, { recipientChannel: 0, data: new Uint8Array(100) })
          attacker.flush()
        }
        void session().catch(() => {})
        let error: unknown
        try {
          const connection = await connecting
          const { stdout } = await connection.exec('say')
          for await (const chunk of stdout) if (chunk.length > 0 && most === Number.POSITIVE_INFINITY) break
          if (most === Number.POSITIVE_INFINITY) await connection.close()
          error = (await connection.closed).error
        } catch (thrown) {
          error = thrown
        }
        const sent = attacker.socket.bytesWritten
        attacker.socket.destroy()
        return { error, sent }
      }
      const { sent } = await play(Number.POSITIVE_INFINITY)
      for (let most = 1; most < sent; most += stride) {
        const { error } = await play(most)
        // One that resets at once may be gone before our side knows that there was a connection.
        assert.ok(error instanceof DisconnectedError || error instanceof ConnectError, `after ${most} bytes: ${String(error)}`)
        assert.match(error.code, /^(CONNECTION_LOST|CONNECT_FAILED)$/, `after ${most} bytes: ${error.message}`)
      }
      await backTo(before)
    })
  })
}

test('a peer that says nothing at all is given up on by both', { timeout: 60_000 }, async () => {
  {
    await using place = await ground({ deadlines: { handshake: 300, login: 300 } })
    const attacker = new Attacker('client', await dialFrom(place.port), { mute: true })
    assert.ok((await place.endOf(attacker)) instanceof TimeoutError)
  }
  await using trapped = await trap(socket => {
    socket.on('error', () => {})
    socket.once('end', () => socket.destroy())
    socket.resume()
  })
  await assert.rejects(
    connect(
      { host: '127.0.0.1', port: trapped.port, user: 'ada' },
      { config: false, hostKey: insecureAcceptAnyHostKey, auth: {}, deadlines: { handshake: 300 } },
    ),
    { code: 'TIMEOUT', phase: 'handshake' },
  )
})
