// Owns looking up names of hosts for clients without holding up the process. Node looks names up on the few threads that its
// files are read by too: name servers that do not answer, or who asks for many such names, would keep all of them busy.
import { lookup as systemLookup } from 'node:dns'
import type { LookupFunction } from 'node:net'

/** Of Node's four threads so many at once. */
const usualMost = 2
/** Nobody waits longer for a connection; what has waited as long is not looked up any more. */
const usualPatience = 30_000

/** `lookup` for `net.connect`: at most so many at once, the others in the order they came. */
export const lookupInTurn = (
  lookup: LookupFunction = systemLookup as LookupFunction,
  { most = usualMost, patience = usualPatience, now = () => performance.now() } = {},
): LookupFunction => {
  const waiting: { readonly begin: () => void; readonly since: number }[] = []
  let running = 0
  const next = (): void => {
    for (let first = waiting.shift(); first !== undefined; first = waiting.shift()) {
      if (now() - first.since >= patience) continue
      first.begin()
      return
    }
  }
  return (host, options, callback) => {
    const begin = (): void => {
      running++
      lookup(host, options, (error, address, family) => {
        running--
        next()
        callback(error, address, family)
      })
    }
    if (running < most) begin()
    else waiting.push({ begin, since: now() })
  }
}
