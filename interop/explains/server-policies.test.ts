// Owns the broken set-ups whose cause only a server's log may name: lists and commands that do not work, authorities, principals,
// accounts of systems that are closed. Asked of `nacre sshd`, whose log must name the cause with the file or the keyword.
import { execFileSync } from 'node:child_process'
import { openSshServer, type OpenSshServerOptions } from '../peers/openssh.ts'
import type { PeerServer } from '../peers/peer.ts'
import { freshFile } from '../rig/folder.ts'
import { hostKey, type KeyFile, newKey, userKey } from '../rig/keys.ts'
import { type ExtraUser, withUsers } from '../rig/users.ts'
import { needsPrivilege, world } from '../rig/world.ts'
import { nacre, nacreSshd } from '../sites/commands.ts'
import { sshdServer } from '../peers/openssh.ts'
import { catalogue, logged, shared, type SshRun, type Told, toldBySsh } from './catalogue.ts'

const login = { key: userKey() }
const skip = needsPrivilege()
const failed = 'AUTHENTICATION_FAILED'
const base = { accepts: { keys: [userKey()] }, hostKeys: [hostKey()] }
const readable = (text: string): string => freshFile('lines', `${text}\n`, 0o644)

const authority = newKey('ed25519')
const certified = (...words: readonly string[]): KeyFile => {
  const key = newKey('ed25519')
  execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', 'wanda of the tests', ...words, key.publicPath], { stdio: 'pipe' })
  return key
}
const mine = certified('-n', world().user, '-z', '7')
const krl = (): string => {
  const path = freshFile('krl', '', 0o644)
  execFileSync('ssh-keygen', ['-q', '-k', '-f', path, '-s', authority.publicPath, freshFile('spec', 'serial: 7\n')], { stdio: 'pipe' })
  return path
}

const users: readonly ExtraUser[] = [{ name: 'plainfile', shell: readable('no program') }]

/** At a `nacre sshd` of its own with these lines, whose log must then say this. */
const at = async (
  config: readonly string[],
  log: readonly RegExp[],
  run: SshRun = {},
  more: Partial<OpenSshServerOptions> = {},
): Promise<Told> => {
  const words = [...withUsers(skip === false ? users : []), ...nacre('sshd')]
  await using server: PeerServer = await sshdServer('nacre sshd', words, { ...base, ...more, config: ['PerSourcePenalties no', ...config] })
  const told = await toldBySsh(server.to, { login, ...run })
  await logged(server, log)
  return told
}
const byCertificate = (key: KeyFile): SshRun => ({ login: { key } })
const trusting = [`TrustedUserCAKeys ${authority.publicPath}`, 'AuthorizedKeysFile none']

catalogue('authorities and principals', [
  {
    broken: 'CASignatureAlgorithms leaves the authority’s algorithm out',
    run: () =>
      at(
        [...trusting, 'CASignatureAlgorithms ecdsa-sha2-nistp256'],
        [/Refusing certificate.*ssh-ed25519.*CASignatureAlgorithms/],
        byCertificate(mine),
      ),
    says: [/certificate/i, /CASignatureAlgorithms|authority/],
    code: failed,
  },
  {
    broken: 'AuthorizedPrincipalsFile does not list the principal',
    run: () =>
      at(
        [...trusting, `AuthorizedPrincipalsFile ${readable('guest')}`],
        [/none of the principals that \S+lines lists/],
        byCertificate(mine),
      ),
    says: [/certificate/i, /principals \(AuthorizedPrincipalsFile\)/],
    code: failed,
  },
  {
    broken: 'AuthorizedPrincipalsFile is not there',
    run: () => at([...trusting, 'AuthorizedPrincipalsFile /no/such/principals'], [/\/no\/such\/principals/], byCertificate(mine)),
    says: [/certificate/i, /principals \(AuthorizedPrincipalsFile\)/],
    code: failed,
  },
  {
    broken: 'TrustedUserCAKeys is not there',
    run: () =>
      at(
        ['TrustedUserCAKeys /no/such/authorities', 'AuthorizedKeysFile none'],
        [/TrustedUserCAKeys \/no\/such\/authorities cannot be read/],
        byCertificate(mine),
      ),
    says: [/certificate/i, /TrustedUserCAKeys|authority/],
    code: failed,
  },
  {
    broken: 'the certificate’s serial number is revoked',
    run: () => at([...trusting, `RevokedKeys ${krl()}`], [/is revoked by its serial/], byCertificate(mine)),
    says: [/refused/],
    code: failed,
  },
  {
    broken: 'AuthorizedPrincipalsCommand fails',
    run: () =>
      at(
        [...trusting, 'AuthorizedPrincipalsCommand /bin/false', 'AuthorizedPrincipalsCommandUser nobody'],
        [/AuthorizedPrincipalsCommand \/bin\/false lets nobody in: it ended with 1/],
        byCertificate(mine),
      ),
    says: [/certificate/i, /principals \(AuthorizedPrincipalsFile\)/],
    code: failed,
    skip,
  },
])

