// Owns the file with the process id of a running server. Knows nothing of servers.
import { rmSync, writeFileSync } from 'node:fs'
import type { ParsedConfig, ServerConfig } from 'nacre/config'
import type { Log } from './log.ts'

/** Writes our id to PidFile and gives what removes it. One that cannot be written is logged, and no reason to stop. */
export const writePidFile = ({ config, given }: ParsedConfig<ServerConfig>, log: Log): Disposable => {
  const nothing = { [Symbol.dispose]: () => {} }
  if (config.pidFile === 'none') return nothing
  // The usual place belongs to root.
  if (process.geteuid?.() !== 0 && !given.has('pidFile')) return nothing
  try {
    writeFileSync(config.pidFile, `${process.pid}\n`, { mode: 0o644 })
  } catch (error) {
    log.error(`Couldn't create pid file "${config.pidFile}": ${(error as Error).message}`)
    return nothing
  }
  return { [Symbol.dispose]: () => rmSync(config.pidFile, { force: true }) }
}
