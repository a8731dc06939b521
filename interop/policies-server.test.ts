// Owns one sshd_config with a block for each of many policies, given to OpenSSH's sshd and to ours: the same login of OpenSSH's
// client is let in by both or refused by both, and the same then runs. Callers of each policy come from an address of its own.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { shared } from './explains/catalogue.ts'
import { listener } from './explains/sites.ts'
import { openSshClient, type OpenSshServerOptions, sshdServer } from './peers/openssh.ts'
import type { Login, PeerServer } from './peers/peer.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { hostKey, type KeyFile, newKey, strangerKey, userKey } from './rig/keys.ts'
import { type ExtraUser, withUsers } from './rig/users.ts'
import { test } from './rig/test.ts'
import { extraGroup, needsPrivilege, world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

interface Row {
  readonly name: string
  /** Lines that hold for this row alone; those behind `Match …` where that holds too. `ADDRESS` is where its callers are. */
  readonly config: readonly string[]
  /** What is printed; `undefined` when nobody gets in. */
  readonly prints: string | undefined
  readonly user?: string
  readonly login?: Login
  readonly command?: string
  readonly options?: readonly string[]
  readonly pty?: boolean
}

const { user } = world()
const skip = needsPrivilege()
const inside = 'inside\n'
const key = userKey()
const rsa = userKey('rsa')
const password = world().password ?? ''
const authority = newKey('ed25519')
const rsaAuthority = newKey('rsa')
const readable = (text: string): string => freshFile('lines', `${text}\n`, 0o644)
const keys = (...lines: readonly string[]): string => `AuthorizedKeysFile ${readable(lines.join('\n'))}`
const keyWith = (options: string): string => keys(`${options} ${key.line}`)

type More = Partial<Omit<Row, 'name' | 'config'>>
const row = (name: string, config: readonly string[], prints: string | undefined, more: More = {}): Row => ({
  name,
  config,
  prints,
  ...more,
})
const admitted = (name: string, config: readonly string[], more: More = {}): Row => row(name, config, inside, more)
const refused = (name: string, config: readonly string[], more: More = {}): Row => row(name, config, undefined, more)

/** A key with a certificate beside it. */
const certified = (words: readonly string[], by: KeyFile = authority): KeyFile => {
  const made = newKey('ed25519')
  execFileSync('ssh-keygen', ['-q', '-s', by.path, '-I', 'a user', ...words, made.publicPath], { stdio: 'pipe' })
  return made
}
const mine = certified(['-n', user, '-z', '7'])
const trusting = [`TrustedUserCAKeys ${authority.publicPath}`, 'AuthorizedKeysFile none']
const byCertificate = (key: KeyFile): { readonly login: Login } => ({ login: { key } })
const certificateRow = (name: string, words: readonly string[], prints: string | undefined, more: Partial<Row> = {}): Row => ({
  name: `a certificate ${name}`,
  config: trusting,
  prints,
  ...byCertificate(certified(words)),
  ...more,
})
const krl = (spec: string): string => {
  const [path, what] = [freshFile('krl', '', 0o644), freshFile('spec', `${spec}\n`)]
  execFileSync('ssh-keygen', ['-q', '-k', '-f', path, '-s', authority.publicPath, what], { stdio: 'pipe' })
  return path
}
const byPassword = { login: { password } }
const passwords = ['PasswordAuthentication yes', 'PubkeyAuthentication no']
const identities = (count: number): readonly string[] => Array.from({ length: count }, () => `IdentityFile=${newKey('ed25519').path}`)
const alsoIdentity = ({ path }: KeyFile): readonly string[] => [`IdentityFile=${path}`]
const askTerminal = { command: 'test -t 0 && echo terminal || echo none', pty: true } as const

const scripted = freshFolder('scripted', 0o755)
mkdirSync(`${scripted}/.ssh`)
writeFileSync(`${scripted}/.ssh/rc`, 'echo rc\n', { mode: 0o644 })

const users: readonly ExtraUser[] = [
  {
    name: 'toor',
    uid: 0,
    shadow: `${skip === false ? execFileSync('openssl', ['passwd', '-6', password], { encoding: 'utf8' }).trim() : '*'}:19000:0:99999:7:::`,
  },
  { name: 'empty', shadow: ':19000:0:99999:7:::' },
  { name: 'star', shadow: '*:19000:0:99999:7:::' },
  { name: 'bang', shadow: '!:19000:0:99999:7:::' },
  { name: 'lapsed', shadow: '*:19000:0:99999:7::100:' },
  { name: 'stale', shadow: '*:19000:0:30:7:::' },
  { name: 'shellless', shell: '/no/such/shell' },
  { name: 'plainfile', shell: readable('no program') },
  { name: 'nologin', shell: '/usr/sbin/nologin' },
  { name: 'homeless', home: '/no/such/home' },
  { name: 'scripted', home: scripted },
]

const who: readonly Row[] = [
  admitted('AllowUsers with a network', [`AllowUsers ${user}@127.0.0.0/8`]),
  refused('AllowUsers with another network', [`AllowUsers ${user}@10.0.0.0/8`]),
  admitted('AllowUsers with just this address', [`AllowUsers ${user}@ADDRESS`]),
  admitted('AllowUsers with a pattern of addresses', ['AllowUsers w?nd*@127.*']),
  admitted('AllowUsers with a list of networks', ['AllowUsers *@10.0.0.0/8,127.0.0.0/8']),
  refused('AllowUsers with a network and a hole in it', ['AllowUsers *@127.0.0.0/8,!ADDRESS']),
  refused('AllowUsers with another case', [`AllowUsers ${user.toUpperCase()}`]),
  admitted('AllowUsers in two lines', ['AllowUsers other', `AllowUsers ${user}`]),
  admitted('DenyUsers from elsewhere', [`DenyUsers ${user}@10.0.0.0/8`]),
  refused('DenyUsers from here', [`DenyUsers ${user}@127.0.0.0/8`]),
  refused('DenyUsers before AllowUsers', [`AllowUsers ${user}`, 'DenyUsers *nda']),
  admitted('AllowGroups by the first group', [`AllowGroups ${user}`]),
  admitted('AllowGroups by a pattern', ['AllowGroups *reous']),
  refused('DenyGroups before AllowGroups', [`AllowGroups ${user}`, `DenyGroups ${extraGroup.name}`]),
  refused('AllowUsers that fits and AllowGroups that does not', [`AllowUsers ${user}`, 'AllowGroups wheel']),
  admitted('Match User with a negated pattern', [`Match User *,!${user}`, 'DenyUsers *']),
  refused('Match Group by the second group', [`Match Group ${extraGroup.name}`, 'DenyUsers *']),
  admitted('Match LocalPort of another port', ['Match LocalPort 1', 'DenyUsers *']),
  refused('Match Host by the address', ['Match Host ADDRESS', 'DenyUsers *']),
  refused('Match LocalAddress with a network', ['Match LocalAddress 127.0.0.0/30', 'DenyUsers *']),
  row('the first block that fits', [`Match User ${user}`, 'ForceCommand echo one', 'Match User *', 'ForceCommand echo two'], 'one\n'),
  admitted('PermitRootLogin yes, by key', ['PermitRootLogin yes'], { user: 'toor' }),
  refused('PermitRootLogin no, by key', ['PermitRootLogin no'], { user: 'toor' }),
  admitted('PermitRootLogin no, anybody else', ['PermitRootLogin no']),
  admitted('PermitRootLogin prohibit-password, by key', ['PermitRootLogin prohibit-password'], { user: 'toor' }),
  refused('PermitRootLogin without-password, by password', ['PermitRootLogin without-password', ...passwords], {
    user: 'toor',
    ...byPassword,
  }),
  admitted('PermitRootLogin yes, by password', ['PermitRootLogin yes', ...passwords], { user: 'toor', ...byPassword }),
  refused('PermitRootLogin forced-commands-only, by a plain key', ['PermitRootLogin forced-commands-only'], { user: 'toor' }),
  row(
    'PermitRootLogin forced-commands-only, by a key with a command',
    ['PermitRootLogin forced-commands-only', keyWith('command="echo forced"')],
    'forced\n',
    { user: 'toor' },
  ),
  refused('PermitRootLogin forced-commands-only, with ForceCommand', ['PermitRootLogin forced-commands-only', 'ForceCommand echo forced'], {
    user: 'toor',
  }),
  admitted('an account with * for a password', [], { user: 'star' }),
  refused('an account with ! for a password', [], { user: 'bang' }),
  refused('an account that has expired', [], { user: 'lapsed' }),
  admitted('a password that has expired, by key', [], { user: 'stale' }),
  refused('a shell that is not there', [], { user: 'shellless' }),
  refused('a shell that cannot be run', [], { user: 'plainfile' }),
  row('a shell that says no', [], 'This account is currently not available.\n', { user: 'nologin' }),
  row('a home that is not there', [], '/\n', { user: 'homeless', command: 'pwd' }),
  refused('nobody by that name', [], { user: 'nobody-by-that-name' }),
]

const how: readonly Row[] = [
  admitted('PasswordAuthentication', passwords, byPassword),
  refused('a wrong password', passwords, { login: { password: 'guess' } }),
  refused('PasswordAuthentication no', ['PasswordAuthentication no'], byPassword),
  refused('PermitEmptyPasswords no', passwords, { user: 'empty', login: { password: '' } }),
  admitted('PermitEmptyPasswords yes', [...passwords, 'PermitEmptyPasswords yes'], { user: 'empty', login: { password: '' } }),
  admitted('PermitEmptyPasswords yes, without being asked', [...passwords, 'PermitEmptyPasswords yes'], {
    user: 'empty',
    options: ['PreferredAuthentications=none'],
  }),
  refused('PermitEmptyPasswords yes, for one with a password', [...passwords, 'PermitEmptyPasswords yes'], { login: { password: '' } }),
  admitted('MaxAuthTries, the right key just in time', ['MaxAuthTries 3'], { options: identities(2) }),
  refused('MaxAuthTries, the right key too late', ['MaxAuthTries 3'], { options: identities(3) }),
  admitted('MaxAuthTries 1', ['MaxAuthTries 1']),
  admitted('AuthenticationMethods with both steps passed', ['PasswordAuthentication yes', 'AuthenticationMethods publickey,password'], {
    login: { key, password },
  }),
  refused('AuthenticationMethods with the second step missing', ['PasswordAuthentication yes', 'AuthenticationMethods publickey,password']),
  refused('AuthenticationMethods with the second step failed', ['PasswordAuthentication yes', 'AuthenticationMethods publickey,password'], {
    login: { key, password: 'guess' },
  }),
  admitted(
    'AuthenticationMethods with a choice of chains',
    ['PasswordAuthentication yes', 'AuthenticationMethods publickey,password password'],
    byPassword,
  ),
  admitted('AuthenticationMethods with two keys', ['AuthenticationMethods publickey,publickey', keys(key.line, rsa.line)], {
    options: alsoIdentity(rsa),
  }),
  refused('AuthenticationMethods with one key shown twice', ['AuthenticationMethods publickey,publickey', keys(key.line, rsa.line)], {
    options: alsoIdentity(key),
  }),
  refused('PubkeyAuthentication no', ['PubkeyAuthentication no']),
  refused('PubkeyAcceptedAlgorithms without the key’s', ['PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256']),
  // The list in EXT_INFO was sent before anybody knew which block holds.
  refused('PubkeyAcceptedAlgorithms with another hash of RSA', ['PubkeyAcceptedAlgorithms rsa-sha2-256', keys(rsa.line)], {
    login: { key: rsa },
  }),
  admitted('PubkeyAcceptedAlgorithms with this hash of RSA', ['PubkeyAcceptedAlgorithms rsa-sha2-256', keys(rsa.line)], {
    login: { key: rsa },
    options: ['PubkeyAcceptedAlgorithms=rsa-sha2-256'],
  }),
  refused('PubkeyAcceptedAlgorithms minus one', ['PubkeyAcceptedAlgorithms -ssh-ed25519']),
  refused('RequiredRSASize above the key’s', ['RequiredRSASize 3072', keys(rsa.line)], { login: { key: rsa } }),
  admitted('RequiredRSASize below the key’s', ['RequiredRSASize 2048', keys(rsa.line)], { login: { key: rsa } }),
  admitted('PubkeyAuthOptions verify-required, and a key without a token', ['PubkeyAuthOptions verify-required']),
  refused('AuthorizedKeysFile none', ['AuthorizedKeysFile none']),
  admitted('AuthorizedKeysFile with tokens', [`AuthorizedKeysFile /nowhere/%u-%U ${readable(key.line)}`]),
  refused('RevokedKeys: a list with the key', [`RevokedKeys ${readable(key.line)}`]),
  refused('RevokedKeys: a KRL with the key', [`RevokedKeys ${krl(`key: ${key.line}`)}`]),
  admitted('RevokedKeys: a KRL with another key', [`RevokedKeys ${krl(`key: ${strangerKey().line}`)}`]),
  refused('RevokedKeys: a KRL with a fingerprint', [`RevokedKeys ${krl(`hash: ${key.fingerprint}`)}`]),
  refused('RevokedKeys: a file that is none of both', [`RevokedKeys ${readable('neither list nor KRL')}`]),
]

const options: readonly Row[] = [
  admitted('from= with the address', [keyWith('from="127.1.0.0/16"')]),
  admitted('from= with a pattern', [keyWith('from="127.?.*"')]),
  refused('from= with a hole', [keyWith('from="127.0.0.0/8,!127.1.*"')]),
  refused('from= elsewhere', [keyWith('from="*.example.org,10.0.0.0/8"')]),
  refused('expiry-time gone by', [keyWith('expiry-time="20200101"')]),
  admitted('expiry-time to come', [keyWith('expiry-time="20990101120000Z"')]),
  refused('expiry-time that is none', [keyWith('expiry-time="tomorrow"')]),
  row('command=', [keyWith('command="echo \\"$SSH_ORIGINAL_COMMAND\\""')], 'echo inside\n'),
  row('command= beside ForceCommand', [keyWith('command="echo key"'), 'ForceCommand echo config'], 'config\n'),
  admitted('restrict', [keyWith('restrict')]),
  refused('restrict, and a terminal', [keyWith('restrict')], askTerminal),
  row('restrict,pty and a terminal', [keyWith('restrict,pty')], 'terminal\r\n', askTerminal),
  refused('no-pty', [keyWith('no-pty')], askTerminal),
  row('a terminal', [], 'terminal\r\n', askTerminal),
  row('environment= where it is not permitted', [keyWith('environment="A=yes"')], '.\n', { command: 'echo $A.' }),
  refused('an option nobody knows', [keyWith('shine')]),
  row('options of another case', [keyWith('NO-PTY,Command="echo key"')], 'key\n'),
  admitted('verify-required, and a key without a token', [keyWith('verify-required')]),
  admitted('a line that has expired, and one behind it', [keys(`expiry-time="20200101" ${key.line}`, key.line)]),
  refused('cert-authority, and a plain key', [keyWith('cert-authority')]),
  admitted('cert-authority', [keys(`cert-authority ${authority.line}`)], byCertificate(mine)),
  admitted(
    'cert-authority, principals= with one of the certificate’s',
    [keys(`cert-authority,principals="x,guest" ${authority.line}`)],
    byCertificate(certified(['-n', 'guest'])),
  ),
  refused('cert-authority, principals= without', [keys(`cert-authority,principals="guest" ${authority.line}`)], byCertificate(mine)),
  refused('cert-authority of another', [keys(`cert-authority ${rsaAuthority.line}`)], byCertificate(mine)),
  row('cert-authority with command=', [keys(`cert-authority,command="echo line" ${authority.line}`)], 'line\n', byCertificate(mine)),
]

const certificates: readonly Row[] = [
  certificateRow('for the user', ['-n', user], inside),
  certificateRow('for somebody else', ['-n', 'other'], undefined),
  certificateRow('for nobody in particular', [], undefined),
  certificateRow('that has expired', ['-n', user, '-V', '20200101:20200201'], undefined),
  certificateRow('that is not valid yet', ['-n', user, '-V', '20400101:20410101'], undefined),
  certificateRow('of a host', ['-h', '-n', user], undefined),
  certificateRow('with a command', ['-n', user, '-O', 'force-command=echo certified'], 'certified\n'),
  certificateRow('with a command, and the same ForceCommand', ['-n', user, '-O', 'force-command=echo certified'], 'certified\n', {
    config: [...trusting, 'ForceCommand echo certified'],
  }),
  certificateRow('with a command, and another ForceCommand', ['-n', user, '-O', 'force-command=echo certified'], 'config\n', {
    config: [...trusting, 'ForceCommand echo config'],
  }),
  certificateRow('for addresses like this', ['-n', user, '-O', 'source-address=127.0.0.0/8'], inside),
  certificateRow('for other addresses', ['-n', user, '-O', 'source-address=10.0.0.0/8'], undefined),
  certificateRow('with a critical option nobody knows', ['-n', user, '-O', 'critical:moon@example.org=full'], undefined),
  certificateRow('with an extension nobody knows', ['-n', user, '-O', 'extension:moon@example.org=full'], inside),
  certificateRow('without a terminal', ['-n', user, '-O', 'no-pty'], undefined, askTerminal),
  certificateRow('by an authority nobody trusts', ['-n', user], undefined, byCertificate(certified(['-n', user], strangerKey()))),
  certificateRow('by an authority whose signatures are not taken', ['-n', user], undefined, {
    config: [...trusting, 'CASignatureAlgorithms ecdsa-sha2-nistp256'],
  }),
  certificateRow('of a kind that is not accepted', ['-n', user], undefined, {
    config: [...trusting, 'PubkeyAcceptedAlgorithms ssh-ed25519'],
  }),
  certificateRow('by an RSA authority', ['-n', user], inside, {
    config: [`TrustedUserCAKeys ${rsaAuthority.publicPath}`, 'AuthorizedKeysFile none'],
    ...byCertificate(certified(['-n', user], rsaAuthority)),
  }),
  ...(['serial: 7', 'serial: 1-9', 'id: a user'] as const).map((spec): Row => ({
    name: `RevokedKeys: a KRL with ${spec}`,
    config: [...trusting, `RevokedKeys ${krl(spec)}`],
    prints: undefined,
    ...byCertificate(mine),
  })),
  admitted('RevokedKeys: a KRL with another serial', [...trusting, `RevokedKeys ${krl('serial: 8')}`], byCertificate(mine)),
  refused('RevokedKeys: a list with the authority', [...trusting, `RevokedKeys ${readable(authority.line)}`], byCertificate(mine)),
  admitted(
    'AuthorizedPrincipalsFile with the principal',
    [...trusting, `AuthorizedPrincipalsFile ${readable('# who\nguest')}`],
    byCertificate(certified(['-n', 'guest'])),
  ),
  refused('AuthorizedPrincipalsFile without the user', [...trusting, `AuthorizedPrincipalsFile ${readable('guest')}`], byCertificate(mine)),
  row(
    'AuthorizedPrincipalsFile with options',
    [...trusting, `AuthorizedPrincipalsFile ${readable(`command="echo principal" ${user}`)}`],
    'principal\n',
    byCertificate(mine),
  ),
  refused(
    'AuthorizedPrincipalsFile with from= elsewhere',
    [...trusting, `AuthorizedPrincipalsFile ${readable(`from="10.0.0.0/8" ${user}`)}`],
    byCertificate(mine),
  ),
  refused('AuthorizedPrincipalsFile that is not there', [...trusting, 'AuthorizedPrincipalsFile /nowhere/%u'], byCertificate(mine)),
  admitted(
    'AuthorizedPrincipalsCommand with the user',
    [...trusting, 'AuthorizedPrincipalsCommand /usr/bin/printf "x\\n%%s\\n" %u', 'AuthorizedPrincipalsCommandUser nobody'],
    byCertificate(mine),
  ),
  refused(
    'AuthorizedPrincipalsCommand without',
    [...trusting, 'AuthorizedPrincipalsCommand /bin/echo other', 'AuthorizedPrincipalsCommandUser nobody'],
    byCertificate(mine),
  ),
]

const place = shared(() => listener(socket => void socket.end('there\n')))
const through = async (): Promise<readonly string[]> => [`-W127.0.0.1:${(await place()).port}`]

const sessions: readonly Row[] = [
  refused('PermitTTY no', ['PermitTTY no'], askTerminal),
  admitted('ForceCommand none inside of a block', [
    'Match User other',
    'ForceCommand echo other',
    `Match User ${user}`,
    'ForceCommand none',
  ]),
  row('ForceCommand internal-sftp', ['ForceCommand internal-sftp'], 'This service allows sftp connections only.\n'),
  refused('MaxSessions 0', ['MaxSessions 0']),
  admitted('MaxSessions 1', ['MaxSessions 1']),
  row('AcceptEnv with a pattern', ['AcceptEnv A_* B?'], 'yes yes no\n', {
    command: 'echo ${A_1:-no} ${BX:-no} ${C:-no}',
    options: ['SetEnv=A_1=yes BX=yes C=yes'],
  }),
  row('SetEnv over AcceptEnv', ['AcceptEnv A', 'SetEnv A=server'], 'server\n', { command: 'echo $A', options: ['SetEnv=A=client'] }),
  admitted('Banner none', ['Banner none']),
  row('~/.ssh/rc', [], `rc\n${inside}`, { user: 'scripted' }),
  admitted('PermitUserRC no', ['PermitUserRC no'], { user: 'scripted' }),
  admitted('no-user-rc', [keyWith('no-user-rc')], { user: 'scripted' }),
  row('restrict,user-rc', [keyWith('restrict,user-rc')], `rc\n${inside}`, { user: 'scripted' }),
  admitted('~/.ssh/rc, and a command of the administrator’s', ['ForceCommand echo inside'], { user: 'scripted' }),
  row('~/.ssh/rc, and a command of the key’s', [keyWith('command="echo inside"')], `rc\n${inside}`, { user: 'scripted' }),
  row('ExposeAuthInfo', ['ExposeAuthInfo yes'], `publickey ${key.line}\n`, { command: 'cat $SSH_USER_AUTH' }),
  row(
    'ExposeAuthInfo of two steps',
    ['ExposeAuthInfo yes', 'PasswordAuthentication yes', 'AuthenticationMethods publickey,password'],
    `publickey ${key.line}\npassword\n`,
    { command: 'cat $SSH_USER_AUTH', login: { key, password } },
  ),
  row('ExposeAuthInfo no', [], 'none\n', { command: 'echo ${SSH_USER_AUTH:-none}' }),
  admitted('ChannelTimeout of other channels', ['ChannelTimeout x11-connection=1 direct-tcpip=1'], { command: 'sleep 2; echo inside' }),
  refused('UnusedConnectionTimeout', ['UnusedConnectionTimeout 1'], { options: ['-N'], command: '' }),
  admitted('UnusedConnectionTimeout of a connection that is used', ['UnusedConnectionTimeout 1'], { command: 'sleep 2; echo inside' }),
  admitted('ClientAliveInterval of a client that lives', ['ClientAliveInterval 1', 'ClientAliveCountMax 1'], {
    command: 'sleep 3; echo inside',
  }),
]

const forwardings: readonly Row[] = [
  row('forwarding', [], 'there\n'),
  refused('AllowTcpForwarding no', ['AllowTcpForwarding no']),
  refused('AllowTcpForwarding remote', ['AllowTcpForwarding remote']),
  row('AllowTcpForwarding local', ['AllowTcpForwarding local'], 'there\n'),
  refused('DisableForwarding', ['DisableForwarding yes', 'AllowTcpForwarding yes']),
  row('PermitOpen with any port', ['PermitOpen 127.0.0.1:*'], 'there\n'),
  refused('PermitOpen elsewhere', ['PermitOpen 127.0.0.2:*']),
  refused('PermitOpen none', ['PermitOpen none']),
  refused('no-port-forwarding', [keyWith('no-port-forwarding')]),
  refused('restrict', [keyWith('restrict')]),
  row('restrict,port-forwarding', [keyWith('restrict,port-forwarding')], 'there\n'),
  row('permitopen= here', [keyWith('permitopen="127.0.0.1:*"')], 'there\n'),
  refused('permitopen= elsewhere', [keyWith('permitopen="127.0.0.1:1"')]),
  certificateRow('without forwarding', ['-n', user, '-O', 'no-port-forwarding'], undefined),
]

// ── StrictModes ─────────────────────────────────────────────────────────────────────────────────────────────────────

interface Home {
  readonly name: string
  readonly spoil: (home: string, keys: string) => void
  readonly prints: string | undefined
}

const homes: readonly Home[] = [
  { name: 'as it should be', spoil: () => {}, prints: inside },
  { name: 'keys that everybody reads', spoil: (_, keys) => chmodSync(keys, 0o644), prints: inside },
  { name: 'keys that the group writes', spoil: (_, keys) => chmodSync(keys, 0o660), prints: undefined },
  { name: 'keys that everybody writes', spoil: (_, keys) => chmodSync(keys, 0o602), prints: undefined },
  { name: 'keys of root', spoil: (_, keys) => (chownSync(keys, 0, 0), chmodSync(keys, 0o644)), prints: inside },
  { name: 'keys of another', spoil: (_, keys) => (chownSync(keys, 47_999, 47_999), chmodSync(keys, 0o644)), prints: undefined },
  { name: 'keys the user may not read', spoil: (_, keys) => (chownSync(keys, 0, 0), chmodSync(keys, 0o600)), prints: undefined },
  { name: 'a folder of keys that the group writes', spoil: home => chmodSync(`${home}/.ssh`, 0o770), prints: undefined },
  { name: 'a folder of keys that everybody writes', spoil: home => chmodSync(`${home}/.ssh`, 0o707), prints: undefined },
  {
    name: 'a folder of keys of another',
    spoil: home => (chownSync(`${home}/.ssh`, 47_999, 47_999), chmodSync(`${home}/.ssh`, 0o755)),
    prints: undefined,
  },
  { name: 'a home that the group writes', spoil: home => chmodSync(home, 0o775), prints: undefined },
  { name: 'a home that everybody writes, with the sticky bit', spoil: home => chmodSync(home, 0o1777), prints: undefined },
  { name: 'a home of root', spoil: home => chownSync(home, 0, 0), prints: inside },
  { name: 'a home of another', spoil: home => chownSync(home, 47_999, 47_999), prints: undefined },
  {
    name: 'keys behind a link, in a folder that everybody writes',
    spoil: (home, keys) => {
      const open = freshFolder('open', 0o777)
      execFileSync('mv', [keys, `${open}/keys`])
      symlinkSync(`${open}/keys`, keys)
      void home
    },
    prints: undefined,
  },
  {
    name: 'keys behind a link inside of the home',
    spoil: (home, keys) => {
      execFileSync('mv', [keys, `${home}/keys`])
      symlinkSync(`${home}/keys`, keys)
    },
    prints: inside,
  },
]

const made = homes.map(({ spoil }, index): ExtraUser => {
  const home = freshFolder('home', 0o755)
  mkdirSync(`${home}/.ssh`, { mode: 0o700 })
  const keys = `${home}/.ssh/authorized_keys`
  writeFileSync(keys, `${key.line}\n`, { mode: 0o600 })
  const uid = 47_200 + index
  if (skip === false) {
    for (const each of [home, `${home}/.ssh`, keys]) chownSync(each, uid, uid)
    spoil(home, keys)
  }
  return { name: `home-${index}`, home, uid }
})

// ── the servers ─────────────────────────────────────────────────────────────────────────────────────────────────────

const rows: readonly (readonly [theme: string, rows: readonly Row[]])[] = [
  ['who may log in', who],
  ['how one may log in', how],
  ['options of keys', options],
  ['certificates', certificates],
  ['sessions', sessions],
  ['forwarding', forwardings],
]
const all = rows.flatMap(([, each]) => each)
const addressOf = (index: number): string => `127.1.${index >> 7}.${(index & 127) + 1}`

/** The block of a row: it may go on with blocks of its own. */
const blockOf = ({ config }: Row, index: number): readonly string[] => {
  const here = `Match Address ${addressOf(index)}`
  const lines = config.map(line => line.replaceAll('ADDRESS', addressOf(index)))
  const blocks = lines.map(line => (line.startsWith('Match ') ? `${here} ${line.slice('Match '.length)}` : `  ${line}`))
  return config[0]?.startsWith('Match ') === true ? blocks : [here, ...blocks]
}

const pair = (given: Omit<OpenSshServerOptions, 'accepts' | 'hostKeys'>, extra: readonly ExtraUser[]) => {
  const begin = (name: string, program: readonly string[], config: readonly string[]) => (): Promise<PeerServer> =>
    sshdServer(name, [...withUsers(extra), ...program], {
      ...given,
      accepts: { keys: [key] },
      hostKeys: [hostKey()],
      config: [...(given.config ?? []), ...config],
    })
  return {
    theirs: shared(begin('OpenSSH sshd', ['/usr/sbin/sshd'], [])),
    ours: shared(begin('nacre sshd', nacre('sshd'), ['PerSourcePenalties no'])),
  }
}

/** What is printed there; `undefined` when nobody gets in, which ssh says with 255. */
const outcome = async (server: PeerServer, row: Omit<Row, 'name' | 'config' | 'prints'>): Promise<string | undefined> => {
  const { code, stdout } = await openSshClient.run({
    to: { ...server.to, user: row.user ?? user },
    login: row.login ?? { key },
    command: row.options?.some(each => each.startsWith('-W')) === true ? undefined : (row.command ?? 'echo inside'),
    options: row.options ?? [],
    ...(row.pty === undefined ? {} : { pty: row.pty }),
  })
  return code === 255 ? undefined : stdout.toString()
}

const compare = async (servers: ReturnType<typeof pair>, row: Row): Promise<void> => {
  const [theirs, ours] = await Promise.all([servers.theirs(), servers.ours()])
  const [there, here] = await Promise.all([outcome(theirs, row), outcome(ours, row)])
  assert.deepEqual({ OpenSSH: there, nacre: here }, { OpenSSH: row.prints, nacre: row.prints }, row.config.join('\n'))
}

const servers = pair({ blocks: all.flatMap(blockOf) }, users)
for (const [theme, these] of rows)
  void describe(`policies: ${theme}`, { concurrency: 4 }, () => {
    for (const row of these)
      test(`${row.prints === undefined ? 'refused' : 'let in'}: ${row.name}`, { skip, seconds: 60 }, async () => {
        const from = `BindAddress=${addressOf(all.indexOf(row))}`
        const more = these === forwardings ? await through() : []
        await compare(servers, { ...row, options: [from, ...more, ...(row.options ?? [])] })
      })
  })

const strict = pair({ config: ['StrictModes yes', 'AuthorizedKeysFile .ssh/authorized_keys'] }, made)
void describe('policies: StrictModes', { concurrency: 4 }, () => {
  for (const [index, { name, prints }] of homes.entries())
    test(`${prints === undefined ? 'refused' : 'let in'}: ${name}`, { skip, seconds: 60 }, () =>
      compare(strict, { name, config: [], prints, user: `home-${index}` }),
    )
})

// ── what is younger than some sshd ──────────────────────────────────────────────────────────────────────────────────

/** Does the sshd of this machine know such lines? Others are shown to ours alone. */
const known = (lines: readonly string[]): boolean => {
  const config = freshFile('sshd_config', `HostKey ${hostKey().path}\n${lines.join('\n')}\n`)
  return spawnSync('/usr/sbin/sshd', ['-t', '-f', config]).status === 0
}

const young: readonly Row[] = [
  refused('RefuseConnection', ['RefuseConnection yes']),
  refused('RefuseConnection in a block', [`Match User ${user}`, 'RefuseConnection yes']),
  admitted('RefuseConnection in a block for others', ['Match User other', 'RefuseConnection yes']),
  admitted('Match invalid-user, for a user there is', ['Match invalid-user', 'DenyUsers *']),
]

void describe('policies: what is younger than some sshd', { concurrency: 4 }, () => {
  for (const each of young)
    test(`${each.prints === undefined ? 'refused' : 'let in'}: ${each.name}`, { skip, seconds: 60 }, async () => {
      const given = { accepts: { keys: [key] }, hostKeys: [hostKey()] }
      await using ours = await sshdServer('nacre sshd', nacre('sshd'), { ...given, blocks: each.config })
      assert.equal(await outcome(ours, each), each.prints)
      if (!known(each.config)) return
      await using theirs = await sshdServer('OpenSSH sshd', ['/usr/sbin/sshd'], { ...given, blocks: each.config })
      assert.equal(await outcome(theirs, each), each.prints)
    })
})
