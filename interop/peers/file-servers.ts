// Owns starting servers of SFTP that are not ours, each over the disk of this machine, and what each of them cannot do. Knows nothing
// of what the tests do there.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { freshFile, freshFolder, freshPath } from '../rig/folder.ts'
import { hostKey, userKey } from '../rig/keys.ts'
import { answering, freePort } from '../rig/port.ts'
import { start } from '../rig/process.ts'
import { world } from '../rig/world.ts'
import { dropbearServer, needsHome } from './dropbear.ts'
import { goSftp, lacksGo } from './go.ts'
import { openSshServer } from './openssh.ts'
import type { PeerServer } from './peer.ts'
import { node, python, scriptedServer } from './scripted.ts'
import { lacks } from './transferrers.ts'

/** What a server can do beside the usual. */
export interface Abilities {
  /** Names that are no UTF-8. */
  readonly anyName: boolean
  /** Replaces by a rename in one step. */
  readonly replaces: boolean
  readonly hardLinks: boolean
  /** Copies without the bytes going through the client. */
  readonly copies: boolean
  readonly hashes: boolean
  readonly space: boolean
  /** Tells of symbolic links themselves; else of what they lead to, whatever it is asked. */
  readonly links: boolean
}

export interface FileServer {
  readonly name: string
  /** Why it cannot run here, or `false`. */
  readonly lacks: string | false
  readonly can: Abilities
  start(): Promise<PeerServer>
}

const accepts = { keys: [userKey()] }
const hostKeys = [hostKey()]
const everything: Abilities = {
  anyName: true,
  replaces: true,
  hardLinks: true,
  copies: true,
  hashes: true,
  space: true,
  links: true,
}
const openSsh: Abilities = { ...everything, hashes: false }

const modules = '/usr/lib/proftpd'
const lacksProftpd = (): string | false => {
  if (!world().privileged) return 'ProFTPD wants to be root'
  return lacks('proftpd') || (existsSync(`${modules}/mod_sftp.so`) ? false : 'proftpd-mod-crypto is not installed')
}

/** ProFTPD with mod_sftp, and nothing of FTP. */
const proftpdServer = async (): Promise<PeerServer> => {
  const port = await freePort()
  const authorized = freshFile('authorized', execFileSync('ssh-keygen', ['-e', '-f', userKey().publicPath]), 0o644)
  const lines = [
    'ServerName nacre',
    'ServerType standalone',
    'DefaultAddress 127.0.0.1',
    `Port ${port}`,
    'UseIPv6 off',
    'User root',
    'Group root',
    `ModulePath ${modules}`,
    'LoadModule mod_sftp.c',
    `PidFile ${freshPath('proftpd.pid')}`,
    `ScoreboardFile ${freshFolder('proftpd')}/board`,
    `DelayTable none`,
    'WtmpLog off',
    'TransferLog none',
    'SystemLog none',
    'AuthOrder mod_auth_unix.c',
    'RequireValidShell off',
    'Umask 022',
    'AllowOverwrite on',
    'AllowStoreRestart on',
    'AllowRetrieveRestart on',
    'SFTPEngine on',
    `SFTPHostKey ${hostKey().path}`,
    'SFTPAuthMethods publickey',
    `SFTPAuthorizedUserKeys file:${authorized}`,
  ]
  const config = freshFile('proftpd.conf', `${lines.join('\n')}\n`, 0o644)
  const running = await start(world().enter(['proftpd', '-n', '-q', '-c', config]), { name: 'proftpd', logStdout: true })
  try {
    await answering(port, running)
  } catch (error) {
    await running[Symbol.asyncDispose]()
    throw error
  }
  return {
    name: 'ProFTPD',
    process: running,
    to: { host: '127.0.0.1', port, user: world().user, hostKeys: hostKeys.map(key => key.line) },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
}

const scripted = (name: string, command: () => readonly string[]) => (): Promise<PeerServer> =>
  scriptedServer(name, command(), () => hostKeys)({ accepts, hostKeys })

export const fileServers: readonly FileServer[] = [
  { name: 'OpenSSH', lacks: false, can: openSsh, start: () => openSshServer({ accepts, hostKeys }) },
  { name: "Dropbear with OpenSSH's", lacks: needsHome(), can: openSsh, start: () => dropbearServer({ accepts, hostKeys }) },
  { name: 'ProFTPD', lacks: lacksProftpd(), can: { ...everything, copies: false, hashes: false, links: false }, start: proftpdServer },
  {
    name: 'AsyncSSH',
    lacks: false,
    can: { ...everything, copies: false, hashes: false },
    start: scripted('AsyncSSH', () => [...python('sftp_servers.py'), 'asyncssh']),
  },
  {
    name: 'paramiko',
    lacks: false,
    // It renames as POSIX does and hashes, but says neither of the first nor asks for the second by its usual name.
    can: { ...everything, anyName: false, replaces: false, hardLinks: false, copies: false, hashes: false, space: false },
    start: scripted('paramiko', () => [...python('sftp_servers.py'), 'paramiko']),
  },
  {
    name: 'ssh2',
    lacks: false,
    can: { ...everything, anyName: false, replaces: false, hardLinks: false, copies: false, hashes: false, space: false },
    start: scripted('ssh2', () => node('ssh2-sftp-server.ts')),
  },
  {
    name: "Go's pkg/sftp",
    lacks: lacksGo(),
    can: { ...everything, copies: false, hashes: false },
    start: scripted("Go's pkg/sftp", () => [goSftp(), 'serve']),
  },
]
