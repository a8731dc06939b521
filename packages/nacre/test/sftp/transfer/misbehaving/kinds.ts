// Owns the ways in which servers were seen, or could be, to misbehave: each a script. Knows no transfers.
import { attrs, attributesOf, dataReply, type FarOptions, type FarServer, type Script, status } from './server.ts'

export interface Kind {
  readonly name: string
  readonly options: FarOptions
  /** What becomes of a download of a file of some megabytes, and of an upload: all of it, or an error whose code or message fits. */
  readonly download: 'equal' | RegExp
  readonly upload: 'equal' | RegExp
  /** Done to the server before it is asked anything. */
  readonly prepare?: (server: FarServer) => void
  /** The session is over afterwards: nothing there can be closed or removed any more. */
  readonly ends?: boolean
}

const script = (act: Script): FarOptions => ({ script: act })
/** Chance that repeats, for delays. */
const shuffled = (id: number): number => ((id * 7919) % 13) + 1

export const kinds: readonly Kind[] = [
  {
    name: 'drops the second read, and the second write',
    options: script(({ name, nth }, honest) => ((name === 'read' || name === 'write') && nth === 2 ? undefined : honest())),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'drops everything after the third',
    options: script(({ name, nth }, honest) => ((name === 'read' || name === 'write') && nth > 3 ? undefined : honest())),
    download: /TIMEOUT/,
    upload: /TIMEOUT/,
  },
  {
    name: 'reads short, never twice as much',
    options: script((request, honest) => {
      if (request.name !== 'read' || request.node === undefined || request.offset >= request.node.data.length) return honest()
      const count = Math.max(1, (request.nth * 37_117) % request.length)
      return dataReply(request.node.data.slice(request.offset, request.offset + count))
    }),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'reads at most 32 KiB whatever it announces',
    options: script((request, honest) =>
      request.name === 'read' && request.node !== undefined && request.offset < request.node.data.length
        ? dataReply(request.node.data.slice(request.offset, request.offset + Math.min(request.length, 32_768)))
        : honest(),
    ),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'answers with no data in the middle',
    options: script((request, honest) => (request.name === 'read' && request.nth === 4 ? dataReply(new Uint8Array(0)) : honest())),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'answers with no data always',
    options: script((request, honest) => (request.name === 'read' ? dataReply(new Uint8Array(0)) : honest())),
    download: /TRANSFER_CUT_SHORT/,
    upload: 'equal',
  },
  {
    name: 'sends more data than was asked for',
    options: script((request, honest) =>
      request.name === 'read' && request.nth === 3 ? dataReply(new Uint8Array(request.length + 10)) : honest(),
    ),
    download: /SFTP_PROTOCOL/,
    upload: 'equal',
    ends: true,
  },
  {
    name: 'answers under a wrong id',
    options: script((request, honest) =>
      (request.name === 'read' || request.name === 'write') && request.nth === 3 ? { ...honest(), id: 4_000_000_000 } : honest(),
    ),
    download: /SFTP_PROTOCOL/,
    upload: /SFTP_PROTOCOL/,
    ends: true,
  },
  {
    name: 'says that the file ends early, once',
    options: script((request, honest) => (request.name === 'read' && request.nth === 5 ? status(1) : honest())),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'says that the file ends early, always',
    options: script((request, honest) => (request.name === 'read' && request.offset >= 1_000_000 ? status(1) : honest())),
    download: /TRANSFER_CUT_SHORT/,
    upload: 'equal',
  },
  {
    name: 'says that a read across the end lies behind it',
    options: script((request, honest) =>
      request.name === 'read' && request.node !== undefined && request.offset + request.length > request.node.data.length
        ? status(1)
        : honest(),
    ),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'sends zeros after the end for ever',
    options: script((request, honest) =>
      request.name === 'read' && request.node !== undefined && request.offset + request.length > request.node.data.length
        ? dataReply(new Uint8Array(request.length))
        : honest(),
    ),
    download: /TRANSFER_|aborted|too large/,
    upload: 'equal',
  },
  {
    name: 'has one handle only',
    options: script((request, honest) =>
      (request.name === 'open' || request.name === 'opendir') && request.handles >= 1 ? status(4) : honest(),
    ),
    download: 'equal',
    upload: 'equal',
  },
  { name: 'has no limits@, and knows no extension', options: { limits: false, extensions: [] }, download: 'equal', upload: 'equal' },
  {
    name: 'has no limits@, and refuses more than 32 KiB',
    options: {
      limits: false,
      script: (request, honest) =>
        (request.name === 'read' || request.name === 'write') && request.length > 32_768 ? status(5) : honest(),
    },
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'announces more than it takes',
    options: script((request, honest) =>
      (request.name === 'read' || request.name === 'write') && request.length > 20_000 ? status(4) : honest(),
    ),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'refuses the second request that is under way',
    options: script((request, honest) =>
      (request.name === 'read' || request.name === 'write') && request.underWay > 1 ? status(4) : honest(),
    ),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'is slow',
    options: script((_request, honest) => ({ ...honest(), delay: 20 })),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'answers in any order',
    options: script((request, honest) => ({ ...honest(), delay: shuffled(request.id) })),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'says that files are shorter than they are',
    options: script((request, honest) => {
      if (!/^[lf]?stat$/.test(request.name) || request.node === undefined || request.path !== '/far') return honest()
      return attrs({ ...attributesOf(request.node), size: Math.floor(request.node.data.length / 2) })
    }),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'says that files are longer than they are',
    options: script((request, honest) => {
      if (!request.name.endsWith('stat') || request.node === undefined || request.node.data.length === 0) return honest()
      return /set/.test(request.name) ? honest() : attrs({ ...attributesOf(request.node), size: request.node.data.length + 5000 })
    }),
    download: /TRANSFER_CUT_SHORT/,
    upload: /TRANSFER_MISMATCH/,
  },
  {
    name: 'says nothing of size or type',
    options: script((request, honest) => (/^[lf]?stat$/.test(request.name) && request.node !== undefined ? attrs({}) : honest())),
    download: 'equal',
    upload: 'equal',
  },
  {
    name: 'hangs up in the middle',
    options: script((request, honest) =>
      (request.name === 'read' || request.name === 'write') && request.nth === 9 ? 'hang up' : honest(),
    ),
    download: /SFTP_CONNECTION_LOST/,
    upload: /SFTP_CONNECTION_LOST/,
    ends: true,
  },
  {
    name: 'says OK where data belong',
    options: script((request, honest) => (request.name === 'read' && request.nth === 3 ? status(0) : honest())),
    download: /SFTP_PROTOCOL/,
    upload: 'equal',
    ends: true,
  },
  {
    name: 'has no room after a megabyte',
    options: script((request, honest) =>
      request.name === 'write' && request.offset + request.length > 1_000_000 ? status(4, 'No space left on device') : honest(),
    ),
    download: 'equal',
    upload: /no space|No space/,
  },
  {
    name: 'has no room after a megabyte, and cannot say so',
    options: script((request, honest) => (request.name === 'write' && request.offset + request.length > 1_000_000 ? status(4) : honest())),
    download: 'equal',
    upload: /disk is full/,
  },
  {
    name: 'acknowledges a write and forgets it',
    options: script((request, honest) => (request.name === 'write' && request.offset > 2_000_000 ? status(0) : honest())),
    download: 'equal',
    upload: /TRANSFER_MISMATCH/,
  },
  {
    name: 'loses the file when it is closed',
    options: script((request, honest) =>
      request.name === 'close' && request.path.includes('.part') ? (honest(), status(4, 'quota exceeded')) : honest(),
    ),
    download: 'equal',
    upload: /quota/,
  },
  {
    name: 'does not rename',
    options: script((request, honest) => (request.name === 'rename' || request.path === 'posix-rename@openssh.com' ? status(4) : honest())),
    download: 'equal',
    upload: /SFTP_FAILURE/,
  },
  {
    name: 'takes permission away in the middle',
    options: script((request, honest) => ((request.name === 'read' || request.name === 'write') && request.nth > 7 ? status(3) : honest())),
    download: /SFTP_PERMISSION_DENIED/,
    upload: /SFTP_PERMISSION_DENIED/,
  },
  {
    name: 'forgets handles in the middle',
    options: script((request, honest) => ((request.name === 'read' || request.name === 'write') && request.nth > 7 ? status(9) : honest())),
    download: /SFTP_INVALID_HANDLE/,
    upload: /SFTP_INVALID_HANDLE/,
  },
]
