// Owns a client and a server joined in memory, with everything above their engines, for the tests of drivers and streams.
import { connectOver, type ConnectOptions } from '../../src/client/connect.ts'
import type { ClientConnection } from '../../src/client/connection.ts'
import { credentials } from '../../src/client/identities.ts'
import { defaultTables } from '../../src/algorithms/tables.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import type { Runtime } from '../../src/engine/assemble.ts'
import { memoryPair } from '../../src/io/memory.ts'
import type { ByteTransport } from '../../src/io/transport.ts'
import { allowAnyoneWithoutProof } from '../../src/server/authenticators/anyone.ts'
import type { ServerConnection } from '../../src/server/connection.ts'
import { Server, type ServerOptions } from '../../src/server/create.ts'
import type { SessionHandlers } from '../../src/server/session.ts'
import { insecureTestHostKey } from '../../src/testing/keys.ts'
import { BufferPool } from '../../src/transport/outgoing.ts'

interface Person {
  readonly name: string
}

export const runtime: Runtime = { crypto: nodeCrypto(), tables: defaultTables, pool: new BufferPool() }

export const clientOptions = (options: Partial<ConnectOptions> = {}): ConnectOptions => ({
  user: 'ada',
  host: 'server.test',
  port: 22,
  hostKey: () => {},
  identities: credentials({}),
  ...options,
})

export const serverOf = (session: SessionHandlers<Person>, options: Partial<ServerOptions<Person>> = {}): Server<Person> =>
  new Server(
    {
      hostKeys: [insecureTestHostKey(runtime.crypto)],
      authenticate: allowAnyoneWithoutProof(({ user }) => ({ name: user })),
      session,
      ...options,
    },
    runtime,
  )

export interface Joined extends AsyncDisposable {
  readonly client: ClientConnection
  readonly server: Server<Person>
  readonly served: ServerConnection<Person>
  /** What handlers threw. */
  readonly errors: unknown[]
}

export interface JoinOptions {
  readonly client?: Partial<ConnectOptions>
  readonly server?: Partial<ServerOptions<Person>>
  readonly ends?: readonly [ByteTransport, ByteTransport]
}

/** A client that is logged in to a server with these handlers. */
export const joined = async (session: SessionHandlers<Person>, options: JoinOptions = {}): Promise<Joined> => {
  const [near, far] = options.ends ?? memoryPair()
  const errors: unknown[] = []
  const server = serverOf(session, { onError: error => errors.push(error), ...options.server })
  const served = server.accept(far)
  if (served === undefined) throw new Error('the server took no connection')
  const client = await connectOver(near, clientOptions(options.client), runtime)
  return {
    client,
    server,
    served,
    errors,
    async [Symbol.asyncDispose]() {
      await client.close()
      await server.close()
    },
  }
}

/** Lets everything happen that happens by itself. */
export const quiet = async (turns = 20): Promise<void> => {
  for (let i = 0; i < turns; i++) await new Promise(resolve => setImmediate(resolve))
}

export const textOf = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true })
  return text
}
