// Owns the key files of `ssh-add`: public keys from whatever file they are in, private ones with a passphrase if need be, and the
// certificate beside them. Knows nothing of agents.
import { readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { KeyFormatError, SshError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import {
  type Certificate,
  isCertificateType,
  loadPrivateKey,
  parseCertificate,
  type PrivateKey,
  type PublicKey,
  readPublicKeys,
  readPublicPart,
} from 'nacre/keys'
import { askPassphrase } from '../askpass.ts'
import { logLine } from '../fatal.ts'
import { type Job, reason, say } from './job.ts'

const noFile = (path: string): Error => Object.assign(new Error(`no key in ${path}`), { code: 'ENOENT' })

/** The first public key of a file. Private files have one too, but the comment is in the public file beside them. */
const firstKey = (path: string): PublicKey | undefined => {
  try {
    const bytes = readFileSync(path)
    return bytes.includes('PRIVATE KEY') ? undefined : readPublicKeys(bytes, { path })[0]
  } catch {
    return undefined
  }
}

/** The public key of a file: of itself, of the `.pub` beside it, or of the private key in it. Throws what the system or the key says. */
export const loadPublicKey = (path: string): PublicKey => {
  const found = firstKey(path) ?? firstKey(`${path}.pub`)
  if (found !== undefined) return found
  try {
    const inside = readPublicPart(readFileSync(path), { path })
    if (inside !== undefined) return inside
  } catch {
    // As OpenSSH: whatever is there, no key was found.
  }
  throw noFile(path)
}

/** The certificate beside a key file; `undefined` when there is none, or one that is told about. */
export const certificateBeside = (path: string, job: Job): { readonly certificate: Certificate; readonly comment: string } | undefined => {
  const file = `${path}-cert.pub`
  let text: Uint8Array
  try {
    text = readFileSync(file)
  } catch (error) {
    if (!isMissing(error)) logLine(job.environment, `Failed to load certificate "${file}": ${reason(error, job)}`)
    return undefined
  }
  try {
    const key = readPublicKeys(text, { path: file })[0]
    if (key !== undefined && isCertificateType(key.type)) return { certificate: parseCertificate(key.blob), comment: key.comment }
    throw new KeyFormatError('KEY_MALFORMED', 'it is no certificate')
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    logLine(job.environment, `Failed to load certificate "${file}": ${reason(error, job)}`)
    return undefined
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

const wall = '@'.repeat(59)

/** False, and said at length, when others may read the file. */
const modeIsRight = (path: string, { environment }: Pick<Job, 'environment'>): boolean => {
  const { mode, uid } = statSync(path)
  if (process.platform === 'win32' || uid !== process.getuid?.() || (mode & 0o077) === 0) return true
  for (const line of [
    wall,
    '@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @',
    wall,
    `Permissions 0${(mode & 0o777).toString(8).padStart(3, '0')} for '${path}' are too open.`,
    'It is required that your private key files are NOT accessible by others.',
    'This private key will be ignored.',
  ])
    logLine(environment, line)
  return false
}

const allOf = async (stream: NodeJS.ReadableStream): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece)
  return Buffer.concat(pieces)
}

const isLocked = (error: unknown): boolean =>
  error instanceof KeyFormatError && (error.code === 'KEY_PASSPHRASE_NEEDED' || error.code === 'KEY_PASSPHRASE_WRONG')

/** Tries without a passphrase, with the last one, then with those the person says until one fits or nothing is said. */
const unlock = async (bytes: Uint8Array, path: string, job: Job): Promise<PrivateKey | undefined> => {
  const attempt = async (passphrase?: string): Promise<PrivateKey | undefined> => {
    try {
      return await loadPrivateKey(nodeCrypto(), bytes, { path, ...(passphrase === undefined ? {} : { passphrase }) })
    } catch (error) {
      if (isLocked(error)) return undefined
      throw error
    }
  }
  const atOnce = (await attempt()) ?? (job.lastPassphrase === undefined ? undefined : await attempt(job.lastPassphrase))
  if (atOnce !== undefined) return atOnce
  job.lastPassphrase = undefined
  const what = `${path}${job.settings.confirm ? ' (will confirm each use)' : ''}: `
  for (let prompt = 'Enter passphrase for '; ; prompt = 'Bad passphrase, try again for ') {
    const passphrase = await askPassphrase(prompt + what, job.environment)
    if (passphrase === '') return undefined
    const key = await attempt(passphrase)
    if (key === undefined) continue
    job.lastPassphrase = passphrase
    return key
  }
}

/** The private key of a file, `-` being standard input; `undefined` when there is none to be had, which has been said. */
export const loadPrivate = async (file: string, job: Job): Promise<{ readonly key: PrivateKey; readonly name: string } | undefined> => {
  const name = file === '-' ? '(stdin)' : file
  let bytes: Uint8Array
  try {
    if (file !== '-' && !modeIsRight(file, job)) return undefined
    bytes = file === '-' ? await allOf(job.environment.stdin) : await readFile(file)
  } catch (error) {
    say(job, `${name}: ${reason(error, job)}`)
    return undefined
  }
  try {
    const key = await unlock(bytes, name, job)
    return key === undefined ? undefined : { key, name }
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    say(job, `Error loading key "${name}": ${reason(error, job)}`)
    return undefined
  } finally {
    bytes.fill(0)
  }
}
