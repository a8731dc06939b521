// Owns what sessions of a connection ask for beside what they run: an agent, a display. Loaded when the first does. Knows nothing of
// either.
import type { ChannelPort } from '../io/channel-port.ts'
import { type AgentForwardFacts, ForwardedAgents } from './agent-forward.ts'
import { refuseForwarding } from './careful.ts'
import type { SessionOptions } from './session-start.ts'
import { ForwardedDisplays, type X11Facts } from './x11.ts'

/** What every connection has ready for them. */
export type SessionForwardsNeeds = Pick<AgentForwardFacts & X11Facts, 'proof' | 'reach' | 'random' | 'clock'>

export class SessionForwards {
  readonly #facts: AgentForwardFacts & X11Facts
  #agents: ForwardedAgents | undefined
  #displays: ForwardedDisplays | undefined

  constructor(facts: AgentForwardFacts & X11Facts) {
    this.#facts = facts
  }

  /** Makes the requests of a session that has just been opened. */
  ask(port: ChannelPort, { x11, forwardAgent = false }: SessionOptions): void {
    if (x11 !== undefined) (this.#displays ??= new ForwardedDisplays(this.#facts)).ask(port, x11)
    if (forwardAgent !== false) (this.#agents ??= new ForwardedAgents(this.#facts)).ask(port, forwardAgent)
  }
}

/** Throws for what is not given to a server that may be the wrong one. */
export const refuseSessionForwards = ({ x11, forwardAgent = false }: SessionOptions): void => {
  if (x11 !== undefined) refuseForwarding('x11-req')
  if (forwardAgent !== false) refuseForwarding('auth-agent-req@openssh.com')
}
