// Owns names of users and groups in a session: each number and each name is asked for once. Knows no packets.
import { SftpError } from '../../errors.ts'
import { whenThere } from '../../io/soon.ts'
import type { Attributes } from '../attributes.ts'
import type { Files, MaybePromise } from '../files.ts'

type Kind = 'user' | 'group'
/** Remembered of each kind at most; a directory with more owners asks again. */
const most = 4096

export class Principals {
  readonly #files: Files
  readonly #names: Readonly<Record<Kind, Map<number, string>>> = { user: new Map(), group: new Map() }

  constructor(files: Files) {
    this.#files = files
  }

  #missing(kind: Kind, all: readonly Attributes[]): readonly number[] {
    const names = this.#names[kind]
    let missing: Set<number> | undefined
    for (const attributes of all) {
      const id = kind === 'user' ? attributes.uid : attributes.gid
      const known = kind === 'user' ? attributes.owner : attributes.group
      if (id === undefined || known !== undefined || names.has(id)) continue
      missing ??= new Set()
      missing.add(id)
    }
    return missing === undefined ? [] : [...missing]
  }

  #learn(kind: Kind, all: readonly Attributes[]): MaybePromise<void> {
    const ids = this.#missing(kind, all)
    if (ids.length === 0) return undefined
    return whenThere(this.#files.namesOf(kind, ids), found => {
      const names = this.#names[kind]
      if (names.size + ids.length > most) names.clear()
      ids.forEach((id, index) => names.set(id, found[index] || String(id)))
    })
  }

  /** Makes `owner` and `group` know those of `all`. */
  learn(all: readonly Attributes[]): MaybePromise<void> {
    const users = this.#learn('user', all)
    if (users instanceof Promise) return users.then(() => this.#learn('group', all))
    return this.#learn('group', all)
  }

  owner({ owner, uid }: Attributes): string {
    return owner ?? (uid === undefined ? '' : (this.#names.user.get(uid) ?? String(uid)))
  }

  group({ group, gid }: Attributes): string {
    return group ?? (gid === undefined ? '' : (this.#names.group.get(gid) ?? String(gid)))
  }

  /**
   * With names of owners, as versions 4 to 6 send them. Those it has must have been learned. Without what is taken up on the
   * disk, which nobody must be told: lftp 4.9 passes over that field, and takes what follows it for something else.
   */
  named({ allocated: _allocated, ...attributes }: Attributes): Attributes {
    if (attributes.uid === undefined && attributes.gid === undefined) return attributes
    return { ...attributes, owner: this.owner(attributes), group: this.group(attributes) }
  }

  #idOf(kind: Kind, name: string): MaybePromise<number> {
    if (/^\d{1,10}$/.test(name) && Number(name) <= 0xffffffff) return Number(name)
    // `user@domain`, as the drafts have it: there is one domain here.
    const local = name.replace(/@.*$/s, '')
    return whenThere(this.#files.idOf(kind, local), id => {
      if (id !== undefined) return id
      throw kind === 'user'
        ? new SftpError('owner-invalid', 'There is no such user.', { operation: 'set attributes' })
        : new SftpError('group-invalid', 'There is no such group.', { operation: 'set attributes' })
    })
  }

  /** With numbers for the names of owners a client sent; an empty name means to leave it. Throws for names nobody has. */
  numbered(attributes: Attributes): MaybePromise<Attributes> {
    const { owner, group, ...others } = attributes
    if (owner === undefined && group === undefined) return attributes
    const withGroup = (known: Attributes): MaybePromise<Attributes> =>
      group === undefined || group === '' ? known : whenThere(this.#idOf('group', group), gid => ({ ...known, gid }))
    return owner === undefined || owner === ''
      ? withGroup(others)
      : whenThere(this.#idOf('user', owner), uid => withGroup({ ...others, uid }))
  }
}
