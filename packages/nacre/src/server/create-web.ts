// Owns making a server where there is nothing to listen on: transports are handed to it. Knows no protocol.
import { webRuntime } from '../io/runtime-web.ts'
import { Server, type ServerOptions } from './create.ts'

/** A server without Node; `accept(transport)` makes it serve. Throws `ConfigError` for options that cannot work. */
export const createServer = <Identity>(options: ServerOptions<Identity>): Server<Identity> => new Server(options, webRuntime())
