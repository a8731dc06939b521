// Host keys that a server announces, and a server that may be the wrong one: what is proven, what is believed, what is told.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { credentials } from '../../src/client/identities.ts'
import type { AnnouncedHostKeys, HostKeyPolicy, HostKeyTrust } from '../../src/client/policy.ts'
import type { ClientConnection } from '../../src/client/connection.ts'
import { directTcpip } from '../../src/connection/channel-types/direct-tcpip.ts'
import { hostkeysProve } from '../../src/connection/global-requests/hostkeys.ts'
import { keepalive } from '../../src/connection/global-requests/keepalive.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { AuthenticationError, HostKeyError, RequestRefusedError, SshError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { nodeRuntime } from '../../src/io/runtime-node.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { firstOf } from '../../src/server/authenticators/combine.ts'
import { password } from '../../src/server/authenticators/password.ts'
import { prompts } from '../../src/server/authenticators/prompts.ts'
import { publicKey as byKey } from '../../src/server/authenticators/public-key.ts'
import { Server, type ServerOptions } from '../../src/server/create.ts'
import { signerOf } from '../keys/certificates.ts'

const [ed, ec, rsa] = ['ed25519', 'ecdsa256', 'rsa2048'].map(signerOf)

interface Visit {
  readonly connection: ClientConnection
  readonly announced: AnnouncedHostKeys | undefined
}

/** One login, and what was announced by the time the server has answered once more. */
const visit = async (
  options: Partial<ServerOptions<string>>,
  act: (visit: Visit) => Promise<void>,
  trust: Omit<HostKeyTrust, 'announced'> = {},
  more: { readonly preferHostKeys?: readonly string[]; readonly password?: string } = {},
): Promise<readonly string[]> => {
  const heard: string[] = []
  await using server = new Server<string>(
    {
      hostKeys: [ed, ec, rsa],
      authenticate: firstOf(
        byKey(({ user }) => user),
        password((_, secret) => {
          heard.push(secret.reveal())
          return 'ada'
        }),
        prompts(async person => {
          heard.push(...(await person.askAll([{ prompt: 'Word: ', echo: true }])))
          return 'ada'
        }),
      ),
      session: {},
      refusalFloor: () => 0,
      ...options,
    },
    nodeRuntime(),
  )
  const [ours, theirs] = memoryPair()
  server.accept(theirs)
  let announced: AnnouncedHostKeys | undefined
  const hostKey: HostKeyPolicy = () => ({ ...trust, announced: all => void (announced = all) })
  const usual = credentials(more.password === undefined ? { signers: [signerOf('ecdsa384')] } : { password: more.password })
  const identities = more.preferHostKeys === undefined ? usual : { ...usual, preferHostKeys: more.preferHostKeys }
  try {
    await using connection = await connectOver(ours, { user: 'ada', host: 'test', port: 22, hostKey, identities }, nodeRuntime())
    await connection.ping()
    await act({ connection, announced })
  } catch (error) {
    if (error instanceof AuthenticationError)
      return [...heard, ...error.attempts.map(each => `${each.method} ${each.outcome} ${each.note ?? ''}`)]
    throw error
  }
  return heard
}

const blobs = (keys: readonly { readonly blob: Uint8Array }[]): readonly Uint8Array[] => keys.map(key => key.blob)
const publics = (...signers: readonly Signer[]): readonly Uint8Array[] => blobs(signers.map(each => each.publicKey))

describe('host keys that are announced', () => {
  it('are all of the server, and are proven when asked for', () =>
    visit({}, async ({ announced }) => {
      assert.ok(announced)
      assert.deepEqual(blobs(announced.keys), publics(ed, ec, rsa))
      assert.deepEqual(blobs(await announced.prove(announced.keys)), publics(ed, ec, rsa))
      assert.deepEqual(await announced.prove([]), [])
    }).then(() => {}))

  it('are proven by the RSA algorithm of the key exchange', async () => {
    for (const algorithm of ['rsa-sha2-256', 'rsa-sha2-512'])
      await visit(
        { algorithms: { hostKey: [algorithm, 'ssh-ed25519'] } },
        async ({ announced, connection }) => {
          assert.equal(connection.algorithms?.hostKey, algorithm)
          assert.ok(announced)
          assert.equal((await announced.prove(announced.keys)).length, 3)
        },
        {},
        { preferHostKeys: [algorithm] },
      )
  })

  it('may be more than those in use, or none', async () => {
    await visit({ hostKeys: [ed], announcedHostKeys: [ed, rsa] }, async ({ announced }) => {
      assert.ok(announced)
      assert.deepEqual(blobs(announced.keys), publics(ed, rsa))
    })
    await visit({ announcedHostKeys: false }, async ({ announced, connection }) => {
      assert.equal(announced, undefined)
      await assert.rejects(connection.request(hostkeysProve, { hostKeys: publics(ed) }), RequestRefusedError)
    })
  })

  it('that the server does not have are not believed, none of them', () => {
    const liar: Signer = { ...rsa, publicKey: ec.publicKey, algorithms: ec.algorithms, sign: data => ed.sign(data, 'ssh-ed25519') }
    return visit({ hostKeys: [ed], announcedHostKeys: [ed, liar] }, async ({ announced }) => {
      assert.ok(announced)
      const refused = (error: unknown): boolean => error instanceof HostKeyError && error.code === 'HOST_KEY_REFUSED'
      await assert.rejects(announced.prove(announced.keys), refused)
    }).then(() => {})
  })

  it('are proven for no key of others, none twice, and not when a key cannot sign, which the server is told', async () => {
    const errors: unknown[] = []
    const broken: Signer = { ...rsa, sign: () => Promise.reject(new Error('the token is gone')) }
    await visit({ hostKeys: [ed, ec], announcedHostKeys: [ed, broken], onError: error => errors.push(error) }, async ({ connection }) => {
      for (const hostKeys of [publics(ec), publics(ed, ed), [], publics(ed, rsa), [new Uint8Array(3)]])
        await assert.rejects(connection.request(hostkeysProve, { hostKeys }), RequestRefusedError)
      await connection.request(hostkeysProve, { hostKeys: publics(ed) })
      await connection.request(keepalive, {}).catch(() => {})
    })
    assert.deepEqual(
      errors.map(error => (error as Error).message),
      ['the token is gone'],
    )
  })
})

describe('a server that is not trusted', () => {
  it('is logged in to by key, and nothing is forwarded', () =>
    visit(
      {},
      async ({ connection }) => {
        assert.equal(connection.untrusted, true)
        const refused = (error: unknown): boolean => error instanceof SshError && error.code === 'FORWARDING_REFUSED'
        const target = { hostToConnect: 'h', portToConnect: 1, originatorAddress: '127.0.0.1', originatorPort: 1 }
        await assert.rejects(connection.open(directTcpip, target as never), refused)
        await assert.rejects(connection.request(tcpipForward, { addressToBind: '', portNumberToBind: 0 }), refused)
      },
      { untrusted: true },
    ).then(heard => assert.deepEqual(heard, [])))

  it('gets no password and no answer to a prompt, whatever it says it takes', async () => {
    const heard = await visit({}, async () => assert.fail('let in'), { untrusted: true }, { password: 'secret' })
    assert.ok(!heard.includes('secret'))
    assert.match(heard.join('\n'), /password skipped the host key is not the known one/)
    assert.match(heard.join('\n'), /keyboard-interactive skipped/)
    assert.ok((await visit({}, async () => {}, {}, { password: 'secret' })).includes('secret'), 'which a trusted one gets')
  })
})
