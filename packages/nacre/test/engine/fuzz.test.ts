// Whatever a peer sends: nothing is thrown at whoever drives the engine, nothing grows without a bound, and the connection
// either goes on or has ended with one reason. Without cryptography, so that the bytes that reach the engine are the ones
// that were made here. A failure prints the seed and the path that repeat it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { defaultTables } from '../../src/algorithms/tables.ts'
import { authMessages, UserauthInfoRequest, UserauthInfoResponse, UserauthPasswdChangereq, UserauthPkOk } from '../../src/auth/messages.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { ChannelData, connectionMessages } from '../../src/connection/messages.ts'
import { channelRequests } from '../../src/connection/requests/table.ts'
import { globalRequests } from '../../src/connection/global-requests/table.ts'
import { channelTypes } from '../../src/connection/channel-types/table.ts'
import { type Attack, createAttack, plainPacket } from '../../src/testing/hostile.ts'
import { nullCrypto } from '../../src/testing/null-crypto.ts'
import { KexInit, transportMessages } from '../../src/transport/messages.ts'
import type { Message } from '../../src/wire/message.ts'
import { encodeMessage } from '../../src/wire/message.ts'

const stages = ['identification', 'exchange', 'service', 'auth', 'connection'] as const
type Stage = (typeof stages)[number]
/** More of them for a longer search. */
const runs = Number(process.env.NACRE_FUZZ_RUNS ?? 50)
const roles = ['client', 'server'] as const

const kexMessages = [...new Set(defaultTables.kexMethods.flatMap(each => each.messages))]
const messages: readonly Message[] = [
  ...transportMessages,
  ...kexMessages,
  ...authMessages,
  UserauthPkOk,
  UserauthPasswdChangereq,
  UserauthInfoRequest,
  UserauthInfoResponse,
  ...connectionMessages,
]

// ── valid messages ──────────────────────────────────────────────────────────────────────────────────────────────────────

const typeNames = [...channelRequests, ...globalRequests, ...channelTypes].map(each => each.name)
const names = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(...typeNames, 'ssh-userauth', 'ssh-connection', 'none', 'password', 'publickey', 'keyboard-interactive'),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z@.-]{1,20}$/) },
)
/** Small numbers are likely to mean something here; the largest are likely to overflow. */
const numbers = fc.oneof(fc.constantFrom(0, 0, 0, 1, 2, 100, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff))
const bytes = fc.uint8Array({ maxLength: 200 })
const texts = fc.oneof(names, fc.string({ maxLength: 40 }))

/** Values for a field: told from what its codec makes of a few probes, since codecs have no names. */
const valuesOf = (field: string): fc.Arbitrary<unknown> => {
  if (/^(cookie)$/.test(field)) return fc.uint8Array({ minLength: 16, maxLength: 16 })
  if (/Algorithms|languages|canContinue/.test(field)) return fc.array(fc.stringMatching(/^[a-z0-9@.-]{1,30}$/), { maxLength: 5 })
  if (field === 'firstKexPacketFollows' || field === 'wantReply' || field === 'alwaysDisplay' || field === 'partialSuccess')
    return fc.boolean()
  if (field === 'prompts') return fc.array(fc.record({ prompt: texts, echo: fc.boolean() }), { maxLength: 3 })
  if (field === 'responses') return fc.array(texts, { maxLength: 3 })
  if (field === 'serviceName' || field === 'methodName') return names
  if (/Name$|^name$|Type$|description|language|instruction|^prompt$|^message$/.test(field)) return texts
  if (/Number|Channel$|Size|Code$|bytesToAdd|reserved|^(min|n|max)$/.test(field)) return numbers
  return bytes
}
const valueOf = (message: Message): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(Object.fromEntries(Object.keys(message.fields).map(name => [name, valuesOf(name)])))

const validPayload = fc.constantFrom(...messages).chain(message =>
  valueOf(message).map(value => {
    try {
      return encodeMessage(message, value)
    } catch {
      // A field whose codec is stricter than our guess at it.
      return Uint8Array.of(message.number)
    }
  }),
)
/** A valid message with a few of its bytes changed, cut short, or with something behind it. */
const mangledPayload = fc
  .tuple(validPayload, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.option(fc.nat()), bytes)
  .map(([payload, changes, cut, more]) => {
    const changed = payload.slice()
    for (const [at, value] of changes) changed[at % changed.length] = value
    const short = cut === null ? changed : changed.subarray(0, 1 + (cut % changed.length))
    return more.length % 3 === 0 ? Uint8Array.of(...short, ...more) : short
  })
const anyPayload = fc.oneof(
  { weight: 4, arbitrary: validPayload },
  { weight: 3, arbitrary: mangledPayload },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 300 }) },
)

/** One that leads to an exchange by Diffie-Hellman, whose messages have the most fields. */
const kexInit = encodeMessage(KexInit, {
  cookie: new Uint8Array(16),
  kexAlgorithms: ['diffie-hellman-group-exchange-sha256'],
  serverHostKeyAlgorithms: ['ssh-ed25519'],
  encryptionAlgorithmsClientToServer: ['aes128-ctr'],
  encryptionAlgorithmsServerToClient: ['aes128-ctr'],
  macAlgorithmsClientToServer: ['hmac-sha2-256'],
  macAlgorithmsServerToClient: ['hmac-sha2-256'],
  compressionAlgorithmsClientToServer: ['none'],
  compressionAlgorithmsServerToClient: ['none'],
  languagesClientToServer: [],
  languagesServerToClient: [],
  firstKexPacketFollows: false,
  reserved: 0,
})

