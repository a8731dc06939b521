// Owns `nacre ssh-copy-id` at OpenSSH's sshd and at ours: what stands in authorized_keys afterwards, and what is said.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'node:test'
import type { OpenSshServerOptions } from './peers/openssh.ts'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { type KeyFile, newKey, userKey } from './rig/keys.ts'
import { type Finished, finish, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

const skip = needsPrivilege()
const folderThere = (): string => join(world().home, '.ssh')
const fileThere = (): string => join(folderThere(), 'authorized_keys')

/** A server that lets the login key in, and whatever stands in the home. */
const serving = (server: (options: OpenSshServerOptions) => Promise<PeerServer>): Promise<PeerServer> => {
  rmSync(folderThere(), { recursive: true, force: true })
  const login = freshFile('login_keys', `${userKey().line}\n`, 0o644)
  return server({ accepts: { keys: [] }, config: [`AuthorizedKeysFile .ssh/authorized_keys ${login}`] })
}

/** What is there before, as the person who logs in would have left it. */
const before = (text: string, mode = 0o600): void => {
  mkdirSync(folderThere(), { mode: 0o755 })
  writeFileSync(fileThere(), text)
  chmodSync(fileThere(), mode)
  for (const path of [folderThere(), fileThere()]) world().give(path)
}

const there = (): string => readFileSync(fileThere(), 'utf8')
const modeOf = (path: string): number => statSync(path).mode & 0o7777

const copyId = (server: PeerServer, words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> => {
  const { to } = server
  const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
  const options = [`UserKnownHostsFile=${known}`, 'GlobalKnownHostsFile=/dev/null', `IdentityFile=${userKey().path}`, 'BatchMode=yes']
  return finish(
    nacre('ssh-copy-id', ...words, '-F', 'none', ...options.flatMap(each => ['-o', each]), '-p', String(to.port), `${to.user}@${to.host}`),
    { env },
  )
}

const lineOf = (key: KeyFile): string => readFileSync(key.publicPath, 'utf8')

for (const [name, server] of [
  ['OpenSSH’s sshd', openSshServer],
  ['our sshd', nacreSshd],
] as const)
  for (const way of [[], ['-s']])
    describe(`at ${name}${way.length === 0 ? '' : ', by SFTP'}`, () => {
      test('a key goes there once, and says what to do next', { skip }, async () => {
        await using at = await serving(server)
        const key = newKey('ed25519')
        const first = await copyId(at, [...way, '-i', key.path])
        assert.equal(first.code, 0, first.stderr)
        assert.equal(there(), lineOf(key))
        assert.deepEqual([modeOf(folderThere()), modeOf(fileThere())], [0o700, 0o600])
        assert.match(first.stderr, /^ssh-copy-id: INFO: Source of key\(s\) to be installed: "\/.*\.pub"$/m)
        assert.match(first.stderr, /^ssh-copy-id: INFO: 1 key\(s\) remain to be installed/m)
        assert.match(first.stdout.toString(), /^\nNumber of key\(s\) added: 1\n\nNow try logging into the machine, with: "s/)
        assert.ok(
          first.stdout.toString().includes(` -i ${key.path} -${way.length === 0 ? 'p' : 'P'} ${at.to.port} `),
          first.stdout.toString(),
        )
        const again = await copyId(at, [...way, '-i', key.path])
        assert.equal(again.code, 0)
        assert.match(again.stderr, /WARNING: All keys were skipped because they already exist on the remote system/)
        assert.equal(again.stdout.toString(), '')
        assert.equal(there(), lineOf(key))
      })

      test('a last line without an end stays a line of its own', { skip }, async () => {
        await using at = await serving(server)
        const key = newKey('ecdsa256')
        before('# mine\nssh-ed25519 AAAA cut')
        const { code, stderr } = await copyId(at, [...way, '-i', key.publicPath])
        assert.equal(code, 0, stderr)
        assert.equal(there(), `# mine\nssh-ed25519 AAAA cut\n${lineOf(key)}`)
        assert.equal(modeOf(fileThere()), 0o600)
      })

      test('-n changes nothing and shows the lines; -f needs no private key and asks nobody', { skip }, async () => {
        await using at = await serving(server)
        const key = newKey('rsa')
        const shown = await copyId(at, [...way, '-n', '-i', key.path])
        assert.equal(shown.code, 0, shown.stderr)
        assert.equal(shown.stdout.toString(), `=-=-=-=-=-=-=-=\nWould have added the following key(s):\n\n${lineOf(key)}=-=-=-=-=-=-=-=\n`)
        assert.equal(existsSync(fileThere()), false)
        rmSync(key.path)
        const without = await copyId(at, [...way, '-i', key.path])
        assert.equal(without.code, 1)
        assert.match(without.stderr, /ERROR: failed to open ID file '.*': No such file or directory\n\t\(to install the contents of/)
        for (let time = 1; time <= 2; time++) {
          const forced = await copyId(at, [...way, '-f', '-i', key.path])
          assert.equal(forced.code, 0, forced.stderr)
          assert.equal(there(), lineOf(key).repeat(time))
        }
      })

      test('-t names another file, whatever its name', { skip }, async () => {
        await using at = await serving(server)
        const key = newKey('ed25519')
        const odd = `keys' of "$HOME" & \`id\`; x/authorized keys`
        const { code, stderr } = await copyId(at, [...way, '-i', key.path, '-t', odd])
        assert.equal(code, 0, stderr)
        assert.equal(readFileSync(join(world().home, odd), 'utf8'), lineOf(key))
        assert.equal(modeOf(join(world().home, odd)), 0o600)
        rmSync(join(world().home, odd.split('/')[0]), { recursive: true })
      })
    })

describe('where keys come from', () => {
  test('the agent: those that are there already stay out', { skip }, async () => {
    await using at = await serving(openSshServer)
    const [one, two] = [newKey('ed25519'), newKey('ecdsa384')]
    const socket = join(freshFolder('agent'), 'socket')
    await using agent = await start(['ssh-agent', '-D', '-a', socket])
    while (!existsSync(socket) && !agent.ended) await new Promise(resolve => setTimeout(resolve, 10))
    const env = { SSH_AUTH_SOCK: socket }
    await finish(['ssh-add', '-q', one.path, two.path], { env })
    before(lineOf(one))
    const { code, stderr } = await copyId(at, [], env)
    assert.equal(code, 0, stderr)
    assert.match(stderr, /Source of key\(s\) to be installed: ssh-add -L/)
    assert.equal(there(), lineOf(one) + lineOf(two))
  })

  test('the newest of ~/.ssh', { skip }, async () => {
    await using at = await serving(openSshServer)
    const key = newKey('ed25519')
    const home = freshFolder('home')
    mkdirSync(join(home, '.ssh'), { mode: 0o700 })
    for (const [from, to] of [
      [key.path, 'id_ed25519'],
      [key.publicPath, 'id_ed25519.pub'],
      [newKey('ed25519').publicPath, 'other.pub'],
      [newKey('ed25519').publicPath, 'id_ed25519-cert.pub'],
    ] as const)
      writeFileSync(join(home, '.ssh', to), readFileSync(from), { mode: 0o600 })
    const { code, stderr } = await copyId(at, [], { HOME: home })
    assert.equal(code, 0, stderr)
    assert.equal(there(), lineOf(key))
  })
})

describe('what goes wrong is told, with 1', () => {
  const fails = async (words: readonly string[], message: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await finish(nacre('ssh-copy-id', ...words))
    assert.equal(code, 1)
    assert.equal(stdout.toString(), '')
    assert.match(stderr, message)
  }
  test('no host', {}, () => fails([], /^Usage: ssh-copy-id /))
  test('-h', {}, () => fails(['-h'], /^Usage: ssh-copy-id /))
  test('two hosts', {}, () => fails(['a', 'b'], /ERROR: Too many arguments\. {2}Expecting a target hostname, got: a b\n/))
  test('-i twice', {}, () => fails(['-i', 'a', '-i', 'b', 'c'], /ERROR: -i option must not be specified more than once/))
  test('a key where the host should be', {}, () => fails(['-i', userKey().publicPath], /ERROR: Missing hostname\. Use "-i -- /))
  test('no key anywhere', {}, () => fails(['x@127.0.0.1'], /ERROR: No identities found/))
  test('nobody listens', {}, () =>
    fails(['-F', 'none', '-i', userKey().path, '-p', '1', 'x@127.0.0.1'], /ERROR: Cannot connect to 127\.0\.0\.1 port 1/),
  )
  test('a server that lets nobody in', { skip }, async () => {
    await using at = await openSshServer({ accepts: { keys: [] } })
    const { code, stderr } = await copyId(at, ['-i', newKey('ed25519').path])
    assert.equal(code, 1)
    assert.match(stderr, /Could not log in as "wanda"/)
  })
})
