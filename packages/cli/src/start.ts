// Owns `npm start`: a server on this machine to try nacre with, for the person who starts it. Knows nothing of sshd_config.
import { join } from 'node:path'
import { ConnectError, SshError } from 'nacre'
import { openPty } from './pty.ts'
import { ownAccount } from './sshd/account.ts'
import { createLog } from './sshd/log.ts'
import { closePipes } from './sshd/pipes.ts'
import { OneTimePassword } from './start/one-time-password.ts'
import { ownKeys } from './start/own-keys.ts'
import { createTryOutServer } from './start/server.ts'
import { openState, writeKnownHosts } from './start/state.ts'
import { passwordLine, welcome } from './start/words.ts'

const host = '127.0.0.1'
const usualPort = 2222

class StartError extends SshError {
  constructor(message: string, options?: ErrorOptions) {
    super('START', message, options)
  }
}

const readPort = (text: string | undefined): number => {
  if (text === undefined || text === '') return usualPort
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535)
    throw new StartError(`PORT is ${JSON.stringify(text)}; it must be a number up to 65535, such as PORT=2223 npm start`)
  return Number(text)
}

const portTaken = (port: number, cause: ConnectError): StartError =>
  new StartError(`${cause.message}\nChoose another port: PORT=${port < 65535 ? port + 1 : usualPort} npm start`, { cause })

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const untilStopped = (): Promise<void> =>
  new Promise(resolve => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve())
  })

const start = async (): Promise<void> => {
  // Whoever read our output may be gone; the server goes on.
  process.stdout.on('error', () => {})
  const port = readPort(process.env.PORT)
  const folder = join(process.cwd(), '.nacre')
  const account = ownAccount()
  const state = await openState(folder)
  const password = new OneTimePassword(next => say(passwordLine(next)))
  const server = createTryOutServer({
    state,
    account,
    ownKeys: () => ownKeys(account.home),
    password,
    log: createLog(say, 'INFO'),
    openPty,
  })
  const listening = await server.listen({ host, port }).catch(error => {
    throw error instanceof ConnectError ? portTaken(port, error) : error
  })
  const facts = {
    ...state,
    user: account.name,
    uid: account.uid,
    home: account.home,
    host,
    port: listening.port,
    folder,
    knownHostsLines: writeKnownHosts(state.knownHosts, host, listening.port, state.hostKeys),
    ownKeys: ownKeys(account.home).map(each => each.path),
    password: password.current,
  }
  say(welcome(facts, process.cwd()))
  await untilStopped()
  await server.close()
  closePipes()
}

try {
  await start()
  process.exit(0)
} catch (error) {
  if (!(error instanceof SshError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
