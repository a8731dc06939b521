// Owns the server's process of a soak: a server on the public interface whose sessions give, take, copy or hang. Knows
// nothing of how often.
import { nodeCrypto } from 'nacre/crypto/node'
import { createServer, password, type Session } from 'nacre/server'
import { insecureTestHostKey } from 'nacre/testing'
import { takeSample } from './measure.ts'
import { type Order, StreamCheck, streamBytes, tell } from './messages.ts'

export const soakUser = 'soak'
export const soakPassword = 'a password for nothing'

const give = async (session: Session<string>, total: number): Promise<number> => {
  for (let sent = 0; sent < total;) {
    const bytes = streamBytes(sent, total - sent)
    sent += bytes.length
    const waiting = session.write(bytes)
    if (waiting !== undefined) await waiting
  }
  return 0
}

const take = (session: Session<string>, total: number): Promise<number> =>
  new Promise(resolve => {
    const check = new StreamCheck()
    let right = true
    session.tap({
      stdin: bytes => {
        right &&= check.take(bytes)
      },
      end: () => resolve(right && check.count === total ? 0 : 1),
    })
  })

const copy = async (session: Session<string>): Promise<number> => {
  await session.stdin.pipeTo(session.stdout)
  return 0
}

const hang = (session: Session<string>): Promise<number> =>
  new Promise(resolve => session.signal.addEventListener('abort', () => resolve(0), { once: true }))

const exec = (session: Session<string>): number | Promise<number> => {
  const [word, argument] = (session.command ?? '').split(' ')
  switch (word) {
    case 'exit':
      return Number(argument)
    case 'give':
      return give(session, Number(argument))
    case 'take':
      return take(session, Number(argument))
    case 'copy':
      return copy(session)
    case 'hang':
      return hang(session)
    case 'fail':
      throw new Error('as the client wished')
    default:
      return 127
  }
}

export const serve = async (): Promise<void> => {
  const faults: string[] = []
  const server = createServer({
    hostKeys: [insecureTestHostKey(nodeCrypto())],
    authenticate: password(({ user }, given) => (user === soakUser && given.reveal() === soakPassword ? user : undefined)),
    rekey: { bytes: 7 * 2 ** 20 },
    refusalFloor: () => 0,
    session: { exec },
    maximumStartups: 1000,
    onError: error => {
      // A session whose client was cut off cannot write on.
      if (!(error instanceof Error && error.message === 'as the client wished')) faults.push(String(error))
    },
  })
  const listening = await server.listen({ port: 0 })
  process.on('message', (order: Order) => {
    if (order.is === 'measure')
      void takeSample().then(sample => tell({ is: 'sample', sample, connections: server.connections.size, faults: faults.splice(0) }))
    else if (order.is === 'stop') void server.close().then(() => process.exit(0))
  })
  process.on('disconnect', () => process.exit(0))
  tell({ is: 'ready', port: listening.port })
}
