// Owns the public map of `nacre/agent` on Node. Knows nothing else.
export * from './index-web.ts'
export { type AgentListenOptions, listenAgent, type ListeningAgent } from './listen-node.ts'
export { type AgentSurroundings, connectAgent, connectPageant, usualAgents } from './openssh-node.ts'
export { socketTransport } from './socket-node.ts'
