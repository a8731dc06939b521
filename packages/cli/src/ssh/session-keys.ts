// Owns what a session of our own at a terminal takes: the terminal, and what the escape sequences do. Knows nothing of how they are told
// from other keys.
import type { Process } from 'nacre'
import { escapeFilter, type EscapeActions } from './escapes.ts'
import { continueInBackground, suspend, withoutInterrupts } from './job-control.ts'
import type { Held, SessionParts } from './session-parts.ts'
import { aboutConnection, breakMilliseconds, listConnections } from './session-words.ts'
import { typedCommandLine } from './typed-command.ts'

export { LocalTerminal } from '../terminal.ts'

const endOfTransmission = 4

/** What the escape sequences do in this session. `input` and `taken` are there once the first key comes. */
const escapeActions = (parts: SessionParts, remote: Process, held: Held): EscapeActions => {
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

/** Takes escape sequences out of what is typed; all of it where there is no escape character (EscapeChar). */
export const sessionKeys = (
  parts: SessionParts,
  remote: Process,
  held: Held,
): ((bytes: Uint8Array) => Uint8Array | undefined) | undefined => {
  const { escapeChar } = parts.settings.config
  return escapeChar === 'none' ? undefined : escapeFilter(escapeChar, escapeActions(parts, remote, held))
}
