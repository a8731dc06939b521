// Owns the three tables of one configuration together: channel requests, channel types, global requests, the standard rows
// and those of a program. Made once for all connections that share a configuration. Knows nothing of any connection.
import type { ChannelTypeRow } from './channel-types/row.ts'
import { channelTypes } from './channel-types/table.ts'
import type { GlobalRequestRow } from './global-requests/row.ts'
import { globalRequests } from './global-requests/table.ts'
import type { RequestRow } from './requests/row.ts'
import { channelRequests } from './requests/table.ts'
import { RowTable } from './row.ts'

/** Rows of a program, added to the standard ones. */
export interface OwnRows {
  readonly requests?: readonly RequestRow[] | undefined
  readonly channelTypes?: readonly ChannelTypeRow[] | undefined
  readonly globalRequests?: readonly GlobalRequestRow[] | undefined
}

export interface ConnectionRows {
  readonly requests: RowTable<(typeof channelRequests)[number]>
  readonly channelTypes: RowTable<(typeof channelTypes)[number]>
  readonly globalRequests: RowTable<(typeof globalRequests)[number]>
}

const standard: ConnectionRows = {
  requests: new RowTable('channel request', channelRequests, []),
  channelTypes: new RowTable('channel type', channelTypes, []),
  globalRequests: new RowTable('global request', globalRequests, []),
}

/** All rows by name. Throws `ConfigError` when two of one table share a name. */
export const connectionRows = ({ requests, channelTypes: types, globalRequests: globals }: OwnRows = {}): ConnectionRows =>
  requests === undefined && types === undefined && globals === undefined
    ? standard
    : {
        requests: requests === undefined ? standard.requests : new RowTable('channel request', channelRequests, requests),
        channelTypes: types === undefined ? standard.channelTypes : new RowTable('channel type', channelTypes, types),
        globalRequests: globals === undefined ? standard.globalRequests : new RowTable('global request', globalRequests, globals),
      }
