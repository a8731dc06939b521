// Owns the broken set-ups that show once a connection is under way: new key exchanges that fail, limits of a server, disks that
// fill up at the far end, second hops.
import { once } from 'node:events'
import { connect } from 'node:net'
import { SshError } from 'nacre'
import { openSshServer } from '../peers/openssh.ts'
import { freshFile, freshFolder } from '../rig/folder.ts'
import { hostKey, newKey, strangerKey, userKey } from '../rig/keys.ts'
import { finish } from '../rig/process.ts'
import { needsPrivilege, world } from '../rig/world.ts'
import { nacreConnect } from '../sites/client.ts'
import { nacre, nacreSshd } from '../sites/commands.ts'
import type { PeerServer } from '../peers/peer.ts'
import { catalogue, logged, shared, type SshRun, toldBy, type Told, toldByCommand, toldBySsh } from './catalogue.ts'
import { listener, turncoat } from './sites.ts'

const login = { key: userKey() }
const options = { accepts: { keys: [userKey()] }, hostKeys: [hostKey()] }
const skip = needsPrivilege()

/** At a server that means something else by its second key exchange than by its first. */
const turned = async (turns: string, run: SshRun = {}): Promise<Told> => {
  const key = newKey('ecdsa256')
  const other = newKey('ecdsa256')
  await using place = await turncoat(key.path, other.path, turns)
  return await toldBySsh({ host: '127.0.0.1', port: place.port, user: 'wanda', hostKeys: [key.line] }, { login: { password: 'x' }, ...run })
}

catalogue('a connection under way', [
  {
    broken: 'the server wants other algorithms in a new key exchange',
    run: () => turned("transport._preferred_kex = ('diffie-hellman-group14-sha1',)"),
    says: [/key exchange/, /diffie-hellman-group14-sha1/, /KexAlgorithms=\+diffie-hellman-group14-sha1/],
    code: 'PROTOCOL_NO_COMMON_ALGORITHM',
  },
  {
    broken: 'the server shows another host key in a new key exchange',
    run: () => turned('transport.add_server_key(other)'),
    says: [/In the middle of the session/, /taken it over/, /HAS CHANGED/, /known_hosts line 1/, /SHA256:\S+.*SHA256:/s],
    code: 'HOST_KEY_CHANGED',
  },
  {
    broken: 'the server takes the session away, for nothing comes through it',
    async run() {
      await using server = await nacreSshd({ ...options, config: ['ChannelTimeout session:*=1'] })
      return await toldBySsh(server.to, { login, command: 'exec sleep 60' })
    },
    says: [/closed|ended/, /ChannelTimeout/],
  },
])

// ── limits ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const full = async (): Promise<Told> => {
  await using server = await openSshServer({ ...options, config: ['MaxStartups 1:100:1'] })
  // Somebody who does not say a word holds the only place.
  await using _idle = await idleAt(server.to.port)
  return await toldBySsh(server.to, { login })
}
const idleAt = async (port: number): Promise<AsyncDisposable> => {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const [data] = (await once(socket, 'data')) as [Buffer]
    // Whoever looked whether the server is there may not have left yet.
    if (data.toString('latin1').startsWith('SSH-2.0-')) return { [Symbol.asyncDispose]: async () => void socket.destroy() }
    socket.destroy()
  }
}

/** As many sessions as a program asks for over one connection, at a server that gives two; what it is told of the third. */
const crowded = async (server: PeerServer): Promise<Told> => {
  await using _server = server
  await using connection = await nacreConnect(server.to, login)
  await using _first = await connection.exec('exec sleep 60')
  await using _second = await connection.exec('exec sleep 60')
  try {
    await connection.exec('true')
    return { exit: 0, message: 'a third session was given', steps: [], code: undefined, output: '' }
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    return { exit: 255, message: error.message, steps: [], code: error.code, output: '' }
  }
}
const twoSessions = { ...options, config: ['MaxSessions 2'] }

