// Owns what a session runs: the account's shell, the command asked for or forced, a subsystem; with which environment,
// where, as whom. Knows nothing of how bytes are relayed, and takes its rules as values.
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Exit, SshError } from 'nacre'
import { matchesPatternList } from 'nacre/config'
import type { OpenPty, ServerConnection, Session, SessionHandler, SessionHandlers } from 'nacre/server'
import { internalSftpWords } from '../sftp-server/options.ts'
import type { Account } from './account.ts'
import { accountSessionOf, type NoSession, type OpenedSession } from './account-session.ts'
import { connectionFacts } from './connection-log.ts'
import { readEnvironmentFile, sessionEnvironment, type SessionFacts } from './environment.ts'
import { type FileService, type Named, scpService, sftpOnly, sftpService } from './file-services.ts'
import { lendingHandlers, type LendingRules, takeLent } from './lent.ts'
import type { Log } from './log.ts'
import { type Login, type Permissions, permissionsOf } from './login.ts'
import { closedNote } from './nologin.ts'
import { readSafely } from './safe-file.ts'
import { joinPipes, joinTerminal } from './relay.ts'
import { type Forced, SessionLog } from './session-log.ts'
import type { SessionStarter, Start } from './session-starter.ts'
import { homeOpen, starterHere } from './starter-here.ts'
import { tunnelVariables } from './tunnels.ts'
import { sessionStart, startFile } from './user-rc.ts'

export interface SessionRules {
  /** Runs instead of everything; `undefined` for none. */
  readonly forceCommand: string | undefined
  readonly permitTty: boolean
  /** PermitUserRC. Not if left out. */
  readonly userRc?: boolean
  /** Command lines by the name of the subsystem; `internal-sftp` is served here. */
  readonly subsystems: Readonly<Record<string, string>>
  /** Serve scp here too. */
  readonly internalScp: boolean
  readonly acceptEnv: readonly string[]
  readonly setEnv: Readonly<Record<string, string>>
  readonly printMotd: boolean
  /** PermitUserEnvironment: `no`, `yes`, or patterns for the names of variables. */
  readonly userEnvironment: string
  readonly timeZone: string | undefined
  /** What clients may lend: agents and displays. Nothing if left out. */
  readonly lending?: LendingRules
  readonly openPty: OpenPty
  readonly log: Log
}

type Told = Session<Login>

const utf8 = new TextEncoder()
const tell = async (session: Told, text: string, type: 0 | 1): Promise<void> => {
  const lines = session.pty === undefined ? text : text.replaceAll(/\r?\n/g, '\r\n')
  await session.write(utf8.encode(lines), session.pty === undefined ? type : 0)
}

const readIfThere = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** The shell as the account's row names it, told by its name that it is a login shell; or with a command to run. */
const shellCommand = (account: Account, command: string | undefined): Named => {
  const name = basename(account.shell)
  return command === undefined
    ? { file: account.shell, args: [], argv0: `-${name}` }
    : { file: account.shell, args: ['-c', command], argv0: name }
}

/** `passwd`, when the password has to be changed before anything else. */
const passwdCommand: Named = { file: '/usr/bin/passwd', args: [], argv0: 'passwd' }
const oldPasswordNote = 'WARNING: Your password has expired.\nYou must change your password now and login again!\n'

/** Files can be served in this process only when what it may do is what the account may. */
const isServedHere = ({ here }: FileService, account: Account): boolean =>
  here === 'any' || (here === 'own' && process.geteuid?.() === account.uid)

class Serving {
  readonly #rules: SessionRules
  readonly #permissions: Permissions
  /** What the accounts service has sessions run in. */
  readonly #inside: () => Promise<OpenedSession | NoSession>
  readonly #told: SessionLog
  readonly #starter: SessionStarter
  #opened: Pick<OpenedSession, 'environment' | 'always'> = { environment: {}, always: {} }

