// Owns serving `direct-tcpip` (RFC 4254 §7.2) by a program's own way to connect. Knows no sockets and no rules; both are given
// to it.
import { directTcpip as row } from '../connection/channel-types/direct-tcpip.ts'
import type { OpenQuestion } from '../connection/events.ts'
import { isOf } from '../connection/row.ts'
import type { ServerConnection } from './connection.ts'
import { type DirectTarget, portProblem, serveDirect, type Verdict } from './direct.ts'

/** What a client wants to reach, and for whom. All but the ports is text from the peer. */
export interface TcpRequest {
  /** A name or an address. */
  readonly host: string
  readonly port: number
  readonly originator: { readonly address: string; readonly port: number }
}

/** Whether it may. A text refuses, and is told to the client. */
export type TcpVerdict = Verdict

/** A connection that stands, and waits to be joined to its channel. Exactly one of the two is called. */
export type TcpTarget = DirectTarget

export interface DirectTcpipRules<Identity> {
  readonly permit: (request: TcpRequest, connection: ServerConnection<Identity>) => TcpVerdict | Promise<TcpVerdict>
  /** Rejects with `ConnectError`, whose message is told to the client, or with the signal's reason. */
  readonly connect: (request: TcpRequest, signal: AbortSignal) => Promise<TcpTarget>
  /** Told how each request came out: `undefined`, or why there is no connection, in the words the client gets. */
  readonly onOutcome?: (request: TcpRequest, problem: string | undefined, connection: ServerConnection<Identity>) => void
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
    serveDirect<TcpRequest, Identity>(question, request, connection, {
      problem: ({ port, originator }) => portProblem(port, originator.port),
      permit: rules.permit,
      connect: (asked, { signal }) => rules.connect(asked, signal),
      onOutcome: (asked, outcome, by) => rules.onOutcome?.(asked, outcome.is === 'open' ? undefined : outcome.problem, by),
    })
  }
