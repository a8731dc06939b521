// Owns a revocation list while it is being put together, by reading one or by adding to one, and its ceiling. Knows nothing of
// bytes or text.
import { RevocationListError } from '../../errors.ts'
import type { PublicKey } from '../public.ts'
import { inOrder, type KeyRevocationList, mostKrlEntries } from './krl.ts'
import { SerialCollector } from './serials.ts'

interface Part {
  readonly authority: PublicKey | undefined
  readonly serials: SerialCollector
  readonly keyIds: Uint8Array[]
}

export interface PartDraft {
  /** Both included. Throws for the serial 0, and for a range that ends before it begins. */
  serials(from: bigint, to: bigint): void
  keyId(bytes: Uint8Array): void
}

export class KrlDraft {
  readonly #parts = new Map<string, Part>()
  readonly #keys: Uint8Array[] = []
  readonly #sha1: Uint8Array[] = []
  readonly #sha256: Uint8Array[] = []
  #count = 0

  #counted(): void {
    if (++this.#count > mostKrlEntries) {
      throw new RevocationListError(
        'KRL_TOO_LARGE',
        `The revocation list has more than ${mostKrlEntries} entries. Revoke by range, or by the authority.`,
      )
    }
  }

  #part(authority: PublicKey | undefined): Part {
    const name = authority === undefined ? '' : authority.fingerprint()
    let part = this.#parts.get(name)
    if (part === undefined) {
      this.#counted()
      part = { authority, serials: new SerialCollector(), keyIds: [] }
      this.#parts.set(name, part)
    }
    return part
  }

  /** Where what is revoked of one authority goes. It appears in the list with its first entry. */
  of(authority: PublicKey | undefined): PartDraft {
    let part: Part | undefined
    return {
      serials: (from, to) => {
        // Zero is what certificates have whose authority numbers none; to revoke it would say nothing.
        if (from === 0n) {
          throw new RevocationListError(
            'KRL_ENTRY',
            'The serial 0 cannot be revoked: certificates without a number have it. Revoke them by key ID.',
          )
        }
        if (to < from) throw new RevocationListError('KRL_ENTRY', `The range of serials ${from}-${to} ends before it begins.`)
        const { serials } = (part ??= this.#part(authority))
        const before = serials.size
        serials.add(from, to)
        if (serials.size > before) this.#counted()
      },
      keyId: bytes => {
        this.#counted()
        const { keyIds } = (part ??= this.#part(authority))
        keyIds.push(bytes)
      },
    }
  }

  key(blob: Uint8Array): void {
    this.#counted()
    this.#keys.push(blob)
  }

  sha1(hash: Uint8Array): void {
    if (hash.length !== 20)
      throw new RevocationListError('KRL_MALFORMED', `A SHA-1 hash in the revocation list has ${hash.length} bytes instead of 20.`)
    this.#counted()
    this.#sha1.push(hash)
  }

  sha256(hash: Uint8Array): void {
    if (hash.length !== 32)
      throw new RevocationListError('KRL_MALFORMED', `A SHA-256 hash in the revocation list has ${hash.length} bytes instead of 32.`)
    this.#counted()
    this.#sha256.push(hash)
  }

  addAll(list: KeyRevocationList): void {
    for (const { authority, serials, keyIds } of list.certificates) {
      const part = this.of(authority)
      for (const { from, to } of serials) part.serials(from, to)
      for (const keyId of keyIds) part.keyId(keyId)
    }
    for (const blob of list.keys) this.key(blob)
    for (const hash of list.sha1) this.sha1(hash)
    for (const hash of list.sha256) this.sha256(hash)
  }

  finish(head: Pick<KeyRevocationList, 'version' | 'generated' | 'flags' | 'comment'>): KeyRevocationList {
    return {
      ...head,
      certificates: [...this.#parts.values()].map(({ authority, serials, keyIds }) => ({
        authority,
        serials: serials.finish(),
        keyIds: inOrder(keyIds),
      })),
      keys: inOrder(this.#keys),
      sha1: inOrder(this.#sha1),
      sha256: inOrder(this.#sha256),
    }
  }
}
