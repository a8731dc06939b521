// Owns the targets for whole engines: a peer that has come as far as one phase of the protocol, in either role, sends any
// messages and bytes, while the application does what applications do. Without cryptography, so that what was made here is
// what the engine reads. Nothing is thrown at whoever drives the engine, nothing grows without bound, and it ends with a reason.
import assert from 'node:assert/strict'
import { defaultTables } from '../../packages/nacre/src/algorithms/tables.ts'
import type { GssContext } from '../../packages/nacre/src/auth/gss.ts'
import type { AttemptQuestion, Credential, Verdict } from '../../packages/nacre/src/auth/questions.ts'
import { session } from '../../packages/nacre/src/connection/channel-types/session.ts'
import { exec } from '../../packages/nacre/src/connection/requests/exec.ts'
import { ChannelOpen, ChannelOpenConfirmation } from '../../packages/nacre/src/connection/messages.ts'
import { Secret } from '../../packages/nacre/src/crypto/secret.ts'
import { SshError } from '../../packages/nacre/src/errors.ts'
import type { EngineQuestion } from '../../packages/nacre/src/engine/events.ts'
import { type Attack, createAttack, plainPacket } from '../../packages/nacre/src/testing/hostile.ts'
import { nullCrypto } from '../../packages/nacre/src/testing/null-crypto.ts'
import { leaveOpen } from '../../packages/nacre/src/testing/pair-side.ts'
import type { SeededRandom } from '../../packages/nacre/src/testing/random.ts'
import { KexInit } from '../../packages/nacre/src/transport/messages.ts'
import { encode } from '../../packages/nacre/src/wire/codec.ts'
import { encodeMessage } from '../../packages/nacre/src/wire/message.ts'
import { changedFrames, type Frame, readFrames, writeFrames } from '../rig/frames.ts'
import { messages } from '../rig/messages.ts'
import { mutated } from '../rig/mutate.ts'
import { rightMessages } from '../rig/right.ts'
import { invented, withOtherField } from '../rig/shape.ts'
import { isRefusal, type Note, type Target } from '../rig/target.ts'
import { keyBlobs } from '../rig/vectors.ts'
import { wireNames } from '../rig/words.ts'

const phases = ['identification', 'before-kex', 'during-kex', 'before-auth', 'during-auth', 'connected', 'during-rekey'] as const
type Phase = (typeof phases)[number]
type Role = 'client' | 'server'

/** What an item of an input does. Every other kind is a packet with these bytes as its payload. */
const does = { raw: 251, application: 252, answer: 253, time: 254, hangUp: 255 } as const

// Small, so that one input can go beyond them.
const limits = { initialWindow: 600, maximumPacket: 200, maximumChannels: 10, maximumPendingOpens: 5, maximumPendingRequests: 5 }
/** Of a server: all there are. */
const methods = ['none', 'password', 'publickey', 'keyboard-interactive', 'hostbased', 'gssapi-with-mic', 'gssapi-keyex']
const mostItems = 40

// ── before the input ────────────────────────────────────────────────────────────────────────────────────────────────

const kexNames = defaultTables.kexMethods.map(each => each.name)
/** A KEXINIT that everybody can agree to, and that leads to the given method. */
const kexInit = (method: string): Uint8Array =>
  encodeMessage(KexInit, {
    cookie: new Uint8Array(16),
    kexAlgorithms: [method],
    serverHostKeyAlgorithms: ['ssh-ed25519'],
    encryptionAlgorithmsClientToServer: ['aes128-ctr', 'aes128-gcm@openssh.com'],
    encryptionAlgorithmsServerToClient: ['aes128-ctr'],
    macAlgorithmsClientToServer: ['hmac-sha2-256'],
    macAlgorithmsServerToClient: ['hmac-sha2-256-etm@openssh.com'],
    compressionAlgorithmsClientToServer: ['none'],
    compressionAlgorithmsServerToClient: ['none'],
    languagesClientToServer: [],
    languagesServerToClient: [],
    firstKexPacketFollows: false,
    reserved: 0,
  })

