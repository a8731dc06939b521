// Owns the escape sequences of an interactive session: `~.` and its kin at the start of a line. Knows nothing of terminals
// or connections; what a sequence does is given to it.

/** What sequences do. Those that are missing are not offered, and pass as they were typed, or are told of by `missing`. */
export interface EscapeActions {
  disconnect(): void
  /** RFC 4335. */
  sendBreak(): void
  rekey(): void
  /** Shows text to the person, not to the remote side. */
  show(text: string): void
  /** What is known of the connection, in lines. */
  about(): string
  /** The forwarded connections, in lines. */
  connections(): string
  /** Talks more or less; says what came of it. */
  louder?(by: 1 | -1): string
  /** Stops the program as ^Z does. Returns when it goes on. */
  suspend?(): void
  /** Lets the terminal go while forwarded connections go on. Nothing typed is read any more. */
  background?(): void
  /** Reads and does a line such as `-L 8080:host:80`. */
  commandLine?(): void
  /** Says that a sequence there is elsewhere is not to be had here, and why; it is not sent. */
  missing?(shown: string): void
}

const carriageReturn = 0x0d
const lineFeed = 0x0a
const controlZ = '\x1a'

/** A sequence: how its key and what it is are shown, and what it does. `stop` ends what was typed. */
interface Sequence {
  readonly key: string
  readonly means: string
  /** Undefined where it is not offered. */
  act(actions: EscapeActions, shown: string): (() => void | 'stop') | undefined
}

const sequences: readonly Sequence[] = [
  {
    key: '.',
    means: 'end the connection',
    act: (actions, shown) => () => {
      actions.show(`${shown}\r\n`)
      actions.disconnect()
      return 'stop'
    },
  },
  {
    key: 'B',
    means: 'send a BREAK',
    act: (actions, shown) => () => {
      actions.show(`${shown}\r\n`)
      actions.sendBreak()
    },
  },
  { key: 'C', means: 'open a command line', act: actions => actions.commandLine?.bind(actions) },
  { key: 'I', means: 'tell of the connection', act: (actions, shown) => () => actions.show(`${shown}\r\n${actions.about()}`) },
  { key: 'R', means: 'exchange keys anew', act: actions => () => actions.rekey() },
  ...(['V', 'v'] as const).map(key => ({
    key,
    means: key === 'V' ? 'say less' : 'say more',
    act: (actions: EscapeActions, shown: string) => {
      const louder = actions.louder?.bind(actions)
      return louder && (() => actions.show(`${shown} [${louder(key === 'V' ? -1 : 1)}]\r\n`))
    },
  })),
  {
    key: controlZ,
    means: 'suspend this program',
    act: (actions, shown) => {
      const suspend = actions.suspend?.bind(actions)
      return (
        suspend &&
        (() => {
          actions.show(`${shown} [suspend ssh]\r\n`)
          suspend()
        })
      )
    },
  },
  {
    key: '#',
    means: 'list forwarded connections',
    act: (actions, shown) => () => actions.show(`${shown}\r\n${actions.connections()}`),
  },
  {
    key: '&',
    means: 'go to the background, for connections that are still there',
    act: (actions, shown) => {
      const background = actions.background?.bind(actions)
      return (
        background &&
        (() => {
          actions.show(`${shown} [backgrounded]\r\n`)
          background()
          return 'stop'
        })
      )
    },
  },
  { key: '?', means: 'this text', act: (actions, shown) => () => actions.show(`${shown}\r\n${help(shown.replace(/.$/, ''), actions)}`) },
]

/** A control character as `^Z`. */
const shownKey = (key: string): string => (key < ' ' ? `^${String.fromCharCode(key.charCodeAt(0) + 64)}` : key)

const help = (character: string, actions: EscapeActions): string =>
  [
    'Supported escape sequences:',
    ...sequences
      .filter(each => each.act(actions, '') !== undefined)
      .map(each => ` ${character}${shownKey(each.key).padEnd(3)} - ${each.means}`),
    ` ${character}${character}   - send the character itself`,
    '(They are read at the start of a line only.)',
    '',
  ].join('\r\n')

/**
 * Takes escape sequences out of what is typed. The result is a filter: bytes in, bytes to send out, `undefined` when nothing
 * typed is to be read any more.
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
        const shown = shownKey(character) + shownKey(typed)
        const known = byte === escape ? undefined : sequences.find(each => each.key === typed)
        const missing = actions.missing?.bind(actions, shown)
        const act: (() => void | 'stop') | undefined = known?.act(actions, shown) ?? (known && missing)
        if (act === undefined) {
          out.push(...(byte === escape ? [byte] : [escape, byte]))
          lineStart = endsLine(byte)
        } else if (act() === 'stop') return undefined
        else lineStart = true
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