  constructor(rules: SessionRules, login: Login, inside: () => Promise<OpenedSession | NoSession>, told: SessionLog) {
    this.#rules = rules
    this.#told = told
    this.#starter = starterHere(rules.openPty)
    this.#permissions = permissionsOf(login)
    this.#inside = inside
  }

  /** What the client asked for, as a command line; `undefined` for a shell. */
  #asked(session: Told): string | undefined {
    return session.kind === 'subsystem' ? this.#rules.subsystems[session.subsystem ?? ''] : session.command
  }

  async #greet(session: Told, command: string | undefined): Promise<void> {
    const { account } = session.user
    if (!homeOpen(account)) await tell(session, `Could not chdir to home directory ${account.home}: it cannot be entered\n`, 1)
    if (command !== undefined || session.pty === undefined || !this.#rules.printMotd || existsSync(`${account.home}/.hushlogin`)) return
    const motd = readIfThere('/etc/motd')
    if (motd !== undefined) await tell(session, motd, 0)
  }

  readonly serve: SessionHandler<Login> = async session => {
    const { account } = session.user
    const note = closedNote(account)
    if (note !== undefined) {
      await tell(session, note.text, 1)
      return 254
    }
    const inside = await this.#inside()
    if (inside.told !== undefined) await tell(session, inside.told, 1)
    if (!('environment' in inside)) return 254
    this.#opened = inside
    if (this.#permissions.contradictory) {
      await tell(session, 'The keys of this login force different commands, so none is run.\n', 1)
      return 1
    }
    try {
      return this.#permissions.passwordOld ? await this.#changePassword(session) : await this.#run(session)
    } catch (error) {
      // A shell that cannot be started is for the person to know; the server goes on.
      if (!(error instanceof SshError) || session.signal.aborted) throw error
      await tell(session, `${error.message}\n`, 1)
      return 1
    }
  }

  async #run(session: Told): Promise<Exit> {
    const forced = this.#forced()
    const ended = this.#told.started(session, forced)
    let exit: Exit = { unknown: true }
    try {
      exit = await this.#runCommand(session, forced?.command)
      return exit
    } finally {
      ended(exit)
    }
  }

  /** The administrator's comes before the key's. */
  #forced(): Forced | undefined {
    const { forceCommand } = this.#rules
    if (forceCommand !== undefined) return { by: 'config', command: forceCommand }
    const { command } = this.#permissions
    return command === undefined ? undefined : { by: 'key', command }
  }

  async #runCommand(session: Told, forced: string | undefined): Promise<Exit> {
    const asked = this.#asked(session)
    const command = forced ?? asked
    await this.#greet(session, command)
    const env = this.#environment(session, forced === undefined ? undefined : asked)
    const service = this.#service(session, command, forced !== undefined)
    if (service !== undefined && isServedHere(service, session.user.account)) {
      const start = homeOpen(session.user.account) ? session.user.account.home : '/'
      return { code: await service.serve(session, { account: session.user.account, start, log: this.#rules.log }) }
    }
    const signals = forced === undefined && session.kind !== 'subsystem'
    const named = service?.program() ?? shellCommand(session.user.account, command)
    const { lending, log } = this.#rules
    const { account } = session.user
    const file = startFile(account, this.#mayRc(session))
    if (lending === undefined) return this.#start(session, { command: named, env, before: sessionStart(account, file).words, signals })
    const lent = await takeLent(session, lending, { env, log, fileRuns: file !== undefined })
    const before = sessionStart(account, file, lent.forStart, log)
    try {
      return await this.#start(session, { command: named, env: { ...env, ...lent.env }, before: before.words, signals })
    } finally {
      before.leave()
      await lent.close()
    }
  }

  /** A command of the administrator's, and a subsystem, are run without what the account would have before them. */
  #mayRc({ kind }: Told): boolean {
    const { userRc, forceCommand } = this.#rules
    return userRc === true && this.#permissions.userRc && forceCommand === undefined && kind !== 'subsystem'
  }

  /** What nacre itself serves; `undefined` for what a shell runs. */
  #service(session: Told, command: string | undefined, forced: boolean): FileService | undefined {
    if (command === undefined) return undefined
    const words = forced || session.kind === 'subsystem' ? internalSftpWords(command) : undefined
    if (words !== undefined) return session.kind === 'subsystem' ? sftpService(words) : sftpOnly
    if (!this.#rules.internalScp || forced || session.kind !== 'exec' || session.pty !== undefined) return undefined
    return scpService(session.user.account, command)
  }

  async #changePassword(session: Told): Promise<Exit> {
    if (session.pty === undefined) {
      await tell(session, `${oldPasswordNote}Password change required but no TTY available.\n`, 1)
      return { code: 1 }
    }
    await tell(session, oldPasswordNote, 1)
    return this.#start(session, { command: passwdCommand, env: this.#environment(session, undefined), before: '', signals: false })
  }

  #environment(session: Told, originalCommand: string | undefined): Record<string, string> {
    return sessionEnvironment({
      account: session.user.account,
      accepted: session.env,
      ofAccounts: this.#opened.environment,
      always: { ...tunnelVariables(session.user), ...this.#opened.always },
      configured: this.#rules.setEnv,
      own: this.#ownVariables(session),
      remote: session.remote,
      term: session.pty?.term,
      originalCommand,
      timeZone: this.#rules.timeZone,
    })
  }

  /** Of the key that let it in, and of the account's own file, those that PermitUserEnvironment lets be. */
  #ownVariables({ user }: Told): SessionFacts['own'] {
    const patterns = this.#rules.userEnvironment
    if (patterns.toLowerCase() === 'no') return undefined
    const may = (name: string): boolean => patterns.toLowerCase() === 'yes' || matchesPatternList(patterns.split(','), name)
    const { account } = user
    const file = readSafely(`${account.home}/.ssh/environment`, account, true)
    if (file.is === 'refused') this.#rules.log.info(file.why)
    const listed = file.is === 'read' ? readEnvironmentFile(file.text) : []
    return {
      ofKey: Object.fromEntries(this.#permissions.environment.filter(([name]) => may(name))),
      ofFile: Object.fromEntries(listed.filter(([name]) => may(name))),
    }
  }

  /** `signals`: those of the client reach it. */
  async #start(session: Told, { signals, ...rest }: Omit<Start, 'account'> & { readonly signals: boolean }): Promise<Exit> {
    const start = { account: session.user.account, ...rest }
    return session.pty === undefined
      ? await joinPipes(session, await this.#starter.onPipes(start), signals)
      : await joinTerminal(session, await this.#starter.onTerminal(start, session.pty), signals)
  }
}

/** What sessions of a login can do. */
const sessionHandlers = (
  rules: SessionRules,
  login: Login,
  inside: () => Promise<OpenedSession | NoSession>,
  told: SessionLog,
): SessionHandlers<Login> => {
  const { serve } = new Serving(rules, login, inside, told)
  return {
    exec: serve,
    shell: serve,
    subsystems: Object.fromEntries(Object.keys(rules.subsystems).map(name => [name, serve])),
    pty: rules.permitTty && permissionsOf(login).pty,
    acceptEnv: rules.acceptEnv,
    onRefused: refusal => told.refused(refusal, rules.permitTty),
    ...(rules.lending === undefined ? {} : lendingHandlers(rules.lending, login, rules.log)),
  }
}

/** The `session` option of a server whose logins are `Login`s. Rules may be of each login. */
export const serveSessions =
  (rules: SessionRules | ((login: Login) => SessionRules)) =>
  (connection: ServerConnection<Login>): SessionHandlers<Login> => {
    const { identity } = connection
    if (identity === undefined) return {}
    const shared = typeof rules === 'function' ? rules(identity) : rules
    const own = { ...shared, log: shared.log.with({ ...connectionFacts(connection.remote), user: identity.account.name }) }
    const told = new SessionLog(own.log, identity, connection)
    return sessionHandlers(own, identity, () => accountSessionOf(connection, own.log), told)
  }
