// Owns one ssh_config and one known_hosts given to ssh and to `nacre ssh`: both get in or both do not, what known_hosts says then
// is the same, and so is how often anybody was asked.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { describe } from 'node:test'
import { shared } from './explains/catalogue.ts'
import { openSshServer } from './peers/openssh.ts'
import type { Accepts, PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { hostKey, newKey, strangerKey, userKey } from './rig/keys.ts'
import { finish, start, withinSeconds } from './rig/process.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

interface Row {
  readonly name: string
  /** Lines of ssh_config, before the usual ones. `HOST` is what known_hosts calls the server, `PORT` its port. */
  readonly config: readonly string[]
  /** known_hosts beforehand. */
  readonly known: string
  readonly enters: boolean
  /** What is said to whoever asks; without it nobody can be asked. */
  readonly answer?: string
  readonly server?: () => Promise<PeerServer>
  readonly env?: () => Promise<Readonly<Record<string, string>>>
  /** Words before the command. */
  readonly prefix?: () => readonly string[]
  readonly skip?: string | false
}

const key = userKey()
const ours = hostKey().line
const { password } = world()
const hashed =
  (line: string): ((host: string) => string) =>
  host => {
    const path = freshFile('hashed', `${host} ${line}\n`)
    execFileSync('ssh-keygen', ['-H', '-f', path], { stdio: 'pipe' })
    return readFileSync(path, 'utf8')
  }

const accepts: Accepts = { keys: [key], ...(password === undefined ? {} : { password }) }
const usual = shared(() => openSshServer({ accepts, hostKeys: [hostKey(), hostKey('rsa'), hostKey('ecdsa256')] }))
const single = shared(() => openSshServer({ accepts, hostKeys: [hostKey()] }))

const machine = Object.values(networkInterfaces())
  .flatMap(each => each ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address
const onTheNetwork = shared(() => openSshServer({ accepts, hostKeys: [hostKey()], config: [`ListenAddress ${machine ?? '127.0.0.1'}`] }))
/** The words of a command that runs what follows where the name `pearl` is one of this machine. */
const withName = (): readonly string[] => {
  const hosts = freshFile('hosts', `127.0.0.1 localhost\n${machine} pearl\n`, 0o644)
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', `mount --bind ${hosts} /etc/hosts && exec "$@"`, 'sh']
}

const authority = newKey('ed25519')
const certifiedKey = newKey('ed25519')
execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', 'a host', '-h', '-n', '127.0.0.1,pearl.example', certifiedKey.publicPath], {
  stdio: 'pipe',
})
const certified = shared(() =>
  openSshServer({ accepts, hostKeys: [certifiedKey], config: [`HostCertificate ${certifiedKey.path}-cert.pub`] }),
)

// ── host keys ───────────────────────────────────────────────────────────────────────────────────────────────────────

type More = Partial<Omit<Row, 'name' | 'config' | 'known' | 'enters'>>
const row = (name: string, enters: boolean, config: readonly string[], known: string, more: More = {}): Row => ({
  name,
  enters,
  config,
  known,
  ...more,
})

const states: Readonly<Record<string, string>> = {
  known: `HOST ${ours}\n`,
  unknown: `other.example ${ours}\n`,
  changed: `# a comment\nHOST ${strangerKey().line}\n`,
  'changed, and known too': `HOST ${strangerKey().line}\nHOST ${ours}\n`,
  'known by a pattern': `*.example,[127.0.0.*]:* ${ours}\n`,
  'shut out by a pattern': `[127.0.0.*]:*,!HOST ${ours}\n`,
  revoked: `HOST ${ours}\n@revoked * ${ours}\n`,
  'known by a key of another type': `HOST ${hostKey('rsa').line}\n`,
  'known without its port': `127.0.0.1 ${ours}\n`,
}
/** In which states one gets in, by the value of StrictHostKeyChecking. */
const strict: Readonly<Record<string, readonly string[]>> = {
  yes: ['known', 'changed, and known too', 'known by a pattern', 'known without its port'],
  ask: ['known', 'changed, and known too', 'known by a pattern', 'known without its port'],
  'accept-new': ['known', 'unknown', 'changed, and known too', 'known by a pattern', 'shut out by a pattern', 'known without its port'],
  no: Object.keys(states),
}

const strictRows = Object.entries(strict).flatMap(([value, entering]) =>
  Object.entries(states).map(([state, known]) =>
    row(`StrictHostKeyChecking ${value}, the host ${state}`, entering.includes(state), [`StrictHostKeyChecking ${value}`], known, {
      server: single,
    }),
  ),
)

