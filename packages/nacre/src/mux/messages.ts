// Owns the messages between those who share a connection and the process that made it (OpenSSH's PROTOCOL.mux, version 4), as
// declarations. Knows nothing of sockets, or of who may ask what.
import { WireError } from '../errors.ts'
import { type Codec, type Fields, identifier, prose, type Struct, struct, text, uint32 } from '../wire/codec.ts'
import { Reader } from '../wire/reader.ts'
import { Writer } from '../wire/writer.ts'

/** The version of the protocol: there is one. */
export const muxVersion = 4
/** The most bytes of a message without its length. A command and its environment must fit. */
export const mostMuxBytes = 256 * 1024
/** A port that says that its host is the path of a Unix socket. */
export const pathPort = 0xfffffffe

export interface MuxMessage<T = unknown> extends Codec<T> {
  readonly name: string
  readonly number: number
}

const mux = <const F extends Fields>(name: string, number: number, fields: F): MuxMessage<Struct<F>> => ({
  name,
  number,
  ...struct(fields),
})

const request = { requestId: uint32 } as const
const forward = { ...request, kind: uint32, listenHost: text, listenPort: uint32, connectHost: text, connectPort: uint32 } as const
const refusal = { ...request, reason: prose } as const

/** Pairs of strings: the name of an extension, and what it says. */
const extensions: Codec<ReadonlyMap<string, string>> = {
  read(reader) {
    const found = new Map<string, string>()
    while (reader.remaining > 0) {
      if (found.size >= 64) throw new WireError('more than 64 extensions')
      found.set(reader.identifier(), prose.read(reader))
    }
    return found
  },
  write(writer, value) {
    for (const [name, said] of value) {
      writer.text(name)
      writer.text(said)
    }
  },
}

const mostVariables = 4096
/** `NAME=value` to the end. */
const variables: Codec<readonly string[]> = {
  read(reader) {
    const found: string[] = []
    while (reader.remaining > 0) {
      if (found.length >= mostVariables) throw new WireError(`more than ${mostVariables} variables`)
      found.push(reader.text())
    }
    return found
  },
  write(writer, value) {
    for (const each of value) writer.text(each)
  },
}

export const Hello = mux('MUX_MSG_HELLO', 0x00000001, { version: uint32, extensions })
export const NewSession = mux('MUX_C_NEW_SESSION', 0x10000002, {
  ...request,
  reserved: text,
  wantTty: uint32,
  wantX11: uint32,
  wantAgent: uint32,
  subsystem: uint32,
  escapeCharacter: uint32,
  term: text,
  command: text,
  environment: variables,
})
export const AliveCheck = mux('MUX_C_ALIVE_CHECK', 0x10000004, request)
export const Terminate = mux('MUX_C_TERMINATE', 0x10000005, request)
export const OpenForward = mux('MUX_C_OPEN_FWD', 0x10000006, forward)
export const CloseForward = mux('MUX_C_CLOSE_FWD', 0x10000007, forward)
export const NewStdioForward = mux('MUX_C_NEW_STDIO_FWD', 0x10000008, { ...request, reserved: text, host: text, port: uint32 })
export const StopListening = mux('MUX_C_STOP_LISTENING', 0x10000009, request)
export const ProxyRequest = mux('MUX_C_PROXY', 0x1000000f, request)
/** Of OpenSSH 10, announced by the extension `info`. */
export const InfoRequest = mux('MUX_C_EXT_INFO', 0x20000001, { ...request, what: identifier })

export const Ok = mux('MUX_S_OK', 0x80000001, request)
export const PermissionDenied = mux('MUX_S_PERMISSION_DENIED', 0x80000002, refusal)
export const Failure = mux('MUX_S_FAILURE', 0x80000003, refusal)
export const ExitMessage = mux('MUX_S_EXIT_MESSAGE', 0x80000004, { sessionId: uint32, exitValue: uint32 })
export const Alive = mux('MUX_S_ALIVE', 0x80000005, { ...request, pid: uint32 })
export const SessionOpened = mux('MUX_S_SESSION_OPENED', 0x80000006, { ...request, sessionId: uint32 })
export const RemotePort = mux('MUX_S_REMOTE_PORT', 0x80000007, { ...request, port: uint32 })
export const TtyAllocFail = mux('MUX_S_TTY_ALLOC_FAIL', 0x80000008, { sessionId: uint32 })
export const Proxying = mux('MUX_S_PROXY', 0x8000000f, request)
export const Info = mux('MUX_S_EXT_INFO', 0x90000001, { ...request, status: uint32, text: prose })
/** What a forward is, by its number. */
export const forwardKinds = { local: 1, remote: 2, dynamic: 3 } as const
export type ForwardKind = keyof typeof forwardKinds

/** The length, the number and the fields, in a buffer of its own. */
export const encodeMux = <T>(message: MuxMessage<T>, value: T): Uint8Array => {
  const writer = new Writer(128)
  writer.uint32(0)
  writer.uint32(message.number)
  message.write(writer, value)
  const { offset } = writer
  writer.offset = 0
  writer.uint32(offset - 4)
  return writer.bytes.subarray(0, offset)
}

/** Reads a whole payload (number included). Throws `WireError` for another number, and for bytes that are missing or left over. */
export const decodeMux = <T>(message: MuxMessage<T>, payload: Uint8Array): T => {
  const reader = new Reader(payload)
  const number = reader.uint32()
  if (number !== message.number) throw new WireError(`message 0x${number.toString(16)} where ${message.name} belongs`)
  const value = message.read(reader)
  reader.finish()
  return value
}

/** The number of a payload. Throws `WireError` when there is none. */
export const muxNumber = (payload: Uint8Array): number => new Reader(payload).uint32()
