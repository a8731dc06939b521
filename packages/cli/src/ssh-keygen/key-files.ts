// Owns how `ssh-keygen` reads and writes key files, asks which, and says what is wrong with them. Knows nothing of formats.
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { KeyFormatError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import { loadPrivateKeyFile } from 'nacre/keys/node'
import {
  formatPublicKeyLine,
  parsePublicKeyLine,
  type PrivateKey,
  type PublicKey,
  readPublicPart,
  shortTypeName,
  writePrivateKey,
} from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { askPassphrase, nextLine } from '../askpass.ts'
import { homeFolder, type KeygenCall } from './call.ts'

/** What ssh-keygen says of a key that cannot be used. */
export const keyErrorText = (error: unknown): string => {
  if (!(error instanceof KeyFormatError)) return systemText(error)
  switch (error.code) {
    case 'KEY_PASSPHRASE_NEEDED':
    case 'KEY_PASSPHRASE_WRONG':
      return 'incorrect passphrase supplied to decrypt private key'
    case 'KEY_PERMISSIONS':
      return 'bad permissions'
    case 'KEY_UNSUPPORTED':
      return 'unknown or unsupported key type'
    default:
      return 'invalid format'
  }
}

const frame = '@'.repeat(59)

/** Says more than OpenSSH's words: a warning about permissions, and with -v what our reader found. */
const explain = (error: unknown, path: string, call: KeygenCall, environment: Environment): void => {
  if (!(error instanceof KeyFormatError)) return
  if (error.code === 'KEY_PERMISSIONS') {
    const mode = (statSync(path).mode & 0o777).toString(8).padStart(4, '0')
    for (const line of [
      frame,
      '@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @',
      frame,
      `Permissions ${mode} for '${path}' are too open.`,
      'It is required that your private key files are NOT accessible by others.',
      'This private key will be ignored.',
    ])
      logLine(environment, line)
  } else if (call.verbose > 0) logLine(environment, `debug1: ${error.message}`)
}

/** The file of -f, or the one the person names; the usual one of the type when the answer is empty. */
export const askFile = async (prompt: string, usual: string, call: KeygenCall, environment: Environment): Promise<string> => {
  if (call.file !== undefined) return call.file
  const path = join(homeFolder(), '.ssh', usual)
  environment.stdout.write(`${prompt} (${path}): `)
  const answer = await nextLine(environment.stdin)
  if (answer === undefined) throw new FatalError('', 1)
  return answer === '' ? path : answer
}

const usualNames: Readonly<Record<string, string>> = {
  RSA: 'id_rsa',
  ECDSA: 'id_ecdsa',
  ED25519: 'id_ed25519',
  'ECDSA-SK': 'id_ecdsa_sk',
  'ED25519-SK': 'id_ed25519_sk',
  'MLDSA44-ED25519': 'id_mldsa44_ed25519',
}

/** The usual file name of a key of a type, by the short name of the type. */
export const usualName = (shortName: string): string => usualNames[shortName] ?? usualNames['ED25519']

/** An existing key file, asked for when -f does not name it. Throws `FatalError` when there is none. */
export const existingFile = async (call: KeygenCall, environment: Environment, prefix = ''): Promise<string> => {
  const path = await askFile('Enter file in which the key is', usualName(call.line.last('t')?.toUpperCase() ?? ''), call, environment)
  try {
    statSync(path)
  } catch (error) {
    throw new FatalError(`${prefix}${path}: ${systemText(error)}`)
  }
  return path
}

export interface LoadedKey {
  readonly key: PrivateKey
  /** What opened it; empty for a file that lies open. */
  readonly passphrase: string
  /** `undefined` for formats that have none. */
  readonly comment: string | undefined
}

export interface LoadQuestion {
  readonly prompt: string
  /** Taken instead of asking. */
  readonly passphrase: string | undefined
  /** What stands before the reason when it cannot be read. */
  readonly failed: string
}

/** Reads a private key, and asks for its passphrase when it has one. Throws `FatalError`. */
export const loadPrivate = async (path: string, question: LoadQuestion, call: KeygenCall, environment: Environment): Promise<LoadedKey> => {
  let used = ''
  try {
    const key = await loadPrivateKeyFile(path, {
      attempts: 1,
      passphrase: async () => (used = question.passphrase ?? (await askPassphrase(question.prompt, environment))),
    })
    const hasComment = key.comment !== '' || readFileSync(path, 'latin1').includes('OPENSSH PRIVATE KEY')
    return { key, passphrase: used, comment: hasComment ? key.comment : undefined }
  } catch (error) {
    explain(error, path, call, environment)
    throw new FatalError(`${question.failed}: ${keyErrorText(error)}`)
  }
}

/** The key for -y and -e. */
export const loadIdentity = (path: string, call: KeygenCall, environment: Environment): Promise<LoadedKey> =>
  loadPrivate(
    path,
    { prompt: `Enter passphrase for "${path}": `, passphrase: call.passphrase, failed: `Load key "${path}"` },
    call,
    environment,
  )

/** A key at the beginning of `text`, and what stands behind it. Keys of types nobody knows are none. */
export const keyAt = (text: string): { readonly key: PublicKey; readonly rest: string } | undefined => {
  const fields = /^[ \t]*([^ \t]+)[ \t]+([^ \t\r\n]+)(.*)$/s.exec(text)
  if (fields === null) return undefined
  try {
    const key = parsePublicKeyLine(`${fields[1]} ${fields[2]}`)
    return shortTypeName(key.type) === 'unknown' ? undefined : { key, rest: fields[3].replace(/^[ \t]+/, '').replace(/[\r\n].*$/s, '') }
  } catch (error) {
    if (error instanceof KeyFormatError) return undefined
    throw error
  }
}

const publicIn = (path: string): PublicKey | undefined => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
  for (const line of text.split('\n')) {
    if (line.startsWith('-----BEGIN')) return undefined
    const found = line.startsWith('#') ? undefined : keyAt(line)
    if (found !== undefined) return found.key.withComment(found.rest === '' ? path : found.rest)
  }
  return undefined
}

