// Every way in which a peer can break the protocol, in memory: one scenario each, however the bytes are cut. The engine under
// attack ends with that violation, says goodbye with the reason that belongs to it, and throws nothing at whoever drives it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { session } from '../../src/connection/channel-types/session.ts'
import { ChannelOpen, ChannelOpenConfirmation } from '../../src/connection/messages.ts'
import { disconnectReasons, ProtocolError, violations } from '../../src/errors.ts'
import { type Attack, type AttackOptions, createAttack, HostilePeer, plainPacket } from '../../src/testing/hostile.ts'
import type { PairServerOptions } from '../../src/testing/pair.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { attacks, hostileChannel, type Scenario, type Scene, scenarios, type Victim, type VictimRules } from './scenarios.ts'

type Cut = Pick<AttackOptions, 'chunk' | 'seed'>

const victimOptions = (victim: Victim, rules: VictimRules): AttackOptions['victim'] => {
  const server: PairServerOptions = {
    ...(rules.admitsNobody === true ? { attempt: () => ({ is: 'refuse', remaining: ['password'] }) } : {}),
    ...(rules.takesKeys === true ? { methods: ['publickey'] } : {}),
    ...(rules.maximumAttempts === undefined ? {} : { maximumAttempts: rules.maximumAttempts }),
    ...(rules.leavesRequestsOpen === true ? { globalRequested: () => {} } : {}),
  }
  return {
    role: victim,
    ...(victim === 'server' ? server : {}),
    ...(rules.window === undefined ? {} : { consume: false, limits: { initialWindow: rules.window } }),
  }
}

const sceneIn = (attack: Attack, victim: Victim): Scene => ({
  hostile: attack.hostile,
  exchanged: async () => void attack.run(),
  loggedIn: async () => void attack.login(),
  async sessionWanted() {
    attack.victim.open(session, {})
    attack.run()
  },
  async sessionOpen() {
    if (victim === 'server') attack.hostile.send(ChannelOpen, { channelType: 'session', ...hostileChannel })
    else {
      await this.sessionWanted()
      attack.hostile.send(ChannelOpenConfirmation, { recipientChannel: 0, ...hostileChannel })
    }
    attack.run()
  },
  victimRekeys: async () => attack.victim.engine.rekey(),
})

const play = async (victim: Victim, scenario: Scenario, cut: Cut): Promise<Attack> => {
  const attack = createAttack({
    ...cut,
    victim: victimOptions(victim, scenario.victim ?? {}),
    ...(scenario.hostile === undefined ? {} : { hostile: scenario.hostile }),
  })
  await scenario.act?.(sceneIn(attack, victim))
  return attack.run()
}

const cuts: readonly Cut[] = [{ chunk: 'whole' }, { chunk: 'bytes' }, { chunk: 'random', seed: 1 }, { chunk: 'random', seed: 2 }]
/** Megabytes one by one would only take long. */
const cutsOf = (scenario: Scenario): readonly Cut[] => (scenario.large === true ? cuts.filter(cut => cut.chunk !== 'bytes') : cuts)

describe('a peer that breaks a rule', () => {
  for (const { violation, victim, scenario } of attacks) {
    it(`${violation}, at a ${victim}`, async () => {
      for (const cut of cutsOf(scenario)) {
        const where = `chunks ${cut.chunk}, seed ${cut.seed ?? 1}`
        const attack = await play(victim, scenario, cut)
        const { ending } = attack.victim
        assert.ok(ending !== undefined, `the connection goes on (${where})`)
        assert.ok(ending.error instanceof ProtocolError, `${ending.error.name}: ${ending.error.message} (${where})`)
        assert.equal(ending.error.violation, violation, where)
        assert.equal(ending.by, 'us', where)
        assert.equal(ending.reason, violations[ending.error.violation], where)
        assert.equal(attack.hostile.goodbye?.reasonCode, disconnectReasons[violations[ending.error.violation]], where)
        assert.equal(attack.victim.engine.ended, true, where)
        assert.equal(attack.victim.events.at(-1)?.is, 'ended', where)
        assert.equal(attack.victim.engine.deadline(), undefined, where)
      }
    })
  }

  it('sequence-number-wrapped', () => {
    // It takes 2^32 packets to get there, so the count begins near its end.
    for (const way of ['outgoing', 'incoming'] as const) {
      const { transport } = new HostilePeer('server', {}, seededRandom(1))
      transport[way].sequence = 0xffffffff
      const wrapped = (error: unknown): boolean => error instanceof ProtocolError && error.violation === 'sequence-number-wrapped'
      assert.throws(() => {
        transport.start()
        transport.feed(Uint8Array.from('SSH-2.0-hostile\r\n', character => character.charCodeAt(0)))
        const packet = plainPacket(Uint8Array.of(2, 0, 0, 0, 0))
        transport.feed(packet)
        transport.incoming.next()
        transport.receiveExchangeMessage(Uint8Array.of(20))
      }, wrapped)
    }
  })

  it('is dealt with in every way that the errors list', () => {
    assert.deepEqual([...Object.keys(scenarios), 'sequence-number-wrapped'].sort(), Object.keys(violations).sort())
  })
})
