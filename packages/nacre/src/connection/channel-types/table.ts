// Owns the list of channel types everybody knows. A new one is a file and a line here, or a row in an option.
import { agentConnect } from './agent-connect.ts'
import { authAgent } from './auth-agent.ts'
import { directStreamlocal } from './direct-streamlocal.ts'
import { directTcpip } from './direct-tcpip.ts'
import { forwardedStreamlocal } from './forwarded-streamlocal.ts'
import { forwardedTcpip } from './forwarded-tcpip.ts'
import type { ChannelTypeRow } from './row.ts'
import { session } from './session.ts'
import { tun } from './tun.ts'
import { x11 } from './x11.ts'

export const channelTypes = [
  session,
  directTcpip,
  forwardedTcpip,
  directStreamlocal,
  forwardedStreamlocal,
  x11,
  authAgent,
  agentConnect,
  tun,
] as const satisfies readonly ChannelTypeRow[]
