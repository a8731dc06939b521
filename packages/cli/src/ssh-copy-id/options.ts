// Owns the command line of `ssh-copy-id`: the rules of a shell's getopts, and -i, whose file may be missing. Knows nothing of
// keys or connections.
import { readFileSync } from 'node:fs'
import { type OptionRow, UsageError } from '../getopt.ts'

export const copyIdOptions = [
  { letter: 'F', value: 'file', help: 'read this configuration of ssh only' },
  { letter: 'f', help: 'copy keys without trying whether they are there already; no private key is needed' },
  { letter: 'h', help: 'this help' },
  { letter: 'i', value: '[file]', help: 'the key to copy: file.pub, or the newest of ~/.ssh when no file is named' },
  { letter: 'n', help: 'only say which keys would be copied' },
  { letter: 'o', value: 'Keyword=value', help: 'any keyword of ssh_config' },
  { letter: 'p', value: 'port', help: 'port to connect to' },
  { letter: 's', help: 'use SFTP, for servers that run no commands' },
  { letter: 't', value: 'path', help: 'the file keys go to, seen from the home there; .ssh/authorized_keys if left out' },
  { letter: 'x', help: 'explain what happens, here and there' },
] as const satisfies readonly OptionRow[]

export interface CopyIdCall {
  /** `asked` is --help; `usage` is -h, which is an error to scripts. */
  readonly help: 'asked' | 'usage' | undefined
  /** -i was given; `file` is what stood behind it. */
  readonly identity: { readonly file: string | undefined } | undefined
  /** -o and -F in the order given, as `ssh` takes them. */
  readonly sshOptions: readonly { readonly letter: 'o' | 'F'; readonly value: string }[]
  readonly port: string | undefined
  readonly force: boolean
  readonly dryRun: boolean
  readonly sftp: boolean
  readonly explain: boolean
  readonly targetPath: string | undefined
  /** `[user@]host` */
  readonly host: string
}

const rowOf = (letter: string): OptionRow | undefined => copyIdOptions.find(each => each.letter === letter)
/** An argument that begins with a letter of ours is an option, not the file of -i. */
const looksLikeOption = (text: string): boolean => text.startsWith('-') && (text[1] === '-' || rowOf(text[1] ?? '') !== undefined)

/** True when a file that could be a key stands where a host should: then the host was forgotten. */
const isKeyFile = (path: string): boolean => {
  try {
    return /ssh/i.test(readFileSync(path, 'latin1'))
  } catch {
    return false
  }
}

/** Reads the command line. Throws `UsageError`. */
export const readCopyIdCall = (argv: readonly string[]): CopyIdCall => {
  const flags = new Set<string>()
  const values = new Map<string, string>()
  const sshOptions: { letter: 'o' | 'F'; value: string }[] = []
  let identity: CopyIdCall['identity']
  let at = 0

  /** The file behind -i, which must leave one argument for the host. */
  const identityFile = (): string | undefined => {
    if (at === argv.length - 1 && isKeyFile(argv[at]))
      throw new UsageError(`ERROR: Missing hostname. Use "-i -- ${argv[at]}" if you really mean to use this as the hostname`)
    return at >= argv.length - 1 || looksLikeOption(argv[at]) ? undefined : argv[at++]
  }
  const one = (letter: string, glued: string): void => {
    if (letter === 'i') {
      if (identity !== undefined) throw new UsageError('ERROR: -i option must not be specified more than once')
      identity = { file: identityFile() }
      return
    }
    if (rowOf(letter)?.value === undefined) {
      flags.add(letter === '?' ? 'h' : letter)
      return
    }
    if (glued === '' && at >= argv.length) throw new UsageError(`option -${letter} needs a value: ${rowOf(letter)?.value}`)
    const value = glued === '' ? argv[at++] : glued
    if (letter === 'o' || letter === 'F') sshOptions.push({ letter, value })
    else values.set(letter, value)
  }

  while (at < argv.length && argv[at].startsWith('-') && argv[at] !== '-') {
    const word = argv[at++]
    if (word === '--') break
    if (word === '--help') flags.add('help')
    for (let index = 1; index < word.length && word !== '--help'; index++) {
      const letter = word[index]
      if (letter !== '?' && rowOf(letter) === undefined) throw new UsageError(`unknown option -- ${letter}`)
      one(letter, word.slice(index + 1))
      if (rowOf(letter)?.value !== undefined && letter !== 'i') break
    }
  }
  const operands = argv.slice(at)
  const help = flags.has('help') ? 'asked' : flags.has('h') ? 'usage' : undefined
  if (help === undefined && operands.length > 1)
    throw new UsageError(`ERROR: Too many arguments.  Expecting a target hostname, got: ${operands.join(' ')}`)
  if (help === undefined && operands[0] === undefined) throw new UsageError('')
  return {
    help,
    identity,
    sshOptions,
    port: values.get('p'),
    force: flags.has('f'),
    dryRun: flags.has('n'),
    sftp: flags.has('s'),
    explain: flags.has('x'),
    targetPath: values.get('t'),
    host: operands[0] ?? '',
  }
}
