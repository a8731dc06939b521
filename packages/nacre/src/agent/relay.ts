// Owns handing an agent on to another machine: the binding to the session first, then one request and its answer after the other,
// each of which somebody may forbid. Knows no channels or sockets, nor who that somebody is.
import { SshError } from '../errors.ts'
import { parsePublicKey, type PublicKey } from '../keys/public.ts'
import type { SessionProof } from '../transport/exchange.ts'
import { encode } from '../wire/codec.ts'
import { FrameReader } from './frames.ts'
import { agentExtensions, decodeAgentMessage, encodeAgentMessage, Extension, Failure, sessionBinding, SignRequest } from './messages.ts'
import { loginRequest } from './requests.ts'
import type { AgentTransport } from './transport.ts'

/** A signature somebody at the other machine wants. */
export interface ForwardedSignature {
  /** The key it is wanted of; `undefined` when it is none we can read. */
  readonly publicKey: PublicKey | undefined
  /** The user of the login it is for; `undefined` when it is for no login. Text from the peer. */
  readonly user: string | undefined
}

const withLength = (payload: Uint8Array): Uint8Array => {
  const framed = new Uint8Array(4 + payload.length)
  new DataView(framed.buffer).setUint32(0, payload.length)
  framed.set(payload, 4)
  return framed
}

/** Whole messages from one side; `undefined` at its end. Rejects with `WireError` for a length that may not be. */
const messagesOf = (transport: AgentTransport): (() => Promise<Uint8Array | undefined>) => {
  const frames = new FrameReader()
  return async () => {
    for (;;) {
      const payload = frames.next()
      if (payload !== undefined) return payload
      const piece = await transport.read()
      if (piece === undefined) return undefined
      frames.feed(piece)
    }
  }
}

const bindingRequest = ({ hostKey, sessionId, signature }: SessionProof): Uint8Array =>
  encodeAgentMessage(Extension, {
    extension: agentExtensions.sessionBind,
    contents: encode(sessionBinding, { hostKey, sessionId, signature, forwarding: true }),
  })

const readKey = (blob: Uint8Array): PublicKey | undefined => {
  try {
    return parsePublicKey(blob)
  } catch (error) {
    if (error instanceof SshError) return undefined
    throw error
  }
}

const signatureWanted = (payload: Uint8Array): ForwardedSignature => {
  const { publicKey, data } = decodeAgentMessage(SignRequest, payload)
  return { publicKey: readKey(publicKey), user: loginRequest(data, publicKey)?.user }
}

export interface AgentRelayOptions {
  /** What the server that the agent goes to has proved; the agent is told before anything else. `undefined` tells it nothing. */
  readonly proof: SessionProof | undefined
  /** Asked before each signature; `false` refuses it. Default: all are passed on. */
  readonly permit?: (wanted: ForwardedSignature) => boolean | Promise<boolean>
}

/**
 * Passes requests of `client` on to `agent` until either ends. Closes both and resolves then; rejects with what broke, after
 * closing both. An agent that does not know bindings is used all the same: it has no keys that depend on them.
 */
export const relayAgent = async (client: AgentTransport, agent: AgentTransport, { proof, permit }: AgentRelayOptions): Promise<void> => {
  const [request, answer] = [messagesOf(client), messagesOf(agent)]
  try {
    if (proof !== undefined) {
      await agent.write(bindingRequest(proof))
      if ((await answer()) === undefined) return
    }
    for (let asked = await request(); asked !== undefined; asked = await request()) {
      if (permit !== undefined && asked[0] === SignRequest.number && !(await permit(signatureWanted(asked)))) {
        await client.write(encodeAgentMessage(Failure, {}))
        continue
      }
      const framed = withLength(asked)
      await agent.write(framed)
      const answered = await answer()
      if (answered === undefined) return
      await client.write(withLength(answered))
    }
  } finally {
    client.close()
    agent.close()
  }
}
