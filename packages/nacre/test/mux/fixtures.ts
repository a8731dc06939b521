// Owns a connection in memory whose client shares it, and clients of that. Knows nothing of sockets.
import type { ClientConnection } from '../../src/client/connection.ts'
import { memoryPair } from '../../src/io/memory.ts'
import type { ByteTransport } from '../../src/io/transport.ts'
import { Control } from '../../src/mux/control.ts'
import { connectSharedOver } from '../../src/mux/over.ts'
import { Sharing, type SharingOptions } from '../../src/mux/sharing.ts'
import type { SessionHandlers } from '../../src/server/session.ts'
import { world, type World, type WorldOptions } from '../client/forward-fixtures.ts'

export interface SharedWorld extends AsyncDisposable {
  readonly at: World
  readonly sharing: Sharing
  /** How often no more clients were wanted. */
  stops(): number
  /** The far end of a new line to who shares; it is served. */
  line(): ByteTransport
  control(): Promise<Control>
  shared(): Promise<ClientConnection>
}

/** Commands echo what they read, and end with 7. */
const echoing: SessionHandlers<{ readonly name: string }> = {
  async exec(session) {
    await session.stderr.write(`for ${session.command}`)
    for await (const bytes of session.stdin) await session.stdout.write(bytes)
    return 7
  },
}

export const sharedWorld = async (options: SharingOptions = {}, { server, ...others }: WorldOptions = {}): Promise<SharedWorld> => {
  const at = await world({ ...others, server: { session: echoing, ...server } })
  let stops = 0
  const sharing = new Sharing(at.client, 4711, options, () => void stops++)
  const line = (): ByteTransport => {
    const [near, far] = memoryPair()
    void sharing.serve(far)
    return near
  }
  return {
    at,
    sharing,
    stops: () => stops,
    line,
    control: () => Control.over(line(), { path: 'memory' }),
    shared: () => connectSharedOver(line(), { path: 'memory', sockets: async () => at.here }),
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  }
}
