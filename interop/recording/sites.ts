// Owns our two sides while a conversation is recorded: who is connected to whom, what is done, and that it went as it should
// have. Knows nothing of the peers.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { connect as dial } from 'node:net'
import { type ClientConnection, AuthenticationError, SshError } from 'nacre'
import { fromDuplex } from 'nacre/io/node-socket'
import { nodeRuntime } from 'nacre/io/runtime-node'
import { recordConversation, type TranscriptRemarks } from 'nacre/testing'
import type { Login, Target } from '../peers/peer.ts'
import { type Finished, withinSeconds } from '../rig/process.ts'
import { nacreConnect } from '../sites/client.ts'
import { nacreServer, type NacreServerOptions } from '../sites/server.ts'

export type OurAlgorithms = NacreServerOptions['algorithms'] & object

interface Common extends TranscriptRemarks {
  readonly algorithms?: OurAlgorithms
  readonly rekey?: NacreServerOptions['rekey']
}

const recorder = () => recordConversation(nodeRuntime().crypto, randomInt(2 ** 32))

export interface ClientRecording extends Common {
  readonly to: Target
  readonly login: Login
  /** What is done once we are in; `undefined` when we shall not get in. */
  readonly act: ((connection: ClientConnection) => Promise<void>) | undefined
}

/** Records our client at a peer's server. */
export const recordOurClient = async ({ to, login, act, algorithms, rekey, ...remarks }: ClientRecording): Promise<string> => {
  const record = recorder()
  const transport = record.over(fromDuplex(dial({ host: to.host, port: to.port, noDelay: true })))
  const connecting = nacreConnect(to, login, {
    ...record.options,
    transport,
    keepalive: false,
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(rekey === undefined ? {} : { rekey }),
  })
  if (act === undefined) await assert.rejects(connecting, AuthenticationError)
  else {
    const connection = await connecting
    // Whoever expects a fault cannot expect a result.
    if (remarks.expects === undefined) await act(connection)
    else await assert.rejects(act(connection), SshError)
    await connection.close()
    await withinSeconds(10, connection.closed, () => 'the connection does not end')
  }
  return await record.finish(remarks)
}

export interface ServerRecording extends Common, Pick<NacreServerOptions, 'accepts' | 'hostKeys' | 'banner'> {
  /** Starts the peer's client. */
  readonly talk: (to: Target) => Promise<Finished>
  readonly check: (result: Finished) => void
}

/** Records our server with a peer's client. */
export const recordOurServer = async ({
  talk,
  check,
  accepts,
  hostKeys,
  banner,
  algorithms,
  rekey,
  ...remarks
}: ServerRecording): Promise<string> => {
  const record = recorder()
  const over = Promise.withResolvers<void>()
  await using server = await nacreServer({
    recorder: record,
    accepts,
    keepalive: false,
    ...(hostKeys === undefined ? {} : { hostKeys }),
    ...(banner === undefined ? {} : { banner }),
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(rekey === undefined ? {} : { rekey }),
    onEvent: event => {
      if (event.is === 'ended') over.resolve()
    },
  })
  const result = await talk(server.to)
  await withinSeconds(10, over.promise, () => `the connection does not end: ${result.stderr}`)
  assert.deepEqual(server.errors, [])
  if (remarks.expects === undefined) check(result)
  return await record.finish(remarks)
}
