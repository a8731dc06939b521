// Every way in which a peer can break the protocol, over TCP, at our server and at our client: the goodbye with the reason
// that belongs to it reaches the attacker, our side says which rule it was, and nothing else happens to anybody.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ClientConnection, connect, disconnectReasons, insecureAcceptAnyHostKey, ProtocolError, violations } from 'nacre'
import type { ServerConnection } from 'nacre/server'
import { ChannelOpen, ChannelOpenConfirmation } from '../../packages/nacre/src/connection/messages.ts'
import { UserauthSuccess } from '../../packages/nacre/src/auth/messages.ts'
import { attacks, hostileChannel, type Scenario, type Scene, type VictimRules } from '../../packages/nacre/test/hostile/scenarios.ts'
import { Attacker, hostileClient, trap, within } from './attacker.ts'
import { anybody, Company, ourServer } from './company.ts'
import { backTo, heldMemory, holdings } from './ledger.ts'

/** What an attack came to. */
interface Outcome {
  /** What our side reports. */
  readonly error: unknown
  readonly goodbye: { readonly reasonCode: number; readonly description: string } | undefined
}

/** A place where attacks of one side can be run, beside honest company. */
interface Ground extends AsyncDisposable {
  run(scenario: Scenario): Promise<Outcome>
  readonly company: Company
}

const finish = async (attacker: Attacker, reported: Promise<unknown>): Promise<Outcome> => {
  attacker.flush()
  const error = await within(reported, 'the victim reported an error')
  await within(attacker.closed, 'the victim closed')
  return { error, goodbye: attacker.hostile.goodbye }
}

// ── our server ────────────────────────────────────────────────────────────────────────────────────────────────────────

const serverGround = async (rules: VictimRules): Promise<Ground> => {
  const endings = new Map<number, (error: unknown) => void>()
  const { server, port } = await ourServer({
    authenticate: anybody(user => rules.admitsNobody === true && user !== 'honest', rules.takesKeys === true ? ['publickey'] : []),
    ...(rules.maximumAttempts === undefined ? {} : { maximumAttempts: rules.maximumAttempts }),
    ...(rules.window === undefined ? {} : { limits: { initialWindow: rules.window } }),
    ...(rules.leavesRequestsOpen === true ? { globalRequests: { 'tcpip-forward': () => {} } } : {}),
    onEvent: (event, connection) => {
      if (event.is === 'ended') endings.get(connection.remote?.port ?? 0)?.(event.error)
    },
  })
  const company = await Company.at(port)
  const connectionOf = (attacker: Attacker): ServerConnection<string> => {
    const found = [...server.connections].find(each => each.remote?.port === attacker.port)
    if (found === undefined) throw new Error('the victim has no such connection')
    return found
  }
  const sceneOf = (attacker: Attacker): Scene => ({
    hostile: attacker.hostile,
    exchanged: () => attacker.until(() => attacker.exchanged, 'keys were exchanged'),
    async loggedIn() {
      await this.exchanged()
      attacker.hostile.greet()
      await attacker.until(() => attacker.hostile.heardAll(UserauthSuccess).length > 0, 'the login')
    },
    async sessionOpen() {
      attacker.hostile.send(ChannelOpen, { channelType: 'session', ...hostileChannel })
      await attacker.until(() => attacker.hostile.heardAll(ChannelOpenConfirmation).length > 0, 'the session was open')
    },
    sessionWanted: () => Promise.reject(new Error('servers want no sessions')),
    victimRekeys: async () => connectionOf(attacker).rekey(),
  })
  return {
    company,
    async run(scenario) {
      const attacker = await hostileClient(port, scenario.hostile)
      const reported = new Promise<unknown>(resolve => {
        endings.set(attacker.port, resolve)
      })
      attacker.start()
      await scenario.act?.(sceneOf(attacker))
      return await finish(attacker, reported)
    },
    async [Symbol.asyncDispose]() {
      await company[Symbol.asyncDispose]()
      await server.close()
    },
  }
}

