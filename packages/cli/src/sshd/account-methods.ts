// Owns how logins ask the accounts of the system: a password or a conversation in either method that carries one, a new password
// for one that is too old, and the account phase after any proof. Knows nothing of how accounts answer.
import { escapeForPeople, Secret, SshError } from 'nacre'
import { allowAnyoneWithoutProof, type Applicant, type Authenticator, password, passwordExpired, prompts } from 'nacre/server'
import type { Account } from './account.ts'
import type { AccountLogin, AccountService, AccountVerdict, Conversation, Message } from './accounts.ts'
import { plainAddress } from './addresses.ts'
import type { Candidate } from './eligible.ts'
import type { Log } from './log.ts'
import { type Login, loginBy } from './login.ts'
import { closedNote } from './nologin.ts'

export interface AccountMethodsSetup {
  readonly service: AccountService
  /** PAMServiceName. */
  readonly serviceName: string
  readonly permitEmpty: boolean
  readonly log: Log
  readonly candidate: (applicant: Applicant) => Promise<Candidate>
  /** Whether PermitRootLogin lets an account in by a password; says so in the log when not. */
  readonly mayUsePassword: (account: Account, applicant: Applicant) => boolean
}

type Prompter = Parameters<Parameters<typeof prompts>[0]>[0]

const usualExpiry = 'Your password has expired. You must change it now.\n'
const isText = ({ is }: Message): boolean => is === 'info' || is === 'error'

/** The method cannot carry what is asked: the attempt is refused, and that is all. */
const notSo = (): SshError => new SshError('LOGIN_ABANDONED', 'The method "password" can answer one question, not more.')

/** Asked by the method `password`: the first hidden question is answered, texts go before the answer to the attempt. */
const passwordTalk = (secret: Secret<string>, applicant: Applicant): Conversation => {
  let given = false
  return async messages => {
    for (const { is, text } of messages) if (is === 'info' || is === 'error') applicant.banner(text)
    const questions = messages.filter(each => !isText(each))
    if (questions.length === 0) return []
    if (given || questions.length > 1 || questions[0].is !== 'hidden') throw notSo()
    given = true
    return [secret]
  }
}

/** Asked by SSH_MSG_USERAUTH_PASSWD_CHANGEREQ: each question gets the password it means. */
const changeTalk =
  (current: Secret<string>, next: Secret<string>, applicant: Applicant): Conversation =>
  async messages => {
    for (const { is, text } of messages) if (is === 'info' || is === 'error') applicant.banner(text)
    return messages
      .filter(each => !isText(each))
      .map(({ is, means }) => {
        if (is !== 'hidden') throw notSo()
        return means === 'new-password' ? next : current
      })
  }

/** Asked by keyboard-interactive. Texts stand above the questions that follow them; `rest` shows those nothing follows. */
const promptedTalk = (prompter: Prompter): { readonly talk: Conversation; rest(): Promise<void> } => {
  let shown: string[] = []
  const takeShown = (): string => {
    const text = shown.join('\n')
    shown = []
    return text
  }
  return {
    talk: async messages => {
      shown.push(...messages.filter(isText).map(({ text }) => text.replace(/\n$/, '')))
      const questions = messages.filter(each => !isText(each))
      if (questions.length === 0) return []
      const answers = await prompter.askAll(
        questions.map(({ is, text }) => ({ prompt: text, echo: is === 'visible' })),
        takeShown(),
      )
      return answers.map(each => new Secret(each))
    },
    rest: async () => {
      if (shown.length > 0) await prompter.tell(takeShown())
    },
  }
}

/** What a proof by a password came to. */
type Proven = { readonly is: 'in'; readonly login: Login } | { readonly is: 'expired'; readonly prompt: string } | { readonly is: 'no' }
const no: Proven = { is: 'no' }

export class AccountMethods {
  readonly #setup: AccountMethodsSetup
  /** One for each login; its signal is what all its attempts share. */
  readonly #logins = new WeakMap<AbortSignal, AccountLogin>()
  readonly #verdicts = new WeakMap<AbortSignal, Promise<AccountVerdict>>()

  constructor(setup: AccountMethodsSetup) {
    this.#setup = setup
  }

