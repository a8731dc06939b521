// Owns the course of a channel that a client opens to reach something from here: somebody says whether it may, somebody connects,
// and the two are joined. Knows neither what is reached nor how.
import type { OpenQuestion } from '../connection/events.ts'
import { ConnectError } from '../errors.ts'
import { ChannelStream } from '../io/channel-stream.ts'
import type { ServerConnection } from './connection.ts'

/** Whether somebody may have what he asks for. A text refuses, and is told to the client where the protocol has room for words. */
export type Verdict = boolean | string

/** A connection that stands, and waits to be joined to its channel. Exactly one of the two is called. */
export interface DirectTarget {
  join(stream: ChannelStream): void
  /** The client has gone meanwhile. */
  discard(): void
}

export interface DirectRules<Request, Identity> {
  /** Why nobody could ever have it; `undefined` when somebody has to be asked. */
  readonly problem: (request: Request) => string | undefined
  readonly permit: (request: Request, connection: ServerConnection<Identity>) => Verdict | Promise<Verdict>
  /** Rejects with `ConnectError`, whose message is told to the client, or with the reason of the connection's signal. */
  readonly connect: (request: Request, connection: ServerConnection<Identity>) => Promise<DirectTarget>
  readonly onOutcome: (request: Request, outcome: DirectOutcome, connection: ServerConnection<Identity>) => void
}

/** How it came out, in the words the client gets. */
export type DirectOutcome = { readonly is: 'open' } | { readonly is: 'denied' | 'failed'; readonly problem: string }

export const notPermitted = 'this connection is not permitted'

const refusals = { denied: 'administratively-prohibited', failed: 'connect-failed' } as const

type Reached = { readonly target: DirectTarget } | Exclude<DirectOutcome, { readonly is: 'open' }>

const reach = async <Request, Identity>(
  request: Request,
  connection: ServerConnection<Identity>,
  rules: DirectRules<Request, Identity>,
): Promise<Reached> => {
  const problem = rules.problem(request)
  if (problem !== undefined) return { is: 'denied', problem }
  const verdict = await rules.permit(request, connection)
  if (verdict !== true) return { is: 'denied', problem: typeof verdict === 'string' ? verdict : notPermitted }
  try {
    return { target: await rules.connect(request, connection) }
  } catch (error) {
    if (error instanceof ConnectError) return { is: 'failed', problem: error.message }
    throw error
  }
}

const serve = async <Request, Identity>(
  question: OpenQuestion,
  request: Request,
  connection: ServerConnection<Identity>,
  rules: DirectRules<Request, Identity>,
): Promise<void> => {
  const reached = await reach(request, connection, rules)
  if (!('target' in reached)) {
    rules.onOutcome(request, reached, connection)
    question.refuse(refusals[reached.is], reached.problem)
    connection.link.wake()
    return
  }
  if (connection.signal.aborted) {
    reached.target.discard()
    return
  }
  const port = connection.link.accept(question)
  const stream = new ChannelStream(port)
  connection.watchIdle(port, question.channelType)
  rules.onOutcome(request, { is: 'open' }, connection)
  reached.target.join(stream)
}

/** Answers `question`, in time. What rules throw is told to the server's owner, and to the client only that there was something. */
export const serveDirect = <Request, Identity>(
  question: OpenQuestion,
  request: Request,
  connection: ServerConnection<Identity>,
  rules: DirectRules<Request, Identity>,
): void => {
  serve(question, request, connection, rules).catch((error: unknown) => {
    if (connection.signal.aborted) return
    question.refuse('connect-failed', 'internal error')
    connection.link.wake()
    connection.failed(error)
  })
}

const highestPort = 65_535

/** For requests that name ports. OpenSSH's words are fewer; its reason is the same. */
export const portProblem = (port: number, originatorPort: number): string | undefined =>
  port < 1 || port > highestPort || originatorPort > highestPort ? 'ports go from 1 to 65535' : undefined