catalogue('lists and commands of a server', [
  {
    broken: 'RevokedKeys cannot be read',
    run: () => at(['RevokedKeys /no/such/list'], [/RevokedKeys|\/no\/such\/list/, /\/no\/such\/list/]),
    says: [/refused the key/],
    code: failed,
  },
  {
    broken: 'AuthorizedKeysCommand fails',
    run: () =>
      at(
        ['AuthorizedKeysFile none', 'AuthorizedKeysCommand /bin/false', 'AuthorizedKeysCommandUser nobody'],
        [/AuthorizedKeysCommand \/bin\/false lets nobody in: it ended with 1/],
      ),
    says: [/authorized_keys/],
    code: failed,
    skip,
  },
  {
    broken: 'others may change AuthorizedKeysCommand',
    run: () =>
      at(
        [
          'AuthorizedKeysFile none',
          `AuthorizedKeysCommand ${freshFile('keys.sh', '#!/bin/sh\n', 0o777)}`,
          'AuthorizedKeysCommandUser nobody',
        ],
        [/bad ownership or modes for file \S+keys\.sh/],
      ),
    says: [/authorized_keys/],
    code: failed,
    skip,
  },
  {
    broken: 'AuthorizedKeysCommandUser does not exist',
    run: () =>
      at(
        ['AuthorizedKeysFile none', 'AuthorizedKeysCommand /bin/true', 'AuthorizedKeysCommandUser no-such-user'],
        [/"no-such-user" .*does not exist/],
      ),
    says: [/authorized_keys/],
    code: failed,
    skip,
  },
  {
    broken: 'PubkeyAcceptedAlgorithms leaves the key’s algorithm out, for this user',
    run: () => at(['PubkeyAcceptedAlgorithms rsa-sha2-512'], [/no more auth methods available/]),
    says: [/ssh-ed25519|PubkeyAcceptedAlgorithms/],
    code: failed,
  },
  {
    broken: 'RequiredRSASize is above the size of the key',
    run: () =>
      at(
        ['RequiredRSASize 3072'],
        [/3072|RequiredRSASize|too short|too small/i],
        { login: { key: userKey('rsa') } },
        { accepts: { keys: [userKey('rsa')] } },
      ),
    says: [/refused the key|RequiredRSASize/],
    code: failed,
  },
  {
    broken: 'RefuseConnection',
    run: () => at([], [/RefuseConnection/], {}, { blocks: [`Match User ${world().user}`, 'RefuseConnection yes'] }),
    says: [/Logins to this server are not allowed/, /What the server says is why/],
    never: [/authorized_keys/],
    code: failed,
  },
])

catalogue('accounts of a system', [
  {
    broken: 'the system is closed (nologin)',
    run: () => at([], [/nologin/], {}, { before: 'echo back at noon > /run/nologin' }),
    says: [/Before it refused, the server said, which may be why: "back at noon"/],
    code: failed,
    skip,
  },
  {
    broken: 'the shell of the account is no program',
    run: () => at([], [/plainfile.*lines/], { user: 'plainfile' }),
    says: [/this user at all/],
    code: failed,
    skip,
  },
])

// ── what the person at the client can know ──────────────────────────────────────────────────────────────────────────

const asking = shared(() =>
  openSshServer({
    accepts: { prompts: [] },
    hostKeys: [hostKey()],
    pam: true,
    config: ['PubkeyAuthentication no', 'PasswordAuthentication no'],
  }),
)
const plain = shared(() => nacreSshd({ ...base, config: ['PerSourcePenalties no'] }))

catalogue('what the client brings', [
  {
    broken: 'the server takes answers to its questions only, and nobody is there to ask',
    run: async () =>
      toldBySsh((await asking()).to, { login, options: ['PreferredAuthentications=publickey,keyboard-interactive,password'] }),
    says: [/keyboard-interactive/, /nobody|no one|terminal|askpass|BatchMode/i],
    code: failed,
    skip,
  },
  {
    broken: 'the file of CertificateFile is not there',
    run: async () => toldBySsh((await plain()).to, { login: { key: newKey('ed25519') }, options: ['CertificateFile=/no/such-cert.pub'] }),
    says: [/\/no\/such-cert\.pub/, /does not exist|not there|cannot be read/],
    code: failed,
  },
  {
    broken: 'the certificate of CertificateFile is for another key',
    run: async () =>
      toldBySsh((await plain()).to, { login: { key: newKey('ed25519') }, options: [`CertificateFile=${mine.path}-cert.pub`] }),
    says: [/-cert\.pub/, /key/],
    code: failed,
  },
])
