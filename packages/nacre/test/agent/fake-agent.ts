// Owns an agent in memory for tests, made of the same codecs: it holds signers and answers as RFC 9987 says. Knows
// nothing of sockets; a test can bend each answer.
import {
  decodeAgentMessage,
  encodeAgentMessage,
  Failure,
  IdentitiesAnswer,
  RequestIdentities,
  SignRequest,
  SignResponse,
} from '../../src/agent/messages.ts'
import type { AgentTransport } from '../../src/agent/transport.ts'
import type { Signer } from '../../src/keys/signer.ts'

export interface FakeAgentOptions {
  /** Bytes of each piece it hands out. Default: whole answers. */
  readonly pieceBytes?: number
  /** Replaces an answer; `undefined` ends the stream. */
  readonly bend?: (answer: Uint8Array, request: Uint8Array) => Uint8Array | undefined
}

export interface FakeAgent extends AgentTransport {
  readonly requests: Uint8Array[]
  /** Requests written before the one before was answered. */
  readonly overlaps: number
  readonly closed: boolean
}

const rsaAlgorithm = (flags: number): string => (flags & 4 ? 'rsa-sha2-512' : flags & 2 ? 'rsa-sha2-256' : 'ssh-rsa')

const answerTo = async (signers: readonly Signer[], request: Uint8Array): Promise<Uint8Array> => {
  const payload = request.subarray(4)
  if (payload[0] === RequestIdentities.number) {
    return encodeAgentMessage(IdentitiesAnswer, {
      keys: signers.map(({ publicKey }) => ({ publicKey: publicKey.blob, comment: publicKey.comment })),
    })
  }
  if (payload[0] !== SignRequest.number) return encodeAgentMessage(Failure, {})
  const { publicKey, data, flags } = decodeAgentMessage(SignRequest, payload)
  const signer = signers.find(each => each.publicKey.equals(publicKey))
  if (signer === undefined) return encodeAgentMessage(Failure, {})
  const algorithm = signer.publicKey.type === 'ssh-rsa' ? rsaAlgorithm(flags) : signer.publicKey.type
  return encodeAgentMessage(SignResponse, { signature: await signer.sign(data, algorithm) })
}

export const fakeAgent = (signers: readonly Signer[], options: FakeAgentOptions = {}): FakeAgent => {
  const requests: Uint8Array[] = []
  let answer: Promise<Uint8Array | undefined> | undefined
  let held: Uint8Array | undefined
  let overlaps = 0
  let closed = false
  return {
    requests,
    get overlaps() {
      return overlaps
    },
    get closed() {
      return closed
    },
    write: bytes => {
      if (answer !== undefined || held !== undefined) overlaps++
      requests.push(bytes)
      answer = answerTo(signers, bytes).then(whole => (options.bend === undefined ? whole : options.bend(whole, bytes)))
    },
    read: async () => {
      if (answer !== undefined) held = await answer
      answer = undefined
      if (held === undefined) return undefined
      const piece = held.subarray(0, options.pieceBytes ?? held.length)
      held = piece.length === held.length ? undefined : held.subarray(piece.length)
      return piece
    },
    close: () => void (closed = true),
  }
}
