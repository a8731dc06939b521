// Owns where the socket of `ssh-agent` is: in ~/.ssh/agent under a name that says of which machine it is, in a new folder, or where
// it was told. Also sockets there that nobody listens at any more. Knows nothing of what is served.
import { createHash, randomInt } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { SshError } from 'nacre'

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'

const randomLetters = (count: number): string => Array.from({ length: count }, () => letters[randomInt(letters.length)]).join('')

/** Ten letters that stand for a machine, the same as OpenSSH makes them: several may share a home. */
export const hostLetters = (name: string): string =>
  Array.from(createHash('sha512').update(name).digest().subarray(0, 10), byte => letters[byte % letters.length]).join('')

const folderOf = (home: string): string => join(home, '.ssh', 'agent')

const makeFolder = (path: string): void => {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o700 })
}

export interface SocketPlace {
  readonly path: string
  /** Takes away what was made for the socket, but not the socket. */
  leave(): void
}

const nothingToLeave = (): void => {}

/** A socket's path may have so many bytes on the systems we know of that have the least. */
const longestPath = 103

const checked = (place: SocketPlace): SocketPlace => {
  if (Buffer.byteLength(place.path) <= longestPath) return place
  place.leave()
  throw new SshError('SOCKET_PATH', `path "${place.path}" too long for Unix domain socket`)
}

/** A place in `~/.ssh/agent`, which is made if need be; `program` says whose it is. */
export const placeAtHome = (home = homedir(), program = 'agent'): SocketPlace => {
  const folder = folderOf(home)
  makeFolder(join(home, '.ssh'))
  makeFolder(folder)
  return checked({ path: join(folder, `s.${hostLetters(hostname())}.${program}.${randomLetters(10)}`), leave: nothingToLeave })
}

/** A place in a new folder in TMPDIR or /tmp that only the owner can enter. */
export const placeInNewFolder = (temporary: string | undefined, pid: number): SocketPlace => {
  const folder = join(temporary ?? '/tmp', `ssh-${randomLetters(12)}`)
  mkdirSync(folder, { mode: 0o700 })
  const leave = (): void => {
    try {
      rmdirSync(folder)
    } catch {
      // Somebody put something in it, or took it away.
    }
  }
  return checked({ path: join(folder, `agent.${pid}`), leave })
}

export const placeNamed = (path: string): SocketPlace => checked({ path, leave: nothingToLeave })

const answers = (path: string): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const oneHour = 60 * 60 * 1000

/** Removes sockets in `~/.ssh/agent` that are older than an hour and nobody listens at; of this machine only, unless `all`. */
export const removeStale = async (all: boolean): Promise<void> => {
  const folder = folderOf(homedir())
  const prefix = `s.${hostLetters(hostname())}.`
  const names = existsSync(folder) ? readdirSync(folder) : []
  for (const name of names) {
    const path = join(folder, name)
    try {
      const facts = lstatSync(path)
      if (!facts.isSocket() || facts.mtimeMs > Date.now() - oneHour || (!all && !name.startsWith(prefix))) continue
      if (!(await answers(path))) rmSync(path, { force: true })
    } catch {
      // It has gone meanwhile.
    }
  }
}
