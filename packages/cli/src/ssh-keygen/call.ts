// Owns the command line of `ssh-keygen` as a value: its letters, and what they say to every operation. Knows nothing of what an
// operation does.
import { hostname, userInfo } from 'node:os'
import { type FingerprintHash, fingerprintHashNamed } from 'nacre/keys'
import { FatalError } from '../fatal.ts'
import { type CommandLine, getopt, type OptionRow } from '../getopt.ts'

export const keygenOptions = [
  { letter: 'A', help: 'make the host keys that are missing, each of its usual type and place' },
  { letter: 'a', value: 'rounds', help: 'rounds of the function that makes a key of a passphrase' },
  { letter: 'B', help: 'print a fingerprint that can be spoken' },
  { letter: 'b', value: 'bits', help: 'size of the key' },
  { letter: 'C', value: 'comment', help: 'the comment of a key; the new one with -c' },
  { letter: 'c', help: 'change the comment of a private key, and of the public one' },
  { letter: 'D', value: 'library', help: 'keys of a PKCS#11 library' },
  { letter: 'E', value: 'hash', help: 'hash of fingerprints: md5, sha1, sha256, sha384 or sha512' },
  { letter: 'e', help: 'print a public key in another format (-m)' },
  { letter: 'F', value: 'host', help: 'print the lines of known_hosts for a host; with -l their fingerprints' },
  { letter: 'f', value: 'file', help: 'the file it is about' },
  { letter: 'g', help: 'with -r: records in the generic form' },
  { letter: 'H', help: 'hash the names of known_hosts' },
  { letter: 'h', help: 'with -s: the certificate of a host' },
  { letter: 'I', value: 'identity', help: 'name of a certificate; who signed with -Y' },
  { letter: 'i', help: 'read a key in another format (-m) and print it as OpenSSH has it' },
  { letter: 'K', help: 'fetch the keys that a security key holds' },
  { letter: 'k', help: 'make a key revocation list' },
  { letter: 'L', help: 'print what a certificate says' },
  { letter: 'l', help: 'print the fingerprint of a key; with -v as a picture too' },
  { letter: 'M', value: 'generate|screen', help: 'make or test groups for Diffie-Hellman key exchange' },
  { letter: 'm', value: 'format', help: 'RFC4716, PKCS8 or PEM' },
  { letter: 'N', value: 'passphrase', help: 'the new passphrase' },
  { letter: 'n', value: 'names', help: 'names a certificate is for; the namespace with -Y' },
  { letter: 'O', value: 'option', help: 'an option of the operation' },
  { letter: 'o', help: undefined },
  { letter: 'P', value: 'passphrase', help: 'the passphrase as it is' },
  { letter: 'p', help: 'change the passphrase of a private key' },
  { letter: 'Q', help: 'ask a revocation list about keys' },
  { letter: 'q', help: 'say nothing' },
  { letter: 'R', value: 'host', help: 'remove the lines of known_hosts for a host' },
  { letter: 'r', value: 'host', help: 'print SSHFP records for a host' },
  { letter: 's', value: 'key', help: 'sign certificates with this key; the signature with -Y' },
  { letter: 't', value: 'type', help: 'type of the key: ed25519, rsa, ecdsa, mldsa44-ed25519' },
  { letter: 'U', help: 'the key of -s is in the agent' },
  { letter: 'u', help: 'with -k: add to a list that is there' },
  { letter: 'V', value: 'interval', help: 'when a certificate is valid' },
  { letter: 'v', help: 'explain what happens' },
  { letter: 'w', value: 'library', help: 'what reaches security keys' },
  { letter: 'X', help: undefined },
  { letter: 'Y', value: 'operation', help: 'sign, verify, check-novalidate, find-principals or match-principals' },
  { letter: 'y', help: 'print the public key of a private one' },
  { letter: 'Z', value: 'cipher', help: 'cipher of private key files' },
  { letter: 'z', value: 'serial', help: 'serial number of a certificate; with + the first of several' },
] as const satisfies readonly OptionRow[]
export type KeygenLetter = (typeof keygenOptions)[number]['letter']

