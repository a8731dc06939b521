// Owns what a SOCKS server says and hears: SOCKS 4, 4a and 5 (RFC 1928) as far as CONNECT without authentication goes, as a dialogue
// that reads like the RFC. Knows nothing of where the bytes come from, and connects to nothing.
import { ForwardError } from '../errors.ts'
import type { TcpPlace } from './sockets.ts'

/** Where a client of SOCKS wants to go. */
export interface SocksTarget extends TcpPlace {
  /** A name or an address; text from whoever connected. */
  readonly host: string
  readonly version: 4 | 5
}

/** How connecting came out, as far as SOCKS can tell it. */
export type SocksOutcome = 'connected' | 'not-allowed' | 'host-unreachable' | 'refused' | 'failed'

/** `take` is answered by exactly so many bytes, `connect` by the outcome, `say` by nothing. */
export type SocksStep =
  | { readonly do: 'take'; readonly bytes: number }
  | { readonly do: 'say'; readonly bytes: Uint8Array }
  | { readonly do: 'connect'; readonly target: SocksTarget }

/** Ends with whether there is a connection now. Throws `ForwardError` for what is not SOCKS, or cannot be had. */
export type SocksDialogue<Result = boolean> = Generator<SocksStep, Result, unknown>

/** Names of hosts and users; SOCKS 5 cannot say more either. */
const longestText = 255

function* take(bytes: number): SocksDialogue<Uint8Array> {
  return (yield { do: 'take', bytes }) as Uint8Array
}
function* say(...bytes: readonly number[]): SocksDialogue<void> {
  yield { do: 'say', bytes: Uint8Array.from(bytes) }
}
function* connect(target: SocksTarget): SocksDialogue<SocksOutcome> {
  return (yield { do: 'connect', target }) as SocksOutcome
}

const invalid = (what: string): ForwardError => new ForwardError('FORWARD_SOCKS', `What came is no request of SOCKS: ${what}.`)

const numberAt = (bytes: Uint8Array, at: number): number => bytes[at] * 256 + bytes[at + 1]

/** Up to the zero byte, which is taken too. */
function* textToZero(what: string): SocksDialogue<Uint8Array> {
  const text = new Uint8Array(longestText)
  for (let length = 0; length <= longestText; length++) {
    const [byte] = yield* take(1)
    if (byte === 0) return text.subarray(0, length)
    if (length < longestText) text[length] = byte
  }
  throw invalid(`${what} is longer than ${longestText} bytes`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Throws where it has what no name has. */
const nameOf = (bytes: Uint8Array): string => {
  let name: string
  try {
    name = utf8.decode(bytes)
  } catch {
    throw invalid('the name of the host is no text')
  }
  if (name === '' || /[\p{Cc}\s]/u.test(name)) throw invalid('the name of the host is empty, or has characters no name has')
  return name
}

const v6 = (bytes: Uint8Array): string => {
  const words: string[] = []
  for (let at = 0; at < 16; at += 2) words.push(numberAt(bytes, at).toString(16))
  return words.join(':')
}

const codes4 = { granted: 0x5a, rejected: 0x5b } as const

/** After the version byte: VN CD DSTPORT DSTIP USERID NULL, and in 4a the name of the host for an address 0.0.0.x. */
function* version4(): SocksDialogue {
  const head = yield* take(7)
  yield* textToZero('the name of the user')
  const port = numberAt(head, 1)
  const address = head.subarray(3, 7)
  const named = address[0] === 0 && address[1] === 0 && address[2] === 0 && address[3] !== 0
  const host = named ? nameOf(yield* textToZero('the name of the host')) : address.join('.')
  if (head[0] !== 1 || port === 0) {
    yield* say(0, codes4.rejected, 0, 0, 0, 0, 0, 0)
    throw new ForwardError(
      'FORWARD_SOCKS',
      port === 0 ? 'A request of SOCKS names port 0.' : `SOCKS 4 asks for command ${head[0]}; only CONNECT is served.`,
    )
  }
  const outcome = yield* connect({ version: 4, host, port })
  yield* say(0, outcome === 'connected' ? codes4.granted : codes4.rejected, 0, 0, 0, 0, 0, 0)
  return outcome === 'connected'
}

const replies5: Readonly<Record<SocksOutcome, number>> = {
  connected: 0,
  failed: 1,
  'not-allowed': 2,
  'host-unreachable': 4,
  refused: 5,
}
const commandNotSupported = 7
const addressTypeNotSupported = 8

/** VER REP RSV ATYP BND.ADDR BND.PORT: where from we connected is nothing we know. */
const reply5 = (code: number): SocksDialogue<void> => say(5, code, 0, 1, 0, 0, 0, 0, 0, 0)

function* host5(type: number): SocksDialogue<string | undefined> {
  if (type === 1) return (yield* take(4)).join('.')
  if (type === 4) return v6(yield* take(16))
  if (type !== 3) return undefined
  const [length] = yield* take(1)
  return length === 0 ? nameOf(new Uint8Array(0)) : nameOf(yield* take(length))
}

/** RFC 1928 §3, §4 and §6, after the version byte. */
function* version5(): SocksDialogue {
  const [count] = yield* take(1)
  const methods: Uint8Array = count === 0 ? new Uint8Array(0) : yield* take(count)
  if (!methods.includes(0)) {
    yield* say(5, 0xff)
    throw new ForwardError('FORWARD_SOCKS', 'SOCKS 5 is served without authentication only, which this client does not offer.')
  }
  yield* say(5, 0)
  const [version, command, , type] = yield* take(4)
  if (version !== 5) throw invalid(`version 5 goes on as version ${version}`)
  const host = yield* host5(type)
  if (host === undefined) {
    yield* reply5(addressTypeNotSupported)
    throw new ForwardError('FORWARD_SOCKS', `SOCKS 5 gives an address of kind ${type}, which does not exist.`)
  }
  const port = numberAt(yield* take(2), 0)
  if (command !== 1 || port === 0) {
    yield* reply5(command === 1 ? replies5.failed : commandNotSupported)
    throw new ForwardError(
      'FORWARD_SOCKS',
      command === 1 ? 'A request of SOCKS names port 0.' : `SOCKS 5 asks for command ${command}; only CONNECT is served.`,
    )
  }
  const outcome = yield* connect({ version: 5, host, port })
  yield* reply5(replies5[outcome])
  return outcome === 'connected'
}

/** One request, from the first byte to our answer. */
export function* socksDialogue(): SocksDialogue {
  const [version] = yield* take(1)
  if (version === 4) return yield* version4()
  if (version === 5) return yield* version5()
  throw invalid(`it begins with ${version}; SOCKS begins with 4 or 5`)
}
