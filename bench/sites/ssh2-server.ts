// Owns the server made of npm's ssh2, with the same sessions as ours. Knows nothing of who measures.
import { readFileSync } from 'node:fs'
import { serveCalls } from './calls.ts'
import { type Authentication, type Channel, options, type ParsedKey, parsedKey, type Served, ssh2 } from './ssh2.ts'
import { serveFiles } from './ssh2-files.ts'
import { chunkBytes, hostKeyAlgorithm, kex, type ServerArgs } from './types.ts'

const chunk = Buffer.alloc(chunkBytes)

const finish = (channel: Channel): void => {
  channel.exit(0)
  channel.end()
}

const send = (channel: Channel, total: number): void => {
  let left = total
  const more = (): void => {
    while (left > 0) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= piece.length
      if (!channel.write(piece)) {
        channel.once('drain', more)
        return
      }
    }
    finish(channel)
  }
  more()
}

const run = (channel: Channel, command: string): void => {
  channel.on('error', () => {})
  const [word, count] = command.split(' ')
  switch (word) {
    case 'send':
      send(channel, Number(count))
      return
    case 'sink':
      channel.on('data', () => {})
      channel.on('end', () => finish(channel))
      return
    case 'echo':
      channel.on('data', (bytes: Buffer) => channel.write(bytes))
      channel.on('end', () => finish(channel))
      return
    case 'hold':
      channel.resume()
      return
    default:
      finish(channel)
  }
}

const authenticate = (attempt: Authentication, authorized: Buffer, verify: (attempt: Authentication) => boolean): void => {
  if (attempt.method !== 'publickey' || !authorized.equals(attempt.key.data)) attempt.reject(['publickey'])
  else if (attempt.signature === undefined || verify(attempt)) attempt.accept()
  else attempt.reject(['publickey'])
}

const serve = (connection: Served, key: ParsedKey, authorized: Buffer): void => {
  if (options.noDelay) connection.setNoDelay(true)
  connection.on('error', () => {})
  connection.on('authentication', attempt =>
    authenticate(attempt, authorized, ({ blob, signature, hashAlgo }) => signature !== undefined && key.verify(blob, signature, hashAlgo)),
  )
  connection.on('session', accept => {
    const session = accept()
    session.on('exec', (grant, _reject, { command }) => run(grant(), command))
    session.on('sftp', grant => serveFiles(grant()))
  })
}

serveCalls({
  listen: ({ hostKey, authorized, cipher }: ServerArgs) =>
    new Promise<number>(resolve => {
      const key = parsedKey(authorized)
      const blob = key.getPublicSSH()
      const server = new ssh2.Server(
        {
          hostKeys: [readFileSync(hostKey)],
          ...(cipher === undefined ? {} : { algorithms: { kex: [kex], serverHostKey: [hostKeyAlgorithm], cipher: [cipher] } }),
        },
        connection => serve(connection, key, blob),
      )
      server.listen(0, '127.0.0.1', () => resolve(server.address().port))
    }),
})
