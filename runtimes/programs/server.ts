// A server in the runtime that runs this. Its argument says which keys it has and takes; it prints its port, and serves
// until its input ends. What a session is told to do, it does without a process: `cat` alone and `echo hello; exit 3`.
import { createServer, loadSigner, publicKey } from 'nacre/server'

const { hostKeys, line } = JSON.parse(process.argv[2]) as { hostKeys: readonly string[]; line: string }

const server = createServer({
  hostKeys: await Promise.all(hostKeys.map(path => loadSigner(path))),
  authenticate: publicKey((who, key) =>
    `${key.type} ${Buffer.from(key.blob).toString('base64')}` === line ? { name: who.user } : undefined,
  ),
  session: {
    async exec(session) {
      if (session.command === 'cat') {
        for await (const chunk of session.stdin) await session.stdout.write(chunk)
        return 0
      }
      await session.stdout.write('hello\n')
      return 3
    },
  },
  onError: error => console.error(error),
})
const listening = await server.listen({ port: 0 })
console.log(listening.port)
process.stdin.on('end', () => void server.close().then(() => process.exit(0)))
process.stdin.resume()