/** A mechanism that is done after a token of three bytes or more, and fails after one that begins with 0. */
const fuzzMechanism = {
  identifier: Uint8Array.of(6, 1, 42),
  name: 'fuzz',
  accept: (): GssContext => ({
    mechanism: { name: 'fuzz' },
    integrity: true,
    initiator: 'ada@FUZZ',
    step: token =>
      token?.[0] === 0
        ? { is: 'failed', message: 'no', major: 1, token: Uint8Array.of(1) }
        : token !== undefined && token.length > 2
          ? { is: 'established', token: Uint8Array.of(2) }
          : { is: 'continue', token: Uint8Array.of(3) },
    sign: data => data,
    verify: (data, mic) => mic.length === data.length,
  }),
}

const [someKey] = keyBlobs()
const credentials = (): readonly Credential[] => [
  { method: 'none' },
  { method: 'keyboard-interactive', submethods: '', source: 'fuzz' },
  {
    method: 'publickey',
    publicKey: someKey,
    algorithm: 'ssh-ed25519',
    fingerprint: 'x',
    source: 'fuzz',
    query: true,
    sign: () =>
      encode(
        {
          read: () => 0,
          write: w => {
            w.string(new TextEncoder().encode('ssh-ed25519'))
            w.string(new Uint8Array(64))
          },
        },
        0,
      ),
  },
  { method: 'password', password: new Secret('secret'), source: 'fuzz' },
  { method: 'keyboard-interactive', submethods: 'a,b', source: 'fuzz' },
  {
    method: 'gssapi-with-mic',
    mechanisms: [{ ...fuzzMechanism, initiate: fuzzMechanism.accept }],
    source: 'fuzz',
  },
]

/** A server that takes its time: every method can be walked through to each of its ends. */
const verdict = ({ attempt, ordinal, banner }: AttemptQuestion): Verdict => {
  if (ordinal === 1) banner('welcome')
  switch (attempt.method) {
    case 'none':
      return { is: 'refuse', remaining: ['publickey', 'password', 'keyboard-interactive'] }
    case 'password':
      return attempt.password.reveal() === 'change'
        ? { is: 'change-password', prompt: 'New password' }
        : { is: 'partial', remaining: ['publickey'] }
    case 'password-change':
      return { is: 'partial', remaining: ['keyboard-interactive'] }
    case 'publickey':
      return { is: 'accept', identity: 1 }
    case 'keyboard-interactive':
      return {
        is: 'prompt',
        name: 'n',
        instruction: 'i',
        prompts: [
          { prompt: 'One', echo: false },
          { prompt: 'Two', echo: true },
        ],
      }
    case 'keyboard-interactive-response':
      return attempt.responses.length === 2
        ? { is: 'prompt', name: '', instruction: '', prompts: [] }
        : { is: 'refuse', remaining: ['password'] }
    case 'gssapi-with-mic':
      return { is: 'gss', mechanism: fuzzMechanism, context: fuzzMechanism.accept() }
    case 'hostbased':
    case 'gssapi-with-mic-proof':
    case 'gssapi-keyex':
      return { is: 'partial', remaining: ['password'] }
  }
}

const hooks = (role: Role, phase: Phase, patient: boolean): object => {
  const wait =
    <T>(answer: T): (() => T | typeof leaveOpen) =>
    () =>
      patient ? leaveOpen : answer
  if (role === 'client') {
    const left = [...credentials()]
    return {
      credential:
        phase === 'during-auth' || phase === 'before-auth'
          ? () => left.shift() ?? { method: 'give-up', notes: [] }
          : () => ({ method: 'none' }),
      // A row that is there and undefined would take the place of the one that signs.
      ...(patient ? { signature: () => leaveOpen } : {}),
      prompts: wait(['a', 'b']),
      'new-password': wait(new Secret('other')),
    }
  }
  return {
    attempt:
      phase === 'during-auth' ? (ask: AttemptQuestion) => (patient ? leaveOpen : verdict(ask)) : () => ({ is: 'accept', identity: 1 }),
  }
}

const opening = encodeMessage(ChannelOpen, {
  channelType: 'session',
  senderChannel: 5,
  initialWindowSize: 1000,
  maximumPacketSize: 500,
  details: new Uint8Array(0),
})
const confirmation = encodeMessage(ChannelOpenConfirmation, {
  recipientChannel: 0,
  senderChannel: 5,
  initialWindowSize: 1000,
  maximumPacketSize: 500,
  details: new Uint8Array(0),
})

