// Owns the messages between an agent and its clients (RFC 9987): numbers, codecs, framing. Knows neither sockets nor who
// asks. They are no SSH packets: numbers and names are a space of their own.
import { bytes, type Codec, counted, decode, prose, struct, uint32 } from '../wire/codec.ts'
import { Writer } from '../wire/writer.ts'

/** RFC 9987 §6.1: message numbers. */
export const agentNumbers = {
  SSH_AGENT_FAILURE: 5,
  SSH_AGENT_SUCCESS: 6,
  SSH_AGENTC_REQUEST_IDENTITIES: 11,
  SSH_AGENT_IDENTITIES_ANSWER: 12,
  SSH_AGENTC_SIGN_REQUEST: 13,
  SSH_AGENT_SIGN_RESPONSE: 14,
  SSH_AGENTC_ADD_IDENTITY: 17,
  SSH_AGENTC_REMOVE_IDENTITY: 18,
  SSH_AGENTC_REMOVE_ALL_IDENTITIES: 19,
  SSH_AGENTC_ADD_SMARTCARD_KEY: 20,
  SSH_AGENTC_REMOVE_SMARTCARD_KEY: 21,
  SSH_AGENTC_LOCK: 22,
  SSH_AGENTC_UNLOCK: 23,
  SSH_AGENTC_ADD_ID_CONSTRAINED: 25,
  SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED: 26,
  SSH_AGENTC_EXTENSION: 27,
  SSH_AGENT_EXTENSION_FAILURE: 28,
  SSH_AGENT_EXTENSION_RESPONSE: 29,
} as const

/** RFC 9987 §6.2: key constraints. */
export const agentConstraints = {
  SSH_AGENT_CONSTRAIN_LIFETIME: 1,
  SSH_AGENT_CONSTRAIN_CONFIRM: 2,
  SSH_AGENT_CONSTRAIN_EXTENSION: 255,
} as const

/** RFC 9987 §6.3: flags of a sign request, by the algorithm they ask for. */
export const signFlags: Readonly<Record<string, number>> = {
  'rsa-sha2-256': 2,
  'rsa-sha2-512': 4,
  'rsa-sha2-256-cert-v01@openssh.com': 2,
  'rsa-sha2-512-cert-v01@openssh.com': 4,
}

/** Ceiling on one message, in bytes; OpenSSH's agent has the same. */
export const maximumAgentMessage = 256 * 1024

interface AgentMessage<T> extends Codec<T> {
  readonly name: keyof typeof agentNumbers
  readonly number: number
}

const agentMessage = <T>(name: keyof typeof agentNumbers, fields: Codec<T>): AgentMessage<T> => ({
  name,
  number: agentNumbers[name],
  ...fields,
})

export const Failure = agentMessage('SSH_AGENT_FAILURE', struct({}))
export const Success = agentMessage('SSH_AGENT_SUCCESS', struct({}))
/** RFC 9987 §3.5. */
export const RequestIdentities = agentMessage('SSH_AGENTC_REQUEST_IDENTITIES', struct({}))
export const IdentitiesAnswer = agentMessage(
  'SSH_AGENT_IDENTITIES_ANSWER',
  struct({ keys: counted(struct({ publicKey: bytes, comment: prose }), 2048) }),
)
/** RFC 9987 §3.6. */
export const SignRequest = agentMessage('SSH_AGENTC_SIGN_REQUEST', struct({ publicKey: bytes, data: bytes, flags: uint32 }))
export const SignResponse = agentMessage('SSH_AGENT_SIGN_RESPONSE', struct({ signature: bytes }))

/** A message with its length before it (RFC 9987 §3). */
export const encodeAgentMessage = <T>(of: AgentMessage<T>, value: T): Uint8Array => {
  const writer = new Writer()
  writer.uint32(0)
  writer.byte(of.number)
  of.write(writer, value)
  const end = writer.offset
  writer.offset = 0
  writer.uint32(end - 4)
  return writer.bytes.slice(0, end)
}

/** Reads the fields of a payload (number, then fields) known to be `of`. Throws `WireError`. */
export const decodeAgentMessage = <T>(of: AgentMessage<T>, payload: Uint8Array): T => decode(of, payload.subarray(1))
