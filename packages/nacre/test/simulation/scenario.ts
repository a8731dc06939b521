// Owns what a simulation does, drawn from one seed before anything runs: the network, both sides' limits, the login, every
// channel's script, and what goes wrong. Plain data; knows nothing of engines.
import { seededRandom, type SeededRandom } from '../../src/testing/random.ts'

export type SideName = 'client' | 'server'
export const sideNames: readonly SideName[] = ['client', 'server']
export const otherSide = (side: SideName): SideName => (side === 'client' ? 'server' : 'client')

export interface NetworkPlan {
  /** Most bytes of one read: 1 cuts everywhere, 0 delivers all that is there. */
  readonly largestRead: number
  /** Milliseconds: each way, and how much more it may be. */
  readonly latency: number
  readonly jitter: number
  /** Bytes under way in one direction before a write waits. */
  readonly capacity: number
  /** Whether buffers come back at once or some time later. */
  readonly lateRelease: boolean
  /** One step in so many begins a stall of up to `stallMilliseconds`; 0 for none. */
  readonly stallOneIn: number
  readonly stallMilliseconds: number
}

export interface SidePlan {
  readonly limits: {
    readonly initialWindow: number
    readonly maximumPacket: number
    readonly maximumDataBytes: number
    readonly maximumChannels: number
    readonly maximumPendingOpens: number
  }
  readonly highWater: number
  readonly rekey: { readonly bytes: number; readonly packets: number; readonly milliseconds: number }
  readonly keepalive: { readonly milliseconds: number; readonly maximumUnanswered: number } | false
  readonly deadlines: { readonly handshake: number; readonly login: number; readonly rekey: number }
  readonly globalRequests: readonly GlobalPlan[]
}

export interface GlobalPlan {
  readonly kind: 'keepalive' | 'forward' | 'ordered' | 'ping'
  readonly wantReply: boolean
  /** Milliseconds before it is sent, and before it is answered. */
  readonly after: number
  readonly answerAfter: number
}

export type Attempt = 'none' | 'wrong-password' | 'password' | 'key' | 'refused-key' | 'queried-key' | 'interactive' | 'cancelled'
export interface LoginPlan {
  /** What the client tries, in order; it gives up after them. */
  readonly attempts: readonly Attempt[]
  readonly maximumAttempts: number
  readonly banner: boolean
  readonly hostKey: 'trusted' | 'refused'
  /** Milliseconds until a question is answered; `Infinity` never. */
  readonly answerAfter: { readonly [S in SideName]: number }
  /** The server's host key signs some time later. */
  readonly slowSigner: boolean
}

export type Step =
  | { readonly is: 'write'; readonly type: 0 | 1; readonly count: number; readonly piece: number }
  | { readonly is: 'request'; readonly wantReply: boolean; readonly answerAfter: number }
  | { readonly is: 'pause'; readonly milliseconds: number }
  | { readonly is: 'eof' }
  | { readonly is: 'wait-for-eof' }
  | { readonly is: 'close' }

export type Reader =
  | { readonly is: 'eager' }
  | { readonly is: 'slow'; readonly bytes: number; readonly every: number }
  | { readonly is: 'late'; readonly after: number }
  /** Waits for whole records, of any length up to a window, before it consumes them. */
  | { readonly is: 'records' }
  | { readonly is: 'absent' }

export interface EndPlan {
  readonly steps: readonly Step[]
  readonly reader: Reader
  /** Closes then, whatever else it does. */
  readonly abortAfter: number | undefined
}

export interface ChannelPlan {
  readonly id: number
  readonly opener: SideName
  /** `wrong` is a type that only the other side may open; `strange` one that nobody declared. */
  readonly type: 'ours' | 'standard' | 'wrong' | 'strange'
  readonly after: number
  readonly answer: { readonly is: 'accept' | 'refuse' | 'never'; readonly after: number }
  /** The opener closes before it knows whether the channel was opened. */
  readonly hasty: boolean
  readonly ends: { readonly [S in SideName]: EndPlan }
}