/** An engine and a peer, as far as `phase`. The first byte of the input chooses what there is to choose. */
const prepared = (role: Role, phase: Phase, choice: number): Attack => {
  const mute = phase === 'identification' || phase === 'before-kex' || phase === 'during-kex'
  const options = {
    crypto: nullCrypto,
    limits,
    rekey: { packets: 200 },
    consume: (choice & 1) === 0,
    ...hooks(role, phase, (choice & 2) !== 0),
  }
  const attack = createAttack({
    chunk: (choice & 4) === 0 ? 'whole' : 'random',
    victim: role === 'client' ? { role, ...options } : { role, methods, ...options },
    hostile: {
      mute,
      hears: number =>
        !(
          (phase === 'during-auth' || phase === 'before-auth') &&
          role === 'client' &&
          (number === 50 || (phase === 'before-auth' && number === 5))
        ),
    },
  })
  const { hostile } = attack
  if (phase !== 'identification' && mute) hostile.raw('SSH-2.0-fuzz\r\n')
  if (phase === 'during-kex') hostile.raw(plainPacket(kexInit(kexNames[(choice >> 3) % kexNames.length])))
  attack.run()
  if (phase === 'during-auth' && role === 'server')
    hostile.payload(Uint8Array.of(5, 0, 0, 0, 12, ...new TextEncoder().encode('ssh-userauth')))
  if (phase === 'connected' || phase === 'during-rekey') {
    attack.login()
    if (role === 'client') attack.victim.open(session, {})
    if ((choice & 64) === 0) hostile.payload(role === 'client' ? confirmation : opening)
  }
  if (phase === 'during-rekey') {
    hostile.ignoresExchanges = true
    attack.victim.engine.rekey()
    if ((choice & 8) !== 0) hostile.payload(kexInit(kexNames[(choice >> 4) % kexNames.length]))
  }
  return attack.run()
}

// ── the input ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** What an application may do at any moment; after the end it may be told so. */
const application = ({ victim }: Attack, [what = 0, which = 0, size = 0]: Uint8Array): void => {
  const { engine } = victim
  const channel = victim.channels.length === 0 ? undefined : victim.channels[which % victim.channels.length]
  try {
    switch (what % 10) {
      case 0:
        if (engine.stage === 'connection') victim.open(session, {})
        return
      case 1:
        channel?.send(new Uint8Array(size * 40).fill(size), which & 1)
        return
      case 2:
        channel?.channel.eof()
        return
      case 3:
        channel?.channel.close()
        return
      case 4:
        if (channel?.channel.phase === 'open') channel.channel.request(exec, { command: 'true' }, () => {})
        return
      case 5:
        if (channel !== undefined) channel.consuming = !channel.consuming
        return
      case 6:
        engine.rekey()
        return
      case 7:
        engine.connection.keepalive()
        return
      case 8:
        engine.disconnect('by-application', 'enough')
        return
      case 9:
        engine.ping(new Uint8Array(size))
    }
  } catch (error) {
    // What an application may not do now is its own fault, and it is told so in words.
    if (!(error instanceof SshError) && !(error instanceof TypeError && /channel|request|data|announced|stream|open/.test(error.message)))
      throw error
  }
}

/** Answers or fails a question that was left open. */
const answer = ({ victim }: Attack, [which = 0, how = 0]: Uint8Array): void => {
  const [question] = victim.unanswered.splice(which % Math.max(1, victim.unanswered.length), 1)
  if (question === undefined) return
  if (how % 8 === 7) {
    question.fail(new SshError('CONFIG', 'nobody answers'))
    return
  }
  const open = question as { readonly about: EngineQuestion['about']; readonly ask: unknown; answer(value: unknown): void }
  if (open.about === 'attempt') open.answer(how % 3 === 0 ? { is: 'accept', identity: 1 } : verdict(open.ask as AttemptQuestion))
  else if (open.about === 'prompts') open.answer(how % 2 === 0 ? undefined : Array.from({ length: how % 5 }, () => 'x'))
  else open.answer(undefined)
}

