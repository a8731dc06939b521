// Owns the broken set-ups around host keys: unknown, changed and revoked ones, host certificates, and the files that hold them.
import { execFileSync } from 'node:child_process'
import { openSshServer } from '../peers/openssh.ts'
import { freshFile, freshFolder } from '../rig/folder.ts'
import { hostKey, newKey, strangerKey, userKey } from '../rig/keys.ts'
import { finish } from '../rig/process.ts'
import { needsPrivilege } from '../rig/world.ts'
import { nacreSshCommand } from '../sites/commands.ts'
import { catalogue, shared, type SshRun, toldBy, type Told, toldBySsh } from './catalogue.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const server = shared(() => openSshServer({ accepts, hostKeys: [hostKey()] }))

const ssh = async (run: SshRun = {}): Promise<Told> => toldBySsh((await server()).to, { login, ...run })
/** With these lines in known_hosts; `HOST` stands for the server's name in it. */
const knowing = async (text: string, options: readonly string[] = []): Promise<Told> => {
  const { port } = (await server()).to
  const file = freshFile('known_hosts', text.replaceAll('HOST', `[127.0.0.1]:${port}`))
  return await ssh({ options: [...options, `UserKnownHostsFile=${file}`] })
}

const authority = strangerKey()
/** A server whose only proof is a certificate made like this. */
const certified = (words: readonly string[]) => {
  const key = newKey('ed25519')
  execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', 'a host', '-h', ...words, key.publicPath], { stdio: 'pipe' })
  return shared(() => openSshServer({ accepts, hostKeys: [key], config: [`HostCertificate ${key.path}-cert.pub`] }))
}
const byAuthority = async (of: ReturnType<typeof certified>, known = `@cert-authority * ${authority.line}\n`): Promise<Told> =>
  await toldBySsh((await of()).to, { login, options: [`UserKnownHostsFile=${freshFile('known_hosts', known)}`] })

const expired = certified(['-n', '127.0.0.1', '-V', '20200101:20200201'])
const early = certified(['-n', '127.0.0.1', '-V', '20400101:20410101'])
const elsewhere = certified(['-n', 'other.example'])
const weakHost = newKey('weakRsa')
const weak = shared(() => openSshServer({ accepts, hostKeys: [weakHost] }))

/** known_hosts on a file system without a byte left. */
const fullDisk = async (): Promise<Told> => {
  const folder = freshFolder('full')
  const { command, options } = nacreSshCommand({
    to: (await server()).to,
    login,
    command: 'true',
    options: [`UserKnownHostsFile=${folder}/known_hosts`, 'StrictHostKeyChecking=accept-new', 'LogLevel=DEBUG1'],
  })
  const script = `mount -t tmpfs -o size=16k tmpfs ${folder}; head -c 100000 /dev/zero > ${folder}/filler 2> /dev/null; exec "$@"`
  const result = await finish(['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...command], options)
  return toldBy(result.code, result.stderr, result.stdout.toString())
}

catalogue('host keys', [
  {
    broken: 'nobody knows the host, and nobody is there to ask',
    run: () => knowing('', ['BatchMode=yes', 'StrictHostKeyChecking=ask']),
    says: [/is not known/, new RegExp(hostKey().fingerprint.replaceAll(/[+/]/g, '\\$&')), /accept-new/, /ssh-keygen -l/],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'the key has changed',
    run: () => knowing(`# a comment\nHOST ${strangerKey().line}\n`),
    says: [/HAS CHANGED/, /known_hosts line 2/, /SHA256:\S+.*SHA256:/s, /ssh-keygen -R/],
    code: 'HOST_KEY_CHANGED',
  },
  {
    broken: 'only a key of another type is known',
    run: () => knowing(`HOST ${hostKey('rsa').line}\n`),
    says: [/ssh-rsa/, /line 1|Other keys/],
    code: 'HOST_KEY_CHANGED',
  },
  {
    broken: 'known_hosts revokes the key',
    run: () => knowing(`HOST ${hostKey().line}\n@revoked * ${hostKey().line}\n`),
    says: [/revoked by .*known_hosts line 2/, /Do not connect/],
    code: 'HOST_KEY_REVOKED',
  },
  {
    broken: 'RevokedHostKeys holds the key',
    run: async () => ssh({ options: [`RevokedHostKeys=${freshFile('revoked', `${hostKey().line}\n`)}`] }),
    says: [/revoked/, /list of revoked keys/, /Do not connect/],
    code: 'HOST_KEY_REVOKED',
  },
  {
    broken: 'RevokedHostKeys cannot be read',
    run: () => ssh({ options: ['RevokedHostKeys=/no/such/list'] }),
    says: [/\/no\/such\/list/, /cannot be read/, /no host key is trusted/],
    code: 'HOST_KEY_REFUSED',
  },
  {
    broken: 'known_hosts is a folder',
    run: () => ssh({ options: [`UserKnownHostsFile=${freshFolder('known')}`] }),
    says: [/cannot be read/, /directory/, /UserKnownHostsFile/],
    code: 'CONFIG',
  },
  {
    broken: 'a line of known_hosts is damaged',
    run: () => knowing(`HOST ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA\n`),
    says: [/is not known/, /line 1/],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'the alias is not the name that is known',
    run: () => knowing(`HOST ${hostKey().line}\n`, ['HostKeyAlias=pearl.example']),
    says: [/pearl\.example/, /is not known/],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'KnownHostsCommand fails',
    run: () => knowing('', ['KnownHostsCommand=/bin/sh -c "exit 7"']),
    says: [/KnownHostsCommand/, /status 7/, /status 0/],
    code: 'KNOWN_HOSTS_COMMAND_FAILED',
  },
  {
    broken: 'a new key cannot be written down, for the folder is not there',
    run: () => ssh({ options: ['StrictHostKeyChecking=accept-new', `UserKnownHostsFile=${freshFile('file', '')}/known_hosts`] }),
    says: [/Failed to add the host/, /file\/known_hosts/, /not a directory|file already exists/],
    exit: 0,
  },
  {
    broken: 'a new key cannot be written down, for the disk is full',
    run: fullDisk,
    says: [/known_hosts/, /ENOSPC|no space/i],
    exit: 0,
    skip: needsPrivilege(),
  },
  {
    broken: 'the RSA key is too short',
    run: async () => toldBySsh((await weak()).to, { login, hostKeys: [weakHost.line], options: ['RequiredRSASize=2048'] }),
    says: [/1024/, /2048/, /RequiredRSASize/],
    code: 'PROTOCOL_HOST_KEY_TOO_WEAK',
  },
  {
    broken: 'the host certificate has expired',
    run: () => byAuthority(expired),
    says: [/certificate/, /expired|ended/, /2020/, /clock/],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'the host certificate is not valid yet',
    run: () => byAuthority(early),
    says: [/certificate/, /not valid (?:yet|before)|not yet/, /20(?:39|40)/, /clock/],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'the host certificate is for another name',
    run: () => byAuthority(elsewhere),
    says: [/certificate/, /other\.example/, /127\.0\.0\.1/],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'the host certificate is by an authority nobody knows',
    run: () => byAuthority(elsewhere, `@cert-authority * ${newKey('ed25519').line}\n`),
    says: [/is not known/, new RegExp(`authority|CA|certificate`)],
    code: 'HOST_KEY_UNKNOWN',
  },
  {
    broken: 'the authority of the host certificate is revoked',
    run: () => byAuthority(elsewhere, `@cert-authority * ${authority.line}\n@revoked * ${authority.line}\n`),
    says: [/authority/i, /revoked by .* line 2/],
    code: 'HOST_KEY_REVOKED',
  },
])
