// Owns putting transfers on top of a session of the client. Knows neither files nor packets.
import type { Calls } from '../client/calls.ts'
import type { LocalFiles } from './local.ts'
import { remoteOf } from './remote-calls.ts'
import { Transfers } from './transfers.ts'

/** Starts another session on the same connection; `undefined` where there can be none. */
export type Another = (signal: AbortSignal | undefined) => Promise<{ readonly calls: Calls; close(): Promise<void> } | undefined>

export const transfersOf = (calls: Calls, local: LocalFiles | undefined, another: Another | undefined, roundTrip?: number): Transfers =>
  new Transfers({
    remote: remoteOf(calls),
    local,
    roundTrip,
    ...(another === undefined
      ? {}
      : {
          another: async signal => {
            const session = await another(signal)
            return session === undefined ? undefined : { remote: remoteOf(session.calls), close: () => session.close() }
          },
        }),
  })
