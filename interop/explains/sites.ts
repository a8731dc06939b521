// Owns the broken places of the catalogue: ports where nothing good listens, and an sshd with one port for each of many policies.
// Knows nothing of what is told about them.
import { once } from 'node:events'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { serverConfig, type OpenSshServerOptions } from '../peers/openssh.ts'
import type { PeerServer } from '../peers/peer.ts'
import { freshFile } from '../rig/folder.ts'
import { hostKey, soundKinds } from '../rig/keys.ts'
import { answering, freePort } from '../rig/port.ts'
import { start } from '../rig/process.ts'
import { type ExtraUser, withUsers } from '../rig/users.ts'
import { world } from '../rig/world.ts'

export interface Place extends AsyncDisposable {
  readonly port: number
}

/** A port on 127.0.0.1 whose callers get what `each` does. */
export const listener = async (each: (socket: Socket) => void): Promise<Place> => {
  const sockets = new Set<Socket>()
  const server: Server = createTcpServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    each(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A port that takes no more callers and says nothing to them, as behind a firewall that drops packets. */
export const silentPort = async (): Promise<Place> => {
  const program = [
    'import socket, time',
    's = socket.socket()',
    "s.bind(('127.0.0.1', 0))",
    's.listen(0)',
    'port = s.getsockname()[1]',
    'full = []',
    'for _ in range(3):',
    '    c = socket.socket()',
    '    c.setblocking(False)',
    "    c.connect_ex(('127.0.0.1', port))",
    '    full.append(c)',
    'print(port, flush=True)',
    'time.sleep(600)',
  ].join('\n')
  const running = await start(['/usr/bin/python3', '-c', program])
  const [first] = (await once(running.stdout, 'data')) as [Buffer]
  return { port: Number(first.toString()), [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
}

/** A server of paramiko's for everybody, which does `turns` (Python; `transport`, `other`: another key) and exchanges keys anew. */
export const turncoat = async (key: string, other: string, turns: string): Promise<Place> => {
  const program = `
import paramiko, socket, threading, time
class Server(paramiko.ServerInterface):
    def get_allowed_auths(self, user): return 'password'
    def check_auth_password(self, user, password): return paramiko.AUTH_SUCCESSFUL
    def check_channel_request(self, kind, number): return paramiko.OPEN_SUCCEEDED
    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=turn, args=(channel.get_transport(),), daemon=True).start()
        return True
other = paramiko.ECDSAKey.from_private_key_file('${other}')
def turn(transport):
    time.sleep(0.2)
    ${turns}
    transport.renegotiate_keys()
listening = socket.socket()
listening.bind(('127.0.0.1', 0))
listening.listen(5)
print(listening.getsockname()[1], flush=True)
kept = []
while True:
    caller, _ = listening.accept()
    transport = paramiko.Transport(caller)
    transport.add_server_key(paramiko.ECDSAKey.from_private_key_file('${key}'))
    transport.start_server(server=Server(), event=threading.Event())
    kept.append(transport)
`
  const running = await start(['/usr/bin/python3', '-c', program])
  const [first] = (await once(running.stdout, 'data')) as [Buffer]
  return { port: Number(first.toString()), [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
}

export interface ManyPorts extends PeerServer {
  /** The port where this policy holds. */
  port(policy: string): number
}

/** An sshd with a port for each policy: lines of sshd_config that hold only there. */
export const manyPorts = async <Policy extends string>(
  name: string,
  program: readonly string[],
  policies: Readonly<Record<Policy, readonly string[]>>,
  options: OpenSshServerOptions & { readonly users?: readonly ExtraUser[] },
): Promise<ManyPorts> => {
  const main = await freePort()
  const ports = new Map<string, number>()
  for (const policy of Object.keys(policies)) {
    let port = await freePort()
    while (port === main || [...ports.values()].includes(port)) port = await freePort()
    ports.set(policy, port)
  }
  const blocks = Object.entries<readonly string[]>(policies).flatMap(([policy, lines]) => [
    `Match LocalPort ${ports.get(policy)}`,
    ...lines.map(line => `  ${line}`),
  ])
  const text = serverConfig(options, main)
  const config = freshFile(
    'sshd_config',
    `${[...ports.values()].map(port => `Port ${port}\n`).join('')}${text}${blocks.join('\n')}\n`,
    0o644,
  )
  const running = await start(world().enter([...withUsers(options.users ?? []), ...program, '-D', '-e', '-f', config]), {
    name,
    logStdout: true,
  })
  try {
    await answering(main, running)
    const last = [...ports.values()].at(-1)
    if (last !== undefined) await answering(last, running)
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
  return {
    name,
    process: running,
    port(policy) {
      const port = ports.get(policy)
      if (port === undefined) throw new TypeError(`no port for ${policy}`)
      return port
    },
    to: {
      host: '127.0.0.1',
      port: main,
      user: world().user,
      hostKeys: (options.hostKeys ?? soundKinds.map(kind => hostKey(kind))).map(key => key.line),
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}
