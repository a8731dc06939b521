// Owns a session of `ssh`: a command, a shell or a subsystem, joined to the local streams and to the person's terminal. Knows
// nothing of how the connection came about or of what is forwarded over it.
import { type ClientConnection, escapeForPeople, type Process, type SessionOptions } from 'nacre'
import { sentEnvironment } from 'nacre/config'
import type { Environment } from '../environment.ts'
import { LocalTerminal, type TakenTerminal } from '../terminal.ts'
import { prepareAgentForward } from './agent-forward.ts'
import { continueInBackground, suspend, withoutInterrupts } from './job-control.ts'
import { escapeFilter, type EscapeActions } from './escapes.ts'
import type { Log } from './log.ts'
import { narrateExit, narrateSession } from './narration.ts'
import type { SshConfig } from './options.ts'
import { exitCodeOf, inputOf, type RelayedInput, relayInput, relayOutput } from './relay.ts'
import { aboutConnection, breakMilliseconds, listConnections } from './session-words.ts'
import { typedCommandLine, type TypedForwards } from './typed-command.ts'
import { prepareX11 } from './x11.ts'

export interface SessionParts {
  readonly connection: ClientConnection
  /** The command line, or the name of the subsystem; empty for a shell. */
  readonly command: string
  readonly settings: SshConfig
  readonly environment: Environment
  readonly log: Log
  readonly signal: AbortSignal
  /** What is forwarded, for `~#`, `~C` and `~&`. */
  readonly forwards?: TypedForwards | undefined
}

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
  const terminal = wantsTerminal(parts) ? new LocalTerminal(environment) : undefined
  const x11 = await prepareX11(settings, connection, environment, parts.log)
  const options: SessionOptions = {
    signal,
    forwardAgent: prepareAgentForward(settings, connection, parts.log),
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

/** What the escape sequences do in this session. `input` and `taken` are there once the first key comes. */
const escapeActions = (parts: SessionParts, remote: Process, held: { input?: RelayedInput; taken?: TakenTerminal }): EscapeActions => {
  const { connection, settings, environment, log, forwards } = parts
  const { config } = settings
  const show = (text: string): void => void environment.stderr.write(text)
  return {
    show,
    disconnect: () => remote.close(),
    sendBreak: () => void remote.break(breakMilliseconds).catch(() => {}),
    rekey: () => connection.rekey(),
    about: () => aboutConnection(connection, settings),
    connections: () => listConnections(connection, forwards),
    louder: by => (log.isShown ? `LogLevel ${log.louder(by)}` : 'Logging to a file or the system log'),
    suspend: () => suspend(held.taken),
    background: () => {
      forwards?.stopListening()
      // What a shell takes for the end of what is typed.
      void remote.write(Uint8Array.of(endOfTransmission))
      held.input?.stop()
      continueInBackground(held.taken)
    },
    commandLine: () => {
      if (!config.enableEscapeCommandline) {
        show('commandline disabled\r\n')
        return
      }
      const release = held.input?.hold()
      const takeAgain = held.taken?.lend()
      const typed = { forwards, permitLocal: config.permitLocalCommand, say: (text: string): void => show(`${text}\r\n`) }
      void withoutInterrupts(() => typedCommandLine(typed)).finally(() => {
        takeAgain?.()
        release?.()
      })
    },
  }
}

const endOfTransmission = 4

/** Joins it to our streams until it ends. The exit code. */
export const interact = async ({ remote, terminal }: Session, parts: SessionParts): Promise<number> => {
  const { settings, environment, log } = parts
  const { config } = settings
  const held: { input?: RelayedInput; taken?: TakenTerminal } = {}
  relayOutput(remote, environment)
  if (terminal !== undefined) held.taken = terminal.enter(size => remote.resize(size))
  const filter =
    terminal === undefined || config.escapeChar === 'none' ? undefined : escapeFilter(config.escapeChar, escapeActions(parts, remote, held))
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
