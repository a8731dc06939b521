// Owns what `sshd` lets clients lend their sessions: agents and displays, by the configuration, by what stands in front of the key and
// by its certificate; and giving them to a session's programs. Knows nothing of how either works.
import { accessSync, constants } from 'node:fs'
import type { ServerConfig } from 'nacre/config'
import type { Session, SessionHandlers } from 'nacre/server'
import { agentSocket, type Lent } from './agent-socket.ts'
import type { Log } from './log.ts'
import { lendingOf, type Login } from './login.ts'
import { keyForbids, type Rule, ruleOf } from './session-log.ts'
import { type DisplayUse, x11Display, type X11Rules } from './x11-display.ts'

export interface LendingRules {
  /** Whether agents may be forwarded, as far as the configuration goes. */
  readonly agent: boolean
  /** How displays are forwarded; `undefined` when they are not. */
  readonly x11: X11Rules | undefined
}

export type LendingConfig = Pick<
  ServerConfig,
  'allowAgentForwarding' | 'disableForwarding' | 'x11Forwarding' | 'x11DisplayOffset' | 'x11UseLocalhost' | 'xauthLocation'
>

export const lendingRules = (config: LendingConfig): LendingRules => ({
  agent: config.allowAgentForwarding && !config.disableForwarding,
  x11:
    config.x11Forwarding && !config.disableForwarding
      ? { offset: config.x11DisplayOffset, localhost: config.x11UseLocalhost, xauth: config.xauthLocation }
      : undefined,
})

const canRun = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Answers to clients that want to lend something. Why not is for the log. */
export const lendingHandlers = (rules: LendingRules, login: Login, log: Log): Pick<SessionHandlers<Login>, 'agent' | 'x11'> => {
  const may = lendingOf(login)
  const { name } = login.account
  const refused = (what: 'agent' | 'x11', { text, facts }: Rule): false => {
    const shown = what === 'agent' ? 'Agent forwarding' : 'X11 forwarding'
    log.verbose(`${shown} is refused for ${name}: ${text}.`, { event: 'forward-refused', what, ...facts })
    return false
  }
  const ruled = (keyword: string, property: keyof ServerConfig): Rule =>
    login.holds?.config.disableForwarding === true
      ? ruleOf(login.holds, 'DisableForwarding', 'disableForwarding')
      : ruleOf(login.holds, keyword, property)
  return {
    agent() {
      if (!rules.agent) return refused('agent', ruled('AllowAgentForwarding', 'allowAgentForwarding'))
      return may.agent || refused('agent', keyForbids)
    },
    x11() {
      if (rules.x11 === undefined) return refused('x11', ruled('X11Forwarding', 'x11Forwarding'))
      if (!may.x11) return refused('x11', keyForbids)
      const { xauth } = rules.x11
      if (canRun(xauth)) return true
      log.info(`No xauth program; cannot forward X11: there is no ${xauth}. Install xauth, or say in XAuthLocation where it is.`)
      return false
    },
  }
}

const nothing: Lent = { env: {}, close: async () => {} }

/**
 * What the client lends to this session, ready for its programs, whose environment is `env` besides. `fileRuns`: see `DisplayUse`.
 * Never rejects.
 */
export const takeLent = async (
  session: Session<Login>,
  rules: LendingRules,
  { env, log, fileRuns }: Omit<DisplayUse, 'account'>,
): Promise<Lent> => {
  const { agent, x11, user } = session
  if (agent === undefined && x11 === undefined) return nothing
  const { account } = user
  const lent = await Promise.all([
    agent === undefined ? undefined : agentSocket(agent, account, log),
    x11 === undefined || rules.x11 === undefined ? undefined : x11Display(x11, rules.x11, { account, env, log, fileRuns }),
  ])
  const close = async (): Promise<void> => {
    for (const each of lent) await each?.close().catch(error => log.error(`what was lent to a session stays behind: ${String(error)}`))
  }
  const forStart = lent[1]?.forStart
  return { env: Object.assign({}, ...lent.map(each => each?.env)), ...(forStart === undefined ? {} : { forStart }), close }
}
