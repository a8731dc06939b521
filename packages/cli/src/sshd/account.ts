// Owns looking up the accounts of this machine and their rows of shadow(5). Asks the system's own tool, so that accounts
// from directories count too. Knows nothing of logins.
import { userInfo } from 'node:os'
import { runProgram } from './program.ts'

/** A row of passwd(5). */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

/** A row of shadow(5), as far as logging in depends on it. Days count from 1970; `undefined` is no limit. */
export interface ShadowEntry {
  /** The hash as crypt(3) makes it, or what stands there instead: `*`, `!`, or nothing at all. */
  readonly hash: string
  readonly lastChange: number | undefined
  readonly maximumAge: number | undefined
  /** For so many days after its age a password can still be changed. */
  readonly inactive?: number | undefined
  /** So many days before its age people are told. */
  readonly warning?: number | undefined
  readonly expires: number | undefined
}

/** Account names as useradd(8) allows them, and a little more; never an option or a pattern. */
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?$/

/** Reads one line of passwd(5); `undefined` when it is none. */
export const parsePasswdLine = (line: string): Account | undefined => {
  const fields = line.split(':')
  if (fields.length !== 7) return undefined
  const [name, , uid, gid, , home, shell] = fields
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined
  return { name, uid: Number(uid), gid: Number(gid), home: home === '' ? '/' : home, shell: shell === '' ? '/bin/sh' : shell }
}

/** Reads one line of shadow(5); `undefined` when it is none. */
export const parseShadowLine = (line: string): (ShadowEntry & { readonly name: string }) | undefined => {
  const fields = line.split(':')
  if (fields.length < 8) return undefined
  const days = (field: string | undefined): number | undefined => (field !== undefined && /^\d+$/.test(field) ? Number(field) : undefined)
  const [name, hash, lastChange, , maximumAge, warning, inactive, expires] = fields
  return {
    name,
    hash,
    lastChange: days(lastChange),
    maximumAge: days(maximumAge),
    warning: days(warning),
    inactive: days(inactive),
    expires: days(expires),
  }
}

/** The first line getent prints for that name. */
const row = async (database: 'passwd' | 'shadow', name: string): Promise<string | undefined> => {
  // A name of digits would be taken for a uid.
  if (!namePattern.test(name) || /^\d+$/.test(name)) return undefined
  return (await runProgram('getent', [database, '--', name], { timeout: 10_000 }))?.split('\n')[0]
}

/** The account of that name, or `undefined`. */
export const lookUpAccount = async (name: string): Promise<Account | undefined> => {
  const account = parsePasswdLine((await row('passwd', name)) ?? '')
  return account?.name === name ? account : undefined
}

/** The shadow row of that name; only root can read one. */
export const lookUpShadow = async (name: string): Promise<ShadowEntry | undefined> => {
  const entry = parseShadowLine((await row('shadow', name)) ?? '')
  return entry?.name === name ? entry : undefined
}

/** The names of all groups an account is in, its own first. Empty when the system cannot tell. */
export const lookUpGroups = async ({ name }: Account): Promise<readonly string[]> => {
  if (!namePattern.test(name)) return []
  const printed = await runProgram('id', ['-Gnz', '--', name], { timeout: 10_000 })
  return printed === undefined ? [] : printed.split('\0').filter(each => each !== '')
}

/** The account this process runs as. */
export const ownAccount = (): Account => {
  const { username, uid, gid, homedir, shell } = userInfo()
  return { name: username, uid, gid, home: homedir, shell: shell === null || shell === '' ? '/bin/sh' : shell }
}
