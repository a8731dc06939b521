// Owns many nacre servers in one process, an address each, for whoever collects their keys. Nobody can log in. Knows nothing of
// who measures.
import { createServer, loadSigner, publicKey } from 'nacre/server'
import { serveCalls } from './calls.ts'
import type { HostsArgs } from './types.ts'

/** Listens at one port of all addresses, and gives the port. */
const serve = async ({ hostKeys, count, kex }: HostsArgs): Promise<number> => {
  const signers = await Promise.all(hostKeys.map(path => loadSigner(path)))
  let port = 0
  for (let host = 1; host <= count; host++) {
    const server = createServer({
      hostKeys: signers,
      authenticate: publicKey(() => undefined),
      session: {},
      ...(kex === undefined ? {} : { algorithms: { kex: [kex] } }),
      onError: error => console.error(error),
    })
    ;({ port } = await server.listen({ port, host: `127.0.0.${host}` }))
  }
  return port
}

serveCalls({ listen: serve })
