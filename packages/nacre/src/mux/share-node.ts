// Owns the Unix socket at which a process shares its connection: made so that nobody but the owner can ever connect, in its place at
// once and only if nobody else's is there, and taken away at the end. Knows nothing of what is said over it.
import { randomBytes } from 'node:crypto'
import { type BigIntStats, existsSync, linkSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { mayConnect, ownUser, userAtOtherEnd } from '../agent/peer-node.ts'
import type { ClientConnection } from '../client/connection.ts'
import { ShareError } from '../errors.ts'
import { fromAcceptedSocket } from '../io/node-socket.ts'
import { DescriptorLine } from './descriptor-line-node.ts'
import { DescriptorPassengers, type PassengerOptions } from './passengers-node.ts'
import { descriptorReceiver } from './receive-node.ts'
import { controlMaster } from './shared-node.ts'
import { Sharing, type SharingOptions } from './sharing.ts'

export interface ShareOptions extends SharingOptions, PassengerOptions {
  /**
   * Takes sessions of clients that pass their standard streams as descriptors, as OpenSSH's do, where this Node can receive them:
   * Node 26 on Linux. Elsewhere, or with `false`, those clients are told to use `-O proxy`, and connect anew.
   */
  readonly passDescriptors?: boolean
  /** Where to listen: the ControlPath. A socket there that nobody listens at any more is replaced. */
  readonly path: string
}

/** A connection that is shared. */
export interface SharedConnection extends AsyncDisposable {
  readonly path: string
  /** Clients that are there now. */
  readonly clients: number
  /** Takes no more clients and removes the socket; those that are there stay. */
  stop(): void
  /** Cuts clients off and removes the socket. The connection itself stays. */
  close(): Promise<void>
}

const codeOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const statOf = (path: string): BigIntStats | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false })

const listen = async (server: Server, path: string): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.once('listening', resolve)
  const before = process.umask(0o177)
  try {
    server.listen({ path })
  } finally {
    process.umask(before)
  }
  await promise
  server.removeListener('error', reject)
}

const cannotListen = (path: string, error: unknown): ShareError => {
  const code = codeOf(error)
  const why =
    code === 'EINVAL' || code === 'ENAMETOOLONG'
      ? 'the path is too long for a Unix socket; some 90 bytes are what there is. %C is short'
      : code === 'ENOENT' || (code === 'EACCES' && !existsSync(dirname(path))) // Node says so of folders that are missing, too.
        ? 'there is no such folder'
        : code === 'EACCES'
          ? 'the folder is not ours to write in'
          : error instanceof Error
            ? error.message
            : String(error)
  return new ShareError('SHARE_FAILED', `The connection cannot be shared at ${path}: ${why}.`, path, { cause: error })
}

/** Whether somebody listens there. A path that is no socket counts as somebody's. */
const isAlive = async (path: string): Promise<boolean> => {
  const there = statOf(path)
  if (there === undefined) return false
  if (!there.isSocket()) return true
  try {
    ;(await controlMaster(path)).close()
    return true
  } catch (error) {
    const cause = error instanceof ShareError && error.cause !== undefined ? codeOf(error.cause) : undefined
    return cause !== 'ECONNREFUSED' && cause !== 'ENOENT'
  }
}

/** Others may have found the same one left over: what they have put in its place meanwhile is put back. */
const removeLeftOver = (path: string, leftOver: bigint | undefined): void => {
  const aside = `${path}.${randomBytes(8).toString('hex')}`
  try {
    renameSync(path, aside)
    if (statOf(aside)?.ino !== leftOver) linkSync(aside, path)
  } catch {
    // It has gone, or somebody is there again; the next look says which.
  } finally {
    rmSync(aside, { force: true })
  }
}

const mostTries = 3

/** Puts the socket in its place, where nobody may be. */
const moveInto = async (temporary: string, path: string): Promise<void> => {
  for (let tries = 1; ; tries++) {
    const before = statOf(path)?.ino
    try {
      linkSync(temporary, path)
      return
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw cannotListen(path, error)
      if (tries >= mostTries || (await isAlive(path)))
        throw new ShareError('SHARE_TAKEN', `The connection cannot be shared at ${path}: something is there already.`, path, {
          cause: error,
        })
      removeLeftOver(path, before)
    }
  }
}

/**
 * Shares a connection with other processes of the same user, by PROTOCOL.mux: nacre's (`connectShared`), and OpenSSH's `ssh -S path`
 * with `-O check`, `forward`, `cancel`, `stop`, `exit`, `proxy` and, of version 10, `conninfo` and `channels`. Ends with the connection.
 * Rejects with `ShareError`: somebody else is there, or nothing can listen there.
 */
export const shareConnection = async (connection: ClientConnection, options: ShareOptions): Promise<SharedConnection> => {
  const { path } = options
  const own = ownUser()
  const server = createServer({ pauseOnConnect: true })
  const temporary = `${path}.${randomBytes(8).toString('hex')}`
  try {
    await listen(server, temporary)
  } catch (error) {
    throw cannotListen(path, error)
  }
  try {
    await moveInto(temporary, path)
  } catch (error) {
    server.close()
    throw error
  } finally {
    rmSync(temporary, { force: true })
  }
  const ours = statOf(path)
  let listening = true
  const stop = (): void => {
    if (!listening) return
    listening = false
    process.removeListener('exit', stop)
    server.close()
    // Somebody may have put theirs there meanwhile.
    if (ours !== undefined && statOf(path)?.ino === ours.ino) rmSync(path, { force: true })
  }
  process.once('exit', stop)
  const sharing = new Sharing(connection, process.pid, options, stop)
  const receive = options.passDescriptors === false ? undefined : descriptorReceiver()
  const passengers = new DescriptorPassengers(connection, options)
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    if (!mayConnect(userAtOtherEnd(socket), own)) socket.destroy()
    else if (receive === undefined) void sharing.serve(fromAcceptedSocket(socket))
    else void sharing.serve(new DescriptorLine(socket, receive), passengers)
  })
  // A client that cannot be taken, for want of descriptors say, is no end of the others.
  server.on('error', () => {})
  const close = async (): Promise<void> => sharing.end()
  return {
    path,
    get clients() {
      return sharing.clients
    },
    stop,
    close,
    [Symbol.asyncDispose]: close,
  }
}
