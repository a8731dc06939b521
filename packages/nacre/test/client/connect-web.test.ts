// `connect` and `createServer` without Node: the web's provider at both ends, and what is refused before anything is sent.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connect, type WebConnectOptions } from '../../src/client/connect-web.ts'
import { pinnedHostKeys } from '../../src/client/policy.ts'
import { generateKeyNumbers } from '../../src/crypto/web/generate.ts'
import { webCrypto } from '../../src/crypto/web/provider.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { publicKey } from '../../src/server/authenticators/public-key.ts'
import { createServer } from '../../src/server/create-web.ts'

const newSigner = async (kind: 'ed25519' | 'rsa') =>
  createSigner(webCrypto(), new PrivateKey(await generateKeyNumbers(kind === 'rsa' ? { kind, bits: 2048 } : { kind })), 'made here')

describe('connect without Node', () => {
  it('logs in over a transport with keys of every kind of signing, and prefers ChaCha20', async () => {
    const hostKey = await newSigner('ed25519')
    for (const kind of ['ed25519', 'rsa'] as const) {
      const key = await newSigner(kind)
      await using server = createServer({
        hostKeys: [hostKey],
        authenticate: publicKey((who, shown) => (shown.fingerprint() === key.publicKey.fingerprint() ? { name: who.user } : undefined)),
        session: { exec: session => session.stdout.write(`hello ${session.user.name}`) },
      })
      const [ours, theirs] = memoryPair()
      server.accept(theirs)
      let cipher = ''
      await using client = await connect('ada@memory', {
        transport: ours,
        hostKey: pinnedHostKeys(hostKey.publicKey.fingerprint()),
        auth: { signers: [key] },
        onProgress: event => {
          if (event.is === 'exchanged') cipher = event.agreed.clientToServer.cipher
        },
      })
      assert.equal((await client.run('x')).stdout, 'hello ada')
      assert.equal(cipher, 'chacha20-poly1305@openssh.com')
    }
  })

  it('says what is missing, and opens nothing then', async () => {
    const never = (): never => assert.fail('nothing is to be opened')
    const whole = { transport: never, hostKey: () => {}, auth: {} }
    const refused = (destination: string, options: Partial<WebConnectOptions>, message: RegExp): Promise<void> =>
      assert.rejects(connect(destination, options as WebConnectOptions), { code: 'CONFIG', message })
    await refused('ada@host', { hostKey: () => {}, auth: {} }, /There is no TCP here: give a `transport`/)
    await refused('ada@host', { transport: never, auth: {} }, /`hostKey` and `auth` are required/)
    await refused('host', whole, /No user name/)
    await refused('ada@host', { ...whole, algorithms: { ciphers: '3des-cbc' } }, /"3des-cbc" is not a cipher/)
  })
})
