// A client and a server of nacre in one program on Node, with memory between them. It prints what the client got.
import { connect, memoryPair, pinnedHostKeys } from 'nacre'
import { generateKeyNumbers, nodeCrypto } from 'nacre/crypto/node'
import { createSigner, PrivateKey } from 'nacre/keys'
import { createServer, password } from 'nacre/server'

const hostKey = createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' })), 'made here')
const server = createServer({
  hostKeys: [hostKey],
  authenticate: password((who, secret) => (secret.reveal() === 'correct horse' ? { name: who.user } : undefined)),
  session: {
    exec: async session => {
      await session.stdout.write(`${session.user.name} ran ${session.command}`)
      return 0
    },
  },
})
const [ours, theirs] = memoryPair()
server.accept(theirs)
const client = await connect('ada@memory', {
  config: false,
  transport: ours,
  hostKey: pinnedHostKeys(hostKey.publicKey.fingerprint()),
  auth: { password: 'correct horse' },
})
const { stdout } = await client.run('it')
console.log(stdout)
await client.close()
await server.close()
