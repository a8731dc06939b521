// Owns making a new key by the name people give its type. Knows nothing of the arithmetic, files or passphrases.
import type { KeyType } from '../algorithms/rows.ts'
import { keyTypes } from '../algorithms/signature/table.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { escapeForPeople, KeyFormatError } from '../errors.ts'
import { PrivateKey } from './private.ts'

export interface GenerateKeyOptions {
  /** RSA: 1024 to 16384, default 3072. ECDSA: 256, 384 or 521, default 256. Types of one size take no notice of it. */
  readonly bits?: number
  /** Default ''. */
  readonly comment?: string
}

const refusal = (message: string): KeyFormatError => new KeyFormatError('KEY_UNSUPPORTED', message)

const shortNames = (rows: readonly KeyType[]): string => [...new Set(rows.map(row => row.shortName.toLowerCase()))].join(', ')

/** Rows by the name on the wire, or by the short one that several sizes share. */
const rowsNamed = (type: string): readonly KeyType[] => {
  const rows = keyTypes.filter(row => row.name === type || row.shortName.toLowerCase() === type.toLowerCase())
  if (rows.some(row => row.generate !== undefined)) return rows
  const shown = escapeForPeople(type, { limit: 64 })
  const known = shortNames(keyTypes.filter(row => row.generate !== undefined))
  if (rows.length === 0) throw refusal(`There is no key type "${shown}". New keys can be: ${known}.`)
  throw refusal(
    rows[0].signingKey === undefined
      ? `A ${shown} key is made by a security key, which cannot be used here. Make it with OpenSSH's ssh-keygen where the token is; new keys here can be: ${known}.`
      : `New ${shown} keys are not made any more: they are too weak. New keys can be: ${known}.`,
  )
}

const sizesOf = (rows: readonly KeyType[]): string => {
  const sizes = rows.flatMap(({ sizes: each }) =>
    each === undefined ? [] : [each.minimum === each.maximum ? String(each.minimum) : `${each.minimum} to ${each.maximum}`],
  )
  return sizes.length < 2 ? sizes.join('') : `${sizes.slice(0, -1).join(', ')} or ${sizes.at(-1)}`
}

/**
 * A new key of `type`, by its name on the wire or its short one (`ed25519`, `ecdsa`, `rsa`, `mldsa44-ed25519`). Throws
 * `KeyFormatError` KEY_UNSUPPORTED for a type that is not known, not made (DSA), made by tokens only or not there in this
 * runtime, and for a size the type does not have.
 */
export const generateKey = async (
  crypto: CryptoProvider,
  type: string,
  { bits, comment = '' }: GenerateKeyOptions = {},
): Promise<PrivateKey> => {
  const rows = rowsNamed(type)
  const wanted = bits ?? rows[0].sizes?.usual ?? 0
  const row = rows.find(
    ({ sizes }) => sizes === undefined || (Number.isInteger(wanted) && wanted >= sizes.minimum && wanted <= sizes.maximum),
  )
  if (row?.generate === undefined) throw refusal(`A key of type ${rows[0].shortName} has ${sizesOf(rows)} bits, not ${wanted}.`)
  return new PrivateKey(await row.generate(crypto, wanted), comment)
}