catalogue('limits of a server', [
  ...[openSshServer, nacreSshd].map((begin, index) => ({
    broken: `a program opens more sessions than MaxSessions gives, at the sshd of ${index === 0 ? 'OpenSSH' : 'nacre'}`,
    run: async () => await crowded(await begin(twoSessions)),
    says: [/session/, /none beside those that are open \(MaxSessions\)/],
    code: 'CHANNEL_OPEN_FAILED',
  })),
  {
    broken: 'MaxStartups is reached',
    run: full,
    says: [/MaxStartups/, /later|again/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'our address is shut out for what it did before',
    async run() {
      await using server = await nacreSshd({ ...options, config: ['PerSourcePenalties authfail:60s min:1s'] })
      await toldBySsh(server.to, { login: { key: strangerKey() } })
      const told = await toldBySsh(server.to, { login })
      await logged(server, [/penalty/i])
      return told
    },
    says: [/refuses our address|Not allowed at this time/i],
    code: 'CONNECTION_LOST',
  },
])

// ── disks ───────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A server where one folder is a disk of 64 KiB. */
const smallDisk = async (
  server: (folder: string) => Promise<PeerServer>,
  copy: (to: PeerServer['to'], folder: string) => readonly string[],
) => {
  const folder = freshFolder('disk', 0o777)
  await using far = await server(folder)
  const known = freshFile('known_hosts', far.to.hostKeys.map(line => `[${far.to.host}]:${far.to.port} ${line}\n`).join(''))
  const settings = [`UserKnownHostsFile=${known}`, 'GlobalKnownHostsFile=none', `IdentityFile=${userKey().path}`, 'IdentitiesOnly=yes']
  const [name = '', ...words] = copy(far.to, folder)
  const command = nacre(name, '-F', 'none', ...settings.flatMap(each => ['-o', each]), '-P', String(far.to.port), ...words)
  const result = await finish(command)
  return toldBy(result.code, result.stderr, result.stdout.toString())
}
const mounting = (folder: string) => openSshServer({ ...options, before: `mount -t tmpfs -o size=64k,mode=777 tmpfs ${folder}` })
const big = (): string => freshFile('big', Buffer.alloc(300_000, 1), 0o644)

catalogue('disks at the far end', [
  {
    broken: 'the disk is full, with sftp',
    run: () =>
      smallDisk(mounting, ({ host }, folder) => [
        'sftp',
        '-b',
        freshFile('batch', `put ${big()} ${folder}/big\n`),
        `${world().user}@${host}`,
      ]),
    says: [/disk\/big"/, /disk is full|quota/],
    never: [/\.part/],
    exit: 1,
    skip,
  },
  {
    broken: 'the disk is full, with scp',
    run: () => smallDisk(mounting, ({ host }, folder) => ['scp', big(), `${world().user}@${host}:${folder}/big`]),
    says: [/disk\/big"/, /disk is full|quota/],
    never: [/\.part/],
    exit: 1,
    skip,
  },
  {
    broken: 'the disk is full, with the older protocol of scp',
    run: () => smallDisk(mounting, ({ host }, folder) => ['scp', '-O', big(), `${world().user}@${host}:${folder}/big`]),
    says: [/disk\/big/, /No space left on device/i],
    exit: 1,
    skip,
  },
])

// ── names and hops ──────────────────────────────────────────────────────────────────────────────────────────────────

const hop = shared(() => openSshServer(options))
const strict = shared(() => openSshServer({ ...options, config: ['AllowUsers nobody-else'] }))
const hops = async (second: string): Promise<Told> => {
  const [first, last] = [(await hop()).to, (await strict()).to]
  const config = freshFile(
    'ssh_config',
    `Host one
  Port ${first.port}
Host two
  Port ${last.port}
Host *
  HostName 127.0.0.1
  User ${first.user}
  IdentityFile ${userKey().path}
  IdentitiesOnly yes
  BatchMode yes
  GlobalKnownHostsFile none
  UserKnownHostsFile ${freshFile('known_hosts', `[127.0.0.1]:${first.port} ${hostKey().line}\n${second.replaceAll('HOST', `[127.0.0.1]:${last.port}`)}`)}
`,
  )
  return await toldByCommand(['ssh', '-v', '-F', config, '-J', 'one,two', 'three', 'true'])
}

catalogue('a chain of jump hosts', [
  {
    broken: 'the second hop lets nobody in',
    run: () => hops(`HOST ${hostKey().line}\n`),
    says: [/two/, /AllowUsers/],
    code: 'AUTHENTICATION_FAILED',
  },
  {
    broken: 'the second hop has another host key',
    run: () => hops(`HOST ${strangerKey().line}\n`),
    says: [/two/, /HAS CHANGED/],
    code: 'HOST_KEY_CHANGED',
  },
])

/** `nacre ssh` where the name `pearl` has only this address. */
const named = async (address: string, ...words: readonly string[]): Promise<Told> => {
  const hosts = freshFile('hosts', `127.0.0.1 localhost\n${address} pearl\n`, 0o644)
  const inside = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh']
  const result = await finish([...inside, ...nacre('ssh', '-v', '-F', 'none', ...words, 'x@pearl', 'true')])
  return toldBy(result.code, result.stderr, result.stdout.toString())
}

catalogue('names and settings', [
  {
    broken: 'a name that has an IPv6 address only, and IPv4 is asked for',
    run: () => named('2001:db8::1', '-4'),
    says: [/pearl/, /IPv4|IPv6/, /AddressFamily|-4|-6|family/],
    code: 'CONNECT_FAILED',
    skip,
  },
  {
    broken: 'ProxyUseFdpass',
    run: () => toldByCommand(['ssh', '-v', '-F', 'none', '-o', 'ProxyUseFdpass=yes', '-o', 'ProxyCommand=true', 'x@pearl', 'true']),
    says: [/ProxyUseFdpass/],
    code: 'CONFIG',
  },
  {
    broken: 'RefuseConnection, of the person’s own configuration',
    run: () =>
      toldByCommand(['ssh', '-v', '-F', freshFile('ssh_config', 'Host pearl\n  RefuseConnection "ask Ada first"\n'), 'pearl', 'true']),
    says: [/ssh_config line 2/, /ask Ada first/],
  },
  {
    broken: 'whoever runs it is nobody the system knows',
    async run() {
      const words = ['setpriv', '--reuid', '47999', '--regid', '47999', '--clear-groups', ...nacre('ssh', '-F', 'none', 'x@pearl', 'true')]
      const result = await finish(words)
      return toldBy(result.code, result.stderr, result.stdout.toString())
    },
    says: [/user number 47999/, /no account/, /passwd/],
    skip,
  },
])

/** What is spoken before SSH begins, by ports that are no SSH service. */
const greeting = async (text: string): Promise<Told> => {
  await using place = await listener(socket => void socket.write(text))
  return await toldByCommand(['ssh', '-v', '-F', 'none', '-o', 'ConnectTimeout=1', '-p', String(place.port), 'x@127.0.0.1', 'true'])
}

catalogue('what else listens at a port', [
  {
    broken: 'a file transfer server of old',
    run: () => greeting('220 ProFTPD Server ready.\r\n'),
    says: [/220 ProFTPD/, /port right/],
    code: 'TIMEOUT',
  },
  {
    broken: 'a database',
    run: () => greeting('J\u0000\u0000\u0000\n8.0.36\u0000\u0008\u0000\u0000'),
    says: [/port right/],
    code: 'TIMEOUT',
  },
])
