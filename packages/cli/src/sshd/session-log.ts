// Owns what the log says of a login's sessions: beginning, end, and what was refused, with the rule that decided it. Knows nothing
// of how any of it is done. Every text from a client is escaped here.
import { escapeForPeople, type Exit } from 'nacre'
import type { ServerConfig } from 'nacre/config'
import type { ServerConnection, Session, SessionRefusal } from 'nacre/server'
import { ruleFacts, whereFrom } from './connection-log.ts'
import type { Log, LogFacts } from './log.ts'
import type { Login } from './login.ts'

/** A rule of the configuration that decided something: how it is told of, and the same for programs. */
export interface Rule {
  /** `PermitTTY at /etc/ssh/sshd_config line 3`. */
  readonly text: string
  readonly facts: LogFacts
}

export const ruleOf = (holds: Login['holds'], keyword: string, property: keyof ServerConfig): Rule => {
  const from = holds?.decidedBy(property) ?? 'the default'
  return { text: from === 'the default' ? `${keyword} by default` : `${keyword} at ${from}`, facts: ruleFacts(keyword, from) }
}

/** Where it is not the configuration that says no. */
export const keyForbids: Rule = { text: 'the key or its certificate does not permit it', facts: { from: 'key' } }

const counts = new WeakMap<ServerConnection<Login>, number>()
/** The sessions of a connection, numbered from 0. */
const nextOf = (connection: ServerConnection<Login>): number => {
  const next = counts.get(connection) ?? 0
  counts.set(connection, next + 1)
  return next
}

/** What stands in the place of what was asked for, and who says so. */
export interface Forced {
  readonly by: 'config' | 'key'
  readonly command: string
}

const kindOf = ({ kind, subsystem = '' }: Session<Login>): string =>
  kind === 'subsystem' ? `subsystem '${escapeForPeople(subsystem, { limit: 100 })}'` : kind === 'exec' ? 'command' : 'shell'

const endOf = (exit: Exit): LogFacts => ('code' in exit ? { status: exit.code } : 'signal' in exit ? { signal: exit.signal } : {})

export class SessionLog {
  readonly #log: Log
  readonly #login: Login
  readonly #connection: ServerConnection<Login>

  constructor(log: Log, login: Login, connection: ServerConnection<Login>) {
    this.#log = log
    this.#login = login
    this.#connection = connection
  }

  #rule(keyword: string, property: keyof ServerConfig): Rule {
    return ruleOf(this.#login.holds, keyword, property)
  }

  /** Of a terminal, whether the configuration was against it: else the key was. */
  refused(refusal: SessionRefusal, permitTty: boolean): void {
    const log = this.#log
    const tell = (level: 'info' | 'verbose', text: string, facts: LogFacts): void =>
      log[level](text, { event: 'session-refused', what: refusal.what, ...facts })
    if (refusal.what === 'terminal') {
      const { text, facts } = permitTty ? keyForbids : this.#rule('PermitTTY', 'permitTty')
      tell('verbose', `Allocating a pty not permitted for this connection: ${text}.`, facts)
    } else if (refusal.what === 'variable') {
      // A client may send a great many.
      if (!log.wants('VERBOSE')) return
      const { text, facts } = this.#rule('AcceptEnv', 'acceptEnv')
      const name = escapeForPeople(refusal.name, { limit: 100 })
      tell('verbose', `The variable ${name} of the client is left out: ${text} does not take it.`, { name: refusal.name, ...facts })
    } else if (refusal.what === 'session') {
      const { text, facts } = this.#rule('MaxSessions', 'maxSessions')
      tell('info', `no more sessions: ${text} allows ${refusal.maximum} at once.`, { maximum: refusal.maximum, ...facts })
    } else if (refusal.what === 'subsystem') {
      const [name, user] = [refusal.name, this.#login.account.name].map(each => escapeForPeople(each, { limit: 100 }))
      tell('info', `subsystem request for ${name} by user ${user} failed, subsystem not found: no Subsystem line has that name.`, {
        name: refusal.name,
        keyword: 'Subsystem',
      })
    }
  }

  /** A session begins; the result is to be called when it has ended. */
  started(session: Session<Login>, forced: Forced | undefined): (exit: Exit) => void {
    const log = this.#log
    if (!log.wants('VERBOSE')) return () => {}
    const id = nextOf(this.#connection)
    const where = `${escapeForPeople(this.#login.account.name, { limit: 100 })} from ${whereFrom(session.remote)} id ${id}`
    const rule = forced?.by === 'config' ? this.#rule('ForceCommand', 'forceCommand') : undefined
    const place = forced?.by === 'config' ? 'config' : 'key-option'
    const what = forced === undefined ? kindOf(session) : `forced-command (${place}) '${escapeForPeople(forced.command, { limit: 200 })}'`
    const facts = {
      session: id,
      kind: session.kind === 'exec' ? 'command' : session.kind,
      ...(session.subsystem === undefined ? {} : { subsystem: session.subsystem }),
      tty: session.pty !== undefined,
    }
    const by = rule === undefined ? '' : `, by ${rule.text}`
    log.verbose(`Starting session: ${what}${session.pty === undefined ? '' : ' on a terminal'} for ${where}${by}`, {
      event: 'session-start',
      ...facts,
      ...(forced === undefined ? {} : { forced: forced.by }),
      ...rule?.facts,
    })
    return exit => log.verbose(`Close session: user ${where}`, { event: 'session-end', ...facts, ...endOf(exit) })
  }
}
