// Owns `ssh -O`: what is asked of the process that shares a connection, and what is said of its answers, as OpenSSH does. Knows
// nothing of sessions.
import { connectShared, type Control, controlMaster, escapeForPeople, type MuxForward, SshError } from 'nacre'
import { UsageError } from '../getopt.ts'
import { requestOf } from './mux-forwards.ts'
import type { MuxParts, Sharing } from './mux-parts.ts'
import type { SshConfig } from './options.ts'

const requestsOf = ({ config }: SshConfig): readonly MuxForward[] => [
  ...config.localForward.map(each => requestOf('local', each)),
  ...config.dynamicForward.map(each => requestOf('dynamic', each)),
  ...config.remoteForward.map(each => requestOf('remote', each)),
]

/** Has the master set up, or cancel, what the configuration and the letters name. Gives the ports that were chosen. */
export const controlForwards = async (reach: () => Promise<Control>, settings: SshConfig, cancel: boolean): Promise<readonly number[]> => {
  const requests = requestsOf(settings)
  if (requests.length === 0) return []
  const master = await reach()
  const ports: number[] = []
  try {
    for (const request of requests) {
      if (cancel) await master.closeForward(request)
      else {
        const port = await master.openForward(request)
        if (port !== undefined) ports.push(port)
      }
    }
  } finally {
    master.close()
  }
  return ports
}

type Act = (master: Control, parts: MuxParts, path: string) => Promise<void>

const commands: Readonly<Record<string, Act>> = {
  async check(master, { environment }) {
    environment.stderr.write(`Master running (pid=${await master.check()})\r\n`)
  },
  async exit(master, { environment, settings }) {
    await master.terminate()
    if (settings.config.logLevel !== 'QUIET') environment.stderr.write('Exit request sent.\r\n')
  },
  async stop(master, { environment, settings }) {
    await master.stopListening()
    if (settings.config.logLevel !== 'QUIET') environment.stderr.write('Stop listening request sent.\r\n')
  },
  async conninfo(master, { environment }) {
    environment.stdout.write(escapeForPeople(await master.info('connection'), { lines: true, limit: 65536 }))
  },
  async channels(master, { environment }) {
    environment.stdout.write(escapeForPeople(await master.info('channels'), { lines: true, limit: 65536 }))
  },
  async forward(_, { environment, settings }, path) {
    for (const port of await controlForwards(() => controlMaster(path), settings, false)) environment.stdout.write(`${port}\n`)
  },
  async cancel(_, { settings }, path) {
    await controlForwards(() => controlMaster(path), settings, true)
  },
}

/** Does what `-O` says. Throws `UsageError` for a command there is not; rejects with `ShareError`. */
export const control = async (asked: string, path: string, parts: MuxParts): Promise<Sharing> => {
  // A session by packets of the connection: what ours are anyway.
  if (asked === 'proxy') return { is: 'shared', connection: await connectShared(path, { user: parts.settings.config.user }) }
  const act = Object.hasOwn(commands, asked) ? commands[asked] : undefined
  if (act === undefined)
    throw new UsageError(`Invalid multiplex command ${escapeForPeople(asked)}; there are ${Object.keys(commands).join(', ')} and proxy`)
  const master = await controlMaster(path)
  try {
    await act(master, parts, path)
    return { is: 'done', code: 0 }
  } catch (error) {
    if (asked === 'cancel' && error instanceof SshError) {
      parts.log.say('ERROR', error.message)
      return { is: 'done', code: 0 }
    }
    throw error
  } finally {
    master.close()
  }
}
