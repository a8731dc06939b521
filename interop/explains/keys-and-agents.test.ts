// Owns the broken set-ups around what a user shows: key files, passphrases, certificates and agents.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync } from 'node:fs'
import { openSshServer } from '../peers/openssh.ts'
import { freshFile, freshPath } from '../rig/folder.ts'
import { hostKey, type KeyFile, newKey, strangerKey, userKey } from '../rig/keys.ts'
import { start, withinSeconds } from '../rig/process.ts'
import { world } from '../rig/world.ts'
import { nacreSshd } from '../sites/commands.ts'
import { catalogue, logged, shared, type SshRun, type Told, toldBySsh } from './catalogue.ts'

const authority = newKey('ed25519')
const config = [`TrustedUserCAKeys ${authority.publicPath}`, 'MaxAuthTries 3']
const theirs = shared(() => openSshServer({ accepts: { keys: [userKey()] }, hostKeys: [hostKey()], config }))
const ours = shared(() =>
  nacreSshd({ accepts: { keys: [userKey()] }, hostKeys: [hostKey()], config: [...config, 'PerSourcePenalties no'] }),
)

const ssh = async (run: SshRun): Promise<Told> => toldBySsh((await theirs()).to, run)
const failed = 'AUTHENTICATION_FAILED'

/** A copy of a private key under another name, with these permissions. */
const copyOf = (key: KeyFile, mode = 0o600): KeyFile => {
  const path = freshPath('copy')
  copyFileSync(key.path, path)
  chmodSync(path, mode)
  return { ...key, path }
}

/** A key with a certificate beside it, made like this. */
const certified = (words: readonly string[], by = authority): KeyFile => {
  const key = newKey('ed25519')
  execFileSync('ssh-keygen', ['-q', '-s', by.path, '-I', 'wanda of the tests', ...words, key.publicPath], { stdio: 'pipe' })
  return key
}
const me = ['-n', world().user]

/** A login by certificate at our server, whose log must name the cause. */
const certificate = async (key: KeyFile, log: readonly RegExp[]): Promise<Told> => {
  const server = await ours()
  const told = await toldBySsh(server.to, { login: { key } })
  await logged(server, log)
  return told
}

/** Runs `body` with an agent of OpenSSH's that holds these keys. */
const withAgent = async (
  keys: readonly KeyFile[],
  body: (socket: string) => Promise<Told>,
  words: readonly string[] = [],
): Promise<Told> => {
  const socket = freshPath('agent')
  await using agent = await start(['ssh-agent', '-D', '-a', socket])
  await withinSeconds(10, new Promise(resolve => agent.stdout.once('data', resolve)), () => 'the agent did not start')
  for (const key of keys)
    execFileSync('ssh-add', ['-q', ...words, key.path], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'pipe' })
  return await body(socket)
}
const byAgent = (socket: string, run: SshRun & { readonly only?: boolean } = {}): Promise<Told> =>
  ssh({
    ...run,
    env: { SSH_AUTH_SOCK: socket },
    options: run.only === true ? [] : ['PreferredAuthentications=publickey', 'IdentitiesOnly=no', 'IdentityFile=none'],
  })

