// Owns the public map of `nacre/agent` on Node. Knows nothing else.
export * from './index-web.ts'
export { type AgentListenOptions, listenAgent, type ListeningAgent } from './listen-node.ts'
export { connectAgent, connectPageant } from './openssh-node.ts'
export { socketTransport } from './socket-node.ts'