const asking: readonly Row[] = [
  row('the answer is yes', true, ['StrictHostKeyChecking ask'], '', { answer: 'yes' }),
  row('the answer is no', false, ['StrictHostKeyChecking ask'], '', { answer: 'no' }),
  row('the answer is the fingerprint', true, ['StrictHostKeyChecking ask', 'HostKeyAlgorithms ssh-ed25519'], '', {
    answer: hostKey().fingerprint,
  }),
  row('the answer is another fingerprint', false, ['StrictHostKeyChecking ask'], '', { answer: 'no' }),
  row('nobody is asked in batch mode', false, ['StrictHostKeyChecking ask', 'BatchMode yes'], '', { answer: 'yes' }),
]

const files: readonly Row[] = [
  row('HostKeyAlias that is known', true, ['HostKeyAlias pearl'], `pearl ${ours}\n`),
  row('HostKeyAlias that is not', false, ['HostKeyAlias pearl'], `HOST ${ours}\n`),
  row('HostKeyAlias written down', true, ['HostKeyAlias pearl', 'StrictHostKeyChecking accept-new', 'UpdateHostKeys no'], ''),
  row('HashKnownHosts writes no name', true, ['HashKnownHosts yes', 'StrictHostKeyChecking accept-new', 'UpdateHostKeys no'], ''),
  row('GlobalKnownHostsFile alone', true, [`GlobalKnownHostsFile ${freshFile('global', `* ${ours}\n`)}`], ''),
  row(
    'GlobalKnownHostsFile revokes',
    false,
    [`GlobalKnownHostsFile ${freshFile('global', `@revoked * ${ours}\n`)}`, 'HostKeyAlgorithms ssh-ed25519'],
    `HOST ${ours}\n`,
  ),
  row('a second UserKnownHostsFile', true, [`UserKnownHostsFile ${freshPath('none')} ${freshFile('second', `* ${ours}\n`)}`], ''),
  row('UserKnownHostsFile none', false, ['UserKnownHostsFile none'], `HOST ${ours}\n`),
  row(
    'RevokedHostKeys with the key',
    false,
    [`RevokedHostKeys ${freshFile('revoked', `${ours}\n`)}`, 'HostKeyAlgorithms ssh-ed25519'],
    `HOST ${ours}\n`,
  ),
  row('RevokedHostKeys that is not there', false, ['RevokedHostKeys /no/such/list'], `HOST ${ours}\n`),
  row('KnownHostsCommand with the key', true, [`KnownHostsCommand /bin/echo %H ${ours}`], ''),
  row(
    'KnownHostsCommand with another key',
    false,
    [`KnownHostsCommand /bin/echo %H ${strangerKey().line}`, 'HostKeyAlgorithms ssh-ed25519'],
    '',
  ),
  row('KnownHostsCommand that fails', false, ['KnownHostsCommand /bin/false'], `HOST ${ours}\n`),
  row('NoHostAuthenticationForLocalhost', true, ['NoHostAuthenticationForLocalhost yes'], `HOST ${strangerKey().line}\n`),
  row('VerifyHostKeyDNS without any record', false, ['VerifyHostKeyDNS yes'], ''),
  row('VerifyHostKeyDNS with a key that is known', true, ['VerifyHostKeyDNS yes'], `HOST ${ours}\n`),
  row('HostKeyAlgorithms of which the server has none', false, ['HostKeyAlgorithms ecdsa-sha2-nistp384'], `HOST ${ours}\n`),
  row('a known key of RSA is asked for', true, ['UpdateHostKeys no'], `HOST ${hostKey('rsa').line}\n`),
  row('HostKeyAlgorithms against the known key', false, ['HostKeyAlgorithms ssh-ed25519'], `HOST ${hostKey('rsa').line}\n`),
  row(
    'RequiredRSASize above the host’s',
    false,
    ['HostKeyAlgorithms rsa-sha2-512', 'RequiredRSASize 3072'],
    `HOST ${hostKey('rsa').line}\n`,
  ),
  row('UpdateHostKeys learns the others', true, ['UpdateHostKeys yes'], `HOST ${ours}\n`),
  row(
    'UpdateHostKeys takes away what the server has no more',
    true,
    ['UpdateHostKeys yes'],
    `HOST ${ours}\nHOST ${strangerKey().line.replace(/ .*/, ` ${newKey('ed25519').line.split(' ')[1]}`)}\n`,
  ),
  row('UpdateHostKeys no', true, ['UpdateHostKeys no'], `HOST ${ours}\n`),
  row('UpdateHostKeys ask, and nobody to ask', true, ['UpdateHostKeys ask', 'BatchMode yes'], `HOST ${ours}\n`),
  row(
    'UpdateHostKeys where the global file knows the host',
    true,
    ['UpdateHostKeys yes', `GlobalKnownHostsFile ${freshFile('global', `* ${ours}\n`)}`],
    '',
  ),
]

