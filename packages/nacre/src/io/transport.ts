// Owns the interface between a driver and whatever carries bytes, and the adapter for transports that are pulled.
// Pushing, not pulling, is the base form: a runtime can then hand over one reused buffer without a promise per read.
import { type Clock, systemClock } from './clock.ts'

/** Where a transport delivers. */
export interface TransportSink {
  /** Bytes that arrived. The buffer belongs to the transport again once this returns. */
  data(bytes: Uint8Array): void
  /** Nothing more will come; `error` when that was not the other side's wish. Called once. */
  end(error?: unknown): void
}

/** A stream of bytes both ways. */
export interface ByteTransport {
  /** Begins to deliver. Called once. */
  start(sink: TransportSink): void
  /** Takes all of `bytes`; `taken` is called once the buffer may be used again. */
  write(bytes: Uint8Array, taken: () => void): void
  /** What is written from here until `flush` may leave as one. Transports that gain nothing by it leave both out. */
  gather?(): void
  flush?(): void
  /** Calls `act` when what this turn of the event loop set going has been done. Transports that cannot tell leave it out. */
  afterTurn?(act: () => void): void
  /** Stops or resumes delivery; what is in flight may still arrive. */
  pause(): void
  resume(): void
  /** Lets what was written leave, then closes; without waiting when `deserted`: the other side is gone. Safe to call twice. */
  close(deserted?: boolean): void
  /** Asks the network to treat what is sent as this byte of IP's header says (DSCP). Transports that cannot leave it out. */
  mark?(byte: number): void
  /** Who is on the other side, as far as the transport knows. */
  readonly remote: RemoteAddress | undefined
  /** The number this process knows the socket by, where there is one: for helpers that look at it. */
  readonly descriptor?: number | undefined
}

export interface RemoteAddress {
  readonly address: string
  readonly port: number
  readonly localAddress: string
  readonly localPort: number
}

/** The simplest form of a transport: three methods. `read` gives `undefined` at the end. */
export interface PullTransport {
  read(): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): Promise<void>
  close(reason?: unknown): void | Promise<void>
}

/** How long a closed transport waits for its last bytes to leave, in milliseconds. */
const lingerMilliseconds = 2000

/** Makes a transport of three methods one that pushes. One read is under way at a time; none while paused. */
export const fromPull = (pull: PullTransport, remote?: RemoteAddress, clock: Clock = systemClock): ByteTransport => {
  let sink: TransportSink | undefined
  let paused = false
  let reading = false
  let over = false
  let writing: Promise<void> = Promise.resolve()
  const finish = (error?: unknown): void => {
    if (over) return
    over = true
    sink?.end(error)
  }
  const pump = async (): Promise<void> => {
    if (reading || paused || over) return
    reading = true
    try {
      while (!paused && !over) {
        const bytes = await pull.read()
        if (bytes === undefined) return finish()
        if (!over) sink?.data(bytes)
      }
    } catch (error) {
      finish(error)
    } finally {
      reading = false
    }
  }
  return {
    remote,
    start(to) {
      sink = to
      void pump()
    },
    write(bytes, taken) {
      writing = writing
        .then(() => pull.write(bytes))
        .then(taken, error => {
          taken()
          finish(error)
        })
    },
    pause() {
      paused = true
    },
    resume() {
      paused = false
      void pump()
    },
    close() {
      let cancel = (): void => {}
      const patience = new Promise<void>(resolve => {
        cancel = clock.after(lingerMilliseconds, resolve)
      })
      // A peer that reads nothing must not keep the transport open for ever.
      void Promise.race([writing, patience])
        .then(() => {
          cancel()
          return pull.close()
        })
        .catch(() => {})
        .finally(() => finish())
    },
  }
}
