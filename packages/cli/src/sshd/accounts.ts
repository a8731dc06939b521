// Owns what the accounts of a system are asked about a login: whether somebody is who they say, whether their account may log in
// now, a new password, and the beginning and end of its sessions. Knows nothing of SSH, and nothing of how a system answers: by
// shadow(5), by a command of the administrator's, or by whatever else fills this interface. The phases are those of PAM.
import type { Secret } from 'nacre'
import type { Account, ShadowEntry } from './account.ts'

/** One text for the person. `hidden` and `visible` ask for an answer, which is shown as it is typed or not. */
export interface Message {
  readonly is: 'hidden' | 'visible' | 'info' | 'error'
  readonly text: string
  /** What a hidden answer is, where that is known: the password as it is, or the one to come. Default the former. */
  readonly means?: 'current-password' | 'new-password'
}

/**
 * Shows texts and asks, all at once; the answers to what asks come in order. May be called many times. Rejects when the person is
 * gone or the method of the login cannot carry the question; whoever called it lets that pass.
 */
export type Conversation = (messages: readonly Message[]) => Promise<readonly Secret<string>[]>

/** Who wants to log in. */
export interface AccountFacts {
  /** The name they gave: a stranger's text. */
  readonly user: string
  /** `undefined` for a name that does not exist or may not log in: whoever is asked takes as long, and says no. */
  readonly account: Account | undefined
  readonly shadow: ShadowEntry | undefined
  readonly address: string | undefined
  readonly port: number | undefined
  /** PAMServiceName. */
  readonly service: string
  readonly permitEmpty: boolean
  /** Aborts when the login is over, with success or without. */
  readonly signal: AbortSignal
  /** Gets sentences for the log. */
  readonly say: (text: string) => void
}

/** What an account may do now. `told` is for the person, `why` for the log. */
export type AccountVerdict =
  | { readonly is: 'permitted'; readonly told?: string }
  | { readonly is: 'password-expired'; readonly told?: string }
  | { readonly is: 'denied'; readonly why: string; readonly told?: string }

/** What the sessions of a connection run in. */
export interface AccountSession {
  /** Variables for their processes; they replace those of the server, and not what tells of the connection. */
  readonly environment: Readonly<Record<string, string>>
  readonly told?: string
  /** Called once, when the connection has ended. Never rejects. */
  close(): Promise<void>
}

/** One login. Its phases come in the order of its functions; each but `permitted` may be left out or come again. */
export interface AccountLogin {
  /** Whether the person at the other end is who they say. Must take as long for nobody as for anybody. */
  authenticate(talk: Conversation): Promise<boolean>
  /** The account phase, after any proof, that of a key too. */
  permitted(): Promise<AccountVerdict>
  /** Has an expired password changed. Left out when that cannot be done. */
  changePassword?(talk: Conversation): Promise<boolean>
  /** Where nothing else can ask for a new password: true lets the person in to run passwd(1) and nothing else. */
  readonly changeInSession: boolean
  /** Before the first session of a connection; a sentence for the log when there may be none. */
  open(): Promise<AccountSession | { readonly why: string; readonly told?: string }>
}

/** The accounts of a system. */
export interface AccountService {
  /** For the log. */
  readonly name: string
  /** False when it can judge accounts and no passwords: the methods that need one are then not offered. */
  readonly proves: boolean
  begin(facts: AccountFacts): AccountLogin
}

/** Sessions of a system that does nothing about them. */
export const plainSession: AccountSession = { environment: {}, close: async () => {} }
