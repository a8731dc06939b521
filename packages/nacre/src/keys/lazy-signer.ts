// Owns the signer whose private half is fetched when something has to be signed, and not before: an encrypted file whose
// passphrase nobody wants to type in vain. Knows nothing of files or passphrases.
import type { KeyType } from '../algorithms/rows.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import { keyTypes, signatureAlgorithms } from '../algorithms/signature/table.ts'
import { KeyFormatError } from '../errors.ts'
import type { PublicKey } from './public.ts'
import { inToken, type Signer, type SignerOptions, weakKey } from './signer.ts'

/** What would be refused once the private half is there is refused before anybody is asked for it. */
const checkUsable = ({ type, numbers }: PublicKey, source: string, options: SignerOptions): void => {
  const row: KeyType | undefined = keyTypes.find(each => each.name === type)
  if (row === undefined) throw new KeyFormatError('KEY_UNSUPPORTED', `The key of ${source} is of a type that is not known.`)
  if (row.signingKey === undefined) throw inToken(source)
  const weakness = numbers === undefined ? undefined : tooWeak(numbers, options.minimumRsaBits)
  if (weakness !== undefined) throw weakKey(source, weakness)
}

/**
 * A signer for `publicKey` that calls `open` for the key itself when it first has to sign, once; it is slow, so that a login
 * asks the server about the key before. A signature rejects with what `open` rejected with, again without a second call; and
 * with `KeyFormatError` KEY_MALFORMED when `open` gave another key. Throws what `createSigner` throws of a key by its public
 * half: KEY_TOO_WEAK, and KEY_UNSUPPORTED for types nobody here knows and for keys that lie in a security key.
 */
export const lazySigner = (publicKey: PublicKey, source: string, open: () => Promise<Signer>, options: SignerOptions = {}): Signer => {
  checkUsable(publicKey, source, options)
  const algorithms = (options.algorithms ?? signatureAlgorithms).filter(row => row.keyType === publicKey.type).map(row => row.name)
  let opened: Promise<Signer> | undefined
  const openChecked = async (): Promise<Signer> => {
    const signer = await open()
    if (signer.publicKey.equals(publicKey)) return signer
    const [wanted, found] = [publicKey.fingerprint(), signer.publicKey.fingerprint()]
    throw new KeyFormatError('KEY_MALFORMED', `The key of ${source} is ${found}, and its public half beside it ${wanted}.`)
  }
  return {
    publicKey,
    algorithms,
    source,
    slow: true,
    async sign(data, algorithm) {
      if (!algorithms.includes(algorithm)) throw new TypeError(`a ${publicKey.type} key cannot sign as ${algorithm}`)
      opened ??= openChecked()
      return await (await opened).sign(data, algorithm)
    },
  }
}
