// Owns reading a private key file from disk, into a key or a signer, on Node: its mode is looked at first. Knows nothing of
// formats.
import { open, readFile } from 'node:fs/promises'
import { nodeCrypto } from '../crypto/node/provider.ts'
import { KeyFormatError } from '../errors.ts'
import { largestKeyFile } from './key-text.ts'
import { isCertificateType } from './certificate-names.ts'
import { lazySigner } from './lazy-signer.ts'
import type { PrivateKey } from './private.ts'
import { type LoadKeyOptions, loadPrivateKey, readPrivateKey, readPublicPart } from './private-file.ts'
import { parsePublicKeyLine, type PublicKey } from './public.ts'
import { createSigner, type Signer, type SignerOptions } from './signer.ts'

/**
 * OpenSSH does not take a key that others than its owner may use, and neither do we. Whoever owns the file decides for
 * themselves only: root may keep a key in a place where a group reads it.
 */
const checkMode = (path: string, { mode, uid }: { mode: number; uid: number }): void => {
  if (process.platform === 'win32' || uid !== process.getuid?.() || (mode & 0o077) === 0) return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  const message = `Permissions ${shown} for '${path}' are too open: a private key is for its owner alone, so it is not used. Close it: chmod 600 ${path}`
  throw new KeyFormatError('KEY_PERMISSIONS', message, path)
}

/** The bytes of a key file; the mode is that of the file that is read. One byte more than a key can have is enough to tell. */
const readKeyFile = async (path: string): Promise<Uint8Array> => {
  const file = await open(path, 'r')
  try {
    checkMode(path, await file.stat())
    const bytes = new Uint8Array(largestKeyFile + 1)
    let length = 0
    for (let read = 1; read > 0 && length < bytes.length; length += read)
      read = (await file.read(bytes, length, bytes.length - length, null)).bytesRead
    return bytes.subarray(0, length)
  } finally {
    await file.close()
  }
}

/**
 * The private key in the file `path`, in any format. Rejects with `KeyFormatError`: KEY_PERMISSIONS, with mode and path, when
 * others may use the file (what OpenSSH warns of as an unprotected private key file), and all that `loadPrivateKey` rejects
 * with; and with what the file system says when it cannot be read.
 */
export const loadPrivateKeyFile = async (path: string, options: Omit<LoadKeyOptions, 'path'> = {}): Promise<PrivateKey> => {
  const bytes = await readKeyFile(path)
  try {
    return await loadPrivateKey(nodeCrypto(), bytes, { ...options, path })
  } finally {
    bytes.fill(0)
  }
}

const signerOptions = ({ minimumRsaBits, algorithms }: SignerOptions): SignerOptions => ({
  ...(minimumRsaBits === undefined ? {} : { minimumRsaBits }),
  ...(algorithms === undefined ? {} : { algorithms }),
})

interface UseOptions {
  /** Called with the key before it signs for the first time; must not reject. */
  readonly onUsed?: ((key: PrivateKey) => void | Promise<void>) | undefined
}

/** The signer, which tells of its first use. */
const telling = (signer: Signer, key: PrivateKey, { onUsed }: UseOptions): Signer => {
  if (onUsed === undefined) return signer
  let told: void | Promise<void>
  let used = false
  return {
    ...signer,
    async sign(data, algorithm) {
      if (!used) {
        used = true
        told = onUsed(key)
      }
      await told
      return await signer.sign(data, algorithm)
    },
  }
}

/** A signer for the private key in `path`. Rejects as `loadPrivateKeyFile` does, and with what `createSigner` throws. */
export const loadSigner = async (
  path: string,
  options: Omit<LoadKeyOptions, 'path'> & SignerOptions & UseOptions = {},
): Promise<Signer> => {
  const { minimumRsaBits: _, algorithms: __, onUsed, ...loading } = options
  const key = await loadPrivateKeyFile(path, loading)
  return telling(createSigner(nodeCrypto(), key, path, signerOptions(options)), key, { onUsed })
}

/** The public half that lies beside a key file, if there is one. */
const publicHalfBeside = async (path: string): Promise<PublicKey | undefined> => {
  try {
    const key = parsePublicKeyLine(await readFile(`${path}.pub`, 'utf8'), `${path}.pub`)
    return isCertificateType(key.type) ? undefined : key
  } catch {
    return undefined
  }
}

/** The public half of an encrypted file, of the file itself if it shows it; of a key that lies open, a signer. */
const publicHalfOrSigner = async (path: string, options: SignerOptions & UseOptions): Promise<PublicKey | Signer | undefined> => {
  const bytes = await readKeyFile(path)
  try {
    const key = readPrivateKey(nodeCrypto(), bytes, { path })
    return telling(createSigner(nodeCrypto(), key, path, signerOptions(options)), key, options)
  } catch (error) {
    if (!(error instanceof KeyFormatError) || error.code !== 'KEY_PASSPHRASE_NEEDED') throw error
    return readPublicPart(bytes, { path }) ?? (await publicHalfBeside(path))
  } finally {
    bytes.fill(0)
  }
}

/**
 * As `loadSigner`, but the passphrase of an encrypted file is asked for only when the key has to sign: when a server has said
 * that it would take it. Where nothing shows the public half (neither the file nor one beside it, `.pub`), it is asked for now.
 * What then goes wrong is what a signature rejects with, and `onFailed` is told of it.
 */
export const loadLazySigner = async (
  path: string,
  options: Omit<LoadKeyOptions, 'path'> & SignerOptions & UseOptions & { readonly onFailed?: (error: unknown) => void } = {},
): Promise<Signer> => {
  const found = await publicHalfOrSigner(path, options)
  if (found === undefined) return await loadSigner(path, options)
  if ('sign' in found) return found
  const openFile = async (): Promise<Signer> => {
    try {
      return await loadSigner(path, options)
    } catch (error) {
      options.onFailed?.(error)
      throw error
    }
  }
  return lazySigner(found, path, openFile, signerOptions(options))
}
