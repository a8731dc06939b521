// Owns one sshd_config given to OpenSSH's sshd and to ours: what -T prints for somebody, and who may log in and what then runs.
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { openSshClient, openSshServer } from './peers/openssh.ts'
import type { Accepts, Login, PeerServer } from './peers/peer.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { hostKey, strangerKey, userKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { extraGroup, needsPrivilege, world } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

// ── what holds ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** Their defaults are of a build, or ours; or only one of the two has them. */
const ofBuild =
  /^(requiredrsasize|pidfile|modulifile|ciphers|macs|kexalgorithms|casignaturealgorithms|hostbasedacceptedalgorithms|hostkeyalgorithms|pubkeyacceptedalgorithms|gssapi\w+|kerberos\w+|debianbanner|ipqos|fingerprinthash|sshdsessionpath|sshdauthpath|refuseconnection|persource(penalties|penaltyexemptlist)|pamservicename|xauthlocation|rdomain) /

/** The lines of a dump that both could print; 9.2 has keywords in lower case. */
const comparable = (text: string): readonly string[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => line.replace(/^\S+/, keyword => keyword.toLowerCase()))
    // 9.2 has the old word, and a list that is empty.
    .map(line => line.replace(/^permitrootlogin without-password$/, 'permitrootlogin prohibit-password'))
    .filter(line => !ofBuild.test(line) && line !== 'revokedkeys none' && line !== 'channeltimeout none')
    .toSorted()

const dump = async (program: readonly string[], config: string, spec: string | undefined): Promise<readonly string[]> => {
  const words = [...program, '-T', '-f', config, ...(spec === undefined ? [] : ['-C', spec])]
  const { code, stdout, stderr } = await finish(world().enter(words), { seconds: 30 })
  assert.equal(code, 0, stderr)
  return comparable(stdout.toString())
}

const everything = `Port 2022
Port 2023
ListenAddress 127.0.0.1
ListenAddress [::1]:33
LoginGraceTime 1h30m
MaxStartups 5:20:50
AllowUsers a b@10.0.0.0/8
AllowUsers c
DenyGroups nope
AcceptEnv LANG LC_*
SetEnv A=1
AuthorizedKeysFile .ssh/keys /etc/keys/%u
AuthenticationMethods publickey,password publickey
Subsystem sftp internal-sftp -l INFO
Subsystem other /bin/other a b
PermitOpen a:1 [::1]:2
PermitListen 8080 localhost:*
PermitTunnel ethernet
RekeyLimit 1G 1h
Banner /etc/issue
LogLevel verbose
SyslogFacility local3
StreamLocalBindMask 022
ChannelTimeout session=5m *=1h
UnusedConnectionTimeout 90
X11Forwarding yes
GatewayPorts clientspecified
PermitUserEnvironment LANG,LC_*
`
const blocks = `MaxAuthTries 4
X11Forwarding no
AllowUsers everybody
Match User ${world().user},w* Address 127.0.0.0/8,!127.0.0.9
  MaxAuthTries 5
  AllowUsers just-me
  ForceCommand echo  "for one" # not two
Match Group ${extraGroup.name}
  PermitTTY no
  AuthorizedKeysCommand /bin/keys %u "%k"
  AuthorizedKeysCommandUser nobody
Match LocalAddress 10.0.0.1 LocalPort 22
  PasswordAuthentication no
Match Host *.example.org,!bad.*
  Banner /etc/motd
Match User root
  RekeyLimit 1M
  PermitRootLogin forced-commands-only
Match all
  MaxSessions 3
`

describe('what -T prints', () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ['of every kind of value', everything, undefined],
    ...[
      `user=${world().user},addr=127.0.0.1,lport=1`,
      `user=${world().user},addr=127.0.0.9,lport=1`,
      'user=root,addr=127.0.0.1,lport=1',
      'user=nobody-here,addr=10.1.1.1,laddr=10.0.0.1,lport=22',
      'host=a.example.org,lport=22',
      'host=bad.example.org,lport=22',
    ].map(spec => [`for ${spec}`, blocks, spec] as const),
  ]
  for (const [name, text, spec] of cases)
    test(name, { skip: needsPrivilege(), seconds: 30 }, async () => {
      const config = freshFile('sshd_config', `HostKey ${hostKey().path}\n${text}`, 0o644)
      const [theirs, ours] = await Promise.all([dump(['/usr/sbin/sshd'], config, spec), dump(nacre('sshd'), config, spec)])
      assert.deepEqual(ours, theirs)
    })
})

