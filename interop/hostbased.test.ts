// Hosts that vouch for their users: the same verdict by OpenSSH's sshd and ours over a table of configurations and files, for
// OpenSSH's ssh and ours, with keys root can read and by the helper that signs for everybody else. /etc/ssh is a folder of the
// test's own in namespaces of its own, for servers and clients alike.
import assert from 'node:assert/strict'
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'node:test'
import { sshCommand, sshdServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { type KeyFile, newKey } from './rig/keys.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

const host = newKey('ed25519')
const another = newKey('ed25519')

/** A folder in the place of /etc/ssh, and the words before a command that puts it there. */
const machine = (files: Readonly<Record<string, string>>): readonly string[] => {
  const folder = freshFolder('etc-ssh', 0o755)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o644 })
  return [freshFile('machine', `#!/bin/sh\nset -e\nmount --bind ${folder} /etc/ssh\nexec "$@"\n`, 0o755)]
}

/** The machine clients are on: its key is root's alone. */
const clientMachine = (): readonly string[] => {
  const folder = freshFolder('keys', 0o755)
  copyFileSync(host.path, join(folder, 'ssh_host_ed25519_key'))
  chmodSync(join(folder, 'ssh_host_ed25519_key'), 0o600)
  copyFileSync(host.publicPath, join(folder, 'ssh_host_ed25519_key.pub'))
  writeFileSync(join(folder, 'ssh_config'), 'EnableSSHKeysign yes\n', { mode: 0o644 })
  return [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    freshFile('client', `#!/bin/sh\nset -e\nmount --bind ${folder} /etc/ssh\nexec "$@"\n`, 0o755),
  ]
}

interface Row {
  readonly name: string
  readonly config?: readonly string[]
  /** Files of the home and of /etc/ssh; `KEY` stands for the host's key, `OTHER` for another. */
  readonly home?: Readonly<Record<string, string>>
  readonly etc?: Readonly<Record<string, string>>
  readonly modes?: Readonly<Record<string, number>>
  readonly gives: 'in' | 'refused'
}

// The client's user is root, and by its address the client's host is called localhost.
const shosts = { '.shosts': 'localhost root\n' }
const known = { '.ssh/known_hosts': 'localhost KEY\n' }
const usual = { ...shosts, ...known }
const fromPacket = ['HostbasedAuthentication yes', 'IgnoreRhosts no', 'HostbasedUsesNameFromPacketOnly yes']
const byName = ['HostbasedAuthentication yes', 'IgnoreRhosts no']

