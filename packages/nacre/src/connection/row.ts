// Owns what all tables of this layer share: a row names a type and declares its details, and a table reads details by
// name. Knows nothing of channels, of replies or of what a type is for.
import { ConfigError } from '../errors.ts'
import { type Codec, decode } from '../wire/codec.ts'

export type Role = 'client' | 'server'

/** One channel type, channel request or global request: its name on the wire and the codec of its details. */
export interface Row<N extends string = string, T = unknown> {
  readonly name: N
  readonly codec: Codec<T>
  /** Who may send it; either side unless said otherwise. */
  readonly from?: Role | 'either'
}

/**
 * Something of a standard row, of a row of your own (get at its value with `isOf`), or of a type nobody declared (`details`
 * are then the raw bytes). `name` is the name on the wire.
 */
export type Named<R extends Row> =
  | (R extends Row<infer N, infer T> ? { readonly type: N; readonly name: N; readonly value: T } : never)
  | { readonly type: 'custom'; readonly name: string; readonly value: unknown }
  | { readonly type: 'unknown'; readonly name: string; readonly details: Uint8Array }

/** True when `named` was read by the row of that name; its value then has the row's type, also for rows of your own. */
export const isOf = <V extends { readonly type: string; readonly name: string }, N extends string, T>(
  named: V,
  row: Row<N, T>,
): named is Exclude<V, { readonly type: 'unknown' }> & { readonly name: N; readonly value: T } =>
  named.type !== 'unknown' && named.name === row.name

const nothing = new Uint8Array(0)

/** Rows by name. `S` are the standard ones among them. */
export class RowTable<S extends Row> {
  readonly #rows = new Map<string, Row>()
  readonly #standard: ReadonlySet<Row>

  /** Throws `ConfigError` when two rows share a name. */
  constructor(what: string, standard: readonly S[], own: readonly Row[]) {
    this.#standard = new Set<Row>(standard)
    for (const row of [...standard, ...own]) {
      if (this.#rows.has(row.name)) throw new ConfigError(`Two rows declare the ${what} "${row.name}".`)
      this.#rows.set(row.name, row)
    }
  }

  /** False when the row of that name is only for the other side to send. */
  maySend(name: string, sender: Role): boolean {
    const from = this.#rows.get(name)?.from ?? 'either'
    return from === 'either' || from === sender
  }

  /** Reads `details` by the row of that name. The result owns its bytes. Throws `WireError` for details of another shape. */
  read(name: string, details: Uint8Array): Named<S> {
    const row = this.#rows.get(name)
    const own = details.length === 0 ? nothing : details.slice()
    if (row === undefined) return { type: 'unknown', name, details: own }
    const value = decode(row.codec, own)
    if (!this.#standard.has(row)) return { type: 'custom', name, value }
    // The codec of a row gives what the row declares.
    return { type: name, name, value } as Named<S>
  }
}
