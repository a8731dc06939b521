// Owns the files that `sshd` serves by itself: SFTP behind `internal-sftp`, and scp. Rights belong to a process, so each is served
// in this one for logins of its own account, and by a process of the login's account for others. Knows nothing of how that is
// started.
import { basename } from 'node:path'
import { quote } from 'nacre'
import { parseScpCommand, scpServer } from 'nacre/scp'
import type { Session } from 'nacre/server'
import { defaultPatience, localFiles, outlasting, sessionPipe } from 'nacre/sftp/server'
import { ownLauncher } from '../launcher.ts'
import { internalSftpSettings } from '../sftp-server/options.ts'
import { serveAccount } from '../sftp-server/serve.ts'
import type { Account } from './account.ts'
import { plainAddress } from './addresses.ts'
import { createLog, type Log } from './log.ts'

/** A command and the name it is told it has. */
export interface Named {
  readonly file: string
  readonly args: readonly string[]
  readonly argv0: string
}

export interface Host {
  readonly account: Account
  /** Where relative paths begin. */
  readonly start: string
  readonly log: Log
}

export interface FileService {
  /** Whether this process can serve it: for its own account, for any, or never. */
  readonly here: 'own' | 'any' | 'never'
  /** Serves it in this process; gives the exit code. */
  serve(session: Session<unknown>, host: Host): Promise<number>
  /** A program that serves it, and what it is to be called; `undefined` when there is nothing to start. */
  program(): Named | undefined
}

/** This launcher, running another of our commands. Who becomes another user must be able to read it there. */
const ourselves = (command: string, words: readonly string[]): Named => ({
  file: process.execPath,
  args: [ownLauncher(), command, ...words],
  argv0: command,
})

const utf8 = new TextEncoder()

/** SFTP with the words that stand behind `internal-sftp`. */
export const sftpService = (words: readonly string[]): FileService => {
  const settings = internalSftpSettings(words)
  return {
    // A umask belongs to the whole process.
    here: settings.umask === undefined ? 'own' : 'never',
    program: () => ourselves('sftp-server', words),
    async serve(session, { account, start, log }) {
      const own = settings.toStandardError
        ? createLog(line => void session.write(utf8.encode(`${line}\r\n`), 1), settings.level)
        : log.as('internal-sftp', settings.facility, settings.level)
      const address = session.remote === undefined ? 'UNKNOWN' : plainAddress(session.remote.address)
      const serving = serveAccount({ pipe: sessionPipe(session), settings, user: account, address, start, log: own })
      // A disk on a network may hang; the session must not.
      return outlasting(session, serving, defaultPatience)
    },
  }
}

/** `ForceCommand internal-sftp`, and somebody wants something else. */
export const sftpOnly: FileService = {
  here: 'any',
  program: () => undefined,
  async serve(session) {
    await session.write(utf8.encode('This service allows sftp connections only.\n'), 0)
    return 1
  },
}

/** `scp -t` or `scp -f`; `undefined` for anything else, and for lines that only a shell can read. */
export const scpService = (account: Account, command: string): FileService | undefined => {
  const [, words] = /^\s*[\w./-]+([ \t].*)$/s.exec(command) ?? []
  if (words === undefined || parseScpCommand(command) === undefined) return undefined
  return {
    here: 'own',
    // The account's shell reads the words, as that account.
    program() {
      return {
        file: account.shell,
        args: ['-c', `exec ${quote([process.execPath, ownLauncher(), 'scp'])}${words}`],
        argv0: basename(account.shell),
      }
    },
    serve: (session, host) => scpServer(localFiles({ home: host.account.home }), { directory: host.start })(session),
  }
}
