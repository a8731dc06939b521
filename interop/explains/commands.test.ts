// Owns the broken set-ups after the login: commands, terminals, subsystems, channels, files that do not fit, servers that die.
import { openSshServer } from '../peers/openssh.ts'
import { freshFile, freshFolder } from '../rig/folder.ts'
import { hostKey, userKey } from '../rig/keys.ts'
import { freePort } from '../rig/port.ts'
import { finish, start, withinSeconds } from '../rig/process.ts'
import { needsPrivilege } from '../rig/world.ts'
import { nacre, nacreSshCommand } from '../sites/commands.ts'
import { catalogue, shared, type SshRun, toldBy, type Told, toldBySsh } from './catalogue.ts'
import { manyPorts } from './sites.ts'

const login = { key: userKey() }
const options = { accepts: { keys: [userKey()] }, hostKeys: [hostKey()] }
const policies = {
  noSessions: ['MaxSessions 0'],
  noTerminals: ['PermitTTY no'],
  noForwarding: ['AllowTcpForwarding no'],
  forced: ['ForceCommand echo only this; exit 9'],
} as const
const many = shared(() => manyPorts('OpenSSH sshd', ['/usr/sbin/sshd'], policies, options))
const noSftp = shared(() => openSshServer({ ...options, config: ['Subsystem sftp /no/such/sftp-server'] }))
const inner = shared(() => openSshServer({ ...options, config: ['Subsystem sftp internal-sftp'] }))

const ssh = async (policy: keyof typeof policies | undefined, run: SshRun = {}): Promise<Told> => {
  const server = await many()
  return await toldBySsh(server.to, { login, ...(policy === undefined ? {} : { port: server.port(policy) }), ...run })
}

/** `nacre sftp` with a batch, at a server. */
const sftp = async (
  of: () => Promise<{ readonly to: Awaited<ReturnType<typeof many>>['to'] }>,
  batch: string,
  before = '',
): Promise<Told> => {
  const { to } = await of()
  const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
  const settings = [`UserKnownHostsFile=${known}`, 'GlobalKnownHostsFile=none', `IdentityFile=${userKey().path}`, 'IdentitiesOnly=yes']
  const words = ['sftp', '-F', 'none', ...settings.flatMap(each => ['-o', each]), '-b', freshFile('batch', batch), '-P', String(to.port)]
  const command = nacre(...words, `${to.user}@${to.host}`)
  const result = await finish(
    before === '' ? command : ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `${before}; exec "$@"`, 'sh', ...command],
  )
  return toldBy(result.code, result.stderr, result.stdout.toString())
}

/** A command under way at a server of its own, to which this then happens. */
const underway = async (happens: (pids: readonly number[]) => void, settings: readonly string[] = []): Promise<Told> => {
  await using server = await openSshServer(options)
  const { command, options: how } = nacreSshCommand({
    to: server.to,
    login,
    command: 'echo begun; exec sleep 600',
    options: [...settings, 'LogLevel=DEBUG1'],
  })
  await using client = await start(command, how)
  await new Promise(resolve => client.stdout.once('data', resolve))
  happens(server.process.descendants())
  const { code } = await withinSeconds(20, client.exited, () => 'it did not notice')
  return toldBy(code, client.log(), '')
}
const signalAll =
  (signal: NodeJS.Signals) =>
  (pids: readonly number[]): void => {
    for (const pid of pids) process.kill(pid, signal)
  }

catalogue('commands and channels', [
  {
    broken: 'the command does not exist',
    run: () => ssh(undefined, { command: 'no-such-command' }),
    says: [/no-such-command: not found/],
    exit: 127,
  },
  {
    broken: 'the command is killed',
    run: () => ssh(undefined, { command: 'kill -KILL $$' }),
    says: [/ended by signal KILL/],
  },
  {
    broken: 'the server runs another command than asked for',
    run: async () => {
      const told = await ssh('forced', { command: 'rm -rf everything' })
      return { ...told, message: told.output }
    },
    says: [/only this/],
    exit: 9,
  },
  {
    broken: 'the server gives no sessions',
    run: () => ssh('noSessions'),
    says: [/refused to open a session channel/, /MaxSessions/],
    code: 'CHANNEL_OPEN_FAILED',
  },
  {
    broken: 'the server gives no terminals',
    run: () => ssh('noTerminals', { pty: true }),
    says: [/terminal|PTY/i, /PermitTTY|-T/],
    code: 'REQUEST_REFUSED',
  },
  {
    broken: 'the server has no such subsystem',
    run: () => ssh(undefined, { command: 'no-such-thing', options: ['-s'] }),
    says: [/subsystem/, /Subsystem in its configuration/],
    code: 'REQUEST_REFUSED',
  },
  {
    broken: 'the server forwards nothing',
    run: () => ssh('noForwarding', { options: ['-W127.0.0.1:1'] }),
    says: [/127\.0\.0\.1 port 1/, /AllowTcpForwarding/],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'nobody listens where the server is to reach',
    run: async () => ssh(undefined, { options: [`-W127.0.0.1:${await freePort()}`] }),
    says: [/127\.0\.0\.1 port \d+/, /Connection refused/],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'the server dies in the middle',
    run: () => underway(signalAll('SIGKILL')),
    says: [/connection/i, /without a goodbye|ended/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'the server falls silent in the middle',
    run: () => underway(signalAll('SIGSTOP'), ['ServerAliveInterval=1', 'ServerAliveCountMax=1']),
    says: [/has not answered for 2 s/, /network/],
    code: 'TIMEOUT',
  },
])

catalogue('files', [
  {
    broken: 'the sftp-server is missing over there',
    run: () => sftp(noSftp, 'pwd\n'),
    says: [/SFTP/, /ended before it greeted/, /sftp-server/],
  },
  {
    broken: 'the file to fetch is not there',
    run: () => sftp(inner, 'get /no/such/file\n'),
    says: [/\/no\/such\/file/, /not found|No such file/i],
    exit: 1,
  },
  {
    broken: 'the folder to write into is not ours',
    run: () => sftp(inner, `put ${freshFile('small', 'x')} /root-of-nobody/x\n`),
    says: [/\/root-of-nobody\/x/, /No such file|Permission|not found/i],
    exit: 1,
  },
  {
    broken: 'the disk at this end is full',
    run() {
      const folder = freshFolder('full')
      const big = freshFile('big', Buffer.alloc(300_000, 1), 0o644)
      return sftp(inner, `get ${big} ${folder}/big\n`, `mount -t tmpfs -o size=64k tmpfs ${folder}`)
    },
    says: [/full\/big/, /no space|ENOSPC/i],
    exit: 1,
    skip: needsPrivilege(),
  },
])
