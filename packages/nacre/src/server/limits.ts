// Owns carrying out the limits of a key or a certificate on the sessions of a login: a forced command, no terminal. Knows
// nothing of how a login came about.
import type { KeyOptions } from '../keys/key-options.ts'
import type { Session, SessionHandler, SessionHandlers } from './session.ts'

/** The parts of `KeyOptions` that say something of sessions. */
export type SessionLimits = Pick<KeyOptions, 'command'> & {
  readonly may: Pick<KeyOptions['may'], 'pty'> & Partial<Pick<KeyOptions['may'], 'agentForwarding' | 'x11Forwarding'>>
}

const noPty = (): boolean => false

/**
 * The same handlers within limits: no terminal, agent or display without leave, and with a forced command every session, whatever it asks for,
 * runs `exec` with that; what was asked for is `SSH_ORIGINAL_COMMAND` of its `env`, as with OpenSSH. Without a handler for
 * `exec` a forced command leaves nothing that can be run.
 */
export const withinLimits = <Identity>(handlers: SessionHandlers<Identity>, limits: SessionLimits): SessionHandlers<Identity> => {
  const { may } = limits
  const without = {
    ...(may.pty ? {} : { pty: noPty }),
    ...(may.agentForwarding === false ? { agent: false } : {}),
    ...(may.x11Forwarding === false ? { x11: false } : {}),
  }
  const { command } = limits
  if (command === undefined) return { ...handlers, ...without }
  const { exec, shell: _shell, subsystems, ...others } = handlers
  if (exec === undefined) return { ...others, ...without }
  const forced: SessionHandler<Identity> = session => exec(new ForcedSession(session, command))
  return {
    ...others,
    ...without,
    exec: forced,
    shell: forced,
    subsystems: Object.fromEntries(Object.keys(subsystems ?? {}).map(name => [name, forced])),
  }
}

/** A session as if the client had asked for the forced command. */
class ForcedSession<Identity> implements Session<Identity> {
  readonly kind = 'exec'
  readonly subsystem = undefined
  readonly command: string
  readonly #session: Session<Identity>

  constructor(session: Session<Identity>, command: string) {
    this.#session = session
    this.command = command
  }

  get user(): Identity {
    return this.#session.user
  }
  get userName(): string {
    return this.#session.userName
  }
  get remote(): Session<Identity>['remote'] {
    return this.#session.remote
  }
  get clientVersion(): string {
    return this.#session.clientVersion
  }
  get env(): Session<Identity>['env'] {
    const asked = this.#session.subsystem ?? this.#session.command
    return asked === undefined ? this.#session.env : { ...this.#session.env, SSH_ORIGINAL_COMMAND: asked }
  }
  get pty(): Session<Identity>['pty'] {
    return this.#session.pty
  }
  get agent(): Session<Identity>['agent'] {
    return this.#session.agent
  }
  get x11(): Session<Identity>['x11'] {
    return this.#session.x11
  }
  get stdin(): Session<Identity>['stdin'] {
    return this.#session.stdin
  }
  get stdout(): Session<Identity>['stdout'] {
    return this.#session.stdout
  }
  get stderr(): Session<Identity>['stderr'] {
    return this.#session.stderr
  }
  get signal(): AbortSignal {
    return this.#session.signal
  }
  tap(...args: Parameters<Session<Identity>['tap']>): void {
    this.#session.tap(...args)
  }
  widen(size: number): void {
    this.#session.widen(size)
  }
  write(...args: Parameters<Session<Identity>['write']>): Promise<void> | undefined {
    return this.#session.write(...args)
  }
  onResize(...args: Parameters<Session<Identity>['onResize']>): void {
    this.#session.onResize(...args)
  }
  onSignal(...args: Parameters<Session<Identity>['onSignal']>): void {
    this.#session.onSignal(...args)
  }
  onBreak(...args: Parameters<Session<Identity>['onBreak']>): void {
    this.#session.onBreak(...args)
  }
  onOutputClosed(...args: Parameters<Session<Identity>['onOutputClosed']>): void {
    this.#session.onOutputClosed(...args)
  }
}