// ── who may log in ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Row {
  readonly config: readonly string[]
  /** What `command` prints; `undefined` when nobody gets in. */
  readonly prints: string | undefined
  readonly accepts?: Accepts
  readonly login?: Login
  readonly command?: string
  readonly options?: readonly string[]
}

const { user } = world()
const inside = 'inside\n'
const key = userKey()
const prefixed = (options: string): string => freshFile('keys', `${options} ${key.line}\n`, 0o644)
const listed = freshFile('keys', `${key.line}\n`, 0o644)
const secretList = freshFile('keys', `${key.line}\n`, 0o600)
/** What follows a row's own lines belongs to everybody again. */
const match = (...lines: readonly string[]): readonly string[] => [...lines, 'Match all']

const rows: readonly Row[] = [
  { config: [], prints: inside },
  { config: [`AllowUsers ${user}`], prints: inside },
  { config: ['AllowUsers root'], prints: undefined },
  { config: ['AllowUsers *@127.0.0.0/8'], prints: inside },
  { config: ['AllowUsers *@10.0.0.0/8,192.168.*'], prints: undefined },
  { config: [`DenyUsers *@127.0.0.1`, `AllowUsers ${user}`], prints: undefined },
  { config: [`AllowGroups wheel ${extraGroup.name}`], prints: inside },
  { config: ['AllowGroups wheel'], prints: undefined },
  { config: [`DenyGroups nacr?ous`, `AllowUsers ${user}`], prints: undefined },
  { config: match(`Match User ${user}`, 'PubkeyAuthentication no'), prints: undefined },
  { config: match('Match User root', 'PubkeyAuthentication no'), prints: inside },
  { config: match(`Match User ${user} Address 10.0.0.0/8`, 'PubkeyAuthentication no'), prints: inside },
  { config: match(`Match Group ${extraGroup.name} LocalAddress 127.0.0.1`, 'PubkeyAuthentication no'), prints: undefined },
  { config: match('Match Address *,!127.0.0.1', 'PubkeyAuthentication no'), prints: inside },
  { config: ['PubkeyAuthentication no', ...match('Match Address 127.0.0.1', 'PubkeyAuthentication yes')], prints: inside },
  { config: match(`Match User ${user}`, 'DenyUsers *'), prints: undefined },
  { config: ['DenyUsers *', ...match(`Match User ${user}`, 'DenyUsers root')], prints: inside },
  { config: match(`Match User ${user}`, 'MaxSessions 0'), prints: undefined },
  { config: match(`Match User ${user}`, 'ForceCommand echo forced'), prints: 'forced\n' },
  { config: ['ForceCommand echo all', ...match(`Match User ${user}`, 'ForceCommand none')], prints: inside },
  { config: ['ForceCommand echo "$SSH_ORIGINAL_COMMAND"'], prints: 'echo inside\n' },
  { config: ['AuthorizedKeysFile none'], prints: undefined },
  { config: [`AuthorizedKeysFile /nowhere/%u ${listed}`], prints: inside },
  {
    config: [`AuthorizedKeysFile none`, `AuthorizedKeysCommand /usr/bin/cat ${listed}`, 'AuthorizedKeysCommandUser nobody'],
    prints: inside,
  },
  {
    config: ['AuthorizedKeysFile none', `AuthorizedKeysCommand /usr/bin/cat ${secretList}`, 'AuthorizedKeysCommandUser nobody'],
    prints: undefined,
  },
  {
    // One that others may change is not run.
    config: [
      'AuthorizedKeysFile none',
      `AuthorizedKeysCommand ${freshFile('keys.sh', `#!/bin/sh\ncat ${listed}\n`, 0o755)}`,
      'AuthorizedKeysCommandUser root',
    ],
    prints: undefined,
  },
  {
    config: ['AuthorizedKeysFile none', `AuthorizedKeysCommand /usr/bin/printf "%%s %%s\\n" %t %k`, 'AuthorizedKeysCommandUser nobody'],
    prints: inside,
  },
  { config: ['AuthorizedKeysFile none', 'AuthorizedKeysCommand /usr/bin/false', 'AuthorizedKeysCommandUser nobody'], prints: undefined },
  { config: [`RevokedKeys ${listed}`], prints: undefined },
  { config: [`RevokedKeys ${freshFile('revoked', `${strangerKey().line}\n`, 0o644)}`], prints: inside },
  { config: ['RevokedKeys /nowhere'], prints: undefined },
  { config: ['PubkeyAcceptedAlgorithms rsa-sha2-512'], prints: undefined },
  { config: ['AuthenticationMethods publickey,password'], prints: undefined, accepts: { keys: [key], password: 'x' } },
  { config: ['AuthenticationMethods any'], prints: inside },
  { config: ['AuthenticationMethods publickey,password publickey'], prints: inside, accepts: { keys: [key], password: 'x' } },
  {
    config: match(`Match User ${user}`, 'PasswordAuthentication no'),
    prints: undefined,
    accepts: { password: world().password ?? '' },
    login: { password: world().password ?? '' },
  },
  { config: [`AuthorizedKeysFile ${prefixed('environment="NACRE_KEY=yes"')}`], prints: '.\n', command: 'echo $NACRE_KEY.' },
  {
    config: [`AuthorizedKeysFile ${prefixed('environment="NACRE_KEY=yes"')}`, 'PermitUserEnvironment yes'],
    prints: 'yes.\n',
    command: 'echo $NACRE_KEY.',
  },
  {
    config: [`AuthorizedKeysFile ${prefixed('environment="NACRE_KEY=yes"')}`, 'PermitUserEnvironment OTHER_*'],
    prints: '.\n',
    command: 'echo $NACRE_KEY.',
  },
  { config: ['SetEnv A=1 B=2'], prints: '1 2\n', command: 'echo $A $B' },
  {
    config: ['AcceptEnv ONE_*', ...match(`Match User ${user}`, 'AcceptEnv TWO_*')],
    prints: 'no yes\n',
    command: 'echo ${ONE_A:-no} ${TWO_A:-no}',
    options: ['SetEnv=ONE_A=yes TWO_A=yes'],
  },
  { config: [`AuthorizedKeysFile ${prefixed('command="echo by the key"')}`], prints: 'by the key\n' },
  { config: [`AuthorizedKeysFile ${prefixed('from="10.0.0.0/8"')}`], prints: undefined },
  { config: [`AuthorizedKeysFile ${prefixed('from="127.0.0.0/8"')}`], prints: inside },
  { config: ['PermitTTY no', ...match(`Match User ${user}`, 'PermitTTY yes')], prints: inside },
]

