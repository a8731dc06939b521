// Owns serving `direct-tcpip` (RFC 4254 §7.2): a client asks for a connection to a host and port, somebody says whether it may,
// and the two are joined. Knows no sockets and no rules; both are given to it.
import { directTcpip as row } from '../connection/channel-types/direct-tcpip.ts'
import type { OpenQuestion } from '../connection/events.ts'
import { isOf } from '../connection/row.ts'
import { ConnectError } from '../errors.ts'
import { ChannelStream } from '../io/channel-stream.ts'
import type { ServerConnection } from './connection.ts'

/** What a client wants to reach, and for whom. All but the ports is text from the peer. */
export interface TcpRequest {
  /** A name or an address. */
  readonly host: string
  readonly port: number
  readonly originator: { readonly address: string; readonly port: number }
}

/** Whether it may. A text refuses, and is told to the client. */
export type TcpVerdict = boolean | string

/** A connection that stands, and waits to be joined to its channel. Exactly one of the two is called. */
export interface TcpTarget {
  join(stream: ChannelStream): void
  /** The client has gone meanwhile. */
  discard(): void
}

export interface DirectTcpipRules<Identity> {
  readonly permit: (request: TcpRequest, connection: ServerConnection<Identity>) => TcpVerdict | Promise<TcpVerdict>
  /** Rejects with `ConnectError`, whose message is told to the client, or with the signal's reason. */
  readonly connect: (request: TcpRequest, signal: AbortSignal) => Promise<TcpTarget>
  /** Told how each request came out: `undefined`, or why there is no connection, in the words the client gets. */
  readonly onOutcome?: (request: TcpRequest, problem: string | undefined, connection: ServerConnection<Identity>) => void
}

const highestPort = 65_535
const notPermitted = 'this connection is not permitted'

type Outcome =
  | { readonly target: TcpTarget }
  | { readonly reason: 'administratively-prohibited' | 'connect-failed'; readonly problem: string }

const decide = async <Identity>(
  request: TcpRequest,
  connection: ServerConnection<Identity>,
  rules: DirectTcpipRules<Identity>,
): Promise<Outcome> => {
  // OpenSSH's words for both are fewer; its reason is the same.
  if (request.port < 1 || request.port > highestPort || request.originator.port > highestPort)
    return { reason: 'administratively-prohibited', problem: 'ports go from 1 to 65535' }
  const verdict = await rules.permit(request, connection)
  if (verdict !== true) return { reason: 'administratively-prohibited', problem: typeof verdict === 'string' ? verdict : notPermitted }
  try {
    return { target: await rules.connect(request, connection.signal) }
  } catch (error) {
    if (error instanceof ConnectError) return { reason: 'connect-failed', problem: error.message }
    throw error
  }
}

const serve = async <Identity>(
  question: OpenQuestion,
  request: TcpRequest,
  connection: ServerConnection<Identity>,
  rules: DirectTcpipRules<Identity>,
): Promise<void> => {
  const outcome = await decide(request, connection, rules)
  if (!('target' in outcome)) {
    rules.onOutcome?.(request, outcome.problem, connection)
    question.refuse(outcome.reason, outcome.problem)
    connection.link.wake()
    return
  }
  if (connection.signal.aborted) {
    outcome.target.discard()
    return
  }
  const stream = new ChannelStream(connection.link.accept(question))
  rules.onOutcome?.(request, undefined, connection)
  outcome.target.join(stream)
}

/** The handler for `direct-tcpip` of a server's `channels`. */
export const directTcpipBy =
  <Identity>(rules: DirectTcpipRules<Identity>) =>
  (question: OpenQuestion, connection: ServerConnection<Identity>): void => {
    const { details } = question
    if (!isOf(details, row)) {
      question.refuse('unknown-channel-type', 'this is for direct-tcpip')
      return
    }
    const { hostToConnect, portToConnect, originatorAddress, originatorPort } = details.value
    const request = {
      host: hostToConnect,
      port: portToConnect,
      originator: { address: originatorAddress, port: originatorPort },
    }
    serve(question, request, connection, rules).catch((error: unknown) => {
      if (connection.signal.aborted) return
      question.refuse('connect-failed', 'internal error')
      connection.link.wake()
      connection.failed(error)
    })
  }