// ── engines at each stage ───────────────────────────────────────────────────────────────────────────────────────────────

const limits = { initialWindow: 5000, maximumPacket: 1000, maximumChannels: 10, maximumPendingOpens: 5, maximumPendingRequests: 5 }

const at = (role: (typeof roles)[number], stage: Stage, agreeable = false): Attack => {
  const shared = { crypto: nullCrypto, limits } as const
  const mute = stage === 'identification' || stage === 'exchange'
  const attack = createAttack({
    victim:
      role === 'client'
        ? { role, ...shared }
        : {
            role,
            ...shared,
            attempt: stage === 'auth' ? () => ({ is: 'refuse', remaining: ['password'] }) : () => ({ is: 'accept', identity: 1 }),
          },
    hostile: {
      mute,
      hears: number => !(stage === 'auth' && role === 'client' && number === 50) && !(stage === 'service' && number === 5),
    },
  })
  if (stage === 'exchange') attack.hostile.raw('SSH-2.0-fuzz\r\n')
  if (agreeable) attack.hostile.raw(plainPacket(kexInit))
  attack.run()
  if (stage === 'auth' && role === 'server') attack.hostile.greet()
  if (stage === 'connection') {
    attack.login()
    if (role === 'client') attack.victim.open(session, {})
  }
  return attack.run()
}

/** What must hold at any moment. */
const sound = ({ victim, hostile }: Attack): void => {
  const { engine } = victim
  assert.ok(engine.pendingOutput < 2 ** 20, `${engine.pendingOutput} bytes wait to be sent`)
  assert.ok(engine.connection.channelCount <= limits.maximumChannels)
  assert.ok(engine.connection.pendingOpens <= limits.maximumPendingOpens)
  for (const { channel } of victim.channels) assert.ok(channel.unconsumed <= limits.initialWindow)
  assert.ok(victim.all('ended').length <= 1)
  if (engine.ended) {
    assert.equal(victim.events.at(-1)?.is, 'ended')
    assert.ok(victim.ending?.error instanceof Error)
    assert.equal(engine.deadline(), undefined)
    // What went wrong inside us would be our fault, and never the peer's doing.
    assert.notEqual(hostile.goodbye?.description, 'internal error', victim.ending.error.stack ?? '')
  } else assert.notEqual(engine.deadline(), undefined)
}

describe('an engine is given', () => {
  for (const role of roles) {
    for (const stage of stages) {
      it(`messages, right and wrong, as a ${role} at the stage ${stage}`, () => {
        fc.assert(
          fc.property(fc.array(anyPayload, { minLength: 1, maxLength: 12 }), fc.boolean(), (payloads, agreeable) => {
            const attack = at(role, stage, agreeable && stage === 'exchange')
            for (const payload of payloads) {
              if (stage === 'exchange' || stage === 'identification') attack.hostile.raw(plainPacket(payload))
              else attack.hostile.payload(payload)
            }
            attack.run()
            sound(attack)
          }),
          { numRuns: runs },
        )
      })
    }
    it(`bytes that are no packets, as a ${role}`, () => {
      fc.assert(
        fc.property(fc.constantFrom(...stages), fc.uint8Array({ minLength: 1, maxLength: 2000 }), (stage, raw) => {
          const attack = at(role, stage)
          attack.hostile.raw(raw)
          attack.run()
          sound(attack)
        }),
        { numRuns: runs },
      )
    })
    it(`a conversation in which one byte on the way is another, as a ${role}`, () => {
      fc.assert(
        fc.property(fc.nat(6000), fc.integer({ min: 1, max: 255 }), (position, difference) => {
          let seen = 0
          const attack = createAttack({
            victim: role === 'client' ? { role, crypto: nullCrypto, limits } : { role, crypto: nullCrypto, limits },
          })
          const { hostile } = attack
          const take = hostile.takeOutgoing.bind(hostile)
          hostile.takeOutgoing = () => {
            const buffer = take()
            if (buffer !== undefined && position >= seen && position < seen + buffer.length) buffer[position - seen] ^= difference
            seen += buffer?.length ?? 0
            return buffer
          }
          attack.run()
          hostile.greet()
          hostile.send(ChannelData, { recipientChannel: 0, data: new Uint8Array(10) })
          attack.run()
          sound(attack)
        }),
        { numRuns: runs },
      )
    })
  }
})

describe('an engine keeps no more than it must of', () => {
  it('a packet that is announced as large and never comes', () => {
    const attack = at('server', 'exchange')
    attack.hostile.raw(plainPacket(new Uint8Array(10), { length: 256 * 1024 - 4 }).subarray(0, 8))
    attack.run()
    assert.equal(attack.victim.ending, undefined)
    sound(attack)
  })
  it('questions and answers that nobody waits for', () => {
    for (const role of roles) {
      const attack = at(role, 'connection')
      for (let i = 0; i < 2000; i++) attack.hostile.payload(Uint8Array.of(80, 0, 0, 0, 1, 120, 0))
      attack.run()
      sound(attack)
      assert.equal(attack.victim.ending, undefined)
    }
  })
})
