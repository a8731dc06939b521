// Owns the peers that are libraries: paramiko, AsyncSSH and npm's ssh2. Each has a small server and a small client script
// beside this file, which take one JSON object as their argument. Knows nothing of what the tests want from them.
import { fileURLToPath } from 'node:url'
import { freshFile } from '../rig/folder.ts'
import { hostKey, type KeyFile } from '../rig/keys.ts'
import { finish, start, withinSeconds, type Running } from '../rig/process.ts'
import { world } from '../rig/world.ts'
import type { ClientPeer, PeerServer, ServerOptions } from './peer.ts'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
export const python = (script: string): readonly string[] => ['/usr/bin/python3', '-W', 'ignore', here(script)]
export const node = (script: string): readonly string[] => [process.execPath, '--disable-warning=ExperimentalWarning', here(script)]

/** Servers print `ready PORT` once they listen. */
const readyPort = (running: Running): Promise<number> =>
  withinSeconds(
    20,
    new Promise<number>((resolve, reject) => {
      let text = ''
      running.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const port = /^ready (\d+)$/m.exec(text)?.[1]
        if (port !== undefined) resolve(Number(port))
      })
      void running.exited.then(() => reject(new Error(`${running.name} ended before it listened.\n${running.log()}`)))
    }),
    () => `${running.name} did not say that it listens.\n${running.log()}`,
  )

/** A server that is a program which takes its options as JSON and says where it listens. */
export const scriptedServer =
  (name: string, command: readonly string[], defaultKeys: () => readonly KeyFile[]) =>
  async (options: ServerOptions): Promise<PeerServer> => {
    const { accepts } = options
    const keys = options.hostKeys ?? defaultKeys()
    const { user } = world()
    const argument = {
      user,
      hostKeys: keys.map(key => key.path),
      authorizedKeys: freshFile('authorized_keys', (accepts.keys ?? []).map(key => `${key.line}\n`).join('')),
      methods: [
        ...(accepts.keys === undefined ? [] : ['publickey']),
        ...(accepts.password === undefined ? [] : ['password']),
        ...(accepts.prompts === undefined ? [] : ['keyboard-interactive']),
      ],
      password: accepts.password ?? '',
      prompts: accepts.prompts ?? [],
      chain: accepts.chain ?? [],
      rekeyBytes: options.rekeyBytes ?? 0,
      compress: options.compress === true,
    }
    const running = await start([...command, JSON.stringify(argument)], { name, logStdout: true })
    try {
      const port = await readyPort(running)
      return {
        name,
        process: running,
        to: { host: '127.0.0.1', port, user, hostKeys: keys.map(key => key.line) },
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      }
    } catch (error) {
      await running[Symbol.asyncDispose]()
      throw error
    }
  }

const client = (name: string, command: readonly string[]): ClientPeer => ({
  name,
  run: ({ to, login, command: remote, pty, rekeyBytes, compress, stdin, seconds }) =>
    finish(
      [
        ...command,
        JSON.stringify({
          host: to.host,
          port: to.port,
          user: to.user,
          hostKeys: to.hostKeys,
          key: login.key?.path ?? '',
          passphrase: login.key?.passphrase ?? '',
          password: login.password ?? '',
          answers: login.answers ?? [],
          command: remote ?? '',
          pty: pty === true,
          rekeyBytes: rekeyBytes ?? 0,
          compress: compress === true,
        }),
      ],
      { name, stdin: stdin ?? '', ...(seconds === undefined ? {} : { seconds }) },
    ),
})

const everyKind = (): readonly KeyFile[] => [hostKey('ed25519'), hostKey('ecdsa256'), hostKey('rsa')]

export const paramikoServer = scriptedServer('paramiko server', python('paramiko_server.py'), everyKind)
export const paramikoClient = client('paramiko client', python('paramiko_client.py'))
export const asyncsshServer = scriptedServer('AsyncSSH server', python('asyncssh_server.py'), everyKind)
export const asyncsshClient = client('AsyncSSH client', python('asyncssh_client.py'))
export const ssh2Server = scriptedServer('ssh2 server', node('ssh2-server.ts'), everyKind)
export const ssh2Client = client('ssh2 client', node('ssh2-client.ts'))