export type Ending =
  | { readonly is: 'disconnect'; readonly by: readonly SideName[] }
  | { readonly is: 'half-close'; readonly by: SideName }
  | { readonly is: 'reset' }
  /** From now on everything is lost on the way, and nobody is told. */
  | { readonly is: 'silence' }

export interface Scenario {
  readonly seed: number
  readonly crypto: 'null' | 'real'
  readonly algorithms: { readonly kex: string; readonly ciphers: string; readonly macs: string; readonly compression: string }
  readonly network: NetworkPlan
  readonly sides: { readonly [S in SideName]: SidePlan }
  readonly login: LoginPlan
  readonly channels: readonly ChannelPlan[]
  /** Key exchanges asked for out of the blue, by one side or by both at once. */
  readonly rekeys: readonly { readonly after: number; readonly by: readonly SideName[] }[]
  /** Comes at this step, if the conversation lasts that long. */
  readonly accident: { readonly atStep: number; readonly ending: Ending } | undefined
  /** How it ends when everything has been done. */
  readonly farewell: Ending
  /** Whether deadlines may pass: then no side may be blamed for it. */
  readonly hurried: boolean
}

/** One seed in so many uses real cryptography, which costs ten times as much. */
const realCryptoOneIn = 40

/** The same seed gives the same scenario. */
export const scenarioOf = (seed: number): Scenario => {
  const random = seededRandom(seed)
  const crypto = random.oneIn(realCryptoOneIn) ? 'real' : 'null'
  const network = networkOf(random)
  const hurried = random.oneIn(15)
  const accident = random.oneIn(3) ? { atStep: accidentStep(random), ending: endingOf(random) } : undefined
  const sides = { client: sideOf(random, network, hurried), server: sideOf(random, network, hurried) }
  const login = loginOf(random, hurried)
  return {
    seed,
    crypto,
    algorithms: algorithmsOf(random, crypto),
    network,
    sides,
    login,
    channels: channelsOf(random, network, sides),
    rekeys: Array.from({ length: random.oneIn(3) ? random.below(8) : 0 }, () => ({
      after: delay(random),
      by: random.oneIn(2) ? sideNames : [random.pick(sideNames)],
    })),
    accident,
    farewell: endingOf(random),
    hurried,
  }
}

/** From `least` to `most`, small ones as often as large ones. */
const spread = (random: SeededRandom, least: number, most: number): number =>
  Math.floor(least * (most / least) ** (random.below(1_000_001) / 1_000_000))

const accidentStep = (random: SeededRandom): number => spread(random, 1, 3000)

const endingOf = (random: SeededRandom): Ending => {
  const by = random.pick(sideNames)
  switch (random.below(6)) {
    case 0:
      return { is: 'reset' }
    case 1:
      return { is: 'silence' }
    case 2:
      return { is: 'half-close', by }
    case 3:
      return { is: 'disconnect', by: sideNames }
    default:
      return { is: 'disconnect', by: [by] }
  }
}

const networkOf = (random: SeededRandom): NetworkPlan => {
  const latency = random.pick([0, 0, 1, 20, 300])
  const jitter = random.pick([0, 0, 5, 200])
  return {
    largestRead: random.pick([0, 0, 0, 70_000, 70_000, 4000, 300, 64, 17, 5, 1]),
    latency,
    jitter,
    // What fits is a rate, where bytes take time.
    capacity: random.pick(latency + jitter > 0 ? [3000, 64_000, 1_000_000] : [1, 100, 3000, 1_000_000]),
    lateRelease: random.oneIn(2),
    stallOneIn: random.pick([0, 0, 2000, 200]),
    stallMilliseconds: random.pick([10, 1000, 20_000]),
  }
}

const algorithmsOf = (random: SeededRandom, crypto: 'null' | 'real'): Scenario['algorithms'] => ({
  kex: random.pick(
    crypto === 'real'
      ? ['curve25519-sha256', 'ecdh-sha2-nistp256']
      : [
          'curve25519-sha256',
          'mlkem768x25519-sha256',
          'ecdh-sha2-nistp384',
          'diffie-hellman-group14-sha256',
          'diffie-hellman-group-exchange-sha256',
        ],
  ),
  ciphers: random.pick(['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes128-ctr']),
  macs: random.pick(['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-256']),
  compression: random.oneIn(25) ? random.pick(['zlib@openssh.com', 'zlib']) : 'none',
})