// An address of loopback is nobody's in particular: it is not looked up.
const byName = (name: string, enters: boolean, config: readonly string[], known: string): Row =>
  row(
    `CheckHostIP ${name}`,
    enters,
    ['HostName pearl', 'AddressFamily inet', 'HostKeyAlgorithms ssh-ed25519', 'UpdateHostKeys no', ...config],
    `[pearl]:PORT ${ours}\n${known}`,
    {
      server: onTheNetwork,
      skip: machine === undefined ? 'this machine has no address on a network' : needsPrivilege(),
      prefix: withName,
    },
  )
const addressLine = (line: string): string => `[${machine}]:PORT ${line}\n`
const addresses: readonly Row[] = [
  row(
    'CheckHostIP, and another key for an address of loopback',
    true,
    ['HostName localhost', 'AddressFamily inet', 'CheckHostIP yes', 'UpdateHostKeys no', 'HostKeyAlgorithms ssh-ed25519'],
    `[localhost]:PORT ${ours}\nHOST ${strangerKey().line}\n`,
  ),
  byName('yes, and another key for the address', false, ['CheckHostIP yes'], addressLine(strangerKey().line)),
  byName(
    'yes, and another key for the address, not so strictly',
    true,
    ['CheckHostIP yes', 'StrictHostKeyChecking no'],
    addressLine(strangerKey().line),
  ),
  byName('yes, and the key for the address too', true, ['CheckHostIP yes'], addressLine(ours)),
  byName('yes, and an address that is new', true, ['CheckHostIP yes', 'StrictHostKeyChecking accept-new'], ''),
  byName('no, and another key for the address', true, ['CheckHostIP no'], addressLine(strangerKey().line)),
]

const certificates: readonly Row[] = [
  row('an authority that is known', true, [], `@cert-authority * ${authority.line}\n`, { server: certified }),
  row('an authority for other hosts', false, [], `@cert-authority *.example ${authority.line}\n`, { server: certified }),
  row('an authority for the alias', true, ['HostKeyAlias pearl.example'], `@cert-authority *.example ${authority.line}\n`, {
    server: certified,
  }),
  row(
    'a certificate for other names than the alias',
    false,
    ['HostKeyAlias shell.example'],
    `@cert-authority *.example ${authority.line}\n`,
    { server: certified },
  ),
  row('another authority', false, [], `@cert-authority * ${strangerKey().line}\n`, { server: certified }),
  row('an authority that is revoked', false, [], `@cert-authority * ${authority.line}\n@revoked * ${authority.line}\n`, {
    server: certified,
  }),
  row('the plain key of the certificate', true, ['UpdateHostKeys no'], `HOST ${certifiedKey.line}\n`, { server: certified }),
  row(
    'an authority whose signatures are not taken',
    false,
    ['CASignatureAlgorithms ecdsa-sha2-nistp256'],
    `@cert-authority * ${authority.line}\n`,
    { server: certified },
  ),
  row('accept-new writes the plain key', true, ['StrictHostKeyChecking accept-new', 'UpdateHostKeys no'], '', { server: certified }),
]

// ── users ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const agent = shared(async () => {
  const socket = freshPath('agent')
  const running = await start(['ssh-agent', '-D', '-a', socket])
  await withinSeconds(10, new Promise(resolve => running.stdout.once('data', resolve)), () => 'the agent did not start')
  execFileSync('ssh-add', ['-q', key.path], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'pipe' })
  return { socket, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
})
const withAgent = { env: async () => ({ SSH_AUTH_SOCK: (await agent()).socket }) }
const skip = needsPrivilege()
const byPassword = { answer: password ?? '', skip }
const userRow = (name: string, enters: boolean, config: readonly string[], more: More = {}): Row =>
  row(name, enters, config, `HOST ${ours}\n`, { server: single, ...more })

