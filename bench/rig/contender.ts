// Owns what the rounds of most scenarios have in common: a server and a client that answers calls, what work costs both, and
// looking into them when asked. Knows nothing of any scenario.
import { heapGrowth, profiled } from './profile.ts'
import type { Contender, Figures, Settings } from './scenario.ts'
import type { ServerEnd } from './server.ts'
import type { Site } from './site.ts'

export interface Pair {
  readonly server: ServerEnd
  readonly client: Site
}

/** A contender whose round starts a server and a client, does `work` with them and ends them. */
export const pair = (
  name: string,
  startServer: () => Promise<ServerEnd>,
  startClient: () => Promise<Site>,
  work: (pair: Pair) => Promise<Figures>,
): Contender => ({
  name,
  async measure() {
    await using server = await startServer()
    await using client = await startClient()
    return await work({ server, client })
  },
})

/** What `work` gives, and the CPU seconds it costs the server. */
export const charged = async <T>(server: ServerEnd, work: () => Promise<T>): Promise<{ readonly server: number; readonly result: T }> => {
  const before = await server.cpu()
  const result = await work()
  return { server: (await server.cpu()) - before, result }
}

/** Both ends where they are sites, and so can be looked into. */
const sitesOf = ({ server, client }: Pair): Readonly<Record<string, Site>> => ({
  ...(server.site?.inspectable === true ? { server: server.site } : {}),
  client,
})

/** Profiles `work`, which is `count` pieces, if profiles were asked for. */
export const probed = async (settings: Settings, name: string, both: Pair, count: number, work: () => Promise<unknown>): Promise<void> => {
  if (settings.probe?.kind === 'profile') await profiled(settings.probe.folder, name, sitesOf(both), count, work)
}

/** Does `work`, which leaves `count` things behind; looks at what they take if that was asked for. */
export const heapProbed = async (
  settings: Settings,
  name: string,
  both: Pair,
  count: number,
  work: () => Promise<unknown>,
): Promise<void> => {
  if (settings.probe?.kind === 'heap') await heapGrowth(settings.probe.folder, name, sitesOf(both), count, work)
  else await work()
}
