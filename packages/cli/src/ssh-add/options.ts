// Owns the command line of `ssh-add`. Knows nothing of agents or keys.
import { type FingerprintHash, fingerprintHashNamed } from 'nacre/keys'
import { escapeForPeople } from 'nacre'
import { FatalError } from '../fatal.ts'
import { type CommandLine, getopt, type OptionRow } from '../getopt.ts'
import { readTimeSpan } from '../time-span.ts'

export const sshAddOptions = [
  { letter: 'C', help: 'add or remove certificates only' },
  { letter: 'c', help: 'the agent asks before each use of the keys that are added' },
  { letter: 'D', help: 'remove all keys' },
  { letter: 'd', help: 'remove the keys of the files instead of adding them; - reads public keys from standard input' },
  { letter: 'E', value: 'hash', help: 'for fingerprints: sha256 (the default), sha384, sha512, sha1, md5' },
  { letter: 'e', value: 'pkcs11', help: 'make the agent give up the keys of a PKCS#11 library' },
  { letter: 'H', value: 'file', help: 'known hosts to look the keys of -h up in; may be there several times' },
  {
    letter: 'h',
    value: 'way',
    help: 'the keys are for this way only: [user@]host, or host>[user@]host through another; may be there several times',
  },
  { letter: 'K', help: 'add the keys that lie in a security key; needs a program that reaches it' },
  { letter: 'k', help: 'add or remove plain keys only, no certificates' },
  { letter: 'L', help: 'list the public keys' },
  { letter: 'l', help: 'list the fingerprints' },
  { letter: 'N', help: 'do not make certificates leave the agent when they expire' },
  { letter: 'Q', help: 'list the extensions the agent has' },
  { letter: 'q', help: 'say nothing when all went well' },
  { letter: 'S', value: 'library', help: 'by which the agent reaches security keys; instead of SSH_SK_PROVIDER' },
  { letter: 's', value: 'pkcs11', help: 'make the agent take the keys of a PKCS#11 library' },
  { letter: 'T', help: 'test for each public key whether the agent signs with it' },
  { letter: 't', value: 'time', help: 'the agent forgets the keys after so long: seconds, or 10m, 2h, 1w' },
  { letter: 'v', help: 'say more of what goes wrong' },
  { letter: 'X', help: 'unlock the agent' },
  { letter: 'x', help: 'lock the agent with a passphrase' },
  { letter: 'M', value: 'number', help: undefined },
  { letter: 'm', value: 'number', help: undefined },
] as const satisfies readonly OptionRow[]
type Letter = (typeof sshAddOptions)[number]['letter']

export interface SshAddSettings {
  readonly hash: FingerprintHash
  readonly keysOnly: boolean
  readonly certificatesOnly: boolean
  readonly confirm: boolean
  readonly quiet: boolean
  readonly verbose: number
  /** Seconds. */
  readonly lifetime: number | undefined
  readonly keepExpired: boolean
  readonly skProvider: string
  readonly ways: readonly string[]
  readonly knownHosts: readonly string[]
}

/** Of OpenSSH's form, and of ours where it is compiled without one. */
export const readHash = (name: string | undefined): FingerprintHash => {
  const found = fingerprintHashNamed(name ?? 'sha256')
  if (found === undefined) throw new FatalError(`Invalid hash algorithm "${escapeForPeople(name ?? '')}"`)
  return found
}

export const readSshAddLine = (argv: readonly string[]): CommandLine<Letter> => getopt(argv, sshAddOptions)

/** The one thing to do other than adding and removing: a letter, or `undefined`. Throws `FatalError` for several. */
export const actionOf = (line: CommandLine<Letter>): 'x' | 'X' | 'l' | 'L' | 'D' | 'Q' | undefined => {
  const given = (['x', 'X', 'l', 'L', 'D', 'Q'] as const).filter(letter => line.count(letter) > 0)
  for (const pair of ['xX', 'lL']) {
    const letters = line.given.filter(({ letter }) => pair.includes(letter))
    if (letters.length > 1) throw new FatalError(`-${letters[0].letter} flag already specified`)
  }
  if (given.length > 1) throw new FatalError('Invalid combination of actions')
  return given[0]
}

/** What the letters say of keys. Throws `FatalError`. */
export const sshAddSettings = (line: CommandLine<Letter>, variables: Readonly<Record<string, string | undefined>>): SshAddSettings => {
  const time = line.last('t')
  const lifetime = time === undefined ? undefined : readTimeSpan(time)
  if (time !== undefined && lifetime === undefined) throw new FatalError('Invalid lifetime', 1)
  return {
    hash: readHash(line.last('E')),
    keysOnly: line.count('k') > 0,
    certificatesOnly: line.count('C') > 0,
    confirm: line.count('c') > 0,
    quiet: line.count('q') > 0,
    verbose: line.count('v'),
    // No lifetime and one of 0 are the same to OpenSSH.
    lifetime: lifetime === 0 ? undefined : lifetime,
    keepExpired: line.count('N') > 0,
    skProvider: line.last('S') ?? variables.SSH_SK_PROVIDER ?? 'internal',
    ways: line.all('h'),
    knownHosts: line.all('H'),
  }
}
