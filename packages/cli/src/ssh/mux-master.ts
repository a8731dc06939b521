// Owns offering the connection of this `ssh` to others at its socket (ControlMaster). Knows nothing of whether it should.
import { type ClientConnection, escapeForPeople, shareConnection, type SharedConnection, ShareError } from 'nacre'
import { askPermission } from '../askpass.ts'
import { Forwards } from './forwards.ts'
import { sharedForwards } from './mux-forwards.ts'
import type { MuxParts } from './mux-parts.ts'
import { passengerOptions } from './mux-passengers.ts'

/** Undefined, and said, when another process has the socket. */
export const share = async (
  parts: MuxParts,
  connection: ClientConnection,
  path: string,
  {
    forwards,
    idle,
    quietly = false,
  }: { readonly forwards: Forwards | undefined; readonly idle?: number | undefined; readonly quietly?: boolean },
): Promise<SharedConnection | undefined> => {
  const { settings, environment, log } = parts
  const list = forwards ?? new Forwards(connection, settings, log)
  const asks = settings.config.controlMaster === 'ask' || settings.config.controlMaster === 'autoask'
  try {
    return await shareConnection(connection, {
      path,
      forwards: sharedForwards(list),
      ...passengerOptions(parts, connection, list),
      ...(idle === undefined ? {} : { idle }),
      ...(asks ? { permit: what => askPermission(`${what} (${escapeForPeople(settings.config.hostName)}) `, environment.variables) } : {}),
    })
  } catch (error) {
    if (!(error instanceof ShareError) || error.code !== 'SHARE_TAKEN') throw error
    const text = `ControlSocket ${escapeForPeople(path)} already exists, disabling multiplexing`
    if (quietly) log.debug(text)
    else log.say('ERROR', text)
    return undefined
  }
}
