// What the compiler infers from the public face, and what it refuses. Checked by `tsc`; running it proves only that the
// names exist.
import { test } from 'node:test'
import { type ClientConnection, connect, type Exit, type Process, type RunResult } from '../../src/index.ts'
import { createServer, firstOf, allOf, password, prompts, publicKey, type Session } from '../../src/server/index.ts'
import type { Signer } from '../../src/keys/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(...proof: Equal<A, B> extends true ? [] : ['these types differ', A, B]): void => void proof

declare const hostKeys: readonly Signer[]

test('a session knows the identity its authenticator returned', () => {
  const serve = (): void => {
    createServer({
      hostKeys,
      authenticate: firstOf(
        publicKey((_, key) => (key.type === 'ssh-ed25519' ? { key: key.fingerprint() } : undefined)),
        password(async who => ({ name: who.user })),
      ),
      session: {
        exec: session => {
          same<typeof session.user, { key: string } | { name: string }>()
          same<typeof session, Session<{ key: string } | { name: string }>>()
          return 0
        },
      },
    })
    createServer({
      hostKeys,
      authenticate: allOf(
        publicKey(() => ({ name: 'a' })),
        prompts(async ask => ((await ask.ask('Code: ')) === '1' ? { second: true as const } : undefined)),
      ),
      session: {
        shell: session => {
          session.user.name satisfies string
          session.user.second satisfies true
        },
      },
    })
  }
  void serve
})

test('a server says who gets in, and a client without configuration whom it trusts', () => {
  const refused = (): void => {
    // @ts-expect-error authenticate is required: there is no default for who gets in
    createServer({ hostKeys, session: {} })
    // @ts-expect-error with `config: false` there is no default for whom to trust
    void connect('host', { config: false, auth: {} })
    // @ts-expect-error nor for what to log in with
    void connect('host', { config: false, hostKey: () => {} })
  }
  void refused
})

test('what a connection gives', () => {
  const use = async (host: ClientConnection): Promise<void> => {
    same<Awaited<ReturnType<typeof host.run>>, RunResult>()
    same<Awaited<ReturnType<typeof host.exec>>, Process>()
    const remote = await host.exec(['ls', '-l'])
    same<Awaited<typeof remote.exited>, Exit>()
    same<typeof remote.stdout, ReadableStream<Uint8Array>>()
    await remote.stdin.write('text')
    // @ts-expect-error a command is text or a list of texts
    await host.run(42)
  }
  void use
})
