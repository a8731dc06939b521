// Owns a session of `ssh`: a command, a shell or a subsystem, joined to the local streams and to the person's terminal. Knows
// nothing of how the connection came about or of what is forwarded over it.
import { escapeForPeople, type Process, type SessionOptions } from 'nacre'
import { sentEnvironment } from 'nacre/config'
import type { LocalTerminal } from '../terminal.ts'
import { narrateExit, narrateSession } from './narration.ts'
import { exitCodeOf, inputOf, relayInput, relayOutput } from './relay.ts'
import type { Held, SessionParts } from './session-parts.ts'

/** Whether the session gets a terminal. One that is wished for and cannot be had is told of. */
const wantsTerminal = ({ settings: { config }, command, environment, log }: SessionParts): boolean => {
  if (config.requestTty === 'no') return false
  if (config.requestTty === 'force') return true
  const asked = config.requestTty === 'yes' || (command === '' && config.sessionType !== 'subsystem')
  if (!asked) return false
  if (environment.stdin.isTTY === true && !config.stdinNull) return true
  log.say('INFO', 'Pseudo-terminal will not be allocated because stdin is not a terminal.')
  return false
}

/** A session that was asked for and has begun. */
export interface Session {
  readonly remote: Process
  readonly terminal: LocalTerminal | undefined
}

/** Asks for the session. Rejects when the server refuses it. */
export const beginSession = async (parts: SessionParts): Promise<Session> => {
  const { connection, command, settings, environment, signal } = parts
  const { config } = settings
  // Most sessions have none of these, and begin without waiting for their code.
  const terminal = wantsTerminal(parts) ? new (await import('./session-keys.ts')).LocalTerminal(environment) : undefined
  const x11 = config.forwardX11 ? await (await import('./lending.ts')).prepareX11(settings, connection, environment, parts.log) : undefined
  const forwardAgent = config.forwardAgent.forward && (await import('./lending.ts')).prepareAgentForward(settings, connection, parts.log)
  const options: SessionOptions = {
    signal,
    forwardAgent,
    ...(x11 === undefined ? {} : { x11 }),
    env: sentEnvironment(config, environment.variables),
    ...(terminal === undefined ? {} : { pty: terminal.request(), obscureKeystrokes: config.obscureKeystrokeTiming }),
  }
  const kind = config.sessionType === 'subsystem' ? 'subsystem' : command === '' ? 'shell' : 'command'
  narrateSession(parts.log, { kind, terminal: terminal !== undefined, env: Object.keys(options.env ?? {}) })
  const remote =
    config.sessionType === 'subsystem'
      ? await connection.subsystem(command, options)
      : command === ''
        ? await connection.shell(options)
        : await connection.exec(command, options)
  parts.log.debug('the server granted it; next, both sides talk until it ends')
  return { remote, terminal }
}

/** Joins it to our streams until it ends. The exit code. */
export const interact = async ({ remote, terminal }: Session, parts: SessionParts): Promise<number> => {
  const { settings, environment, log } = parts
  const { config } = settings
  const held: Held = {}
  const keys = terminal === undefined || config.escapeChar === 'none' ? undefined : await import('./session-keys.ts')
  relayOutput(remote, environment)
  if (terminal !== undefined) held.taken = terminal.enter(size => remote.resize(size))
  const filter = keys?.sessionKeys(parts, remote, held)
  if (config.stdinNull) void remote.stdin.end().catch(() => {})
  else held.input = relayInput(inputOf(remote), environment, filter)
  try {
    const exit = await remote.exited
    narrateExit(log, exit)
    if ('signal' in exit)
      log.say(
        'INFO',
        `The remote command was ended by signal ${escapeForPeople(exit.signal, { limit: 32 })}${exit.message === '' ? '' : `: ${escapeForPeople(exit.message)}`}.`,
      )
    if ('unknown' in exit)
      log.say(
        'INFO',
        'The server closed the session without saying how the command ended. It may have lost the command, or taken the session away for nothing came through it (ChannelTimeout): its log may say which.',
      )
    return exitCodeOf(exit)
  } finally {
    held.input?.stop()
    held.taken?.restore()
  }
}