const rows: readonly Row[] = [
  { name: 'a user in .shosts of a host that is known', gives: 'in' },
  { name: 'no .shosts', home: known, gives: 'refused' },
  { name: 'another user of the host in .shosts', home: { ...known, '.shosts': 'localhost babbage\n' }, gives: 'refused' },
  { name: 'a host alone in .shosts, for a user of another name', home: { ...known, '.shosts': 'localhost\n' }, gives: 'refused' },
  { name: 'another host in .shosts', home: { ...known, '.shosts': 'cellar root\n' }, gives: 'refused' },
  { name: 'a wildcard in .shosts', home: { ...known, '.shosts': '+ +\n' }, gives: 'refused' },
  {
    name: 'a line that refuses before one that lets in',
    home: { ...known, '.shosts': 'localhost -root\nlocalhost root\n' },
    gives: 'refused',
  },
  { name: 'a line that lets in before one that refuses', home: { ...known, '.shosts': 'localhost root\nlocalhost -root\n' }, gives: 'in' },
  { name: 'a line with too much', home: { ...known, '.shosts': 'localhost root # the desk\n' }, gives: 'refused' },
  { name: '.rhosts', home: { ...known, '.rhosts': 'localhost root\n' }, gives: 'in' },
  {
    name: '.rhosts when only .shosts counts',
    config: ['IgnoreRhosts shosts-only', ...fromPacket],
    home: { ...known, '.rhosts': 'localhost root\n' },
    gives: 'refused',
  },
  { name: '.shosts when only that counts', config: ['IgnoreRhosts shosts-only', ...fromPacket], gives: 'in' },
  { name: '.shosts when both are ignored', config: ['IgnoreRhosts yes', ...fromPacket], gives: 'refused' },
  { name: 'shosts.equiv for a user of another name', home: known, etc: { 'shosts.equiv': 'localhost\n' }, gives: 'refused' },
  {
    name: 'shosts.equiv that names the user',
    config: ['IgnoreRhosts yes', ...fromPacket],
    home: known,
    etc: { 'shosts.equiv': 'localhost root\n' },
    gives: 'in',
  },
  { name: 'a key nobody knows', home: shosts, gives: 'refused' },
  { name: 'another key of the host', home: { ...shosts, '.ssh/known_hosts': 'localhost OTHER\n' }, gives: 'refused' },
  { name: 'the key of another host', home: { ...shosts, '.ssh/known_hosts': 'cellar KEY\n' }, gives: 'refused' },
  { name: 'one of two known keys', home: { ...shosts, '.ssh/known_hosts': 'localhost OTHER\nlocalhost KEY\n' }, gives: 'in' },
  { name: 'a revoked key', home: { ...shosts, '.ssh/known_hosts': 'localhost KEY\n@revoked * KEY\n' }, gives: 'refused' },
  { name: 'a key the machine knows', home: shosts, etc: { ssh_known_hosts: 'localhost KEY\n' }, gives: 'in' },
  { name: 'a key in the second files', home: { ...shosts, '.ssh/known_hosts2': 'localhost KEY\n' }, gives: 'in' },
  {
    name: 'a key in the second files, another in the first',
    home: { ...shosts, '.ssh/known_hosts': 'localhost OTHER\n', '.ssh/known_hosts2': 'localhost KEY\n' },
    gives: 'refused',
  },
  { name: "the user's known_hosts when that is ignored", config: ['IgnoreUserKnownHosts yes', ...fromPacket], gives: 'refused' },
  { name: 'a name the address does not have', config: byName, gives: 'refused' },
  {
    name: 'the address, where names are not looked up',
    config: byName,
    home: { '.shosts': '127.0.0.1 root\n', '.ssh/known_hosts': '127.0.0.1 KEY\n' },
    gives: 'in',
  },
  { name: 'the name the address maps to', config: ['UseDNS yes', ...byName], gives: 'in' },
  { name: 'a .shosts others may write', config: ['StrictModes yes', ...fromPacket], modes: { '.shosts': 0o666 }, gives: 'refused' },
  {
    name: 'a known_hosts others may write',
    config: ['StrictModes yes', ...fromPacket],
    modes: { '.ssh/known_hosts': 0o666 },
    gives: 'refused',
  },
  { name: 'files as they should be', config: ['StrictModes yes', ...fromPacket], gives: 'in' },
  {
    name: 'an algorithm that is not taken of hosts',
    config: ['HostbasedAcceptedAlgorithms rsa-sha2-512', ...fromPacket],
    gives: 'refused',
  },
  { name: 'an algorithm that is not taken of users alone', config: ['PubkeyAcceptedAlgorithms rsa-sha2-512', ...fromPacket], gives: 'in' },
  { name: 'a server that does not take it', config: ['HostbasedAuthentication no'], gives: 'refused' },
]

const filled = (text: string): string => text.replaceAll('KEY', host.line).replaceAll('OTHER', another.line)

const furnish = ({ home = usual, modes = {} }: Row): void => {
  const { home: folder, give } = world()
  for (const name of ['.shosts', '.rhosts', '.ssh']) rmSync(join(folder, name), { recursive: true, force: true })
  mkdirSync(join(folder, '.ssh'), { mode: 0o755 })
  give(join(folder, '.ssh'))
  for (const [name, text] of Object.entries(home)) {
    const path = join(folder, name)
    writeFileSync(path, filled(text))
    chmodSync(path, modes[name] ?? 0o644)
    give(path)
  }
}

const programs = [
  ['OpenSSH sshd', ['/usr/sbin/sshd']],
  ['nacre sshd', nacre('sshd')],
] as const

