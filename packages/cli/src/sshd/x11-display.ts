// Owns the display of a session: a port from 6000 on, what DISPLAY says, and the cookie in the account's own list. Knows nothing of
// who may have one.
import { hostname } from 'node:os'
import { escapeForPeople, ForwardError } from 'nacre'
import { type LocalConnection, type LocalListening, type LocalSockets, nodeSockets, type SessionDisplay, x11FirstPort } from 'nacre/server'
import type { Account } from './account.ts'
import type { Lent } from './agent-socket.ts'
import { startAs } from './become.ts'
import type { Log } from './log.ts'
import { runProgram } from './program.ts'

export interface X11Rules {
  /** The first display that may be taken. */
  readonly offset: number
  /** Only programs of this machine may connect. */
  readonly localhost: boolean
  /** The program that keeps cookies. */
  readonly xauth: string
}

/** As OpenSSH: displays are numbered below this. */
const mostDisplays = 1000
const patience = 30_000

const causeOf = (error: unknown): string | undefined =>
  error instanceof ForwardError ? (error.cause as NodeJS.ErrnoException | undefined)?.code : undefined

const closeAll = async (all: readonly LocalListening[]): Promise<void> => void (await Promise.all(all.map(each => each.close())))

/** Listens for one display on all its addresses; `undefined` when somebody has one of them. */
const listenFor = async (
  port: number,
  localhost: boolean,
  sockets: LocalSockets,
  taken: (connection: LocalConnection) => void,
): Promise<readonly LocalListening[] | undefined> => {
  const got: LocalListening[] = []
  for (const host of localhost ? ['127.0.0.1', '::1'] : [undefined]) {
    try {
      got.push(await sockets.listen({ host, port }, {}, taken))
    } catch (error) {
      // A machine may be without IPv6.
      if (causeOf(error) !== 'EADDRINUSE' && host === '::1' && got.length > 0) continue
      await closeAll(got)
      if (causeOf(error) === 'EADDRINUSE') return undefined
      throw error
    }
  }
  return got
}

interface Taken {
  readonly number: number
  readonly listening: readonly LocalListening[]
}

const takeDisplay = async (rules: X11Rules, sockets: LocalSockets, taken: (connection: LocalConnection) => void): Promise<Taken> => {
  for (let number = rules.offset; number < Math.max(mostDisplays, rules.offset + 1); number++) {
    const listening = await listenFor(x11FirstPort + number, rules.localhost, sockets, taken)
    if (listening !== undefined) return { number, listening }
  }
  throw new ForwardError('FORWARD_LISTEN', `All displays from ${rules.offset} to ${mostDisplays - 1} are taken.`)
}

/** Puts the cookie into the account's list, in the place of one that may be there for that display. */
const tellXauth = async (name: string, display: SessionDisplay, account: Account, env: Readonly<Record<string, string>>, xauth: string) => {
  const { file, args, env: own } = startAs(account, { file: xauth, args: ['-q', '-'], env })
  const input = `remove ${name}\nadd ${name} ${display.protocol} ${display.cookie}\n`
  return (await runProgram(file, args, { input, env: own, timeout: patience })) !== undefined
}

export interface DisplayUse {
  readonly account: Account
  /** Of the session's programs. */
  readonly env: Readonly<Record<string, string>>
  readonly log: Log
  /** A file runs before the command: it is told of the cookie, and xauth is left to it, as OpenSSH does. */
  readonly fileRuns: boolean
}

/**
 * Takes a display, and has `xauth` know its cookie as the account, with `env`. Each connection to it is one to the client's.
 * `undefined` when there can be none, which the log tells.
 */
export const x11Display = async (
  display: SessionDisplay,
  rules: X11Rules,
  { account, env, log, fileRuns }: DisplayUse,
): Promise<Lent | undefined> => {
  let held: Taken | undefined
  const close = async (): Promise<void> => await closeAll(held?.listening ?? [])
  const join = (connection: LocalConnection): void => {
    display.open(connection.peer).then(
      stream => connection.join(stream),
      (error: unknown) => {
        log.verbose(`an X11 connection was not made: ${escapeForPeople(error instanceof Error ? error.message : String(error))}`)
        connection.discard()
      },
    )
    if (display.single) void close()
  }
  try {
    held = await takeDisplay(rules, nodeSockets(), join)
    const at = `${held.number}.${display.screen}`
    const name = rules.localhost ? `unix:${at}` : `${hostname()}:${at}`
    if (!fileRuns && !(await tellXauth(name, display, account, env, rules.xauth))) {
      log.error(`X11: ${rules.xauth} could not store the cookie of ${account.name} for ${name}; the session has no display.`)
      await close()
      return undefined
    }
    log.debug(`X11: display ${at} for ${account.name}`)
    const forStart = `${display.protocol} ${display.cookie}\n`
    return { env: { DISPLAY: rules.localhost ? `localhost:${at}` : name }, ...(fileRuns ? { forStart } : {}), close }
  } catch (error) {
    await close()
    log.error(`X11: no display for ${account.name}: ${escapeForPeople(error instanceof Error ? error.message : String(error))}`)
    return undefined
  }
}