export type ConvertFormat = 'RFC4716' | 'PKCS8' | 'PEM'

/** What the letters say, whatever is to be done. */
export interface KeygenCall {
  readonly line: CommandLine<KeygenLetter>
  readonly has: (letter: KeygenLetter) => boolean
  /** -f */
  readonly file: string | undefined
  readonly operands: readonly string[]
  readonly quiet: boolean
  /** How often -v was given. */
  readonly verbose: number
  /** -b; undefined when not given. */
  readonly bits: number | undefined
  /** -E; SHA-256 when not given. */
  readonly fingerprintHash: FingerprintHash
  /** -m; undefined when not given. */
  readonly format: ConvertFormat | undefined
  /** -a */
  readonly rounds: number | undefined
  /** -Z */
  readonly cipher: string | undefined
  /** -P */
  readonly passphrase: string | undefined
  /** -N */
  readonly newPassphrase: string | undefined
  /** -C */
  readonly comment: string | undefined
  /** -O, in order. */
  readonly options: readonly string[]
  /** -z */
  readonly serial: { readonly first: bigint; readonly counts: boolean }
}

/** strtonum(3): a number within bounds, or its words. */
export const readNumber = (text: string, least: number, most: number, refuse: (why: string) => FatalError): number => {
  if (!/^\s*[+-]?\d+$/.test(text)) throw refuse('invalid')
  const value = Number(text)
  if (value < least) throw refuse('too small')
  if (value > most) throw refuse('too large')
  return value
}

const readHash = (text: string): FingerprintHash => {
  const found = fingerprintHashNamed(text)
  if (found === undefined) throw new FatalError(`Invalid hash algorithm "${text}"`)
  return found
}

const formats = new Map<string, ConvertFormat>([
  ['rfc4716', 'RFC4716'],
  ['ssh2', 'RFC4716'],
  ['pkcs8', 'PKCS8'],
  ['pem', 'PEM'],
])

const readFormat = (text: string): ConvertFormat => {
  const found = formats.get(text.toLowerCase())
  if (found === undefined) throw new FatalError(`Unsupported conversion format "${text}"`)
  return found
}

const readSerial = (text: string): KeygenCall['serial'] => {
  const counts = text.startsWith('+')
  const digits = counts ? text.slice(1) : text
  if (!/^\d+$/.test(digits) || BigInt(digits) >= 1n << 64n) throw new FatalError(`Invalid serial number "${digits}"`)
  return { first: BigInt(digits), counts }
}

/** Reads the command line. Throws `UsageError`, and `FatalError` in OpenSSH's words. */
export const readKeygenCall = (argv: readonly string[]): KeygenCall => {
  const line = getopt(argv, keygenOptions)
  const moduli = line.all('M').find(each => each !== 'generate' && each !== 'screen')
  if (moduli !== undefined) throw new FatalError(`Unsupported moduli option ${moduli}`)
  const read = <T>(letter: KeygenLetter, how: (text: string) => T): T | undefined => line.all(letter).map(how).at(-1)
  return {
    line,
    has: letter => line.count(letter) > 0,
    file: line.last('f'),
    operands: line.operands,
    quiet: line.count('q') > 0,
    verbose: line.count('v'),
    bits: read('b', text => readNumber(text, 1, 2 ** 32 - 1, why => new FatalError(`Bits has bad value ${text} (${why})`))),
    fingerprintHash: read('E', readHash) ?? 'sha256',
    format: read('m', readFormat),
    rounds: read('a', text => readNumber(text, 1, 2 ** 31 - 1, why => new FatalError(`Invalid number: ${text} (${why})`))),
    cipher: line.last('Z'),
    passphrase: line.last('P'),
    newPassphrase: line.last('N'),
    comment: line.last('C'),
    options: line.all('O'),
    serial: read('z', readSerial) ?? { first: 0n, counts: false },
  }
}

/** `user@host`, the comment of keys when nobody gives one. */
export const usualComment = (): string => `${userInfo().username}@${hostname()}`

/** The home of whoever runs us, as the system has it. */
export const homeFolder = (): string => userInfo().homedir
