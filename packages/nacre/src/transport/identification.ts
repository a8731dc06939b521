// Owns the version exchange (RFC 4253 §4.2): our line, the peer's line and the lines before it. Knows no packets.
import { equalBytes } from '../crypto/constant-time.ts'
import { escapeForPeople, ProtocolError } from '../errors.ts'

/** RFC 4253 §4.2: at most 255 characters, CR LF included. */
const maximumLine = 255
/** Lines before the server's identification: OpenSSH reads 1024, of up to 8192 bytes each; we allow less. */
const maximumLinesBefore = 100
const maximumLineBefore = 8192

/**
 * The minus that a software version may not have is in many: OpenSSH's keyscan, JSch, APACHE-SSHD, Cisco's devices. Which
 * part is which is plain all the same, as the version of the protocol has none.
 */
const identificationPattern = /^SSH-([\x21-\x2c\x2e-\x7e]+)-([\x21-\x7e]*)(?: (.*))?$/

export interface Identification {
  /** The line without CR LF, byte for byte as it enters the exchange hash. */
  readonly line: Uint8Array
  readonly protocolVersion: string
  readonly softwareVersion: string
  readonly comments: string
}

/** Our line: `SSH-2.0-<software>` and, optionally, comments. Throws `TypeError` for text the line may not hold. */
export const ourIdentification = (softwareVersion: string, comments?: string): Uint8Array => {
  if (!/^[\x21-\x2c\x2e-\x7e]+$/.test(softwareVersion))
    throw new TypeError(`"${softwareVersion}" is not a software version: printable ASCII without space and minus (RFC 4253 §4.2)`)
  if (comments !== undefined && !/^[\x20-\x7e]+$/.test(comments))
    throw new TypeError('comments after the software version are printable ASCII (RFC 4253 §4.2)')
  const line = `SSH-2.0-${softwareVersion}${comments === undefined ? '' : ` ${comments}`}`
  if (line.length + 2 > maximumLine) throw new TypeError('the identification line is longer than 255 characters (RFC 4253 §4.2)')
  return ascii(line)
}

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

/** Those that came lately: most peers of a program run the same software. */
const lately: Identification[] = []
const mostLately = 8

/** What a line was found to say before, with the line as it came now. */
const knownIdentification = (line: Uint8Array): Identification | undefined => {
  const found = lately.find(each => equalBytes(each.line, line))
  return found === undefined ? undefined : { ...found, line }
}

const remember = (identification: Identification): void => {
  if (lately.length === mostLately) lately.shift()
  lately.push({ ...identification, line: identification.line.slice() })
}

/** Reads lines until the peer's identification is there. */
export class IdentificationReader {
  readonly #role: 'client' | 'server'
  #line: number[] = []
  #before = 0
  /** What a server said before it identified itself, decoded as Latin-1; shown escaped. */
  readonly linesBefore: string[] = []

  /** `role` is ours: only a server may send lines before its identification (RFC 4253 §4.2). */
  constructor(role: 'client' | 'server') {
    this.#role = role
  }

  /** All that was said so far: the lines before, and what there is of one that has no end yet. */
  get heard(): readonly string[] {
    return this.#line.length === 0 ? this.linesBefore : [...this.linesBefore, String.fromCharCode(...this.#line)]
  }

  /**
   * Takes bytes from `input[start..end)`. Returns the identification once the line is whole, and how many bytes were
   * used. Throws `ProtocolError` when a line is too long, there are too many, or it is not SSH 2.
   */
  read(input: Uint8Array, start: number, end: number): { readonly used: number; readonly identification: Identification | undefined } {
    let from = start
    // Nearly always the line comes whole and first: then nothing is gathered byte by byte.
    const feed = this.#line.length === 0 ? input.indexOf(0x0a, start) : -1
    if (feed >= 4 + start && feed < end && feed - start <= maximumLine && input[start] === 0x53) {
      const identification = this.#take(input.slice(start, input[feed - 1] === 0x0d ? feed - 1 : feed))
      if (identification !== undefined) return { used: feed + 1 - start, identification }
      from = feed + 1
    }
    for (let at = from; at < end; at++) {
      const byte = input[at]
      if (byte !== 0x0a) {
        this.#line.push(byte)
        this.#checkLength()
        continue
      }
      const line = Uint8Array.from(this.#line[this.#line.length - 1] === 0x0d ? this.#line.slice(0, -1) : this.#line)
      this.#line = []
      const identification = this.#take(line)
      if (identification !== undefined) return { used: at + 1 - start, identification }
    }
    return { used: end - start, identification: undefined }
  }

  #startsAsSsh(): boolean {
    return this.#line[0] === 0x53 && this.#line[1] === 0x53 && this.#line[2] === 0x48 && this.#line[3] === 0x2d
  }

  #checkLength(): void {
    const length = this.#line.length
    if (length < 4) return
    if (this.#startsAsSsh()) {
      if (length > maximumLine)
        throw new ProtocolError(
          'identification-too-long',
          `The peer's identification line is longer than ${maximumLine} bytes (RFC 4253 §4.2).`,
        )
    } else if (this.#role === 'server') {
      throw new ProtocolError(
        'identification-malformed',
        `The peer does not speak SSH: it began with "${escapeForPeople(String.fromCharCode(...this.#line))}" where "SSH-2.0-" belongs (RFC 4253 §4.2).`,
      )
    } else if (length > maximumLineBefore) {
      throw new ProtocolError(
        'identification-too-long',
        `A line before the server's identification is longer than ${maximumLineBefore} bytes; this is no SSH server.`,
      )
    }
  }

  #take(line: Uint8Array): Identification | undefined {
    const known = knownIdentification(line)
    if (known !== undefined) return known
    let text = ''
    for (let i = 0; i < line.length; i++) text += String.fromCharCode(line[i])
    if (!text.startsWith('SSH-')) {
      if (this.#role === 'server')
        throw new ProtocolError(
          'identification-malformed',
          `The client's first line is not an SSH identification: "${escapeForPeople(text, { limit: 80 })}".`,
        )
      if (++this.#before > maximumLinesBefore)
        throw new ProtocolError(
          'identification-too-long',
          `More than ${maximumLinesBefore} lines came before an identification; this is no SSH server.`,
        )
      this.linesBefore.push(text)
      return undefined
    }
    const match = identificationPattern.exec(text)
    if (match === null || /[^\x20-\x7e]/.test(text))
      throw new ProtocolError('identification-malformed', `The peer's identification is malformed: "${escapeForPeople(text)}".`)
    const [, protocolVersion, softwareVersion, comments] = match
    // RFC 4253 §5.1: 1.99 means a server that speaks 2.0 as well.
    if (protocolVersion !== '2.0' && protocolVersion !== '1.99') {
      throw new ProtocolError('identification-version', `The peer speaks SSH ${escapeForPeople(protocolVersion)} only; nacre speaks 2.0.`)
    }
    const identification = { line, protocolVersion, softwareVersion, comments: comments ?? '' }
    remember(identification)
    return identification
  }
}
