// Owns nothing: what a session may lend to the other end, together, since few do. Each is in a file of its own.
export { prepareAgentForward } from './agent-forward.ts'
export { prepareX11 } from './x11.ts'
