// Owns reading a private key file from disk, into a key or a signer, on Node: its mode is looked at first. Knows nothing of
// formats.
import { open } from 'node:fs/promises'
import { nodeCrypto } from '../crypto/node/provider.ts'
import { KeyFormatError } from '../errors.ts'
import { largestKeyFile } from './key-text.ts'
import type { PrivateKey } from './private.ts'
import { type LoadKeyOptions, loadPrivateKey } from './private-file.ts'
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

/** A signer for the private key in `path`. Rejects as `loadPrivateKeyFile` does, and with what `createSigner` throws. */
export const loadSigner = async (path: string, options: Omit<LoadKeyOptions, 'path'> & SignerOptions = {}): Promise<Signer> => {
  const { minimumRsaBits, algorithms, ...loading } = options
  const key = await loadPrivateKeyFile(path, loading)
  return createSigner(nodeCrypto(), key, path, {
    ...(minimumRsaBits === undefined ? {} : { minimumRsaBits }),
    ...(algorithms === undefined ? {} : { algorithms }),
  })
}
