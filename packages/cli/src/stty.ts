// Owns the translation between terminal modes as SSH names them (RFC 4254 §8) and the words of stty(1), both ways. Knows
// nothing of who runs stty.

const characters: Readonly<Record<string, string>> = {
  VINTR: 'intr',
  VQUIT: 'quit',
  VERASE: 'erase',
  VKILL: 'kill',
  VEOF: 'eof',
  VEOL: 'eol',
  VEOL2: 'eol2',
  VSTART: 'start',
  VSTOP: 'stop',
  VSUSP: 'susp',
  VREPRINT: 'rprnt',
  VWERASE: 'werase',
  VLNEXT: 'lnext',
  VDISCARD: 'discard',
  ...(process.platform === 'linux' ? { VSWTCH: 'swtch' } : { VDSUSP: 'dsusp', VSTATUS: 'status' }),
}

/** Flags that are called the same, in small letters. */
const flags: readonly string[] = [
  ...['IGNPAR', 'PARMRK', 'INPCK', 'ISTRIP', 'INLCR', 'IGNCR', 'ICRNL', 'IXON', 'IXANY', 'IXOFF', 'IMAXBEL', 'IUTF8'],
  ...['ISIG', 'ICANON', 'ECHO', 'ECHOE', 'ECHOK', 'ECHONL', 'NOFLSH', 'TOSTOP', 'IEXTEN', 'ECHOCTL', 'ECHOKE'],
  ...['OPOST', 'ONLCR', 'OCRNL', 'ONOCR', 'ONLRET', 'CS7', 'CS8', 'PARENB', 'PARODD'],
  // What one system has, the stty of another does not know; one word it does not know and it sets nothing.
  ...(process.platform === 'linux' ? ['IUCLC', 'XCASE', 'OLCUC'] : ['PENDIN']),
]

const speeds: ReadonlySet<number> = new Set([
  50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400,
])

/** How a character is switched off on the wire. */
const disabled = 255

export type Modes = Readonly<Record<string, number | undefined>>

/** Arguments for stty that set `modes`; what stty would not know is left out. */
export const sttyArguments = (modes: Modes): readonly string[] => {
  const words: string[] = []
  for (const [name, value] of Object.entries(modes)) {
    if (value === undefined) continue
    if (Object.hasOwn(characters, name)) {
      if (value <= 0xff) words.push(characters[name], value === disabled || value === 0 ? 'undef' : `0x${value.toString(16)}`)
    } else if (name === 'CS7' || name === 'CS8') {
      // The two are one setting; 0 says nothing about the other.
      if (value !== 0) words.push(name.toLowerCase())
    } else if (flags.includes(name)) words.push(`${value === 0 ? '-' : ''}${name.toLowerCase()}`)
    else if ((name === 'TTY_OP_ISPEED' || name === 'TTY_OP_OSPEED') && speeds.has(value))
      words.push(name === 'TTY_OP_ISPEED' ? 'ispeed' : 'ospeed', String(value))
  }
  return words
}

const characterValue = (text: string): number | undefined => {
  if (text.startsWith('M-^')) {
    const plain = characterValue(text.slice(2))
    return plain === undefined ? undefined : plain | 0x80
  }
  if (text === '<undef>' || text === 'undef') return disabled
  if (text === '^?') return 0x7f
  if (/^\^[@-_]$/.test(text)) return text.charCodeAt(1) & 0x1f
  if (/^M-.$/.test(text)) return text.charCodeAt(2) | 0x80
  return text.length === 1 && text.charCodeAt(0) < 0x80 ? text.charCodeAt(0) : undefined
}

/** The modes in what `stty -a` printed. Settings that SSH has no name for are passed over. */
export const modesFromStty = (text: string): Record<string, number> => {
  const modes: Record<string, number> = {}
  const speed = /\bspeed (\d+) baud/.exec(text)?.[1]
  const [input, output] = ['i', 'o'].map(way => new RegExp(`\\b${way}speed (\\d+) baud`).exec(text)?.[1] ?? speed)
  if (input !== undefined) modes.TTY_OP_ISPEED = Number(input)
  if (output !== undefined) modes.TTY_OP_OSPEED = Number(output)
  for (const [name, word] of Object.entries(characters)) {
    const found = new RegExp(`(?:^|[\\s;])${word === 'rprnt' ? '(?:rprnt|reprint)' : word} = ([^\\s;]+);`).exec(text)
    const value = found === null ? undefined : characterValue(found[1])
    if (value !== undefined) modes[name] = value
  }
  const words = new Set(text.split(/[\s;]+/))
  for (const name of flags) {
    if (words.has(name.toLowerCase())) modes[name] = 1
    else if (words.has(`-${name.toLowerCase()}`)) modes[name] = 0
  }
  return modes
}
