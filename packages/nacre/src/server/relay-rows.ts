// Owns saying again, on another connection, what was read on one: the row and the value it is sent with. What nobody declared goes
// on as the bytes it came in. Knows no channels.
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import { channelTypes } from '../connection/channel-types/table.ts'
import type { OpenValue } from '../connection/events.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import { globalRequests } from '../connection/global-requests/table.ts'
import type { ChannelRequestValue, GlobalRequestValue } from '../connection/questions.ts'
import type { RequestRow } from '../connection/requests/row.ts'
import { channelRequests } from '../connection/requests/table.ts'
import type { Row } from '../connection/row.ts'
import { rest } from '../wire/codec.ts'

/** A row and what to send by it. */
export interface Said<R extends Row> {
  readonly row: R
  readonly value: unknown
}

type Heard =
  | { readonly type: string; readonly name: string; readonly value: unknown }
  | { readonly type: 'unknown'; readonly name: string; readonly details: Uint8Array }

/** `undefined` for a row of a program's own: only its table knows how it is written. */
const sayer = <R extends Row>(rows: readonly R[], raw: (name: string) => R): ((heard: Heard) => Said<R> | undefined) => {
  const known = new Map<string, R>(rows.map(row => [row.name, row]))
  return heard => {
    if ('details' in heard) return { row: raw(heard.name), value: heard.details }
    const row = known.get(heard.type)
    return row === undefined ? undefined : { row, value: heard.value }
  }
}

const raw = (name: string): Row => ({ name, codec: rest })

export const sayRequest: (heard: ChannelRequestValue) => Said<RequestRow> | undefined = sayer<RequestRow>(channelRequests, raw)
export const sayOpen: (heard: OpenValue) => Said<ChannelTypeRow> | undefined = sayer<ChannelTypeRow>(channelTypes, raw)
export const sayGlobal: (heard: GlobalRequestValue) => Said<GlobalRequestRow> | undefined = sayer<GlobalRequestRow>(globalRequests, raw)
