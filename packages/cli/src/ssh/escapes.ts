// Owns the escape sequences of an interactive session: `~.` and its kin at the start of a line. Knows nothing of terminals
// or connections; what a sequence does is given to it.

export interface EscapeActions {
  disconnect(): void
  /** RFC 4335. */
  sendBreak(): void
  rekey(): void
  /** Shows text to the person, not to the remote side. */
  show(text: string): void
}

const carriageReturn = 0x0d
const lineFeed = 0x0a

const help = (character: string): string =>
  [
    'Supported escape sequences:',
    ` ${character}.   - end the connection`,
    ` ${character}B   - send a BREAK`,
    ` ${character}R   - exchange keys anew`,
    ` ${character}?   - this text`,
    ` ${character}${character}   - send the character itself`,
    '(They are read at the start of a line only.)',
  ].join('\r\n')

/**
 * Takes escape sequences out of what is typed. The result is a filter: bytes in, bytes to send out, `undefined` when the
 * session is to end.
 */
export const escapeFilter = (character: string, actions: EscapeActions): ((bytes: Uint8Array) => Uint8Array | undefined) => {
  const escape = character.charCodeAt(0)
  let lineStart = true
  let escaped = false
  return bytes => {
    if (!escaped && !bytes.includes(escape)) {
      if (bytes.length > 0) lineStart = endsLine(bytes[bytes.length - 1])
      return bytes
    }
    const out: number[] = []
    for (const byte of bytes) {
      if (escaped) {
        escaped = false
        const typed = String.fromCharCode(byte)
        if (typed === '.') {
          actions.disconnect()
          return undefined
        }
        if (typed === 'B') actions.sendBreak()
        else if (typed === 'R') actions.rekey()
        else if (typed === '?') actions.show(`${character}?\r\n${help(character)}\r\n`)
        else {
          out.push(...(byte === escape ? [byte] : [escape, byte]))
          lineStart = endsLine(byte)
          continue
        }
        lineStart = true
      } else if (lineStart && byte === escape) {
        escaped = true
      } else {
        out.push(byte)
        lineStart = endsLine(byte)
      }
    }
    return Uint8Array.from(out)
  }
}

const endsLine = (byte: number): boolean => byte === carriageReturn || byte === lineFeed
