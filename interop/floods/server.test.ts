// Floods of connections at our server in this process: its limits and deadlines hold, and who means to log in does.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TimeoutError } from 'nacre'
import { type ServerOptions, Startups } from 'nacre/server'
import { eventually } from '../hostile/attacker.ts'
import { Company, honestClient, ourServer } from '../hostile/company.ts'
import { backTo, holdings } from '../hostile/ledger.ts'
import { Crowd, persistentLogin } from './crowd.ts'

/** Seconds that a login may take at these servers, and so the ceiling for an honest one. */
const grace = 15
const upTo = (seconds: number) => ({ deadlines: { handshake: seconds * 1000, login: seconds * 1000 } })
/** `NACRE_FLOOD_SECONDS=2` floods for a shorter time. */
const floodSeconds = Number(process.env['NACRE_FLOOD_SECONDS'] ?? 10)
const many = Array.from({ length: 200 }, (_, index) => `127.0.${1 + (index >> 7)}.${1 + (index & 127)}`)

/** A server under attack with honest company, that counts what it turns away and how connections end. */
const besieged = async (options: Partial<Omit<ServerOptions<string>, 'hostKeys'>>) => {
  const turnedAway: string[] = []
  const errors: Error[] = []
  const { server, port } = await ourServer({
    ...upTo(grace),
    ...options,
    onTurnedAway: why => turnedAway.push(why),
    onEvent: event => {
      if (event.is === 'ended') errors.push(event.error)
    },
  })
  const company = await Company.at(port)
  await company.undisturbed()
  let most = 0
  const startups = (): number => [...server.connections].filter(each => !each.authenticated).length
  const look = setInterval(() => {
    most = Math.max(most, startups())
  }, 5)
  return {
    port,
    turnedAway,
    errors,
    startups,
    before: holdings(),
    /** The most connections there were at a time that had not logged in. */
    mostStartups: () => most,
    login: () => persistentLogin(() => honestClient(port), grace),
    /** Waits until nobody is left but those who are logged in. */
    async calm(): Promise<void> {
      await eventually(
        () => startups() === 0,
        () => `${startups()} connections have gone`,
      )
      await company.undisturbed()
    },
    async [Symbol.asyncDispose]() {
      clearInterval(look)
      await backTo(this.before)
      await company[Symbol.asyncDispose]()
      await server.close()
    },
  }
}

describe('five hundred half-open connections', () => {
  test('hold a hundred places at most; an honest login gets one of those that take too long', { timeout: 60_000 }, async () => {
    await using server = await besieged(upTo(4))
    await using crowd = new Crowd(server.port)
    await crowd.rush(500)
    await (await server.login()).close()
    assert.ok(server.startups() > 0, 'the flood is still there')
    assert.ok(server.mostStartups() <= 100, String(server.mostStartups()))
    assert.ok(server.turnedAway.length >= 400, String(server.turnedAway.length))
    await server.calm()
    assert.ok(server.errors.some(each => each instanceof TimeoutError))
    await eventually(
      () => crowd.open === 0,
      () => 'all of them were ended',
    )
  })

  test('of one source hold no more than that source may; others do not notice', { timeout: 60_000 }, async () => {
    await using server = await besieged({ startups: new Startups({ maximum: 100, perSource: 20, patience: Number.POSITIVE_INFINITY }) })
    await using crowd = new Crowd(server.port)
    await crowd.rush(500)
    await eventually(
      () => server.turnedAway.length === 480,
      () => `480 and not ${server.turnedAway.length} were turned away`,
    )
    assert.equal(server.startups(), 20)
    // The first try is let in.
    await (await honestClient(server.port)).close()
    assert.ok(server.mostStartups() <= 21, String(server.mostStartups()))
    assert.ok(server.turnedAway.every(each => each === 'source'))
    await crowd[Symbol.asyncDispose]()
    await server.calm()
  })

  test('of many sources are turned away by chance, so that an honest login has one', { timeout: 60_000 }, async () => {
    const maximum = { begin: 10, rate: 30, full: 100 }
    await using server = await besieged({ startups: new Startups({ maximum }) })
    await using crowd = new Crowd(server.port, many)
    await crowd.rush(500)
    await (await server.login()).close()
    assert.ok(server.mostStartups() <= 100, String(server.mostStartups()))
    await crowd[Symbol.asyncDispose]()
    await server.calm()
  })
})

test('slow handshakes, a byte a second, end when the time for a login does', { timeout: 60_000 }, async () => {
  await using server = await besieged(upTo(2.5))
  await using crowd = new Crowd(server.port)
  const text = 'SSH-2.0-slowly_but_surely\r\n'
  const sockets = (await Promise.all(Array.from({ length: 50 }, () => crowd.join('nothing')))).filter(each => each !== undefined)
  assert.equal(sockets.length, 50)
  let sent = 0
  const drip = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(text[sent % text.length])
    sent++
  }, 1000)
  await (await server.login()).close()
  await server.calm()
  clearInterval(drip)
  const late = server.errors.filter(each => each instanceof TimeoutError)
  assert.equal(late.length, 50)
})

describe(`two hundred new connections a second for ${floodSeconds} s`, () => {
  for (const [what, sources] of [
    ['one source', ['127.0.0.2']],
    ['many sources', many],
  ] as const) {
    test(`of ${what}: an honest login succeeds meanwhile`, { timeout: 120_000 }, async () => {
      await using server = await besieged({})
      await using crowd = new Crowd(server.port, sources)
      const flood = crowd.stream(200, floodSeconds)
      await eventually(
        () => server.startups() >= 90,
        () => 'there was a flood',
      )
      for (let i = 0; i < 3; i++) await (await server.login()).close()
      await flood
      assert.ok(server.mostStartups() <= 100, String(server.mostStartups()))
      assert.ok(server.turnedAway.length > 0)
      await crowd[Symbol.asyncDispose]()
      await server.calm()
    })
  }

  test('with logins of their own that fail: the source is kept out, and others are not', { timeout: 120_000 }, async () => {
    await using server = await besieged({ startups: new Startups({ maximum: 100, penalties: {} }) })
    await using crowd = new Crowd(server.port)
    const flood = crowd.stream(200, floodSeconds)
    const leaving = setInterval(() => void crowd[Symbol.asyncDispose](), 100)
    await flood
    clearInterval(leaving)
    assert.ok(server.turnedAway.filter(each => each === 'penalty').length > (200 * floodSeconds) / 2)
    await (await honestClient(server.port)).close()
    await server.calm()
  })
})
