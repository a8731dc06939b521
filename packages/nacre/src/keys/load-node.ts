// Owns reading a private key file from disk into a signer, on Node. Knows nothing of formats.
import { readFile, stat } from 'node:fs/promises'
import { nodeCrypto } from '../crypto/node/provider.ts'
import { KeyFormatError } from '../errors.ts'
import { readPrivateKey } from './private-file.ts'
import { createSigner, type Signer } from './signer.ts'

/** True when others than the owner may use the file: OpenSSH does not take such a key, and neither do we. */
const tooOpen = async (path: string): Promise<boolean> => {
  if (process.platform === 'win32') return false
  const { mode, uid } = await stat(path)
  // Root may keep a key in a place where a group reads it; whoever owns the file decides for themselves only.
  return uid === process.getuid?.() && (mode & 0o077) !== 0
}

/**
 * A signer for the private key in `path`. Throws `KeyFormatError`: KEY_PERMISSIONS when others may read the file, and all
 * that `readPrivateKey` and `createSigner` throw; and what the file system says when it cannot be read.
 */
export const loadSigner = async (path: string, options: { readonly passphrase?: string } = {}): Promise<Signer> => {
  const text = await readFile(path, 'utf8')
  if (await tooOpen(path))
    throw new KeyFormatError(
      'KEY_PERMISSIONS',
      `The key file ${path} can be read by others, so it is not used. Close it: chmod 600 ${path}`,
      path,
    )
  const crypto = nodeCrypto()
  return createSigner(crypto, readPrivateKey(crypto, text, { path, ...options }), path)
}
