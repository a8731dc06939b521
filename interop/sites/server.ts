// Owns our server as the peers meet it: in this process, with sessions that are real shells. Knows nothing of the peers.
import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import type { Exit } from 'nacre'
import { fromDuplex } from 'nacre/io/node-socket'
import type { ConversationRecorder } from 'nacre/testing'
import {
  allOf,
  type Authenticator,
  createServer,
  firstOf,
  loadSigner,
  password,
  prompts,
  publicKey,
  type ServerOptions,
  type Session,
} from 'nacre/server'
import type { Accepts, Target } from '../peers/peer.ts'
import { hostKey, type KeyFile, soundKinds } from '../rig/keys.ts'

export interface Person {
  readonly name: string
}

export interface NacreServerOptions extends Omit<ServerOptions<Person>, 'hostKeys' | 'authenticate' | 'session'> {
  readonly accepts: Accepts
  readonly hostKeys?: readonly KeyFile[]
  readonly session?: ServerOptions<Person>['session']
  /** Records the first connection; no other is taken. */
  readonly recorder?: ConversationRecorder
}

export interface NacreServer extends AsyncDisposable {
  readonly to: Target
  /** What authenticators and handlers threw. */
  readonly errors: readonly unknown[]
  /** How each connection ended, as an error message, in order. */
  readonly endings: readonly string[]
  /** The connections there are now. */
  connections(): ReturnType<typeof createServer<Person>>['connections']
}

const user = 'wanda'

const authenticatorFor = (accepts: Accepts): Authenticator<Person> => {
  const one = {
    publickey: publicKey((applicant, key) =>
      applicant.user === user && (accepts.keys ?? []).some(each => each.line === `${key.type} ${Buffer.from(key.blob).toString('base64')}`)
        ? { name: applicant.user }
        : undefined,
    ),
    password: password((applicant, secret) =>
      applicant.user === user && secret.reveal() === accepts.password ? { name: applicant.user } : undefined,
    ),
    'keyboard-interactive': prompts(async person => {
      const wanted = accepts.prompts ?? []
      const given = await person.askAll(wanted, 'Answer these.')
      return person.user === user && wanted.every((each, index) => each.answer === given[index]) ? { name: person.user } : undefined
    }),
  } as const
  const named = (method: string): Authenticator<Person> => {
    if (method in one) return one[method as keyof typeof one]
    throw new TypeError(`no method ${method}`)
  }
  if (accepts.chain !== undefined) {
    const [first, ...others] = accepts.chain.map(named)
    if (first === undefined) throw new TypeError('an empty chain')
    return allOf(first, ...others)
  }
  const possible = [
    ...(accepts.keys === undefined ? [] : [one.publickey]),
    ...(accepts.password === undefined ? [] : [one.password]),
    ...(accepts.prompts === undefined ? [] : [one['keyboard-interactive']]),
  ]
  const [first, ...others] = possible
  if (first === undefined) throw new TypeError('nobody could log in')
  return firstOf(first, ...others)
}

const writeTo = (stream: Writable, bytes: Uint8Array): void | Promise<void> => {
  if (stream.destroyed || stream.write(bytes)) return
  return new Promise(resolve => {
    stream.once('drain', resolve)
    stream.once('close', resolve)
  })
}

/** A session that is `/bin/sh`, with its three streams apart. */
export const shellSession = async (session: Session<Person>): Promise<Exit> => {
  const child = spawn('/bin/sh', session.command === undefined ? [] : ['-c', session.command], { env: { ...process.env, ...session.env } })
  child.stdin.on('error', () => {})
  // As many chunks may wait for the pipe as the window lets in.
  child.stdin.setMaxListeners(0)
  session.signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true })
  session.onOutputClosed(() => child.stdout.destroy())
  session.onSignal(name => void child.kill(`SIG${name}` as NodeJS.Signals))
  session.tap({
    // The bytes are valid only now, and a pipe may take them later.
    stdin: (bytes, detached) => writeTo(child.stdin, detached ? bytes : bytes.slice()),
    end: () => child.stdin.end(),
  })
  const copy = async (from: AsyncIterable<Buffer>, type: 0 | 1): Promise<void> => {
    try {
      for await (const chunk of from) await session.write(chunk, type)
    } catch {
      // The client reads no more, or is gone; the command finds out when it writes.
    }
  }
  const ended = new Promise<Exit>(resolve => {
    child.once('close', (code, signal) => {
      resolve(signal === null ? { code: code ?? 255 } : { signal: signal.slice(3), coreDumped: false, message: '' })
    })
  })
  await Promise.all([copy(child.stdout, 0), copy(child.stderr, 1)])
  return await ended
}

/** Serves the first connection that comes, recorded. */
const listenOnce = async (server: ReturnType<typeof createServer<Person>>, recorder: ConversationRecorder): Promise<{ port: number }> => {
  const listener = createTcpServer({ noDelay: true }, socket => {
    listener.close()
    server.accept(recorder.over(fromDuplex(socket)))
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  return { port: (listener.address() as AddressInfo).port }
}

/** Starts our server on a free port. */
export const nacreServer = async (options: NacreServerOptions): Promise<NacreServer> => {
  const { accepts, hostKeys = soundKinds.map(kind => hostKey(kind)), session, onEvent, recorder, ...others } = options
  const signers = await Promise.all(hostKeys.map(key => loadSigner(key.path)))
  const errors: unknown[] = []
  const endings: string[] = []
  const server = createServer<Person>({
    ...others,
    ...recorder?.options,
    hostKeys: recorder === undefined ? signers : signers.map(each => recorder.signer(each)),
    authenticate: authenticatorFor(accepts),
    session: session ?? { exec: shellSession, shell: shellSession },
    onError: error => errors.push(error),
    onEvent: (event, connection) => {
      if (event.is === 'ended') endings.push(event.error.message)
      onEvent?.(event, connection)
    },
  })
  const listening = recorder === undefined ? await server.listen({ port: 0, host: '127.0.0.1' }) : await listenOnce(server, recorder)
  return {
    to: { host: '127.0.0.1', port: listening.port, user, hostKeys: hostKeys.map(key => key.line) },
    errors,
    endings,
    connections: () => server.connections,
    [Symbol.asyncDispose]: () => server.close(),
  }
}
