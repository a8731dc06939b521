// Owns the messages between an agent and its clients (RFC 9987, OpenSSH PROTOCOL.agent): numbers, codecs, framing. Knows
// neither sockets nor who asks. They are no SSH packets: numbers and names are a space of their own.
import { boolean, bytes, type Codec, counted, decode, prose, repeated, rest, struct, text, uint32 } from '../wire/codec.ts'
import { Writer } from '../wire/writer.ts'
import { type KeyConstraints, keyConstraints } from './constraints.ts'
import { type AgentIdentity, identityFields } from './identity.ts'

/** RFC 9987 §6.1: message numbers. */
export const agentNumbers = {
  SSH_AGENT_FAILURE: 5,
  SSH_AGENT_SUCCESS: 6,
  /** Of SSH 1; agents take it for a request to remove all keys. */
  SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES: 9,
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

/** RFC 9987 §6.3: flags of a sign request, by the algorithm they ask for. */
export const signFlags: Readonly<Record<string, number>> = {
  'rsa-sha2-256': 2,
  'rsa-sha2-512': 4,
  'rsa-sha2-256-cert-v01@openssh.com': 2,
  'rsa-sha2-512-cert-v01@openssh.com': 4,
}

/** The algorithm an RSA key signs with for these flags; 256 goes before 512, as in OpenSSH's agent. */
export const rsaAlgorithmOf = (flags: number): string => (flags & 2 ? 'rsa-sha2-256' : flags & 4 ? 'rsa-sha2-512' : 'ssh-rsa')

/** Names of the extensions we know. */
export const agentExtensions = { query: 'query', sessionBind: 'session-bind@openssh.com' } as const

/** Ceiling on one message, in bytes; OpenSSH's agent has the same. */
export const maximumAgentMessage = 256 * 1024

/** Ceiling on the keys of one answer. */
const maximumAgentKeys = 2048

export interface AgentMessage<T> extends Codec<T> {
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
  struct({ keys: counted(struct({ publicKey: bytes, comment: prose }), maximumAgentKeys) }),
)
/** RFC 9987 §3.6. */
export const SignRequest = agentMessage('SSH_AGENTC_SIGN_REQUEST', struct({ publicKey: bytes, data: bytes, flags: uint32 }))
export const SignResponse = agentMessage('SSH_AGENT_SIGN_RESPONSE', struct({ signature: bytes }))
/** RFC 9987 §3.2. */
export const AddIdentity = agentMessage(
  'SSH_AGENTC_ADD_IDENTITY',
  struct({ identity: identityFields satisfies Codec<AgentIdentity>, comment: prose }),
)
export const AddIdConstrained = agentMessage(
  'SSH_AGENTC_ADD_ID_CONSTRAINED',
  struct({ identity: identityFields, comment: prose, constraints: keyConstraints satisfies Codec<KeyConstraints> }),
)
/** RFC 9987 §3.4. */
export const RemoveIdentity = agentMessage('SSH_AGENTC_REMOVE_IDENTITY', struct({ publicKey: bytes }))
export const RemoveAllIdentities = agentMessage('SSH_AGENTC_REMOVE_ALL_IDENTITIES', struct({}))
export const RemoveAllRsaIdentities = agentMessage('SSH_AGENTC_REMOVE_ALL_RSA_IDENTITIES', struct({}))
/** RFC 9987 §3.2.6. `reader` is the path of a PKCS#11 library for OpenSSH. */
export const AddSmartcardKey = agentMessage('SSH_AGENTC_ADD_SMARTCARD_KEY', struct({ reader: text, pin: text }))
export const AddSmartcardKeyConstrained = agentMessage(
  'SSH_AGENTC_ADD_SMARTCARD_KEY_CONSTRAINED',
  struct({ reader: text, pin: text, constraints: keyConstraints }),
)
export const RemoveSmartcardKey = agentMessage('SSH_AGENTC_REMOVE_SMARTCARD_KEY', struct({ reader: text, pin: text }))
/** RFC 9987 §3.7. */
export const Lock = agentMessage('SSH_AGENTC_LOCK', struct({ passphrase: bytes }))
export const Unlock = agentMessage('SSH_AGENTC_UNLOCK', struct({ passphrase: bytes }))
/** RFC 9987 §3.8. */
export const Extension = agentMessage('SSH_AGENTC_EXTENSION', struct({ extension: text, contents: rest }))
export const ExtensionFailure = agentMessage('SSH_AGENT_EXTENSION_FAILURE', struct({}))
export const ExtensionResponse = agentMessage('SSH_AGENT_EXTENSION_RESPONSE', struct({ extension: text, contents: rest }))

/** RFC 9987 §3.8.1: what follows the name in the answer to `query`. */
export const extensionNames = repeated(text, 1024)

/** OpenSSH PROTOCOL.agent §1: the contents of `session-bind@openssh.com`. */
export const sessionBinding = struct({ hostKey: bytes, sessionId: bytes, signature: bytes, forwarding: boolean })

export const agentMessages = [
  Failure,
  Success,
  RequestIdentities,
  IdentitiesAnswer,
  SignRequest,
  SignResponse,
  AddIdentity,
  AddIdConstrained,
  RemoveIdentity,
  RemoveAllIdentities,
  RemoveAllRsaIdentities,
  AddSmartcardKey,
  AddSmartcardKeyConstrained,
  RemoveSmartcardKey,
  Lock,
  Unlock,
  Extension,
  ExtensionFailure,
  ExtensionResponse,
] as const

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
