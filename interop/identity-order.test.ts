// Owns the order in which keys are offered, beside the ssh of this machine: what a server that takes none of them saw of each, key
// after key, for the same agent, files and options.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, describe } from 'node:test'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { type KeyFile, type KeyKind, newKey, strangerKey } from './rig/keys.ts'
import { finish, type Running, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

const authority = newKey('ed25519')
/** The same key with a certificate beside it. */
const certified = (kind: KeyKind): KeyFile => {
  const key = newKey(kind)
  execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', 'order', '-n', world().user, key.publicPath])
  return key
}
const certificateOf = ({ path }: KeyFile): string => `${path}-cert.pub`

const [one, two, three, four] = [newKey('ed25519'), newKey('rsa'), newKey('ecdsa256'), newKey('ed25519')]
const [certifiedOne, certifiedTwo] = [certified('ed25519'), certified('ecdsa256')]
/** The file of a key whose certificate lies elsewhere. */
const withoutCertificate: KeyFile = { ...certifiedOne, path: freshFile('alone', readFileSync(certifiedOne.path)) }
const locked = newKey('ed25519', 'a passphrase')
/** Only the public half of a key. */
const publicOnly = (key: KeyFile): string => freshFile('public.pub', readFileSync(key.publicPath), 0o644)
const named = (...keys: readonly (KeyFile | string)[]): readonly string[] =>
  keys.flatMap(key => ['-i', typeof key === 'string' ? key : key.path])

interface Setup {
  readonly name: string
  /** What the agent holds, in the order it was added; without it there is no agent. A certificate beside a key goes with it. */
  readonly agent?: readonly KeyFile[]
  readonly words: readonly string[]
  /** How many keys the server sees. */
  readonly keys: number
}

const setups: readonly Setup[] = [
  { name: 'files alone', words: named(one, two, three), keys: 3 },
  {
    name: 'files of a configuration, and one of the command line',
    words: ['-F', freshFile('config', `IdentityFile ${one.path}\nIdentityFile ${two.path}\n`), ...named(three)],
    keys: 3,
  },
  { name: 'certificates beside files', words: named(certifiedOne, three, certifiedTwo), keys: 5 },
  {
    name: 'a certificate that is named',
    words: [...named(certifiedOne, certifiedTwo, three), '-o', `CertificateFile=${certificateOf(certifiedTwo)}`],
    keys: 4,
  },
  {
    name: 'certificates that are named, each in its place',
    words: [
      ...named(certifiedOne, certifiedTwo),
      '-o',
      `CertificateFile=${certificateOf(certifiedTwo)}`,
      '-o',
      `CertificateFile=${certificateOf(certifiedOne)}`,
    ],
    keys: 4,
  },
  { name: 'an agent with other keys', agent: [three, two], words: named(one), keys: 3 },
  { name: 'an agent with keys of the files among others', agent: [three, two, one], words: named(one, four, two), keys: 4 },
  {
    name: 'the same with IdentitiesOnly',
    agent: [three, two, one],
    words: [...named(one, four, two), '-o', 'IdentitiesOnly=yes'],
    keys: 3,
  },
  {
    name: 'a certificate beside the file of a key that an agent has',
    agent: [withoutCertificate],
    words: named(three, certifiedOne),
    keys: 3,
  },
  { name: 'an agent with a certificate, which is beside a file too', agent: [certifiedTwo], words: named(certifiedTwo, one), keys: 3 },
  {
    name: 'public halves that name keys of an agent',
    agent: [three, two, one],
    words: [...named(publicOnly(one), publicOnly(three)), '-o', 'IdentitiesOnly=yes'],
    keys: 2,
  },
  { name: 'an agent that is not to be used', agent: [three], words: [...named(one), '-o', 'IdentityAgent=none'], keys: 1 },
  { name: 'a locked file between others', words: named(one, locked, two), keys: 3 },
  {
    name: 'RSA keys that are too short, in an agent and in a file',
    agent: [two, three],
    words: [...named(one, newKey('rsa')), '-o', 'RequiredRSASize=4096'],
    keys: 2,
  },
  {
    name: 'kinds of keys that are not to be used',
    agent: [two, three],
    words: [...named(one, certifiedTwo), '-o', 'PubkeyAcceptedAlgorithms=ssh-ed25519,rsa-sha2-512'],
    keys: 2,
  },
  {
    name: 'only certificates',
    agent: [three],
    words: [...named(certifiedOne, two), '-o', 'PubkeyAcceptedAlgorithms=*-cert-v01@openssh.com'],
    keys: 1,
  },
]

/** What the server was shown, key after key. */
const shown = (log: string): readonly string[] =>
  [...log.matchAll(/Failed publickey for .* ssh2: (\S+) (\S+)/g)].map(([, type, fingerprint]) => `${type} ${fingerprint}`)

let server: PeerServer | undefined
before(async () => {
  server = await openSshServer({ accepts: { keys: [strangerKey()] }, config: ['MaxAuthTries 100'] })
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
})

const startAgent = async (keys: readonly KeyFile[]): Promise<{ readonly agent: Running; readonly socket: string }> => {
  const socket = freshPath('agent')
  const agent = await start(['ssh-agent', '-D', '-a', socket], { name: 'ssh-agent' })
  for (let turn = 0; !existsSync(socket) && turn < 500; turn++) await new Promise(resolve => setTimeout(resolve, 20))
  const { code, stderr } = await finish(['ssh-add', '-q', ...keys.map(({ path }) => path)], { env: { SSH_AUTH_SOCK: socket } })
  assert.equal(code, 0, stderr)
  return { agent, socket }
}

/** The keys that a client shows to the server that takes none. */
const offeredBy = async (program: readonly string[], { words }: Setup, socket: string): Promise<readonly string[]> => {
  assert.ok(server !== undefined)
  const { host, port, user } = server.to
  const from = server.process.log().length
  const usual = [`UserKnownHostsFile=${freshPath('known_hosts')}`, 'StrictHostKeyChecking=accept-new', 'PreferredAuthentications=publickey']
  const file = words.includes('-F') ? [] : ['-F', 'none']
  const { code, stderr } = await finish(
    [...program, ...file, ...words, ...usual.flatMap(each => ['-o', each]), '-p', String(port), `${user}@${host}`, 'true'],
    { env: { SSH_AUTH_SOCK: socket, SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force', DISPLAY: '' } },
  )
  assert.equal(code, 255, stderr)
  const { process: sshd } = server
  for (let turn = 0; !/Connection (closed|reset)|Disconnected from/.test(sshd.log().slice(from)) && turn < 500; turn++)
    await new Promise(resolve => setTimeout(resolve, 10))
  return shown(sshd.log().slice(from))
}

describe('keys are offered in the order of OpenSSH', () => {
  for (const setup of setups)
    test(setup.name, {}, async () => {
      const running = setup.agent === undefined ? undefined : await startAgent(setup.agent)
      try {
        const socket = running?.socket ?? ''
        const theirs = await offeredBy(['ssh'], setup, socket)
        assert.equal(theirs.length, setup.keys, theirs.join('\n'))
        assert.deepEqual(await offeredBy(nacre('ssh'), setup, socket), theirs)
      } finally {
        await running?.agent[Symbol.asyncDispose]()
      }
    })
})