const stranger = `IdentityFile ${strangerKey().path}`
const users: readonly Row[] = [
  userRow('a key in a file', true, []),
  userRow('IdentityFile none', false, ['IdentityFile none']),
  userRow('another key', false, [stranger]),
  userRow('another key, and the right one behind it', true, [stranger, `IdentityFile ${key.path}`]),
  userRow('the right key in the agent', true, [stranger, 'IdentitiesOnly no'], withAgent),
  userRow('the right key in the agent, and IdentitiesOnly', false, [stranger, 'IdentitiesOnly yes'], withAgent),
  userRow(
    'a public key picks the one of the agent',
    true,
    [`IdentityFile ${freshFile('picked.pub', `${key.line}\n`)}`, 'IdentitiesOnly yes'],
    withAgent,
  ),
  userRow('IdentityAgent none', false, [stranger, 'IdentitiesOnly no', 'IdentityAgent none'], withAgent),
  userRow('PubkeyAuthentication no', false, ['PubkeyAuthentication no']),
  userRow('PubkeyAcceptedAlgorithms without the key’s', false, ['PubkeyAcceptedAlgorithms rsa-sha2-512']),
  userRow('RequiredRSASize above the key’s', false, [`IdentityFile ${userKey('rsa').path}`, 'RequiredRSASize 3072']),
  userRow('PreferredAuthentications password, and nobody to ask', false, ['PreferredAuthentications password']),
  userRow('a password', true, ['PreferredAuthentications password'], byPassword),
  userRow('a password in batch mode', false, ['PreferredAuthentications password', 'BatchMode yes'], byPassword),
  userRow('PasswordAuthentication no', false, ['PreferredAuthentications password', 'PasswordAuthentication no'], byPassword),
  userRow('one wrong password', false, ['PreferredAuthentications password', 'NumberOfPasswordPrompts 1'], { answer: 'guess', skip }),
  userRow('three wrong passwords', false, ['PreferredAuthentications password', 'NumberOfPasswordPrompts 3'], { answer: 'guess', skip }),
  userRow('a password after the keys', true, [stranger, 'PreferredAuthentications publickey,password'], byPassword),
  userRow('the key before the password', true, ['PreferredAuthentications publickey,password'], byPassword),
]

// ── the comparison ──────────────────────────────────────────────────────────────────────────────────────────────────

interface Outcome {
  readonly enters: boolean
  /** What known_hosts says then; salts and hashes are left out. */
  readonly known: string
  /** How often an askpass program ran. */
  readonly asked: number
}

const outcome = async (program: readonly string[], each: Row): Promise<Outcome> => {
  const { to } = await (each.server ?? usual)()
  const fill = (text: string): string => text.replaceAll('HOST', `[127.0.0.1]:${to.port}`).replaceAll('PORT', String(to.port))
  const known = freshFile('known_hosts', fill(each.known))
  const config = freshFile(
    'ssh_config',
    [
      ...each.config,
      'HostName 127.0.0.1',
      `Port ${to.port}`,
      `User ${to.user}`,
      `IdentityFile ${key.path}`,
      'IdentitiesOnly yes',
      'StrictHostKeyChecking yes',
      `UserKnownHostsFile ${known}`,
      'GlobalKnownHostsFile none',
      'ConnectTimeout 20',
      'LogLevel ERROR',
    ]
      // A row's own keys stand for the usual one.
      .filter(
        (line, index) =>
          index < each.config.length || !line.startsWith('IdentityFile') || !each.config.some(own => own.startsWith('IdentityFile')),
      )
      .map(line => `${fill(line)}\n`)
      .join(''),
  )
  const asked = freshFile('asked', '')
  const askpass = freshFile(
    'askpass',
    `#!/bin/sh\necho once >> ${asked}\n${each.answer === undefined ? 'exit 1' : `echo '${each.answer}'`}\n`,
    0o700,
  )
  const env = {
    ...(each.answer === undefined ? {} : { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: 'none' }),
    ...(await each.env?.()),
  }
  const { code } = await finish([...(each.prefix?.() ?? []), ...program, '-F', config, 'there', 'true'], { env })
  return {
    enters: code === 0,
    known: readFileSync(known, 'utf8')
      .replaceAll(/\|1\|\S+/g, '|1|')
      .replaceAll(String(to.port), 'PORT'),
    asked: readFileSync(asked, 'utf8').split('\n').length - 1,
  }
}

const themes: readonly (readonly [theme: string, rows: readonly Row[]])[] = [
  ['how strictly', strictRows],
  ['asking', asking],
  ['files of known hosts', files],
  ['addresses', addresses],
  ['host certificates', certificates],
  ['users', users],
]

for (const [theme, rows] of themes)
  void describe(`policies of a client: ${theme}`, { concurrency: 4 }, () => {
    for (const each of rows)
      test(`${each.enters ? 'let in' : 'refused'}: ${each.name}`, { skip: each.skip ?? false }, async () => {
        const [theirs, nacres] = await Promise.all([outcome(['ssh'], each), outcome(nacre('ssh'), each)])
        assert.deepEqual(nacres, theirs, each.config.join('\n'))
        assert.equal(nacres.enters, each.enters)
      })
  })

void describe('policies of a client: hashed names', { concurrency: 4 }, () => {
  for (const [name, line, enters] of [
    ['the key is known', ours, true],
    ['the key has changed', strangerKey().line, false],
  ] as const)
    test(`${enters ? 'let in' : 'refused'}: ${name}`, {}, async () => {
      const { to } = await single()
      const each = row(name, enters, [], hashed(line)(`[127.0.0.1]:${to.port}`), { server: single })
      const [theirs, nacres] = await Promise.all([outcome(['ssh'], each), outcome(nacre('ssh'), each)])
      assert.deepEqual(nacres, theirs)
      assert.equal(nacres.enters, enters)
    })
})