const never = Number.MAX_SAFE_INTEGER
const mostHighWater = 1_048_576
/** Milliseconds: a request answered late, or a signature of a slow signer, and then some. */
const slowestAnswer = 7000

const sideOf = (random: SeededRandom, network: NetworkPlan, hurried: boolean): SidePlan => {
  // The slowest answer a peer in good faith can give.
  const roundTrip = 2 * (network.latency + network.jitter + (network.stallOneIn > 0 ? network.stallMilliseconds : 0))
  // What stands before it on the way may be all that both sides hold ready.
  const drain = Math.ceil((2 * mostHighWater) / network.capacity) * (network.latency + network.jitter)
  const rekeysOften = random.oneIn(3)
  const maximumPacket = random.pick([1, 10, 1000, 32_768, 32_768])
  return {
    limits: {
      initialWindow: random.pick([1, 10, 1000, 100_000, 2_097_152, 2_097_152]),
      maximumPacket,
      maximumDataBytes: random.pick([1, 500, 32_768, 32_768, 65_536]),
      maximumChannels: random.pick([1, 5, 1024, 1024]),
      maximumPendingOpens: random.pick([1, 5, 1024, 1024]),
    },
    // Not so little that the control messages of hundreds of channels alone are above it.
    highWater: random.pick([65_536, 65_536, mostHighWater]),
    rekey: {
      bytes: rekeysOften ? random.pick([1500, 10_000, 100_000]) : 2 ** 30,
      packets: rekeysOften ? random.pick([3, 10, 100, 2 ** 30]) : 2 ** 30,
      milliseconds: random.oneIn(8) ? random.pick([100, 5000]) : never,
    },
    keepalive: random.oneIn(5)
      ? false
      : { milliseconds: slowestAnswer + 10 * roundTrip + drain + random.below(60_000), maximumUnanswered: 1 + random.below(3) },
    deadlines: hurried
      ? { handshake: spread(random, 1, 20_000), login: spread(random, 1, 20_000), rekey: spread(random, 1, 20_000) }
      : { handshake: 600_000, login: 600_000, rekey: 600_000 + 20 * roundTrip },
    globalRequests: Array.from({ length: random.oneIn(3) ? random.below(8) : 0 }, () => ({
      kind: random.pick(['keepalive', 'forward', 'ordered', 'ping'] as const),
      wantReply: !random.oneIn(4),
      after: delay(random),
      answerAfter: delay(random),
    })),
  }
}

const delay = (random: SeededRandom): number => (random.oneIn(2) ? 0 : spread(random, 1, 5000))

const loginOf = (random: SeededRandom, hurried: boolean): LoginPlan => {
  const fails = random.oneIn(25)
  const tries: Attempt[] = []
  if (random.oneIn(2)) tries.push('none')
  const detours = random.oneIn(3) ? 1 + random.below(fails ? 8 : 3) : 0
  for (let i = 0; i < detours; i++) tries.push(random.pick(['wrong-password', 'refused-key', 'cancelled'] as const))
  if (!fails) tries.push(random.pick(['password', 'password', 'key', 'queried-key', 'interactive'] as const))
  const answerAfter = (): number => (hurried && random.oneIn(3) ? random.pick([Number.POSITIVE_INFINITY, 30_000]) : delay(random))
  return {
    attempts: tries,
    maximumAttempts: fails ? 1 + random.below(6) : 6,
    banner: random.oneIn(3),
    hostKey: random.oneIn(50) ? 'refused' : 'trusted',
    answerAfter: { client: answerAfter(), server: answerAfter() },
    slowSigner: random.oneIn(4),
  }
}

const countOfChannels = (random: SeededRandom): number => {
  const draw = random.below(1000)
  if (draw < 5) return 100 + random.below(200)
  if (draw < 50) return 20 + random.below(60)
  return draw < 300 ? 4 + random.below(12) : random.below(4)
}

