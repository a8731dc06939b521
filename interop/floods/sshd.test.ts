// Floods of connections at `nacre sshd`: MaxStartups, PerSourceMaxStartups, PerSourcePenalties and LoginGraceTime hold, who
// means to log in does, and the process has its memory and descriptors back afterwards.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { ClientConnection } from 'nacre'
import type { PeerServer } from '../peers/peer.ts'
import { eventually } from '../hostile/attacker.ts'
import { descriptorsOf, residentOf, socketsOf } from '../hostile/ledger.ts'
import { userKey } from '../rig/keys.ts'
import { test } from '../rig/test.ts'
import { nacreConnect } from '../sites/client.ts'
import { nacreSshd } from '../sites/commands.ts'
import { Crowd, persistentLogin } from './crowd.ts'

const mebibyte = 2 ** 20
const accepts = { keys: [userKey()] }
const grace = 15
const floodSeconds = Number(process.env['NACRE_FLOOD_SECONDS'] ?? 10)

const enters = async (server: PeerServer): Promise<void> => {
  const login = (): Promise<ClientConnection> => nacreConnect(server.to, { key: userKey() })
  const connection = await persistentLogin(login, grace)
  assert.equal((await connection.run('echo inside')).stdout, 'inside\n')
  await connection.close()
}
const turnedAway = (server: PeerServer, why: string): number => server.process.log().split(` past ${why}`).length - 1
/** Pipes that the server keeps at hand for the commands to come: their number varies. */
const pipesAtHand = 48

interface Held {
  readonly sockets: number
  readonly descriptors: number
}
const heldBy = ({ process: { pid } }: PeerServer): Held => ({ sockets: socketsOf(pid), descriptors: descriptorsOf(pid) })
/** Waits until the process holds no more than it did. */
const calm = (server: PeerServer, before: Held): Promise<void> =>
  eventually(
    () => {
      const now = heldBy(server)
      return now.sockets <= before.sockets && now.descriptors <= before.descriptors + pipesAtHand
    },
    () => `what the server holds (${JSON.stringify(heldBy(server))}) is what it held before (${JSON.stringify(before)})`,
    10,
  )

describe('nacre sshd', () => {
  test('lets in who means to log in, in spite of 500 half-open connections and 200 new ones a second', {}, async () => {
    await using server = await nacreSshd({ accepts, config: [`LoginGraceTime ${grace}`, 'MaxStartups 10:30:100', 'PerSourcePenalties no'] })
    await enters(server)
    const before = heldBy(server)
    const resident: number[] = []
    for (let round = 0; round < 2; round++) {
      await using crowd = new Crowd(server.to.port)
      await crowd.rush(500)
      await enters(server)
      const flood = crowd.stream(200, floodSeconds)
      await enters(server)
      await flood
      assert.ok(heldBy(server).descriptors < before.descriptors + 100 + 2 * 500, 'there are not more than may be, and who is leaving')
      await crowd[Symbol.asyncDispose]()
      await calm(server, before)
      resident.push(residentOf(server.process.pid))
    }
    assert.ok(turnedAway(server, 'MaxStartups') > 500)
    const [first = 0, second = 0] = resident
    assert.ok(second < first + 32 * mebibyte, `${first} bytes resident after one flood, ${second} after another`)
    await enters(server)
  })

  test('ends half-open connections and slow ones after LoginGraceTime', {}, async () => {
    await using server = await nacreSshd({ accepts, config: ['LoginGraceTime 2', 'PerSourcePenalties no'] })
    await enters(server)
    const before = heldBy(server)
    await using crowd = new Crowd(server.to.port)
    await crowd.rush(150)
    const slow = await crowd.join('nothing')
    const drip = setInterval(() => slow?.writable === true && slow.write('SSH-2.0-s'[0] ?? ''), 500)
    await eventually(
      () => crowd.open === 0,
      () => 'all were ended',
    )
    clearInterval(drip)
    await calm(server, before)
    await enters(server)
  })

  test('gives one source as many places as PerSourceMaxStartups says', {}, async () => {
    await using server = await nacreSshd({
      accepts,
      config: ['PerSourceMaxStartups 10', `LoginGraceTime ${grace}`, 'PerSourcePenalties no'],
    })
    await enters(server)
    const before = heldBy(server)
    await using crowd = new Crowd(server.to.port)
    await crowd.rush(200)
    await eventually(
      () => turnedAway(server, 'PerSourceMaxStartups') === 190,
      () => `190 and not ${turnedAway(server, 'PerSourceMaxStartups')} were turned away`,
    )
    await enters(server)
    await crowd[Symbol.asyncDispose]()
    await calm(server, before)
  })

  test('keeps out a source that comes again and again and never logs in', {}, async () => {
    await using server = await nacreSshd({ accepts, config: [`LoginGraceTime ${grace}`] })
    await using crowd = new Crowd(server.to.port)
    // Sixteen would do, were they there at once.
    for (let i = 0; i < 24; i++) {
      const socket = await crowd.join('identification')
      await new Promise(resolve => socket?.once('data', resolve).once('close', resolve))
      socket?.destroy()
    }
    let said = ''
    const socket = await crowd.join('nothing')
    socket?.on('data', (bytes: Buffer) => {
      said += bytes.toString('latin1')
    })
    await eventually(
      () => crowd.open === 0,
      () => 'the source was turned away',
    )
    assert.equal(said, 'Not allowed at this time\r\n')
    // Another source is none the worse for it.
    await enters(server)
  })
})
