// Peers that keep the rules and mean harm: they never stop, never read, never answer, ask without end, or leave in the middle
// of a packet. For each there is a bound on what they make us hold and a time after which they are gone.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createDeflate } from 'node:zlib'
import { connect, insecureAcceptAnyHostKey, type ProtocolError, TimeoutError } from 'nacre'
import { zlibOpenssh } from '../../packages/nacre/src/algorithms/compression/zlib.ts'
import { UserauthRequest } from '../../packages/nacre/src/auth/messages.ts'
import {
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  GlobalRequest,
} from '../../packages/nacre/src/connection/messages.ts'
import type { DrivenEngine } from '../../packages/nacre/src/engine/driven.ts'
import { Debug, Ignore, Ping, ServiceRequest } from '../../packages/nacre/src/transport/messages.ts'
import { encodeMessage } from '../../packages/nacre/src/wire/message.ts'
import { Writer } from '../../packages/nacre/src/wire/writer.ts'
import { Attacker, dialFrom, eventually, hostileClient, trap } from './attacker.ts'
import { anybody, honestClient } from './company.ts'
import { heldMemory } from './ledger.ts'
import { ground, login, lured, openSession, run } from './places.ts'

const mebibyte = 2 ** 20
const nothing = new Uint8Array(0)
/** A dead peer is noticed after 900 ms of silence. Honest peers answer each question. */
const keepalive = { milliseconds: 300, maximumUnanswered: 2 }
/** Data waits for the network up to a mebibyte, and what answers the peer's questions up to another. */
const dataBound = mebibyte + 128 * 1024
const answerBound = 2 * mebibyte + 128 * 1024

const nonsenseChannel = {
  channelType: 'nonsense@example.org',
  senderChannel: 9,
  initialWindowSize: 1,
  maximumPacketSize: 1,
  details: nothing,
} as const

/** Looks at the output an engine holds until it has ended, and gives the most there was. */
const mostPending = async (engine: DrivenEngine): Promise<number> => {
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
const repeat = async (attacker: Attacker, payload: Uint8Array, engine: DrivenEngine): Promise<void> => {
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

  const questions: readonly (readonly [string, Uint8Array])[] = [
    ['pings', encodeMessage(Ping, { data: new Uint8Array(8000) })],
    ['opens of channels', encodeMessage(ChannelOpen, nonsenseChannel)],
    ['messages that nobody knows', Uint8Array.of(200)],
    // Answered in turn, as they are taken: however many come at once, few wait.
    [
      'channel requests',
      encodeMessage(ChannelRequest, { recipientChannel: 0, requestType: 'nonsense@example.org', wantReply: true, details: nothing }),
    ],
    ['global requests', encodeMessage(GlobalRequest, { requestName: 'keepalive@openssh.com', wantReply: true, details: nothing })],
  ]
  for (const [what, payload] of questions) {
    test(`the answers to its ${what}: it is not listened to until it does, and then dead`, { timeout: 60_000 }, async () => {
      await using place = await ground({ keepalive })
      const attacker = (await hostileClient(place.port)).start()
      await login(attacker)
      await openSession(attacker)
      const connection = place.connectionOf(attacker)
      assert.ok(connection !== undefined)
      attacker.socket.pause()
      const [most] = await Promise.all([mostPending(connection.link.engine), repeat(attacker, payload, connection.link.engine)])
      assert.ok(most > mebibyte && most < answerBound, String(most))
      assert.ok((await place.endOf(attacker)) instanceof TimeoutError)
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
    await using place = await lured({}, { keepalive })
    const { attacker } = place
    const connection = await place.connecting
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
  })
})

describe('a server that our client wants to log in to', () => {
  const deaf = { hears: (number: number) => number !== ServiceRequest.number && number !== UserauthRequest.number }
  test('and that never answers: our client leaves in time', { timeout: 60_000 }, async () => {
    await using place = await lured(deaf, { deadlines: { login: 500 } })
    await assert.rejects(place.connecting, { code: 'TIMEOUT', phase: 'login' })
  })

  test('and that says everything but the answer: our client leaves in time', { timeout: 60_000 }, async () => {
    await using place = await lured(deaf, { deadlines: { login: 500 } })
    const { attacker } = place
    await attacker.until(() => attacker.exchanged, 'keys were exchanged')
    const talk = setInterval(() => {
      attacker.hostile.send(Ignore, { data: new Uint8Array(1000) })
      attacker.flush()
    }, 5)
    try {
      await assert.rejects(place.connecting, { code: 'TIMEOUT', phase: 'login' })
    } finally {
      clearInterval(talk)
    }
  })
})

test('a server that asks our client without end and never reads the answers is dead to it', { timeout: 60_000 }, async () => {
  await using place = await lured({}, { keepalive })
  const connection = await place.connecting
  const { attacker } = place
  const { engine } = connection.link
  attacker.socket.pause()
  const [most] = await Promise.all([mostPending(engine), repeat(attacker, encodeMessage(ChannelOpen, nonsenseChannel), engine)])
  assert.ok(most > mebibyte && most < answerBound, String(most))
  assert.ok((await connection.closed).error instanceof TimeoutError)
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
    // Once the server has ended it, the attacker reads no more.
    await attacker.until(() => attacker.hostile.goodbye !== undefined, 'it was told why')
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
