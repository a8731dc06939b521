// Owns the types of what is used of packages that are installed in this folder only, so that the types of the whole can be
// checked without them.
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, Server } from 'node:http'

  export class WebSocket extends EventEmitter {
    send(data: Uint8Array, sent: () => void): void
    close(code: number): void
    pause(): void
    resume(): void
    terminate(): void
  }

  export class WebSocketServer {
    constructor(options: { readonly server: Server })
    readonly clients: ReadonlySet<WebSocket>
    on(event: 'connection', listener: (socket: WebSocket, request: IncomingMessage) => void): this
  }
}

declare module 'vite' {
  type Say = (message: string) => void
  export const build: (options: object) => Promise<unknown>
  export const createLogger: (level: string) => { warn: Say; warnOnce: Say; error: Say }
}

declare module 'webpack' {
  interface Message {
    readonly message: string
  }
  export interface Stats {
    toJson(options: object): { readonly warnings?: readonly Message[]; readonly errors?: readonly Message[] }
  }
  interface Compiler {
    run(done: (error: Error | null, stats: Stats | undefined) => void): void
    close(done: (value: unknown) => void): void
  }
  const webpack: (options: object) => Compiler
  export { webpack as default }
}

/** Made by core/bundle.ts. */
declare module 'files-of-the-tests' {
  export const files: Readonly<Record<string, () => Promise<unknown>>>
}

/** With the slash it is the package, not Node's module. */
declare module 'buffer/' {
  export { Buffer } from 'node:buffer'
}
