// Owns a program that serves from two processes by `runWorkers`. Its arguments are a port and, perhaps, `stubborn`.
import { ConfigError } from 'nacre'
import { generateKeyNumbers, nodeCrypto } from 'nacre/crypto/node'
import { createSigner, PrivateKey } from 'nacre/keys'
import { allowAnyoneWithoutProof, createServer, runWorkers } from 'nacre/server'

const [port = '', how] = process.argv.slice(2)

const main = async (): Promise<AsyncDisposable> => {
  if (!/^\d+$/.test(port)) throw new ConfigError('There is no port.')
  process.on('SIGUSR2', () => console.log('got SIGUSR2'))
  const hostKey = createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' })), 'host')
  const server = createServer({
    hostKeys: [hostKey],
    authenticate: allowAnyoneWithoutProof(() => undefined),
    session: () => ({}),
    comments: `worker-${process.pid}`,
  })
  await server.listen({ port: Number(port) })
  return {
    async [Symbol.asyncDispose]() {
      if (how === 'stubborn') await new Promise(() => {})
      await server.close()
      console.log('disposed')
    },
  }
}

try {
  await runWorkers(main, {
    workers: 2,
    patience: how === 'stubborn' ? 200 : 10_000,
    forward: ['SIGUSR2'],
    onReady: () => console.log('all serve'),
    onEvent: event => {
      if (event.event === 'ended') console.log(`a worker ${event.how}`)
    },
  })
  console.log('came back')
  process.exitCode = 7
} catch (error) {
  console.log(String(error))
  process.exitCode = 8
}
