// Owns the list of channel requests everybody knows. A new one is a file and a line here, or a row in an option.
import { agentReq } from './agent-req.ts'
import { authAgentReq } from './auth-agent-req.ts'
import { breakRequest } from './break.ts'
import { env } from './env.ts'
import { eow } from './eow.ts'
import { exec } from './exec.ts'
import { exitSignal } from './exit-signal.ts'
import { exitStatus } from './exit-status.ts'
import { keepalive } from './keepalive.ts'
import { ptyReq } from './pty-req.ts'
import type { RequestRow } from './row.ts'
import { shell } from './shell.ts'
import { signal } from './signal.ts'
import { subsystem } from './subsystem.ts'
import { windowChange } from './window-change.ts'
import { x11Req } from './x11-req.ts'
import { xonXoff } from './xon-xoff.ts'

export const channelRequests = [
  ptyReq,
  x11Req,
  env,
  shell,
  exec,
  subsystem,
  windowChange,
  xonXoff,
  signal,
  exitStatus,
  exitSignal,
  breakRequest,
  authAgentReq,
  agentReq,
  eow,
  keepalive,
] as const satisfies readonly RequestRow[]