/** The public key that belongs to a file: in it, in the file beside it, or in the private key. The comment is the path when there is none. */
export const loadPublic = (path: string): PublicKey | undefined => {
  const found = publicIn(path) ?? publicIn(`${path}.pub`)
  if (found !== undefined) return found
  try {
    return readPublicPart(readFileSync(path), { path })
  } catch {
    return undefined
  }
}

/** `~/` at the beginning is the home; shells do not read it behind `-s`. */
export const expandHome = (path: string): string => (path.startsWith('~/') ? join(homeFolder(), path.slice(2)) : path)

/** As `loadPublic`. Throws `FatalError` with `failed` in front when there is none. */
export const requirePublic = (path: string, failed: string): PublicKey => {
  const key = loadPublic(path)
  if (key === undefined) throw new FatalError(`${failed}: No such file or directory`)
  return key
}

/** A name for a file beside another, that nobody guesses. */
export const temporaryName = (path: string): string =>
  `${path}.${randomInt(2 ** 47)
    .toString(36)
    .padStart(10, '0')}`

/** Writes a file whole or not at all: a key that is half written is a key that is lost. */
export const replaceFile = (path: string, text: string | Uint8Array, mode: number): void => {
  const place = existsSync(path) ? realpathSync(path) : path
  const temporary = temporaryName(place)
  try {
    writeFileSync(temporary, text, { mode, flag: 'wx' })
    renameSync(temporary, place)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** OpenSSL's formats for the types it has; all others are in OpenSSH's own, whatever -m says. */
const formatFor = (key: PrivateKey, call: KeygenCall): 'openssh' | 'pem' | 'pkcs8' => {
  const plain = key.type === 'ssh-rsa' || key.type === 'ssh-ed25519' || key.type.startsWith('ecdsa-')
  if (!plain || call.format === undefined || call.format === 'RFC4716') return 'openssh'
  return call.format === 'PEM' ? 'pem' : 'pkcs8'
}

/** What OpenSSL asks for, and so ssh-keygen of its formats. */
const shortestForPem = 5

/** Writes a private key with its mode 0600, as -m, -Z and -a have it. Throws `FatalError` with 1. */
export const savePrivate = async (
  key: PrivateKey,
  path: string,
  how: { readonly passphrase: string; readonly comment: string },
  call: KeygenCall,
): Promise<void> => {
  try {
    const format = formatFor(key, call)
    if (format === 'pem' && key.type === 'ssh-ed25519') throw new TypeError('invalid format')
    if (format !== 'openssh' && how.passphrase !== '' && how.passphrase.length < shortestForPem)
      throw new TypeError('passphrase is too short (minimum five characters)')
    const text = await writePrivateKey(nodeCrypto(), key, {
      format,
      comment: how.comment,
      ...(how.passphrase === '' ? {} : { passphrase: how.passphrase }),
      ...(format === 'openssh' && call.cipher !== undefined ? { cipher: call.cipher } : {}),
      ...(format === 'openssh' && call.rounds !== undefined ? { rounds: call.rounds } : {}),
    })
    replaceFile(path, text, 0o600)
  } catch (error) {
    throw new FatalError(`Saving key "${path}" failed: ${error instanceof TypeError ? error.message : keyErrorText(error)}`, 1)
  }
}

/** Writes a public key file. The comment has its blank also when it is empty, as ssh-keygen has it. */
export const savePublic = (key: PublicKey, path: string, comment: string): void => {
  try {
    replaceFile(path, `${formatPublicKeyLine(key, '')} ${comment.replaceAll(/[\r\n]+/g, ' ')}\n`, 0o644 & ~process.umask())
  } catch (error) {
    throw new FatalError(`Unable to save public key to ${path}: ${systemText(error)}`)
  }
}

/** `~/.ssh`, when the file is to be there and it is missing. */
export const makeUserFolder = (path: string, call: KeygenCall, environment: Environment): void => {
  const folder = join(homeFolder(), '.ssh')
  if (!path.startsWith(`${folder}/`) || existsSync(folder)) return
  try {
    mkdirSync(folder, { mode: 0o700 })
    if (!call.quiet) logLine(environment, `Created directory '${folder}'.`)
  } catch (error) {
    logLine(environment, `Could not create directory '${folder}' (${systemText(error)}).`)
  }
}
