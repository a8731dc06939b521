// Owns honest company for an attack: a server whose sessions say back what they hear, and a client of it that never stops
// checking that they do. Knows nothing of attacks.
import { type ClientConnection, connect, insecureAcceptAnyHostKey, nodeRuntime } from 'nacre'
import { type Authenticator, createServer, type NodeServer, type ServerOptions, type Session } from 'nacre/server'
import { insecureTestHostKey } from 'nacre/testing'
import { bytesOf } from '../rig/bytes.ts'
import { within } from './attacker.ts'

/** Sends everything back. */
const echo = (session: Session<string>): Promise<number> =>
  new Promise(resolve => {
    session.signal.addEventListener('abort', () => resolve(1), { once: true })
    session.tap({
      stdin: (bytes, detached) => session.write(detached ? bytes : bytes.slice())?.catch(() => {}),
      end: () => resolve(0),
    })
  })

/** Writes for as long as somebody takes it. */
const endless = async (session: Session<string>): Promise<number> => {
  const chunk = bytesOf(64 * 1024)
  try {
    while (!session.signal.aborted) await session.write(chunk)
  } catch {
    // The client is gone.
  }
  return 0
}

/** Lets in every name, by whatever method, but those `refused` says. With `more`, those methods may be tried too. */
export const anybody = (refused: (user: string) => boolean = () => false, more: readonly string[] = []): Authenticator<string> => ({
  methods: ['none', 'password', ...more],
  begin: applicant => ({
    remaining: () => ['password'],
    attempt: () => (refused(applicant.user) ? { is: 'refuse' } : { is: 'accept', identity: applicant.user }),
  }),
})

type Differences = Partial<Omit<ServerOptions<string>, 'hostKeys'>>

/** Our server, listening on loopback. Any name gets in unless told otherwise. */
export const ourServer = async (options: Differences = {}): Promise<{ readonly server: NodeServer<string>; readonly port: number }> => {
  const server = createServer<string>({
    authenticate: anybody(),
    session: { exec: session => (session.command === 'endless' ? endless(session) : echo(session)), shell: echo },
    refusalFloor: () => 0,
    ...options,
    hostKeys: [insecureTestHostKey(nodeRuntime().crypto)],
  })
  return { server, port: (await server.listen({ port: 0 })).port }
}

/** An honest login. */
export const honestClient = (port: number, user = 'honest'): Promise<ClientConnection> =>
  connect(
    { host: '127.0.0.1', port, user },
    { config: false, hostKey: insecureAcceptAnyHostKey, auth: {}, signal: AbortSignal.timeout(30_000) },
  )

const piece = bytesOf(32 * 1024)

/** A connection that transfers data for as long as it lives. */
export class Company implements AsyncDisposable {
  readonly #connection: ClientConnection
  readonly #work: Promise<void>
  #stopping = false
  #rounds = 0
  #fault: unknown
  #next = Promise.withResolvers<void>()

  /** `command` says back what it hears. */
  constructor(connection: ClientConnection, command = 'echo') {
    this.#connection = connection
    this.#work = this.#transfer(command).catch((error: unknown) => {
      this.#fault = error
      this.#next.resolve()
    })
  }

  static async at(port: number): Promise<Company> {
    return new Company(await honestClient(port))
  }

  async #transfer(command: string): Promise<void> {
    const process = await this.#connection.exec(command)
    let at = 0
    let whole = Promise.withResolvers<void>()
    process.tap({
      stdout: bytes => {
        if (Buffer.compare(bytes, piece.subarray(at, at + bytes.length)) !== 0) whole.reject(new Error(`other bytes came back at ${at}`))
        at += bytes.length
        if (at === piece.length) whole.resolve()
      },
      stderr: () => {},
    })
    void process.exited.then(
      () => whole.reject(new Error('the session ended')),
      error => whole.reject(error),
    )
    while (!this.#stopping) {
      await process.stdin.write(piece)
      await whole.promise
      at = 0
      whole = Promise.withResolvers<void>()
      this.#rounds++
      this.#next.resolve()
      this.#next = Promise.withResolvers<void>()
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    whole.promise.catch(() => {})
  }

  /** Waits until two more pieces have gone both ways, so that one of them began after the call. Throws what went wrong. */
  async undisturbed(): Promise<void> {
    const before = this.#rounds
    while (this.#fault === undefined && this.#rounds < before + 2) await within(this.#next.promise, 'the honest connection went on')
    if (this.#fault !== undefined) throw this.#fault
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true
    await this.#work
    await this.#connection.close()
  }
}