const serve = ([name, program]: (typeof programs)[number], row: Row): Promise<PeerServer> => {
  const etc = Object.fromEntries(Object.entries(row.etc ?? {}).map(([file, text]) => [file, filled(text)]))
  const config = [...(row.config ?? fromPacket), ...(name === 'nacre sshd' ? ['PerSourcePenalties no'] : [])]
  return sshdServer(name, [...machine(etc), ...program], { accepts: { keys: [] }, config, hostKeys: [hostOfServer] })
}
const hostOfServer: KeyFile = newKey('ed25519')

const options = ['HostbasedAuthentication=yes', 'PreferredAuthentications=hostbased']
const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'env', 'HOME=/nonexistent']

/** A client on the machine that vouches; `by` puts words before it, to be somebody else. */
const connect = (name: string, program: readonly string[], server: PeerServer, by: readonly string[] = []): Promise<Finished> => {
  const { command, options: how } = sshCommand(name, program, { to: server.to, login: {}, command: 'echo inside', options })
  const known = command.find(word => word.startsWith('UserKnownHostsFile='))?.slice('UserKnownHostsFile='.length)
  if (known !== undefined) chmodSync(known, 0o644)
  return finish([...clientMachine(), ...by, ...command], { ...how, stdin: '' })
}
const clients = [
  ['OpenSSH ssh', ['ssh']],
  ['nacre ssh', nacre('ssh')],
] as const

const outcome = ({ stdout, code }: Finished): string => (code === 255 ? 'refused' : stdout.toString() === 'inside\n' ? 'in' : `${code}`)

describe('a host vouches by its key', { skip: needsPrivilege() }, () => {
  for (const row of rows)
    test(`${row.name}: ${row.gives}`, {}, async () => {
      furnish(row)
      for (const program of programs) {
        await using server = await serve(program, row)
        for (const [name, words] of clients) {
          const result = await connect(name, words, server)
          assert.equal(outcome(result), row.gives, `${name} at ${server.name}: ${result.stderr}\n${server.process.log()}`)
        }
      }
    })
})

describe('a host vouches by ssh-keysign', { skip: needsPrivilege() }, () => {
  const row: Row = { name: 'nobody', home: { ...known, '.shosts': 'localhost nobody\n' }, gives: 'in' }
  for (const program of programs)
    test(`for a user who cannot read its key, at ${program[0]}`, {}, async () => {
      furnish(row)
      await using server = await serve(program, row)
      for (const [name, words] of clients) {
        const result = await connect(name, words, server, nobody)
        assert.equal(outcome(result), 'in', `${name}: ${result.stderr}\n${server.process.log()}`)
      }
    })
  // sshd forgets who came before it writes this, between its two processes; ours says it.
  test('and the log of our server has the words of the other, and whose word it took', {}, async () => {
    furnish(row)
    const said: (string | undefined)[] = []
    for (const program of programs) {
      await using server = await serve(program, row)
      await connect('nacre ssh', nacre('ssh'), server, nobody)
      const line = server.process
        .log()
        .split('\n')
        .find(each => each.includes('Accepted hostbased'))
      said.push(
        line
          ?.replace(/^.*Accepted/, 'Accepted')
          .replace(/port \d+/, 'port N')
          .trim(),
      )
    }
    assert.ok(said[0])
    assert.equal(said[1], `${said[0]}, client user "nobody", client host "localhost."`)
  })
})

test('where no key of the host can be used, our ssh says what it looked for', { skip: needsPrivilege() }, async () => {
  furnish(rows[0])
  await using server = await serve(programs[1], rows[0])
  const login = { to: server.to, login: {}, command: 'true', options: [...options, 'LogLevel=DEBUG1'] }
  const { command, options: how } = sshCommand('nacre ssh', nacre('ssh'), login)
  const bare = ['unshare', '--mount', '--propagation', 'private', ...machine({})]
  const { code, stderr } = await finish([...bare, ...command], { ...how, stdin: '' })
  assert.equal(code, 255)
  assert.match(stderr, /No key of this host can be used: none in \/etc\/ssh can be read/)
  assert.match(stderr, /Not tried, though the server accepts it: hostbased|Not tried, though the server accepts them: .*hostbased/)
})
