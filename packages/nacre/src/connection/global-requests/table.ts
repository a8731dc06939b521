// Owns the list of global requests everybody knows. A new one is a file and a line here, or a row in an option.
import { cancelStreamlocalForward } from './cancel-streamlocal-forward.ts'
import { cancelTcpipForward } from './cancel-tcpip-forward.ts'
import { hostkeys, hostkeysProve } from './hostkeys.ts'
import { keepalive } from './keepalive.ts'
import { noMoreSessions } from './no-more-sessions.ts'
import type { GlobalRequestRow } from './row.ts'
import { streamlocalForward } from './streamlocal-forward.ts'
import { tcpipForward } from './tcpip-forward.ts'

export const globalRequests = [
  keepalive,
  noMoreSessions,
  tcpipForward,
  cancelTcpipForward,
  streamlocalForward,
  cancelStreamlocalForward,
  hostkeys,
  hostkeysProve,
] as const satisfies readonly GlobalRequestRow[]
