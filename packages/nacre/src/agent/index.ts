// Owns the public map of `nacre/agent`. Knows nothing else.
export { AgentClient, type AgentKey, agentSigners, type AgentSigners, type AgentTransport } from './client.ts'
export { agentConstraints, agentNumbers, maximumAgentMessage, signFlags } from './messages.ts'
