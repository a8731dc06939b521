// Owns reading the vectors of revocation lists and signatures of files. Knows nothing of what is in them.
import { readFileSync } from 'node:fs'
import { base64 } from './fixtures.ts'

export interface KrlVector {
  /** The version of OpenSSH that made it, and what it is about. */
  readonly title: string
  /** A public key line; `null` for any authority. */
  readonly authority: string | null
  readonly spec: string
  readonly generated: bigint
  readonly bytes: Uint8Array
  /** What `ssh-keygen -Q -l` prints of it, in UTC. */
  readonly shown: string
  readonly asked: readonly { readonly line: string; readonly revoked: boolean }[]
}

export interface SignatureFileVector {
  readonly by: string
  readonly kind: string
  readonly namespace: string
  readonly hash: 'sha256' | 'sha512'
  readonly file: string
  readonly flags?: number
  readonly counter?: number
}

interface Stored {
  readonly message: string
  readonly lists: readonly {
    readonly by: string
    readonly name: string
    readonly authority: string | null
    readonly spec: string
    readonly generated: number
    readonly krl: string
    readonly shown: string
    readonly asked: KrlVector['asked']
  }[]
  readonly signatures: readonly SignatureFileVector[]
}

const stored = JSON.parse(readFileSync(new URL('../vectors/lists/lists.json', import.meta.url), 'utf8')) as Stored

export const signedMessage = new TextEncoder().encode(stored.message)
export const signatureFileVectors = stored.signatures

export const krlVectors: readonly KrlVector[] = stored.lists.map(({ by, name, authority, spec, generated, krl, shown, asked }) => ({
  title: `${name} (OpenSSH ${by})`,
  authority,
  spec,
  generated: BigInt(generated),
  bytes: base64(krl),
  shown,
  asked,
}))
