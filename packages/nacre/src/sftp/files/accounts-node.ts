// Owns names and numbers of users and groups, from /etc/passwd and /etc/group as they are now. Starts no program and asks no
// directory service: it must be cheap for every row of a listing. Knows no files of anybody.
import { readFileSync, statSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'

export interface Accounts {
  nameOf(kind: 'user' | 'group', id: number): string
  idOf(kind: 'user' | 'group', name: string): number | undefined
  /** Home of a user by name, or of whom this process runs as for ''; `undefined` where there is none. */
  homeOf(user: string): string | undefined
}

interface Table {
  readonly names: ReadonlyMap<number, string>
  readonly ids: ReadonlyMap<string, number>
  readonly homes: ReadonlyMap<string, string>
}

/** passwd(5) and group(5); the first row of a name or number counts, as for the system. */
export const parseAccounts = (text: string): Table => {
  const names = new Map<number, string>()
  const ids = new Map<string, number>()
  const homes = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [name, , number, , , home] = line.split(':')
    if (!name || number === undefined || !/^\d+$/.test(number) || /^[+-]/.test(name)) continue
    const id = Number(number)
    if (!names.has(id)) names.set(id, name)
    if (ids.has(name)) continue
    ids.set(name, id)
    if (home) homes.set(name, home)
  }
  return { names, ids, homes }
}

/** Milliseconds in which a file is not looked at again. */
const freshness = 1_000

const watched = (path: string): (() => Table) => {
  let table = parseAccounts('')
  let lookedAt = Number.NEGATIVE_INFINITY
  let version = ''
  return () => {
    const now = performance.now()
    if (now - lookedAt < freshness) return table
    lookedAt = now
    try {
      const { mtimeNs, ino, size } = statSync(path, { bigint: true })
      if (version === `${mtimeNs} ${ino} ${size}`) return table
      table = parseAccounts(readFileSync(path, 'utf8'))
      version = `${mtimeNs} ${ino} ${size}`
    } catch {
      // Without the file there are no names; numbers do.
    }
    return table
  }
}

interface OwnAccount {
  readonly uid: number
  readonly username: string
  readonly homedir: string
}

/** Whom this process runs as: the system knows that one even when a directory service holds the accounts. Asked once. */
const ownAccount = (): (() => OwnAccount | undefined) => {
  let askedFor: number | undefined
  let own: OwnAccount | undefined
  return () => {
    const uid = process.getuid?.()
    if (uid === askedFor) return own
    askedFor = uid
    try {
      own = userInfo({ encoding: 'utf8' })
    } catch {
      // Numbers without an account have no name.
      own = undefined
    }
    return own
  }
}

export const readAccounts = (passwd = '/etc/passwd', group = '/etc/group'): Accounts => {
  const tables = { user: watched(passwd), group: watched(group) }
  const own = ownAccount()
  return {
    nameOf: (kind, id) => tables[kind]().names.get(id) ?? (kind === 'user' && id === process.getuid?.() ? (own()?.username ?? '') : ''),
    idOf: (kind, name) => tables[kind]().ids.get(name) ?? (kind === 'user' && own()?.username === name ? own()?.uid : undefined),
    homeOf: user => {
      if (user === '') return own()?.homedir || homedir() || undefined
      return tables.user().homes.get(user) ?? (own()?.username === user ? own()?.homedir : undefined)
    },
  }
}

/** One for all `Files` of the process. */
export const systemAccounts: Accounts = readAccounts()

/** Numbers only. */
export const noAccounts: Accounts = { nameOf: () => '', idOf: () => undefined, homeOf: () => undefined }
