// Owns EXT_INFO (RFC 8308): which extensions we announce, and what a peer announced. Knows nothing of who uses them.
import { ProtocolError } from '../errors.ts'
import { decodeText, Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'

const maximumExtensions = 64
const maximumValue = 16 * 1024

export interface ExtensionInfo {
  /** RFC 8308 §3.1: signature algorithms the server takes for publickey. */
  readonly serverSignatureAlgorithms: readonly string[] | undefined
  /** OpenSSH PROTOCOL §1.8: the server answers SSH2_MSG_PING. */
  readonly ping: boolean
  /** OpenSSH PROTOCOL §3.1: the server takes proofs of a key that name the server's own (publickey-hostbound-v00). */
  readonly hostBound: boolean
  /** OpenSSH: the server may send EXT_INFO again during authentication. */
  readonly duringAuthentication: boolean
  /** RFC 9987: the server knows `agent-req` and `agent-connect`. */
  readonly agentForward: boolean
}

/** Reads the content of SSH_MSG_EXT_INFO. Throws `ProtocolError` for too many or malformed extensions. */
export const readExtensionInfo = (content: Uint8Array): ExtensionInfo => {
  const reader = new Reader(content)
  const count = reader.uint32()
  if (count > maximumExtensions)
    throw new ProtocolError('extension-info-malformed', `EXT_INFO with ${count} extensions; at most ${maximumExtensions} are taken.`)
  let algorithms: Uint8Array | undefined
  let ping = false
  let hostBound = false
  let duringAuthentication = false
  let agentForward = false
  for (let i = 0; i < count; i++) {
    const name = reader.text()
    const value = reader.string()
    if (value.length > maximumValue)
      throw new ProtocolError(
        'extension-info-malformed',
        `An extension value of ${value.length} bytes is above the limit of ${maximumValue}.`,
      )
    if (name === 'server-sig-algs') algorithms = value
    else if (name === 'ping@openssh.com') ping = true
    // Its value is a version; there is one so far.
    else if (name === 'publickey-hostbound@openssh.com') hostBound = value.length === 1 && value[0] === 0x30
    else if (name === 'ext-info-in-auth@openssh.com') duringAuthentication = true
    else if (name === 'agent-forward') agentForward = true
  }
  reader.finish()
  return {
    serverSignatureAlgorithms:
      algorithms === undefined
        ? undefined
        : decodeText(algorithms)
            .split(',')
            .filter(each => each !== ''),
    ping,
    hostBound,
    duringAuthentication,
    agentForward,
  }
}

/**
 * What holds after a peer has sent EXT_INFO again: what it says now, and all it said before. OpenSSH from 9.7 on sends another during
 * authentication, with the signature algorithms for that user alone; what it can do besides it still can.
 */
export const laterExtensionInfo = (before: ExtensionInfo | undefined, later: ExtensionInfo): ExtensionInfo =>
  before === undefined
    ? later
    : {
        serverSignatureAlgorithms: later.serverSignatureAlgorithms ?? before.serverSignatureAlgorithms,
        ping: before.ping || later.ping,
        hostBound: before.hostBound || later.hostBound,
        duringAuthentication: before.duringAuthentication || later.duringAuthentication,
        agentForward: before.agentForward || later.agentForward,
      }

/** The content of our SSH_MSG_EXT_INFO. */
export const writeExtensionInfo = (extensions: Readonly<Record<string, string>>): Uint8Array => {
  const writer = new Writer()
  const names = Object.keys(extensions)
  writer.uint32(names.length)
  for (const name of names) {
    writer.text(name)
    writer.text(extensions[name])
  }
  return writer.bytes.slice(0, writer.offset)
}
