// Owns the command line of `ssh-keyscan`. Knows nothing of connections.
import { certificateTypeOf } from 'nacre/keys'
import { FatalError } from '../fatal.ts'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { readRecordHash } from '../sshfp.ts'
import { readTimeSpan } from '../time-span.ts'

export const keyscanOptions = [
  { letter: '4', help: 'use IPv4 only' },
  { letter: '6', help: 'use IPv6 only' },
  { letter: 'c', help: 'ask for certificates instead of plain keys' },
  { letter: 'D', help: 'print SSHFP records' },
  { letter: 'f', value: 'file', help: 'read hosts, one a line, from a file; - for standard input' },
  { letter: 'H', help: 'hash host names' },
  { letter: 'O', value: 'option', help: 'hashalg=sha1 or hashalg=sha256: the hash of SSHFP records; both if left out' },
  { letter: 'p', value: 'port', help: 'port to connect to' },
  { letter: 'q', help: 'no comments with the versions of servers' },
  { letter: 'T', value: 'time', help: 'how long to wait for a connection and for a key; 5 s if left out' },
  { letter: 't', value: 'types', help: 'types of keys: rsa, ecdsa, ed25519, ecdsa-sk, ed25519-sk, mldsa44-ed25519' },
  { letter: 'v', help: 'explain what happens' },
] as const satisfies readonly OptionRow[]
type Letter = (typeof keyscanOptions)[number]['letter']

/** One kind of key: how -t calls it, and the algorithms that prove one. OpenSSH asks in this order. */
interface Kind {
  readonly names: readonly string[]
  readonly algorithms: readonly string[]
  readonly certificates: readonly string[]
}

const kind = (names: readonly string[], algorithms: readonly string[]): Kind => ({
  names,
  algorithms,
  certificates: algorithms.map(certificateTypeOf),
})

const kinds: readonly Kind[] = [
  kind(['rsa', 'ssh-rsa'], ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']),
  kind(
    ['ecdsa', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
    ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ),
  kind(['ed25519', 'ssh-ed25519'], ['ssh-ed25519']),
  kind(['ecdsa-sk', 'sk-ecdsa-sha2-nistp256@openssh.com'], ['sk-ecdsa-sha2-nistp256@openssh.com']),
  kind(['ed25519-sk', 'sk-ssh-ed25519@openssh.com'], ['sk-ssh-ed25519@openssh.com']),
  kind(['mldsa44-ed25519', 'ssh-mldsa44-ed25519@openssh.com'], ['ssh-mldsa44-ed25519@openssh.com']),
]

/** What is to be found out, and how it is to be shown. */
export interface KeyscanCall {
  readonly line: CommandLine<Letter>
  readonly family: 0 | 4 | 6
  readonly port: number
  /** Milliseconds. */
  readonly timeout: number
  /** For each kind of key, the algorithms to ask for. */
  readonly kinds: readonly (readonly string[])[]
  readonly certificates: boolean
  readonly hash: boolean
  readonly records: boolean
  /** The hash of SSHFP records, by its name; both when left out. */
  readonly recordHash: string | undefined
  readonly quiet: boolean
  readonly verbose: number
  /** Files with hosts; `undefined` is standard input. */
  readonly files: readonly (string | undefined)[]
  readonly hosts: readonly string[]
}

const readPort = (text: string): number => {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new FatalError(`Bad port '${text}'`, 1)
  return port
}

const readKinds = (text: string): readonly Kind[] => {
  const wanted = new Set<Kind>()
  for (const name of text.split(',').filter(each => each !== '')) {
    const found = kinds.find(each => each.names.includes(name) || each.names[0] === name.toLowerCase())
    if (found === undefined) throw new FatalError(`Unknown key type "${name}"`)
    wanted.add(found)
  }
  return kinds.filter(each => wanted.has(each))
}

const readHash = (text: string): string => {
  if (!text.startsWith('hashalg=')) throw new FatalError('Unsupported -O option')
  return readRecordHash(text.slice('hashalg='.length))
}

/** Reads the command line. Throws `UsageError`, and `FatalError` in OpenSSH's words. */
export const readKeyscanCall = (argv: readonly string[]): KeyscanCall => {
  const line = getopt(argv, keyscanOptions)
  const types = line.all('t').at(-1)
  const time = line.last('T')
  const seconds = time === undefined ? 5 : readTimeSpan(time)
  if (seconds === undefined || seconds === 0) throw new UsageError(`Bad timeout '${time}'`)
  const chosen = types === undefined ? kinds : readKinds(types)
  const certificates = line.count('c') > 0
  const family = line.given.findLast(each => each.letter === '4' || each.letter === '6')?.letter
  const port = line.last('p')
  const option = line.all('O').map(readHash).at(-1)
  const files = line.all('f').map(name => (name === '-' ? undefined : name))
  if (line.wants === undefined && files.length === 0 && line.operands.length === 0) throw new UsageError('')
  return {
    line,
    family: family === '4' ? 4 : family === '6' ? 6 : 0,
    port: port === undefined ? 22 : readPort(port),
    timeout: seconds * 1000,
    kinds: chosen.map(each => (certificates ? each.certificates : each.algorithms)),
    certificates,
    hash: line.count('H') > 0,
    records: line.count('D') > 0,
    recordHash: option,
    quiet: line.count('q') > 0,
    verbose: line.count('v'),
    files,
    hosts: line.operands,
  }
}
