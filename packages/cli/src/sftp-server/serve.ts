// Owns one session of SFTP for an account of this machine, with the settings of its command line. Knows nothing of where its bytes
// come from.
import { statSync } from 'node:fs'
import { ConfigError, escapeForPeople } from 'nacre'
import { type BytePipe, localFiles, serveSftp } from 'nacre/sftp/server'
import type { Log } from '../sshd/log.ts'
import { logSession } from './log.ts'
import { type SftpServerSettings, startDirectory } from './options.ts'

export interface SftpSession {
  readonly pipe: BytePipe
  readonly settings: SftpServerSettings
  readonly user: { readonly name: string; readonly home: string }
  /** Of the client; `UNKNOWN` when nobody knows. */
  readonly address: string
  /** Where relative paths begin without -d. */
  readonly start: string
  readonly log: Log
}

/** The directory of -d; as OpenSSH does it, one that is not there is said and left. */
const startOf = ({ settings, user, start, log }: SftpSession): string => {
  if (settings.directory === undefined) return start
  const wanted = startDirectory(settings.directory, user)
  const path = wanted.startsWith('/') ? wanted : `${start === '/' ? '' : start}/${wanted}`
  try {
    if (statSync(path).isDirectory()) return path
    log.error(`chdir to "${escapeForPeople(path)}" failed: Not a directory`)
  } catch (error) {
    log.error(`chdir to "${escapeForPeople(path)}" failed: ${(error as NodeJS.ErrnoException).code ?? String(error)}`)
  }
  return start
}

/** Serves until the client ends. The exit code: 0, or 1 when it did not end well. */
export const serveAccount = async (session: SftpSession): Promise<number> => {
  const { pipe, settings, user, address, log } = session
  const told = logSession(log, user.name, address)
  try {
    await serveSftp(pipe, localFiles({ home: user.home }), {
      readOnly: settings.readOnly,
      start: startOf(session),
      deny: settings.deny,
      ...(settings.allow === undefined ? {} : { allow: settings.allow }),
      log: told.log,
    })
    return 0
  } catch (error) {
    if (!(error instanceof Error) || error instanceof ConfigError) throw error
    log.error(escapeForPeople(error.message))
    return 1
  } finally {
    told.ended()
  }
}
