// Owns the floor of a session: both ends take the turns that a session of ours takes, with as many bytes, and make the calls
// of node:crypto that no implementation of SSH can avoid, each in its cheapest form. No SSH: what comes is counted, not read.
// Knows nothing of who measures.
import {
  type Cipheriv,
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomFillSync,
  sign,
  verify,
} from 'node:crypto'
import type { Socket } from 'node:net'
import { connected, left, listening } from './bare-sockets.ts'
import { serveCalls } from './calls.ts'
import { meter } from './meter.ts'
import { type Repeated, type Spent, type TurnsArgs, turnsOfClient, turnsOfServer } from './types.ts'

/** Node's types do not know raw keys yet. */
const importRaw = (key: Uint8Array, type: 'x25519' | 'ed25519'): KeyObject =>
  createPublicKey({ key, format: 'raw-public', asymmetricKeyType: type } as never)

const rawOf = (key: KeyObject): Uint8Array => key.export({ format: 'raw-public' } as never) as unknown as Uint8Array

const peersShare = rawOf(generateKeyPairSync('x25519').publicKey)
const own = generateKeyPairSync('ed25519')
const peersKey = rawOf(own.publicKey)
const signedBytes = new Uint8Array(150)
const peersSignature = sign(null, signedBytes, own.privateKey)

/** What is hashed to H: both identifications, both KEXINITs, the host key, both shares, the secret. */
const transcript = new Uint8Array(1150)
/** What a key is derived from: secret, H, a letter, session identifier. */
const keyMaterial = new Uint8Array(36 + 32 + 1 + 32)
/** With AES-GCM: two keys, two nonces. */
const derivedKeys = 4
/** Counter blocks of some packets; GHASH, which node:crypto does not offer by itself, is left out. */
const blocks = new Uint8Array(512)

/** Key generation, agreement, H and the keys, and a cipher each way. */
const exchangeKeys = (): readonly Cipheriv[] => {
  randomFillSync(new Uint8Array(16))
  const mine = generateKeyPairSync('x25519', { publicKeyEncoding: { format: 'raw-public' } } as never) as unknown as {
    readonly privateKey: KeyObject
  }
  diffieHellman({ privateKey: mine.privateKey, publicKey: importRaw(peersShare, 'x25519') })
  hash('sha256', transcript, 'buffer')
  let key = keyMaterial
  for (let i = 0; i < derivedKeys; i++) key = hash('sha256', keyMaterial, 'buffer') as typeof key
  return ['seal', 'open'].map(() => createCipheriv('aes-128-ecb', key.subarray(0, 16), null).setAutoPadding(false))
}

const signOwn = (): void => void sign(null, signedBytes, own.privateKey)
const verifyPeers = (): void => {
  if (!verify(null, signedBytes, importRaw(peersKey, 'ed25519'), peersSignature)) throw new Error('the signature is wrong')
}

const bytesOut = new Uint8Array(1024)

/** One end of a session: what it does when so many turns of the other end have come whole. */
interface Turning {
  readonly takes: readonly number[]
  readonly gives: readonly number[]
  /** At which turn keys are exchanged, and at which the user's signature is made or verified. */
  before(turn: number): readonly Cipheriv[] | undefined
}

const userSigns = 4

const serverTurns: Turning = {
  takes: turnsOfClient,
  // The first went when the client had connected.
  gives: turnsOfServer.slice(1),
  before(turn) {
    if (turn === userSigns) verifyPeers()
    if (turn !== 0) return undefined
    const ciphers = exchangeKeys()
    signOwn()
    return ciphers
  },
}

const clientTurns: Turning = {
  takes: [turnsOfServer[0] + turnsOfServer[1], ...turnsOfServer.slice(2)],
  gives: turnsOfClient.slice(1, -1),
  before(turn) {
    if (turn === userSigns - 1) signOwn()
    if (turn !== 0) return undefined
    const ciphers = exchangeKeys()
    verifyPeers()
    return ciphers
  },
}

/** What a connection of any implementation has to keep: where it is, and its ciphers. */
class End {
  readonly #turning: Turning
  readonly #done: (() => void) | undefined
  #turn = 0
  #come = 0
  #ciphers: readonly Cipheriv[] = []

  constructor(turning: Turning, done?: () => void) {
    this.#turning = turning
    this.#done = done
  }

  read(count: number, socket: Socket): void {
    const { takes, gives } = this.#turning
    this.#come += count
    while (this.#turn < takes.length && this.#come >= takes[this.#turn]) {
      this.#come -= takes[this.#turn]
      const ciphers = this.#turning.before(this.#turn)
      if (ciphers !== undefined) this.#ciphers = ciphers
      // The packets of a session are encrypted with two calls each way.
      if (this.#turn === 0 || this.#turn === userSigns) for (const cipher of this.#ciphers) cipher.update(blocks)
      const giving = gives[this.#turn]
      this.#turn++
      if (giving !== undefined) socket.write(bytesOut.subarray(0, giving))
    }
    if (this.#turn === takes.length) this.#done?.()
  }
}

/** Resolves when all turns but the last have been taken. */
const visit = async (port: number): Promise<Socket> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const end = new End(clientTurns, resolve)
  const socket: Socket = await connected(port, bytes => end.read(bytes.length, socket))
  socket.write(bytesOut.subarray(0, turnsOfClient[0]))
  await promise
  return socket
}

const leave = async (socket: Socket): Promise<void> => {
  socket.write(bytesOut.subarray(0, turnsOfClient.at(-1)))
  await left(socket)
}

serveCalls({
  listen: () =>
    listening(socket => {
      const end = new End(serverTurns)
      socket.write(bytesOut.subarray(0, turnsOfServer[0]))
      return bytes => end.read(bytes.length, socket)
    }),

  /** Sessions one after the other. */
  async turns({ port, count }: TurnsArgs): Promise<Repeated> {
    const walls: number[] = []
    const all = meter()
    for (let i = 0; i < count; i++) {
      const one = meter()
      await leave(await visit(port))
      walls.push(one().wall)
    }
    return { cpu: all().cpu, walls }
  },

  /** All at once; none leaves before all have taken their turns. */
  async crowd({ port, count }: TurnsArgs): Promise<Spent> {
    const all = meter()
    const sockets = await Promise.all(Array.from({ length: count }, () => visit(port)))
    await Promise.all(sockets.map(leave))
    return all()
  },
})
