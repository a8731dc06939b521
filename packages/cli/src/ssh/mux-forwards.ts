// Owns the forwards of a connection that `ssh` shares, as its clients see them: they are those of `ssh` itself, in one list with what
// its letters and `~C` made, by the same rules. Knows nothing of how a forward works.
import type { MuxForward, MuxPlace, SharedForwards } from 'nacre'
import type { ConfiguredForward, ForwardEnd, ForwardKind } from 'nacre/config'
import type { Forwards, ListedForward } from './forwards.ts'

/** An empty address is all of them, which the protocol spells `*`; none at all is left to who listens. */
const placeOf = (end: ForwardEnd): MuxPlace =>
  end.path === undefined ? { host: end.host === '' ? '*' : (end.host ?? ''), port: end.port ?? 0 } : { path: end.path }

const endOf = (place: MuxPlace): ForwardEnd =>
  'path' in place ? { path: place.path } : { port: place.port, ...(place.host === '' ? {} : { host: place.host }) }

/** What a client asks its master for. */
export const requestOf = (kind: ForwardKind, { listen, connect }: ConfiguredForward): MuxForward => ({
  kind,
  listen: placeOf(listen),
  connect: connect === undefined ? undefined : placeOf(connect),
})

const specOf = ({ listen, connect }: MuxForward): ConfiguredForward => ({
  listen: endOf(listen),
  connect: connect === undefined ? undefined : endOf(connect),
})

const chosenPort = ({ kind, listen }: MuxForward, { forward: { address } }: Pick<ListedForward, 'forward'>): number | undefined =>
  kind === 'remote' && 'port' in listen && listen.port === 0 && !('path' in address) ? address.port : undefined

/** The list of `ssh`, for clients of its connection. */
export const sharedForwards = (forwards: Forwards): SharedForwards => ({
  get requests() {
    return forwards.list().map(({ kind, spec }) => requestOf(kind, spec))
  },
  async open(request) {
    const spec = specOf(request)
    const there = forwards.find(request.kind, spec) ?? { forward: await forwards.add(request.kind, spec) }
    return chosenPort(request, there)
  },
  async close(request) {
    const there = forwards.find(request.kind, specOf(request))
    if (there === undefined) return false
    await forwards.remove(there.forward)
    return true
  },
  // They are of the connection, which may go on without being shared.
  end: async () => {},
})
