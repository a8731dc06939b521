// Peers that leave in the middle of a packet, by closing, by a reset, by saying no more: wherever that is, our side reports a
// lost connection and keeps nothing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConnectError, DisconnectedError } from 'nacre'
import {
  ChannelData,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelRequest,
  ChannelSuccess,
} from '../../packages/nacre/src/connection/messages.ts'
import { Attacker, hostileClient, trap, within } from './attacker.ts'
import { honestClient } from './company.ts'
import { backTo, holdings } from './ledger.ts'
import { ground, login, openSession, run } from './places.ts'

const nothing = new Uint8Array(0)

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