/** What must hold at any moment. */
const sound = ({ victim, hostile }: Attack): void => {
  const { engine } = victim
  assert.ok(engine.pendingOutput < 2 ** 22, `${engine.pendingOutput} bytes wait to be sent`)
  assert.ok(engine.connection.channelCount <= limits.maximumChannels)
  assert.ok(engine.connection.pendingOpens <= limits.maximumPendingOpens)
  for (const { channel } of victim.channels)
    assert.ok(channel.unconsumed <= limits.initialWindow, `${channel.unconsumed} bytes came beyond the window`)
  assert.ok(victim.all('ended').length <= 1)
  if (!engine.ended) {
    assert.notEqual(engine.deadline(), undefined)
    return
  }
  const { ending } = victim
  assert.equal(victim.events.at(-1)?.is, 'ended', 'something happened after the end')
  assert.ok(ending !== undefined)
  // What went wrong inside us would be our fault, and never the peer's doing.
  if (!isRefusal(ending.error)) throw new Error('ended by an error of no known kind', { cause: ending.error })
  assert.notEqual(hostile.goodbye?.description, 'internal error', ending.error.stack ?? '')
  assert.equal(engine.deadline(), undefined)
}

const act = (attack: Attack, { kind, bytes }: Frame, plain: boolean): void => {
  const { hostile, victim } = attack
  switch (kind) {
    case does.raw:
      hostile.raw(bytes.slice())
      break
    case does.application:
      application(attack, bytes)
      break
    case does.answer:
      answer(attack, bytes)
      break
    case does.time:
      attack.elapse(((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0))
      break
    case does.hangUp:
      hostile.hangUp()
      break
    default:
      if (plain) hostile.raw(plainPacket(bytes))
      else hostile.payload(bytes)
  }
  victim.settle()
}

const runInput = (role: Role, phase: Phase, input: Uint8Array, note: Note): void => {
  const attack = prepared(role, phase, input[0] ?? 0)
  const { victim } = attack
  const plain = phase === 'identification' || phase === 'before-kex' || phase === 'during-kex'
  for (const frame of readFrames(input.subarray(1), mostItems)) {
    act(attack, frame, plain)
    // Several items in one read, now and then.
    if ((frame.kind & 1) === 0) attack.run()
  }
  attack.run()
  sound(attack)
  const last = victim.ending === undefined ? 'goes on' : `${victim.ending.by} ${(victim.ending.error as { code?: string }).code}`
  note(`${last} ${victim.engine.stage} ${new Set(victim.events.map(each => each.is)).size} ${Math.min(4, victim.channels.length)}`)
  // How full everything is: a search that fills something little by little is on its way to a bound.
  const { connection } = victim.engine
  const fullest = Math.max(0, ...victim.channels.map(({ channel }) => channel.unconsumed))
  note(`held ${Math.ceil((8 * fullest) / limits.initialWindow)} of 8`)
  note(`${connection.channelCount} channels, ${connection.pendingOpens} waiting`)
  note(`output of ${Math.ceil(Math.log2(1 + victim.engine.pendingOutput))} bits`)
  for (const event of victim.events) note(event.is === 'question' ? `question ${event.question.about}` : event.is)
  // Whatever happened, the end of the network is the end.
  attack.hostile.hangUp()
  attack.run()
  if (!victim.ended) victim.end(attack.clock.now())
  attack.elapse(10 * 60_000)
  sound(attack)
  assert.ok(victim.ended, 'the engine did not end')
}

// ── making inputs ───────────────────────────────────────────────────────────────────────────────────────────────────

const fitting = (role: Role, phase: Phase): typeof messages => {
  const theirs = messages.filter(each => each.from === 'either' || each.from !== role)
  const inPhase = (each: (typeof messages)[number]): boolean => {
    if (phase === 'connected') return each.phase === 'connection'
    if (phase === 'during-auth') return each.phase === 'auth'
    if (phase === 'before-auth') return each.phase === 'service' || each.phase === 'auth' || each.phase === 'established'
    return each.phase === 'kex' || each.phase === 'any'
  }
  return theirs.filter(inPhase)
}

const partOf = (phase: Phase): Parameters<typeof rightMessages>[1] => {
  if (phase === 'connected') return 'channels'
  return phase === 'during-auth' || phase === 'before-auth' ? 'login' : 'exchange'
}

const actions: readonly number[] = [does.raw, does.application, does.application, does.answer, does.answer, does.time, does.hangUp]

const maker = (role: Role, phase: Phase): ((random: SeededRandom) => Frame) => {
  const likely = fitting(role, phase)
  const right = rightMessages(role, partOf(phase))
  return random => {
    if (random.oneIn(2)) return { kind: random.below(2), bytes: random.pick(right) }
    if (random.oneIn(4)) {
      const bytes = new Uint8Array(1 + random.below(4))
      random.bytes(bytes)
      return { kind: random.pick(actions), bytes }
    }
    const message = random.pick(random.oneIn(4) ? messages : likely)
    if (message === KexInit && random.oneIn(2)) return { kind: random.below(2), bytes: kexInit(random.pick(kexNames)) }
    return { kind: random.below(2), bytes: Uint8Array.of(message.number, ...invented(message, random, wireNames)) }
  }
}

const changeFrame = (frame: Frame, random: SeededRandom): Frame => {
  const candidates = messages.filter(each => each.number === frame.bytes[0])
  const bytes =
    frame.kind < does.raw && candidates.length > 0 && random.oneIn(2)
      ? Uint8Array.of(frame.bytes[0], ...withOtherField(random.pick(candidates), frame.bytes.subarray(1), random, wireNames))
      : mutated(frame.bytes, random, frame.bytes, [])
  return { kind: frame.kind, bytes }
}

const engineTarget = (role: Role, phase: Phase): Target => {
  const make = maker(role, phase)
  return {
    name: `packets-${phase}-${role}`,
    about: `an engine as a ${role}, ${phase.replaceAll('-', ' ')}: messages right and wrong, bytes, and an application that goes on`,
    seeds: () => [
      Uint8Array.of(0),
      ...rightMessages(role, partOf(phase)).map(bytes => Uint8Array.of(0, ...writeFrames([{ kind: 0, bytes }]))),
      ...fitting(role, phase).map(message => Uint8Array.of(0, ...writeFrames([{ kind: 0, bytes: Uint8Array.of(message.number) }]))),
      ...(phase === 'identification'
        ? ['SSH-2.0-x\r\n', 'hello\nSSH-2.0-x\n'].map(text =>
            Uint8Array.of(0, ...writeFrames([{ kind: does.raw, bytes: new TextEncoder().encode(text) }])),
          )
        : []),
    ],
    generate: random => Uint8Array.of(random.below(256), ...writeFrames(Array.from({ length: 1 + random.below(8) }, () => make(random)))),
    mutate: (input, random) =>
      Uint8Array.of(
        random.oneIn(10) ? random.below(256) : (input[0] ?? 0),
        ...writeFrames(changedFrames(readFrames(input.subarray(1), mostItems), random, make, changeFrame)),
      ),
    words: wireNames,
    maximumLength: 8192,
    run: (input, note) => runInput(role, phase, input, note),
  }
}

/** A conversation without surprises, but for some bytes of the peer's that change on the way: place (2 bytes) and difference. */
const conversation = (role: Role): Target => ({
  name: `conversation-${role}`,
  about: `a whole conversation as a ${role} in which bytes of the peer change on the way`,
  maximumLength: 12,
  seeds: () => [Uint8Array.of(0, 20, 1), Uint8Array.of(2, 0, 0x80), Uint8Array.of(8, 0, 1, 9, 0, 1)],
  run: (input, note) => {
    const attack = createAttack({ victim: role === 'client' ? { role, crypto: nullCrypto, limits } : { role, crypto: nullCrypto, limits } })
    const { hostile, victim } = attack
    let seen = 0
    const take = hostile.takeOutgoing.bind(hostile)
    hostile.takeOutgoing = () => {
      const buffer = take()
      if (buffer === undefined) return undefined
      for (let at = 0; at + 2 < input.length; at += 3) {
        const position = ((input[at] << 8) | input[at + 1]) - seen
        if (position >= 0 && position < buffer.length) buffer[position] ^= input[at + 2]
      }
      seen += buffer.length
      return buffer
    }
    attack.run()
    hostile.greet()
    attack.run()
    if (role === 'client' && victim.authenticated) victim.open(session, {}).send('hello')
    hostile.payload(Uint8Array.of(94, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2))
    attack.run()
    sound(attack)
    note(victim.ending === undefined ? victim.engine.stage : `${(victim.ending.error as { code?: string }).code}`)
  },
})

export const engineTargets: readonly Target[] = [
  ...phases.flatMap(phase => [engineTarget('server', phase), engineTarget('client', phase)]),
  conversation('server'),
  conversation('client'),
]
