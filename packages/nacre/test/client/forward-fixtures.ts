// Owns a client and a server with a machine each, in memory: what the server reaches, what it listens on for the client, and what it
// was asked for.
import type { OpenQuestion } from '../../src/connection/events.ts'
import { forwardedStreamlocal } from '../../src/connection/channel-types/forwarded-streamlocal.ts'
import { forwardedTcpip } from '../../src/connection/channel-types/forwarded-tcpip.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import type { GlobalRequestQuestion } from '../../src/connection/questions.ts'
import type { Place } from '../../src/forward/sockets.ts'
import { ChannelStream } from '../../src/io/channel-stream.ts'
import type { Link } from '../../src/io/link.ts'
import { type MemorySocket, MemorySockets } from '../../src/testing/sockets.ts'
import { encode } from '../../src/wire/codec.ts'
import { type Joined, joined, type JoinOptions } from '../io/fixtures.ts'

export interface World extends Joined {
  /** The client's machine, and the server's. */
  readonly here: MemorySockets
  readonly there: MemorySockets
  /** What was asked of the server, and who it was told it was for. */
  readonly asked: readonly string[]
  readonly originators: readonly string[]
  /** The server opens a channel as if somebody had connected to it. Rejects with what the client says. */
  connected(address: string, port: number, from?: string): Promise<ChannelStream>
  connectedPath(path: string): Promise<ChannelStream>
}

const asText = (details: OpenQuestion['details']): { readonly place: Place; readonly from: string } | undefined => {
  if (details.type === 'direct-tcpip') {
    const { hostToConnect: host, portToConnect: port, originatorAddress, originatorPort } = details.value
    return { place: { host, port }, from: `${originatorAddress}:${originatorPort}` }
  }
  return details.type === 'direct-streamlocal@openssh.com' ? { place: { path: details.value.socketPath }, from: '' } : undefined
}

export interface WorldOptions extends JoinOptions {
  /** What the server answers to a request to listen, in place of yes. */
  readonly answer?: (question: GlobalRequestQuestion, name: string) => boolean
}

export const world = async (options: WorldOptions = {}): Promise<World> => {
  const here = new MemorySockets()
  const there = new MemorySockets()
  const asked: string[] = []
  const originators: string[] = []
  let nextPort = 50_000

  const open = (question: OpenQuestion, { link }: { readonly link: Link }): void => {
    const found = asText(question.details)
    if (found === undefined) return
    originators.push(found.from)
    there.connect(found.place).then(
      socket => socket.join(new ChannelStream(link.accept(question))),
      (error: Error) => {
        question.refuse('connect-failed', error.message)
        link.wake()
      },
    )
  }

  const asks = (question: GlobalRequestQuestion, { link }: { readonly link: Link }): void => {
    const { request } = question
    const name = `${request.type} ${JSON.stringify('value' in request ? request.value : undefined)}`
    asked.push(name)
    if (options.answer?.(question, name) === true) return
    const port = request.type === 'tcpip-forward' && request.value.portNumberToBind === 0 ? nextPort++ : undefined
    question.succeed(port === undefined ? undefined : encode(tcpipForward.reply, { allocatedPort: port }))
    link.wake()
  }

  const at = await joined(
    {},
    {
      ...options,
      client: { sockets: async () => here, ...options.client },
      server: {
        channels: { 'direct-tcpip': open, 'direct-streamlocal@openssh.com': open },
        globalRequests: {
          'tcpip-forward': asks,
          'cancel-tcpip-forward': asks,
          'streamlocal-forward@openssh.com': asks,
          'cancel-streamlocal-forward@openssh.com': asks,
        },
        ...options.server,
      },
    },
  )
  return {
    ...at,
    here,
    there,
    asked,
    originators,
    connected: async (address, port, from = '198.51.100.7') => {
      const details = { connectedAddress: address, connectedPort: port, originatorAddress: from, originatorPort: 1234 }
      return new ChannelStream(await at.served.open(forwardedTcpip, details))
    },
    connectedPath: async path => new ChannelStream(await at.served.open(forwardedStreamlocal, { socketPath: path, reservedText: '' })),
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  }
}

/** Listens on a machine and answers each connection with `prefix` and what it said, once that has ended. */
export const echoing = async (machine: MemorySockets, place: Place, prefix = ''): Promise<MemorySocket[]> => {
  const taken: MemorySocket[] = []
  await machine.listen(place, {}, connection => {
    const socket = connection as MemorySocket
    taken.push(socket)
    void (async () => {
      const said = await socket.text()
      socket.write(prefix + said)
      socket.end()
    })()
  })
  return taken
}

/** What somebody is answered who connects, says something and ends. */
export const exchange = async (socket: MemorySocket, text: string): Promise<string> => {
  socket.write(text)
  socket.end()
  return await socket.text()
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