// ── our client ────────────────────────────────────────────────────────────────────────────────────────────────────────

const clientGround = async (rules: VictimRules): Promise<Ground> => {
  const honest = await ourServer()
  const company = await Company.at(honest.port)
  return {
    company,
    async run(scenario) {
      const met = Promise.withResolvers<Attacker>()
      await using trapped = await trap(socket => {
        // An attacker that is done with its victim leaves too.
        socket.once('end', () => socket.end())
        met.resolve(new Attacker('server', socket, scenario.hostile))
      })
      const connecting: Promise<ClientConnection> = connect(
        { host: '127.0.0.1', port: trapped.port, user: 'ada' },
        {
          config: false,
          hostKey: insecureAcceptAnyHostKey,
          auth: {},
          ...(rules.window === undefined ? {} : { limits: { initialWindow: rules.window } }),
        },
      )
      connecting.catch(() => {})
      const reported = connecting.then(
        async connection => (await connection.closed).error as unknown,
        (error: unknown) => error,
      )
      const attacker = await met.promise
      const scene: Scene = {
        hostile: attacker.hostile,
        exchanged: () => attacker.until(() => attacker.exchanged, 'keys were exchanged'),
        async loggedIn() {
          await attacker.until(() => attacker.exchanged, 'keys were exchanged')
          await within(connecting, 'the login')
        },
        async sessionWanted() {
          // It fails with the connection, as everything on it does.
          ;(await connecting).exec('echo').catch(() => {})
          await attacker.until(() => attacker.hostile.heardAll(ChannelOpen).length > 0, 'a session was wanted')
        },
        async sessionOpen() {
          await this.sessionWanted()
          attacker.hostile.send(ChannelOpenConfirmation, { recipientChannel: 0, ...hostileChannel })
        },
        victimRekeys: async () => (await connecting).rekey(),
      }
      attacker.start()
      await scenario.act?.(scene)
      return await finish(attacker, reported)
    },
    async [Symbol.asyncDispose]() {
      await company[Symbol.asyncDispose]()
      await honest.server.close()
    },
  }
}

const grounds = { server: serverGround, client: clientGround } as const

// ── the tests ─────────────────────────────────────────────────────────────────────────────────────────────────────────

for (const side of ['server', 'client'] as const) {
  describe(`our ${side}, attacked over TCP with company`, () => {
    for (const { violation, scenario } of attacks.filter(({ victim }) => victim === side)) {
      test(violation, { timeout: 60_000 }, async () => {
        await using ground = await grounds[side](scenario.victim ?? {})
        await ground.company.undisturbed()
        const before = holdings()
        for (let i = 0; i < (scenario.large === true ? 1 : 3); i++) {
          const { error, goodbye } = await ground.run(scenario)
          assert.ok(error instanceof ProtocolError, String(error))
          assert.equal(error.violation, violation)
          assert.equal(error.code, `PROTOCOL_${violation.toUpperCase().replaceAll('-', '_')}`)
          assert.equal(goodbye?.reasonCode, disconnectReasons[violations[violation]], 'the reason on the wire')
          assert.notEqual(goodbye.description, '')
        }
        await ground.company.undisturbed()
        await backTo(before)
      })
    }

    test('a hundred attacks leave neither memory nor descriptors behind', { timeout: 60_000 }, async () => {
      const usual = attacks.filter(({ victim, scenario }) => victim === side && scenario.victim === undefined && scenario.large !== true)
      await using ground = await grounds[side]({})
      const round = async (): Promise<void> => {
        for (const { scenario } of usual) await ground.run(scenario)
      }
      await round()
      const before = holdings()
      const memory = await heldMemory()
      const rounds = Math.ceil(100 / usual.length)
      for (let i = 0; i < rounds; i++) await round()
      await backTo(before)
      const grown = (await heldMemory()) - memory
      assert.ok(grown < 2 ** 20, `${grown} bytes more after ${rounds * usual.length} attacks`)
    })
  })
}
