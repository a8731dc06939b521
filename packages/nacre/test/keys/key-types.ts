// Owns reading the vectors of key types (../vectors/key-types). Knows nothing of what is in them.
import { readFileSync } from 'node:fs'

export const keyTypeVector = (name: string): string => readFileSync(new URL(`../vectors/key-types/${name}`, import.meta.url), 'utf8')

export interface StoredSignature {
  readonly about: string
  readonly key: string
  readonly algorithm: string
  /** base64. */
  readonly signature: string
  /** What OpenSSH says. */
  readonly accepted: boolean
  readonly flags?: number
  readonly counter?: number
  readonly origin?: string
}

interface Stored {
  readonly data: string
  readonly keys: readonly {
    readonly name: string
    readonly public: string
    readonly application: string
    readonly flags: number
    readonly file: string
  }[]
  readonly signatures: readonly StoredSignature[]
}

export const securityKeys = JSON.parse(keyTypeVector('security-keys.json')) as Stored

export interface Shown {
  readonly public: string
  readonly bits: number
  readonly shortName: string
  readonly fingerprints: Readonly<Record<string, string>>
  readonly art: Readonly<Record<string, string>>
  readonly babble: string
  readonly sshfp: readonly string[]
  readonly generic: readonly string[]
}

export const shownKeys = JSON.parse(keyTypeVector('shown.json')) as readonly Shown[]