catalogue('key files', [
  {
    broken: 'the key file is not there',
    run: () => ssh({ login: { key: { ...userKey(), path: '/no/such/key' } } }),
    says: [/\/no\/such\/key/, /does not exist/],
    code: failed,
  },
  {
    broken: 'others can read the key file',
    run: () => ssh({ login: { key: copyOf(userKey(), 0o644) } }),
    says: [/permission|others|0644/i, /chmod|600/],
    code: failed,
  },
  {
    broken: 'the key file is no key',
    run: () => ssh({ login: { key: { ...userKey(), path: freshFile('garbage', 'once upon a time\n') } } }),
    says: [/garbage/, /not a (?:private )?key|format/i],
    code: failed,
  },
  {
    broken: 'the key file is cut off',
    run: () =>
      ssh({
        login: { key: { ...userKey(), path: freshFile('cut', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5v\n') } },
      }),
    says: [/cut/, /END|ends|damaged|malformed|cut/],
    code: failed,
  },
  {
    broken: 'only the public half of the key is there',
    run: () => ssh({ login: { key: { ...userKey(), path: strangerKey().publicPath } } }),
    says: [/public half/, /agent/],
    code: failed,
  },
  {
    broken: 'the key is encrypted and nobody is there to ask',
    run: () => ssh({ login: { key: newKey('ed25519', 'sesame') }, options: ['BatchMode=yes'] }),
    says: [/is encrypted/, /passphrase/],
    never: [/sesame/],
    code: failed,
  },
  {
    broken: 'the passphrase is wrong',
    async run() {
      const key = newKey('ed25519', 'sesame')
      await using server = await openSshServer({ accepts: { keys: [key] }, hostKeys: [hostKey()] })
      return await toldBySsh(server.to, { login: { key: { ...key, passphrase: 'open wide' } } })
    },
    says: [/passphrase/, /wrong|not right|does not/],
    never: [/sesame|open wide/],
    code: failed,
  },
  {
    broken: 'the key is in no authorized_keys',
    run: () => ssh({ login: { key: strangerKey() } }),
    says: [/SHA256:/, /refused/, /authorized_keys/, /Its log says/],
    code: failed,
  },
])

catalogue('certificates of users', [
  {
    broken: 'the certificate has expired',
    run: () => certificate(certified([...me, '-V', '20200101:20200201']), [/expired/]),
    says: [/expired at 2020-02-01|expired/, /certificate/i],
    code: failed,
  },
  {
    broken: 'the certificate is not valid yet',
    run: () => certificate(certified([...me, '-V', '20400101:20410101']), [/not valid before|not yet valid/]),
    says: [/not valid before|not yet/, /certificate/i],
    code: failed,
  },
  {
    broken: 'the certificate is for another user',
    run: () => certificate(certified(['-n', 'somebody-else']), [/somebody-else|principal/]),
    says: [/somebody-else|principal/, /certificate/i],
    code: failed,
  },
  {
    broken: 'the authority of the certificate is not trusted',
    run: () => certificate(certified(me, strangerKey()), [/authority|CA/]),
    says: [/certificate/i, /authority|CA|TrustedUserCAKeys/],
    code: failed,
  },
  {
    broken: 'the certificate has a critical option that nobody knows',
    run: () => certificate(certified([...me, '-O', 'critical:moon@example.org=full']), [/moon@example\.org/]),
    says: [/certificate/i, /moon@example\.org|critical/],
    code: failed,
  },
  {
    broken: 'the certificate is for other addresses',
    run: () => certificate(certified([...me, '-O', 'source-address=192.0.2.0/24']), [/192\.0\.2\.0\/24|source-address/]),
    says: [/certificate/i, /source-address|192\.0\.2/],
    code: failed,
  },
])

catalogue('agents', [
  {
    broken: 'the agent does not run',
    run: () => byAgent('/no/such/agent'),
    says: [/agent at \/no\/such\/agent/, /not used|reached/],
    code: failed,
  },
  {
    broken: 'the agent has no keys',
    run: () => withAgent([], socket => byAgent(socket)),
    says: [/agent/, /no keys|has none|ssh-add/],
    code: failed,
  },
  {
    broken: 'the agent is locked',
    run: () =>
      withAgent([userKey()], async socket => {
        execFileSync(process.execPath, ['-e', lockProgram], { env: { ...process.env, SOCKET: socket }, stdio: 'pipe' })
        return await byAgent(socket)
      }),
    says: [/agent/, /locked|no keys/],
    code: failed,
  },
  {
    broken: 'the agent refuses to sign, for nobody confirms',
    run: () => withAgent([userKey()], socket => byAgent(socket), ['-c']),
    says: [/agent/, /refuse/, new RegExp(userKey().fingerprint.replaceAll(/[+/]/g, '\\$&'))],
    code: failed,
  },
  {
    broken: 'the agent has so many keys that the server hangs up',
    run: () =>
      withAgent(
        [1, 2, 3, 4, 5].map(() => newKey('ed25519')),
        socket => byAgent(socket),
      ),
    says: [/Too many authentication failures/, /IdentitiesOnly/],
    code: failed,
  },
  {
    broken: 'IdentitiesOnly leaves the right key in the agent',
    run: () => withAgent([userKey()], socket => byAgent(socket, { login: { key: strangerKey() }, only: true })),
    says: [/publickey/, /refused/, new RegExp(strangerKey().fingerprint.replaceAll(/[+/]/g, '\\$&'))],
    never: [new RegExp(userKey().fingerprint.replaceAll(/[+/]/g, '\\$&'))],
    code: failed,
  },
])

/** SSH_AGENTC_LOCK with a passphrase; ssh-add wants a terminal for it. */
const lockProgram = `
const word = Buffer.from('shut')
const body = Buffer.concat([Buffer.from([22, 0, 0, 0, word.length]), word])
const length = Buffer.alloc(4); length.writeUInt32BE(body.length)
const socket = require('net').connect(process.env.SOCKET, () => socket.write(Buffer.concat([length, body])))
socket.once('data', data => process.exit(data[4] === 6 ? 0 : 1))`
