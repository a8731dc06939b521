// Owns the nacre server that is measured. Its sessions send, swallow, echo or wait; no process is started. Knows nothing of
// who measures.
import cluster from 'node:cluster'
import { createServer, isWorker, type Listening, loadSigner, publicKey, runWorkers, type Session } from 'nacre/server'
import { localFiles, sftpServer } from 'nacre/sftp/server'
import { serveCalls } from './calls.ts'
import { chunkBytes, hostKeyAlgorithm, kex, type ServerArgs } from './types.ts'

const chunk = new Uint8Array(chunkBytes)

const send = async (session: Session<string>, total: number): Promise<void> => {
  for (let left = total; left > 0; left -= chunk.length) {
    const waiting = session.write(left < chunk.length ? chunk.subarray(0, left) : chunk)
    if (waiting !== undefined) await waiting
  }
}

const sendStream = async (session: Session<string>, total: number): Promise<void> => {
  let left = total
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left > 0) controller.enqueue(left < chunk.length ? chunk.subarray(0, left) : chunk)
      left -= chunk.length
      if (left <= 0) controller.close()
    },
  })
  await source.pipeTo(session.stdout)
}

const sink = (session: Session<string>): Promise<void> =>
  new Promise(resolve => {
    session.tap({ stdin: () => {}, end: resolve })
  })

const sinkStream = async (session: Session<string>): Promise<void> => {
  await session.stdin.pipeTo(new WritableStream())
}

const echo = (session: Session<string>): Promise<void> =>
  new Promise(resolve => {
    session.tap({ stdin: (bytes, detached) => session.write(detached ? bytes : bytes.slice()), end: resolve })
  })

const exec = (session: Session<string>): Promise<void> | number => {
  const [word, count] = (session.command ?? '').split(' ')
  switch (word) {
    case 'nothing':
      return 0
    case 'send':
      return send(session, Number(count))
    case 'send-stream':
      return sendStream(session, Number(count))
    case 'sink':
      return sink(session)
    case 'hold':
      // As with the other servers: who waits reads what comes.
      return sink(session)
    case 'sink-stream':
      return sinkStream(session)
    case 'echo':
      return echo(session)
    default:
      return 127
  }
}

const serve = async ({ hostKey, authorized, cipher }: ServerArgs): Promise<Listening> => {
  const blob = Buffer.from(authorized.split(' ')[1], 'base64')
  const server = createServer<string>({
    hostKeys: [await loadSigner(hostKey)],
    authenticate: publicKey((applicant, key) => (blob.equals(key.blob) ? applicant.user : undefined)),
    session: { exec, subsystems: { sftp: sftpServer(localFiles()) } },
    ...(cipher === undefined
      ? {}
      : { algorithms: { kex: [kex, 'mlkem768x25519-sha256'], hostKey: [hostKeyAlgorithm], ciphers: [cipher] } }),
    onError: error => console.error(error),
  })
  return await server.listen({ port: 0, host: '127.0.0.1' })
}

/** Where workers, which run this same program, find what they are to serve. */
const variable = 'NACRE_BENCH_SERVER'

/** Serves from several processes and returns the port they share. */
const serveFromWorkers = async (args: ServerArgs, count: number): Promise<number> => {
  process.env[variable] = JSON.stringify(args)
  let port = 0
  cluster.on('listening', (_worker, address) => {
    port = address.port
  })
  await new Promise<void>((resolve, reject) => {
    runWorkers(() => undefined, { workers: count, onReady: resolve }).catch(reject)
  })
  return port
}

if (isWorker()) await runWorkers(() => serve(JSON.parse(process.env[variable] ?? '') as ServerArgs))
else
  serveCalls({
    listen: async (args: ServerArgs) =>
      args.workers === undefined ? (await serve(args)).port : await serveFromWorkers(args, args.workers),
  })