/** What the command prints there; `undefined` when nobody gets in. */
const outcome = async (
  server: PeerServer,
  { login = { key }, command = 'echo inside', options = [] }: Row,
): Promise<string | undefined> => {
  const { code, stdout } = await openSshClient.run({ to: server.to, login, command, options })
  return code === 0 ? stdout.toString() : undefined
}

describe('a login', () => {
  for (const row of rows) {
    const name = row.config.join('; ').replaceAll(/\/\S*\/(\S+)/g, '…/$1')
    test(
      `${row.prints === undefined ? 'refused' : 'let in'} by ${name === '' ? 'nothing in particular' : name}`,
      { skip: needsPrivilege(), seconds: 30 },
      async () => {
        const given = { accepts: row.accepts ?? { keys: [key] }, config: row.config }
        await using theirs = await openSshServer(given)
        await using ours = await nacreSshd(given)
        const [there, here] = await Promise.all([outcome(theirs, row), outcome(ours, row)])
        assert.deepEqual({ OpenSSH: there, nacre: here }, { OpenSSH: row.prints, nacre: row.prints })
      },
    )
  }

  test(
    'is refused by both where others may write the folder of the keys, and let in without StrictModes',
    { skip: needsPrivilege(), seconds: 30 },
    async () => {
      const folder = freshFolder('open', 0o755)
      world().give(folder)
      const keys = `${folder}/keys`
      writeFileSync(keys, `${key.line}\n`)
      world().give(keys)
      chmodSync(folder, 0o777)
      for (const [strict, prints] of [
        ['yes', undefined],
        ['no', inside],
      ] as const) {
        const given = { accepts: { keys: [key] }, config: [`StrictModes ${strict}`, `AuthorizedKeysFile ${keys}`] }
        await using theirs = await openSshServer(given)
        await using ours = await nacreSshd(given)
        assert.deepEqual(
          [await outcome(theirs, { config: [], prints }), await outcome(ours, { config: [], prints })],
          [prints, prints],
          strict,
        )
      }
    },
  )
})
