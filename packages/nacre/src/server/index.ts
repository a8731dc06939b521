// The public face of servers on Node.
export * from '../errors.ts'
export { Secret } from '../crypto/secret.ts'
export type { CommonOptions } from '../engine/assemble.ts'
export type { EngineEvent } from '../engine/events.ts'
export { fromDuplex } from '../io/node-socket.ts'
export { fromStreams } from '../io/web-streams.ts'
export { fromPull } from '../io/transport.ts'
export type { ByteTransport, PullTransport, RemoteAddress } from '../io/transport.ts'
export { memoryPair } from '../io/memory.ts'
export { refusalFloor } from './authenticate.ts'
export type { Applicant, Authenticator, ConnectionControl, ConnectionLimits, IdentityOf } from './authenticate.ts'
export { allowAnyoneWithoutProof } from './authenticators/anyone.ts'
export { trustedCertificates } from './authenticators/certificates.ts'
export type { CertifiedLogin, TrustedCertificatesOptions } from './authenticators/certificates.ts'
export { allOf, firstOf } from './authenticators/combine.ts'
export { from, guard, limit } from './authenticators/gates.ts'
export { gssapi } from './authenticators/gssapi.ts'
export type { GssCheck, GssClaim } from './authenticators/gssapi.ts'
export type { GssContext, GssMechanism, GssStep } from '../auth/gss.ts'
export { hostBased } from './authenticators/host-based.ts'
export type { HostBasedCheck, HostBasedOptions, HostClaim } from './authenticators/host-based.ts'
export { password, passwordExpired } from './authenticators/password.ts'
export { prompts } from './authenticators/prompts.ts'
export { publicKey } from './authenticators/public-key.ts'
export type { PublicKeyCheck, PublicKeyOptions, PublicKeyView } from './authenticators/public-key.ts'
export { ServerConnection } from './connection.ts'
export type { GatewayPorts } from './forward-binding.ts'
export type { ForwardOutcome, ForwardPermit, ForwardRequest, ForwardRules, Forwards, ForwardVerdict, PerConnection } from './forwards.ts'
export { Tunnel } from '../forward/tunnel.ts'
export type { TunnelCounts, TunnelDevice, TunnelMode, TunnelTaker } from '../forward/tunnel.ts'
export type { TunnelOutcome, TunnelRequest, TunnelRules } from './tunnels.ts'
export { openTunnelDevice } from '../forward/tunnel-node.ts'
export type { TunnelDeviceOptions } from '../forward/tunnel-node.ts'
export { isUnixPlace } from '../forward/sockets.ts'
export type {
  ConnectPlaceOptions,
  Listening as LocalListening,
  ListenOptions as LocalListenOptions,
  LocalConnection,
  LocalSockets,
  Place,
  TcpPlace,
  UnixPlace,
} from '../forward/sockets.ts'
export { directTcpipBy } from './direct-tcpip.ts'
export type { DirectTcpipRules, TcpRequest, TcpTarget, TcpVerdict } from './direct-tcpip.ts'
export { nodeSockets } from '../forward/sockets-node.ts'
export { directTcpip } from './direct-tcpip-node.ts'
export type { DirectTcpipOptions } from './direct-tcpip-node.ts'
export { ChannelStream } from '../io/channel-stream.ts'
export type { ChannelTap } from '../io/channel-stream.ts'
export { relayConnection } from './relay.ts'
export type { RelayConnectionOptions, RelayRequest } from './relay.ts'
export { relayChannel } from './relay-channel.ts'
export type { Linked, RelayChannelOptions } from './relay-channel.ts'
export { Server } from './create.ts'
export type { ServerOptions } from './create.ts'
export { createServer, Listening, NodeServer } from './listen-node.ts'
export type { ListenOptions } from './listen-node.ts'
export type {
  HandlerResult,
  Session,
  SessionHandler,
  SessionHandlers,
  SessionRefusal,
  SessionTap,
  SessionTerminal,
  WindowSize,
} from './session.ts'
export { x11FirstPort } from '../forward/x11-display.ts'
export type { SessionAgent, SessionDisplay } from './session-forwards.ts'
export { withinLimits } from './limits.ts'
export type { SessionLimits } from './limits.ts'
export { Startups } from './startups.ts'
export type { EarlyDrop, PenaltyRules, StartupRules, TurnedAway } from './startups.ts'
export { loadSigner } from '../keys/load-node.ts'
export type { OpenPty, Pty, PtyOptions } from './pty.ts'
export { isWorker, runWorkers } from './workers-node.ts'
export type { WorkersOptions } from './workers-node.ts'
export type { WorkerEvent } from './crew.ts'