  #loginOf(applicant: Applicant, { account, shadow, name }: Candidate): AccountLogin {
    const { service, serviceName, permitEmpty, log } = this.#setup
    const known = this.#logins.get(applicant.signal)
    if (known !== undefined) return known
    const { remote, signal } = applicant
    const login = service.begin({
      user: name,
      account,
      shadow,
      address: remote === undefined ? undefined : plainAddress(remote.address),
      port: remote?.port,
      service: serviceName,
      permitEmpty,
      signal,
      say: text => log.info(text),
    })
    this.#logins.set(signal, login)
    return login
  }

  /** The account phase: asked once, said once. */
  #verdict(applicant: Applicant, account: Account, login: AccountLogin): Promise<AccountVerdict> {
    const known = this.#verdicts.get(applicant.signal)
    if (known !== undefined) return known
    const found = this.#judge(account, login).then(verdict => {
      if (verdict.told !== undefined && verdict.told !== '' && verdict.is !== 'password-expired') applicant.banner(verdict.told)
      if (verdict.is === 'denied')
        this.#setup.log.info(`Access denied for user ${escapeForPeople(account.name)} by ${this.#setup.service.name}: ${verdict.why}`)
      return verdict
    })
    this.#verdicts.set(applicant.signal, found)
    return found
  }

  async #judge(account: Account, login: AccountLogin): Promise<AccountVerdict> {
    const closed = closedNote(account)
    if (closed !== undefined) return { is: 'denied', why: `${closed.path} lets only root in`, told: closed.text }
    return login.permitted()
  }

  /** A proof by what the person knows; with `change` an expired password is changed in the same conversation. */
  async #proven(applicant: Applicant, talk: Conversation, step: number, method: string): Promise<Proven> {
    const candidate = await this.#setup.candidate(applicant)
    const login = this.#loginOf(applicant, candidate)
    const right = await login.authenticate(talk)
    const { account } = candidate
    if (!right || account === undefined || !this.#setup.mayUsePassword(account, applicant)) return no
    const verdict = await this.#verdict(applicant, account, login)
    if (verdict.is === 'denied') return no
    if (verdict.is === 'permitted') return { is: 'in', login: loginBy(account, step, { method }) }
    if (login.changePassword !== undefined) return { is: 'expired', prompt: verdict.told ?? usualExpiry }
    return login.changeInSession ? { is: 'in', login: loginBy(account, step, { method, passwordOld: true }) } : no
  }

  /** After `#proven` said `expired`. */
  async #changed(applicant: Applicant, talk: Conversation, step: number, method: string): Promise<Login | undefined> {
    const candidate = await this.#setup.candidate(applicant)
    const { account } = candidate
    const login = this.#loginOf(applicant, candidate)
    if (account === undefined || (await login.changePassword?.(talk)) !== true) return undefined
    this.#verdicts.delete(applicant.signal)
    const verdict = await this.#verdict(applicant, account, login)
    return verdict.is === 'permitted' ? loginBy(account, step, { method }) : undefined
  }

  password(step: number): Authenticator<Login> {
    const method = 'password'
    const carried = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof SshError) || error.code !== 'LOGIN_ABANDONED') throw error
        this.#setup.log.info('The method "password" cannot carry all that is asked; keyboard-interactive can.')
        return undefined
      }
    }
    return password(
      (applicant, secret) =>
        carried(async () => {
          const found = await this.#proven(applicant, passwordTalk(secret, applicant), step, method)
          if (found.is === 'expired') return passwordExpired(found.prompt)
          return found.is === 'in' ? found.login : undefined
        }),
      {
        // A change nobody asked for is refused, and changes nothing.
        change: (applicant, current, next) =>
          carried(async () => {
            const found = await this.#proven(applicant, passwordTalk(current, applicant), step, method)
            if (found.is !== 'expired') return undefined
            return this.#changed(applicant, changeTalk(current, next, applicant), step, method)
          }),
      },
    )
  }

  keyboardInteractive(step: number): Authenticator<Login> {
    const method = 'keyboard-interactive'
    return prompts(async prompter => {
      const { talk, rest } = promptedTalk(prompter)
      const found = await this.#proven(prompter, talk, step, method)
      if (found.is === 'expired') await talk([{ is: 'info', text: found.prompt }])
      const login = found.is === 'expired' ? await this.#changed(prompter, talk, step, method) : found.is === 'in' ? found.login : undefined
      await rest()
      return login
    })
  }

  /** OpenSSH lets accounts with an empty password in without asking, when it is told to. */
  emptyPassword(): Authenticator<Login> {
    return allowAnyoneWithoutProof(async applicant => {
      const found = await this.#proven(applicant, passwordTalk(new Secret(''), applicant), 0, 'none').catch((error: unknown) => {
        if (error instanceof SshError && error.code === 'LOGIN_ABANDONED') return no
        throw error
      })
      return found.is === 'in' ? found.login : undefined
    })
  }

  /** The account phase, after all proofs: what becomes of a login. */
  async admit(applicant: Applicant, login: Login): Promise<Login | undefined> {
    const { account } = login
    const own = this.#loginOf(applicant, await this.#setup.candidate(applicant))
    const verdict = await this.#verdict(applicant, account, own)
    if (verdict.is === 'denied') return undefined
    if (verdict.is === 'permitted') return { ...login, accounts: own }
    const name = escapeForPeople(account.name)
    if (own.changeInSession) {
      this.#setup.log.info(`expired password for user ${name}: it has to be changed in the session`)
      return { ...login, accounts: own, passwordOld: true }
    }
    applicant.banner(`${verdict.told ?? usualExpiry}Log in with it, by keyboard-interactive or password, to change it.\n`)
    this.#setup.log.info(`Access denied for user ${name}: the password has expired`)
    return undefined
  }
}
