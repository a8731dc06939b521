// Owns the accounts of this system by shadow(5): the hash of a password, its age, the account's end, and passwd(1) for a new one.
// Knows nothing of how a password travels.
import { existsSync } from 'node:fs'
import { escapeForPeople, type Secret } from 'nacre'
import { spawnClean } from '../spawn.ts'
import type { Account, ShadowEntry } from './account.ts'
import {
  type AccountFacts,
  type AccountLogin,
  type AccountService,
  type AccountVerdict,
  type Conversation,
  plainSession,
} from './accounts.ts'
import { startAs } from './become.ts'
import { today } from './eligible.ts'
import { checkPassword, passwordAge, type PasswordOptions } from './passwords.ts'

/** How a password is changed: `undefined` when it was, else what the system said. */
export type ChangePassword = (account: Account, current: Secret<string>, next: Secret<string>) => Promise<string | undefined>

export interface ShadowOptions {
  /** How passwords are checked; without it they cannot be. */
  readonly passwords?: Omit<PasswordOptions, 'permitEmpty'>
  /** With PAM, OpenSSH asks for the age of a password after any proof; without, only after a password. */
  readonly agesCountForKeys: boolean
  /** Left out when this system has no way. */
  readonly change?: ChangePassword
  /** Days since 1970. */
  readonly day?: () => number
}

const passwdPatience = 30_000
const mostSaid = 16_384

const passwdPlaces = ['/usr/bin/passwd', '/bin/passwd']

/** The last line passwd(1) said that is neither a prompt nor what it says of all failures. */
const reasonIn = (said: string): string => {
  const lines = said
    .split(/\r?\n|: /)
    .map(line => line.trim())
    .filter(
      line => line !== '' && !/password( for .*)?$|^passwd$|authentication token manipulation|password unchanged|try again/i.test(line),
    )
  return lines.at(-1) ?? 'it was not accepted'
}

/**
 * passwd(1) as the account itself, so that what the administrator demands of passwords is demanded; told through a pipe. `undefined`
 * when there is none.
 */
export const passwdCommand = (): ChangePassword | undefined => {
  const file = passwdPlaces.find(path => existsSync(path))
  if (file === undefined) return undefined
  return (account, current, next) =>
    new Promise(resolve => {
      const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', HOME: account.home, USER: account.name, LOGNAME: account.name }
      const start = startAs(account, { file, args: [], env })
      const child = spawnClean(start.file, start.args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: start.env,
        cwd: '/',
        timeout: passwdPatience,
        killSignal: 'SIGKILL',
      })
      let said = ''
      const hear = (chunk: Buffer): void => {
        if (said.length < mostSaid) said += chunk.toString('utf8')
      }
      child.stdout?.on('data', hear)
      child.stderr?.on('data', hear)
      child.stdin?.on('error', () => {})
      child.stdin?.end(`${current.reveal()}\n${next.reveal()}\n${next.reveal()}\n`)
      child.once('error', error => resolve(error.message))
      child.once('close', code => resolve(code === 0 ? undefined : reasonIn(said)))
    })
}

const days = (count: number): string => `${count} day${count === 1 ? '' : 's'}`

class ShadowLogin implements AccountLogin {
  readonly changeInSession = true
  readonly changePassword?: (talk: Conversation) => Promise<boolean>
  readonly #options: ShadowOptions
  readonly #facts: AccountFacts
  /** The password that was right: a change needs it, and nobody is asked twice. */
  #password: Secret<string> | undefined
  #changed = false

  constructor(options: ShadowOptions, facts: AccountFacts) {
    this.#options = options
    this.#facts = facts
    // What is kept of a login while its connection lasts has no password.
    facts.signal.addEventListener('abort', () => (this.#password = undefined), { once: true })
    if (options.change !== undefined) this.changePassword = talk => this.#change(talk, options.change)
  }

  async authenticate(talk: Conversation): Promise<boolean> {
    const { passwords } = this.#options
    if (passwords === undefined) return false
    const { shadow, permitEmpty } = this.#facts
    const [answer] = await talk([{ is: 'hidden', text: 'Password: ', means: 'current-password' }])
    const right = await checkPassword(shadow, answer, { ...passwords, permitEmpty })
    if (right) this.#password = answer
    return right
  }

  async permitted(): Promise<AccountVerdict> {
    const { shadow } = this.#facts
    if (shadow === undefined || this.#changed) return { is: 'permitted' }
    const day = this.#options.day?.() ?? today()
    if (shadow.expires !== undefined && day > shadow.expires)
      return { is: 'denied', why: 'the account has expired', told: 'Your account has expired; please contact your system administrator.\n' }
    if (this.#password === undefined && !this.#options.agesCountForKeys) return { is: 'permitted' }
    return this.#byAge(shadow, day)
  }

  #byAge(shadow: ShadowEntry, day: number): AccountVerdict {
    const age = passwordAge(shadow, day)
    if (age.is === 'fresh') return { is: 'permitted' }
    if (age.is === 'ending') return { is: 'permitted', told: `Your password will expire in ${days(age.days)}.\n` }
    if (age.is === 'old') return { is: 'password-expired' }
    return {
      is: 'denied',
      why: 'its password was not changed in time',
      told: 'Your password expired too long ago; please contact your system administrator.\n',
    }
  }

  async #change(talk: Conversation, change: ChangePassword | undefined): Promise<boolean> {
    const { account, say } = this.#facts
    const current = this.#password
    if (account === undefined || current === undefined || change === undefined) return false
    const [next, again] = await talk([
      { is: 'hidden', text: 'New password: ', means: 'new-password' },
      { is: 'hidden', text: 'Retype new password: ', means: 'new-password' },
    ])
    const wrong = problemOf(current.reveal(), next.reveal(), again.reveal()) ?? (await change(account, current, next))
    if (wrong === undefined) {
      this.#changed = true
      say(`Password changed for ${escapeForPeople(account.name)}`)
      return true
    }
    const shown = escapeForPeople(wrong, { limit: 200 })
    say(`The password of ${escapeForPeople(account.name)} was not changed: ${shown}`)
    await talk([{ is: 'error', text: `The password was not changed: ${shown}.` }])
    return false
  }

  async open(): Promise<typeof plainSession> {
    return plainSession
  }
}

/** What is wrong with a new password before anybody is asked. */
const problemOf = (current: string, next: string, again: string): string | undefined => {
  if (next !== again) return 'the two new passwords differ'
  if (next === '') return 'it is empty'
  // One line each is what passwd(1) reads.
  if (/[\0\r\n]/.test(next)) return 'it has a character that no password may have'
  return next === current ? 'it is the same as before' : undefined
}

/** Accounts by shadow(5). */
export const shadowAccounts = (options: ShadowOptions): AccountService => ({
  name: 'shadow(5)',
  proves: options.passwords !== undefined,
  begin: facts => new ShadowLogin(options, facts),
})
