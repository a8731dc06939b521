// Owns accounts that a command of the administrator's knows (AuthenticationCommand): which program, as whom, and what its verdicts
// come to in each phase. Knows nothing of how a password travels. docs/sshd-config.md has the protocol.
import { escapeForPeople, SshError } from 'nacre'
import { splitWords } from 'nacre/config'
import type { Account } from './account.ts'
import { type ProgramVerdict, runAccountProgram } from './account-program.ts'
import {
  type AccountFacts,
  type AccountLogin,
  type AccountService,
  type AccountSession,
  type AccountVerdict,
  type Conversation,
  plainSession,
} from './accounts.ts'
import { untrusted } from './trusted-program.ts'

export interface CommandOptions {
  /** An absolute path and arguments, as in the configuration. They have no tokens: what there is to know is in the first line. */
  readonly command: string
  /** Whom it runs as: a name. */
  readonly user: string
  /** Looks up accounts. */
  readonly lookUp: (name: string) => Promise<Account | undefined>
}

type Phase = 'authenticate' | 'account' | 'change-password' | 'open-session' | 'close-session'

interface Asked {
  readonly talk?: Conversation
  /** Left out when the phase outlives the login. */
  readonly signal?: AbortSignal
}

class CommandLogin implements AccountLogin {
  readonly changeInSession = false
  readonly #options: CommandOptions
  readonly #facts: AccountFacts

  constructor(options: CommandOptions, facts: AccountFacts) {
    this.#options = options
    this.#facts = facts
  }

  /** The verdict, or `undefined` when the program failed, which the log then knows of. */
  async #ask(phase: Phase, { talk, signal }: Asked): Promise<ProgramVerdict | undefined> {
    try {
      const { command, user, lookUp } = this.#options
      const words = splitWords(command)
      const as = await lookUp(user)
      if (as === undefined) throw new Error(`the user "${user}" it is to run as does not exist`)
      const wrong = untrusted(words[0], as)
      if (wrong !== undefined) throw new Error(wrong)
      const { user: name, service, address, port } = this.#facts
      const question = { phase, user: name, service, address: address ?? null, port: port ?? null }
      const found = await runAccountProgram({ words, as, question, talk, signal })
      if (found.log !== undefined) this.#facts.say(`AuthenticationCommand says: ${escapeForPeople(found.log, { limit: 400 })}`)
      return found
    } catch (error) {
      // Whoever was asked is gone, or cannot be asked so: no fault of the program.
      if (error instanceof SshError) throw error
      const why = error instanceof Error ? error.message : String(error)
      this.#facts.say(`AuthenticationCommand ${this.#options.command} (${phase}) lets nobody in: ${why}`)
      return undefined
    }
  }

  async authenticate(talk: Conversation): Promise<boolean> {
    const found = await this.#ask('authenticate', { talk, signal: this.#facts.signal })
    if (found?.text !== undefined) await talk([{ is: 'info', text: found.text }])
    // It is asked about names that are nobody's too, and what it says of them counts for nothing.
    return found?.verdict === 'accepted' && this.#facts.account !== undefined
  }

  async permitted(): Promise<AccountVerdict> {
    const found = await this.#ask('account', { signal: this.#facts.signal })
    const told = found?.text === undefined ? {} : { told: found.text }
    if (found?.verdict === 'accepted' || found?.verdict === 'ignored') return { is: 'permitted', ...told }
    if (found?.verdict === 'password-expired') return { is: 'password-expired', ...told }
    return {
      is: 'denied',
      why: found === undefined ? 'AuthenticationCommand failed' : 'AuthenticationCommand refused the account',
      ...told,
    }
  }

  async changePassword(talk: Conversation): Promise<boolean> {
    const found = await this.#ask('change-password', { talk, signal: this.#facts.signal })
    if (found?.text !== undefined) await talk([{ is: found.verdict === 'accepted' ? 'info' : 'error', text: found.text }])
    return found?.verdict === 'accepted'
  }

  async open(): Promise<AccountSession | { readonly why: string; readonly told?: string }> {
    const found = await this.#ask('open-session', {})
    const told = found?.text === undefined ? {} : { told: found.text }
    if (found?.verdict === 'ignored') return { ...plainSession, ...told }
    if (found?.verdict !== 'accepted')
      return { why: found === undefined ? 'AuthenticationCommand failed' : 'AuthenticationCommand refused the session', ...told }
    return { environment: found.environment, ...told, close: async () => void (await this.#ask('close-session', {})) }
  }
}

/** Accounts by a command. */
export const commandAccounts = (options: CommandOptions): AccountService => ({
  name: 'AuthenticationCommand',
  proves: true,
  begin: facts => new CommandLogin(options, facts),
})
