// Owns the broken set-ups on the way to a server: names, ports, firewalls, what listens there instead, proxies and jump hosts.
import type { Socket } from 'node:net'
import { openSshServer } from '../peers/openssh.ts'
import { freshFile } from '../rig/folder.ts'
import { hostKey, strangerKey, userKey } from '../rig/keys.ts'
import { freePort } from '../rig/port.ts'
import { catalogue, shared, type Told, toldByCommand } from './catalogue.ts'
import { listener, silentPort } from './sites.ts'

const server = shared(() => openSshServer({ accepts: { keys: [userKey()] } }))

const ssh = (...words: readonly string[]): Promise<Told> => toldByCommand(['ssh', '-v', '-F', 'none', ...words])

/** `nacre ssh` at a port that does this with its callers. */
const at = async (each: (socket: Socket) => void, ...words: readonly string[]): Promise<Told> => {
  await using place = await listener(each)
  return await ssh('-p', String(place.port), ...words, 'x@127.0.0.1', 'true')
}

/** What a TLS server says to those who do not greet it: a fatal alert. */
const alert = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 0x46)

/** Known hosts for jumps and destinations at one address. */
const knownAt = (port: number): string => freshFile('known_hosts', `[127.0.0.1]:${port} ${hostKey().line}\n`)

/** Through the shared server as a jump host, to wherever `destination` says. */
const through = async (destination: readonly string[], jump: { readonly key?: string; readonly known?: string } = {}): Promise<Told> => {
  const { to } = await server()
  const config = freshFile(
    'ssh_config',
    [
      'Host jump',
      '  HostName 127.0.0.1',
      `  Port ${to.port}`,
      `  User ${to.user}`,
      `  IdentityFile ${jump.key ?? userKey().path}`,
      'Host *',
      '  IdentitiesOnly yes',
      '  BatchMode yes',
      `  UserKnownHostsFile ${jump.known ?? knownAt(to.port)}`,
      '  GlobalKnownHostsFile none',
      '  HostKeyAlgorithms ssh-ed25519',
      '',
    ].join('\n'),
  )
  return await toldByCommand(['ssh', '-v', '-F', config, '-J', 'jump', ...destination, 'true'])
}

catalogue('reaching a server', [
  {
    broken: 'a name that has no address',
    run: () => ssh('x@host.invalid', 'true'),
    says: [/host\.invalid/, /has no address/, /spelt right/],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'a port where nobody listens',
    run: async () => ssh('-p', String(await freePort()), 'x@127.0.0.1', 'true'),
    says: [/127\.0\.0\.1 port \d+/, /nothing listens there/, /port right/],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'a firewall that drops the packets',
    async run() {
      await using place = await silentPort()
      return await ssh('-p', String(place.port), '-o', 'ConnectTimeout=1', 'x@127.0.0.1', 'true')
    },
    says: [/within 1 s/, /firewall drops the packets/],
    code: 'CONNECT_TIMEOUT',
  },
  {
    broken: 'an address of the other family than asked for',
    run: () => ssh('-6', 'x@127.0.0.1', 'true'),
    says: [/127\.0\.0\.1/, /address/, /AddressFamily|-4|family/],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'a local address that is not of this machine',
    run: async () => ssh('-b', '192.0.2.77', '-p', String((await server()).to.port), 'x@127.0.0.1', 'true'),
    says: [/local address/, /BindAddress|-b/],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'a web server behind the port',
    run: () =>
      at(socket => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<h1>\u001b[31mno</h1>'))),
    says: [/HTTP\/1\.1 400/, /web server/, /port right/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'a mail server behind the port',
    run: () => at(socket => void socket.write('220 mail.example.org ESMTP\r\n'), '-o', 'ConnectTimeout=1'),
    says: [/220 mail\.example\.org ESMTP/, /mail/, /port right/],
    code: 'TIMEOUT',
  },
  {
    broken: 'a TLS server behind the port',
    run: () => at(socket => socket.once('data', () => socket.end(alert))),
    says: [/TLS/, /port right/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'a server that only speaks SSH 1',
    run: () => at(socket => void socket.write('SSH-1.5-OldBox_1.0\n')),
    says: [/SSH-1\.5|1\.5/, /2\.0|version/],
    code: 'PROTOCOL_IDENTIFICATION_VERSION',
  },
  {
    broken: 'a server that says nothing',
    run: () => at(() => {}, '-o', 'ConnectTimeout=1'),
    says: [/within 1 s/, /said nothing/, /alive/],
    code: 'TIMEOUT',
  },
  {
    broken: 'a server that closes before it says anything',
    run: () => at(socket => void socket.end()),
    says: [/before the peer identified itself/, /not be an SSH service/, /refuses our address/, /too busy|MaxStartups/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'a server that cuts the connection at the first word',
    run: () => at(socket => void socket.once('data', () => socket.resetAndDestroy())),
    says: [/127\.0\.0\.1|before the peer identified itself/, /refuses our address|cut/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'a server with no place left (MaxStartups)',
    run: () => at(socket => void socket.end('Exceeded MaxStartups\r\n')),
    says: [/Exceeded MaxStartups/, /later|again/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'a ProxyCommand that does not exist',
    run: () => ssh('-o', 'ProxyCommand=/no/such/program %h', 'x@behind.example', 'true'),
    says: [/ProxyCommand|proxy command/i, /\/no\/such\/program/],
    code: 'CONNECTION_LOST',
  },
  {
    broken: 'a ProxyCommand that fails',
    run: () => ssh('-o', 'ProxyCommand=sh -c "echo no way through >&2; exit 3"', 'x@behind.example', 'true'),
    says: [/ProxyCommand|proxy command/i, /no way through/, /\b3\b/],
    code: 'CONNECTION_LOST',
  },
])

catalogue('jump hosts', [
  {
    broken: 'the first hop is not known',
    run: () => through(['x@127.0.0.1'], { known: freshFile('known_hosts', '') }),
    says: [/jump/, /is not known/, /accept-new/],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'the first hop lets nobody in',
    run: () => through(['x@127.0.0.1'], { key: strangerKey().path }),
    says: [/jump/, /authorized_keys/],
    code: 'AUTHENTICATION_FAILED',
  },
  {
    broken: 'nobody listens where the last hop is to go',
    run: async () => through(['-p', String(await freePort()), 'x@127.0.0.1']),
    says: [/jump/, /127\.0\.0\.1/, /refused/i],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'the last hop has no address from where the jump host stands',
    run: () => through(['x@inner.invalid']),
    says: [/jump/, /inner\.invalid/, /Name or service not known/],
    code: 'CONNECT_FAILED',
  },
  {
    broken: 'a jump host that is to be reached through itself',
    run: () => toldByCommand(['ssh', '-v', '-F', freshFile('ssh_config', 'Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n'), 'a', 'true']),
    says: [/ProxyJump/, /itself/],
    code: 'CONFIG',
  },
])
