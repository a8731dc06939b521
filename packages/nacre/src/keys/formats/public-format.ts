// Owns the shape of a row in the table of public key formats. Knows none of them.
import type { PublicKey } from '../public.ts'

export interface PublicKeyFormat {
  /** What people call it. */
  readonly name: string
  recognises(text: string): boolean
  /** All keys of the file, at least one. Throws `KeyFormatError`. */
  read(text: string, path: string | undefined): readonly PublicKey[]
  /** The text of a file; `undefined` for a key there is no form of. */
  write(key: PublicKey): string | undefined
}