const channelsOf = (random: SeededRandom, network: NetworkPlan, sides: Scenario['sides']): readonly ChannelPlan[] => {
  const count = countOfChannels(random)
  return Array.from({ length: count }, (_, id) => channelOf(random, id, count, network, sides))
}

/** How many bytes one end sends: bounded by the packets and reads that takes. */
const volume = (random: SeededRandom, from: SidePlan, to: SidePlan, network: NetworkPlan, channels: number): number => {
  const packet = Math.min(from.limits.maximumDataBytes, to.limits.maximumPacket, to.limits.initialWindow)
  const read = network.largestRead === 0 ? 70_000 : network.largestRead
  const most = Math.min(1_500_000, 60 * packet, 800 * Math.min(read, network.capacity)) / Math.sqrt(channels)
  return random.oneIn(5) ? 0 : spread(random, 1, Math.max(2, most))
}

const channelOf = (random: SeededRandom, id: number, count: number, network: NetworkPlan, sides: Scenario['sides']): ChannelPlan => {
  const opener = random.pick(sideNames)
  const type = random.oneIn(12) ? random.pick(['wrong', 'strange'] as const) : random.pick(['ours', 'standard'] as const)
  const bytes = {
    client: volume(random, sides.client, sides.server, network, count),
    server: volume(random, sides.server, sides.client, network, count),
  }
  const ends = { client: endOf(random, bytes.client, bytes.server), server: endOf(random, bytes.server, bytes.client) }
  const someoneAbsent = sideNames.find(side => ends[side].reader.is === 'absent')
  // Who waits for an absent reader waits until somebody gives up.
  const patient = someoneAbsent === undefined && !random.oneIn(10)
  const impatient = random.pick(sideNames)
  const abortAfter = patient ? undefined : random.below(20_000)
  return {
    id,
    opener,
    type,
    after: delay(random),
    answer: random.oneIn(10)
      ? { is: random.pick(['refuse', 'refuse', 'never'] as const), after: delay(random) }
      : { is: 'accept', after: delay(random) },
    hasty: random.oneIn(20),
    ends: {
      client: { ...ends.client, abortAfter: impatient === 'client' ? abortAfter : undefined },
      server: { ...ends.server, abortAfter: impatient === 'server' ? abortAfter : undefined },
    },
  }
}

/** `bytes` is what it may get to read. */
const readerOf = (random: SeededRandom, bytes: number): Reader => {
  switch (random.below(9)) {
    case 8:
      return { is: 'records' }
    case 0:
      return { is: 'absent' }
    case 1:
      return { is: 'late', after: spread(random, 1, 20_000) }
    case 2:
    case 3:
      return { is: 'slow', bytes: spread(random, 1 + Math.floor(bytes / 100), 50_000), every: random.pick([0, 1, 50]) }
    default:
      return { is: 'eager' }
  }
}

const endOf = (random: SeededRandom, bytes: number, theirs: number): Omit<EndPlan, 'abortAfter'> => {
  const steps: Step[] = []
  const request = (): void => {
    if (random.oneIn(3)) steps.push({ is: 'request', wantReply: !random.oneIn(3), answerAfter: delay(random) })
  }
  request()
  for (let left = bytes; left > 0;) {
    const count = random.oneIn(2) ? left : 1 + random.below(left)
    left -= count
    steps.push({ is: 'write', type: random.oneIn(4) ? 1 : 0, count, piece: spread(random, 1 + Math.floor(count / 50), count + 1) })
    request()
    if (random.oneIn(8)) steps.push({ is: 'pause', milliseconds: delay(random) })
  }
  if (!random.oneIn(3)) {
    steps.push({ is: 'eof' })
    request()
    // Only who has said so itself may wait for it: else both might.
    if (!random.oneIn(3)) steps.push({ is: 'wait-for-eof' })
  }
  request()
  steps.push({ is: 'close' })
  return { steps, reader: readerOf(random, theirs) }
}
