// Owns the conversations of a runtime with others: our client there with OpenSSH's sshd and with our server on Node, and
// OpenSSH's ssh with our server there. Knows the runtimes by their command lines only.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { openSshCommand, openSshServer } from '../interop/peers/openssh.ts'
import { hostKey, type KeyFile, soundKinds, userKey } from '../interop/rig/keys.ts'
import { finish, start } from '../interop/rig/process.ts'
import { nacreServer } from '../interop/sites/server.ts'
import { runPage } from './chromium.ts'
import type { Done, Given } from './programs/exercise.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url))

const userKeys = (): readonly KeyFile[] => (['ed25519', 'ecdsa256', 'rsa'] as const).map(kind => userKey(kind))

/** Every family of key exchange and of ciphers, each once. */
const choices: Given['choices'] = [
  { kex: 'mlkem768x25519-sha256', ciphers: 'aes128-gcm@openssh.com' },
  { kex: 'sntrup761x25519-sha512@openssh.com', ciphers: 'chacha20-poly1305@openssh.com' },
  { kex: 'ecdh-sha2-nistp256', ciphers: 'aes256-ctr' },
  { kex: 'ecdh-sha2-nistp521', ciphers: 'aes256-gcm@openssh.com' },
  { kex: 'diffie-hellman-group16-sha512', ciphers: 'aes192-ctr' },
  { kex: 'diffie-hellman-group-exchange-sha256' },
]

/** Debian 12's sshd is of before ML-KEM. */
const knownToSshd = choices.filter(({ kex }) => kex !== 'mlkem768x25519-sha256')

const targets = async (): Promise<AsyncDisposable & { readonly given: readonly Given[] }> => {
  const accepts = { keys: userKeys() }
  const theirs = await openSshServer({ accepts })
  const ours = await nacreServer({ accepts })
  const fingerprints = soundKinds.map(kind => hostKey(kind).fingerprint)
  const keys = userKeys().map(key => readFileSync(key.path, 'utf8'))
  return {
    given: [
      { ...theirs.to, name: 'sshd', fingerprints, keys, choices: knownToSshd },
      { ...ours.to, name: 'ours', fingerprints, keys, choices },
    ],
    async [Symbol.asyncDispose]() {
      await ours[Symbol.asyncDispose]()
      await theirs[Symbol.asyncDispose]()
    },
  }
}

/** Our client in a runtime started by `command`. Throws when anything goes wrong. */
export const clientIn = async (command: readonly string[]): Promise<readonly Done[]> => {
  await using to = await targets()
  const { code, stdout, stderr } = await finish([...command, program('client.ts'), JSON.stringify(to.given)], { cwd: root, seconds: 120 })
  if (code !== 0) throw new Error(`the client ended with ${code}:\n${stderr}\n${stdout.toString()}`)
  return JSON.parse(stdout.toString()) as readonly Done[]
}

/** OpenSSH's client with our server in a runtime. */
export const serverIn = async (command: readonly string[]): Promise<void> => {
  const key = userKey('ed25519')
  const hostKeys = soundKinds.map(kind => hostKey(kind))
  const given = JSON.stringify({ hostKeys: hostKeys.map(each => each.path), line: key.line })
  await using server = await start([...command, program('server.ts'), given], { cwd: root })
  const port = await new Promise<number>((resolve, reject) => {
    server.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())))
    void server.exited.then(({ code }) => reject(new Error(`the server ended with ${code}:\n${server.log()}`)))
  })
  const bytes = Buffer.alloc(8 * 1024 * 1024, 'whatever comes, goes back')
  const to = { host: '127.0.0.1', port, user: 'ada', hostKeys: hostKeys.map(each => each.line) }
  for (const kind of soundKinds) {
    const { command: ssh, options } = openSshCommand({
      to,
      login: { key },
      command: 'cat',
      options: [`HostKeyAlgorithms=${hostKey(kind).type === 'ssh-rsa' ? 'rsa-sha2-512' : hostKey(kind).type}`],
    })
    const { code, stdout, stderr } = await finish(ssh, { ...options, stdin: bytes, seconds: 60 })
    if (code !== 0 || !stdout.equals(bytes))
      throw new Error(`ssh ended with ${code} and ${stdout.length} bytes:\n${stderr}\n${server.log()}`)
  }
  const { command: ssh, options } = openSshCommand({ to, login: { key }, command: 'echo hello; exit 3' })
  const { code, stdout } = await finish(ssh, options)
  if (code !== 3 || stdout.toString() !== 'hello\n') throw new Error(`a command gave ${JSON.stringify(stdout.toString())} and ${code}`)
}

/** Our client in Chromium, through WebSockets. */
export const clientInChromium = async (): Promise<readonly Done[]> => {
  const { outputFiles } = await build({
    entryPoints: [program('page.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  })
  await using to = await targets()
  const bridges = Object.fromEntries(to.given.map(({ name, port }) => [`/${name}`, port]))
  const done = await runPage({ script: outputFiles[0].text, bridges, given: to.given })
  if (!Array.isArray(done)) throw new Error(`the page failed: ${JSON.stringify(done)}`)
  return done as readonly Done[]
}
