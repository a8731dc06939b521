// Owns the table of conversations that are recorded: what each shows, which peers it fits, and what happens in it. Knows
// nothing of how a peer is started.
import assert from 'node:assert/strict'
import type { ClientConnection } from 'nacre'
import { defaultTables } from 'nacre/algorithms'
import type { Accepts, Login } from '../peers/peer.ts'
import { tokenPrompt } from '../peers/peer.ts'
import { bytesOf } from '../rig/bytes.ts'
import { freshFile } from '../rig/folder.ts'
import { hostKey, type KeyKind, strangerKey, userKey } from '../rig/keys.ts'
import type { Finished } from '../rig/process.ts'
import { Screen } from '../rig/screen.ts'
import { world } from '../rig/world.ts'
import type { Ability, Narrow, RecordedClientRequest, RecordedPeer, RecordedServerOptions } from './peers.ts'
import { type OurAlgorithms, recordOurClient, recordOurServer } from './sites.ts'

export type PeerRole = 'server' | 'client'

export interface Case {
  /** Also the name of the file, after the role of the peer. */
  readonly name: string
  readonly about: string
  readonly role: PeerRole
  readonly needs: readonly Ability[]
  readonly unless?: Ability
  /** The algorithm it is there for; recorded only when no other transcript has it in this role, unless all are asked for. */
  readonly algorithm?: { readonly kind: keyof Narrow; readonly name: string }
  record(peer: RecordedPeer): Promise<string>
}

/** A few hundred bytes that no compression shortens, and some that it does. */
const input = Buffer.concat([bytesOf(200), Buffer.from('all work and no play '.repeat(10))])
const password = world().password ?? 'open sesame'
const key = { key: userKey() }
const accepts = { keys: [userKey()] }

// ── peers as servers ────────────────────────────────────────────────────────────────────────────────────────────────

interface AtServer {
  readonly needs?: readonly Ability[]
  readonly unless?: Ability
  readonly server?: Partial<RecordedServerOptions>
  readonly login?: Login
  readonly algorithms?: OurAlgorithms
  readonly rekey?: { readonly bytes?: number; readonly packets?: number }
  readonly expects?: string
  readonly act?: ((connection: ClientConnection) => Promise<void>) | undefined
}

/** Both ways, both outputs, an exit status. */
const echoes = async (connection: ClientConnection, bytes: Uint8Array = input): Promise<void> => {
  const { stdoutBytes, stderr, code } = await connection.run('cat; echo apart >&2; exit 7', { input: bytes })
  assert.deepEqual(Buffer.from(stdoutBytes), Buffer.from(bytes))
  assert.equal(stderr, 'apart\n')
  assert.equal(code, 7)
}

const echoesTwice = async (connection: ClientConnection): Promise<void> => {
  await echoes(connection)
  connection.rekey()
  await echoes(connection)
}

const atTerminal = async (connection: ClientConnection): Promise<void> => {
  await using shell = await connection.shell({ pty: { columns: 80, rows: 24, term: 'vt100' } })
  const screen = new Screen()
  shell.tap({ stdout: bytes => screen.add(bytes), stderr: bytes => screen.add(bytes) })
  await shell.stdin.write(Buffer.from('PS1=; echo $((40 + 2))\r'))
  await screen.shows(/42\r\n/)
  shell.resize({ columns: 100, rows: 30 })
  await shell.stdin.write(Buffer.from('exit 3\r'))
  assert.deepEqual(await shell.exited, { code: 3 })
}

const endsBySignal = async (connection: ClientConnection): Promise<void> => {
  assert.equal((await connection.run('echo before; kill -TERM $$')).signal, 'TERM')
}

const severalAtOnce = async (connection: ClientConnection): Promise<void> => {
  const results = await Promise.all(['a', 'b', 'c'].map(each => connection.run(`read x; echo $x ${each}`, { input: `${each}\n` })))
  assert.deepEqual(
    results.map(each => each.stdout),
    ['a a\n', 'b b\n', 'c c\n'],
  )
}

const asksGlobally = async (connection: ClientConnection): Promise<void> => {
  await using ls = await connection.exec('sleep 10')
  ls.signal('TERM')
  await ls.exited
  const { stdout } = await connection.run('echo $LANG', { env: { LANG: 'C', FORBIDDEN: 'x' } })
  assert.equal(stdout, 'C\n')
}

const sftpInit = Uint8Array.of(0, 0, 0, 5, 1, 0, 0, 0, 3)
const subsystem = async (connection: ClientConnection): Promise<void> => {
  await using process = await connection.subsystem('sftp')
  const answer = Promise.withResolvers<void>()
  process.tap({ stdout: () => answer.resolve(), stderr: () => {} })
  await process.stdin.write(sftpInit)
  await answer.promise
}

const atServers: Readonly<Record<string, readonly [about: string, how: AtServer]>> = {
  default: ['a key, a command with both outputs, an exit status, new keys at our wish, all as negotiated', { act: echoesTwice }],
  password: ['a password', { needs: ['password'], server: { accepts: { password } }, login: { password } }],
  prompts: [
    'keyboard-interactive',
    {
      needs: ['prompts'],
      server: { accepts: { prompts: [{ ...tokenPrompt, answer: password }] }, pam: true },
      login: { answers: [password] },
    },
  ],
  chain: [
    'a key, then a password',
    {
      needs: ['chain', 'password'],
      server: { accepts: { ...accepts, password, chain: ['publickey', 'password'] } },
      login: { ...key, password },
    },
  ],
  refused: ['a key that nobody authorized', { login: { key: strangerKey() }, act: undefined }],
  terminal: ['a shell on a terminal, typed at, resized', { needs: ['terminal'], act: atTerminal }],
  signal: ['a command that ends by a signal', { needs: ['exit-signal'], act: endsBySignal }],
  'rekeys-by-peer': [
    'new keys at the wish of the peer',
    { needs: ['rekeys'], server: { rekeyBytes: 2048 }, act: connection => echoes(connection, bytesOf(3000)) },
  ],
  'rekeys-by-us': [
    'new keys at our wish every few packets',
    {
      rekey: { packets: 8 },
      act: async connection => {
        await echoes(connection)
        await echoes(connection)
      },
    },
  ],
  compressed: [
    'compression that starts after the login',
    { needs: ['delayed-zlib'], server: { compress: true }, algorithms: { compression: ['zlib@openssh.com'] }, act: echoesTwice },
  ],
  zlib: [
    'compression that starts at once',
    { needs: ['zlib'], server: { compress: true }, algorithms: { compression: ['zlib'] }, act: echoesTwice },
  ],
  several: ['three commands at once', { needs: ['narrows'], act: severalAtOnce }],
  environment: ['variables, taken and refused; a signal sent', { needs: ['globals'], act: asksGlobally }],
  subsystem: ['the first message of SFTP', { needs: ['subsystem'], act: subsystem }],
  banner: ['a banner', { needs: ['banner'], server: { banner: freshFile('banner', 'Mind the gap.\n', 0o644) } }],
  'channel-in-exchange': [
    'the peer goes on using its channel in the middle of a key exchange (against RFC 4253 §7.1), so we end the connection',
    {
      needs: ['speaks-in-exchange'],
      server: { rekeyBytes: 2048 },
      expects: 'message-during-key-exchange',
      act: async connection => {
        await connection.run('for i in 1 2 3 4 5 6 7 8 9; do head -c 1000 /dev/zero; done')
      },
    },
  ],
}

const serverCase = (name: string, about: string, how: AtServer, narrow?: Narrow): Case => ({
  name,
  about,
  role: 'server',
  needs: how.needs ?? [],
  ...(how.unless === undefined ? {} : { unless: how.unless }),
  async record(peer) {
    assert.ok(peer.server !== undefined)
    const options: RecordedServerOptions = {
      accepts,
      hostKeys: [hostKey(narrow === undefined ? 'ed25519' : keyKinds[narrow.hostKey])],
      ...theirOffer(peer, name, narrow),
      ...how.server,
    }
    await using server = await peer.server.start(options)
    return await recordOurClient({
      about: `${peer.id} as server: ${about}`,
      to: server.to,
      login: how.login ?? key,
      act: 'act' in how ? how.act : echoes,
      ...(how.rekey === undefined ? {} : { rekey: how.rekey }),
      ...(how.expects === undefined ? {} : { expects: how.expects }),
      ...ourOffer(peer, name, narrow, how.algorithms),
    })
  },
})

/** The same for the peer, where it can be told. */
const theirOffer = (peer: RecordedPeer, name: string, narrow: Narrow | undefined): { readonly narrow?: Narrow } =>
  name === 'default' ? {} : { narrow: narrow ?? peer.ours }

/** Only the case `default` negotiates with all we have. */
const ourOffer = (
  peer: RecordedPeer,
  name: string,
  narrow: Narrow | undefined,
  chosen: OurAlgorithms | undefined,
): { readonly algorithms?: OurAlgorithms } =>
  name === 'default' ? {} : { algorithms: { ...algorithmsOf(narrow ?? peer.ours), ...chosen } }

// ── peers as clients ────────────────────────────────────────────────────────────────────────────────────────────────

interface AtClient extends Omit<AtServer, 'act' | 'server'> {
  readonly client?: Partial<RecordedClientRequest>
  readonly accepts?: Accepts
  readonly banner?: string
  readonly check?: (result: Finished) => void
}

const echoed = (bytes: Uint8Array): AtClient => ({
  client: { command: 'cat; echo apart >&2; exit 7', stdin: bytes },
  check: ({ code, stdout, stderr }) => {
    assert.equal(code, 7, stderr)
    assert.deepEqual(stdout, Buffer.from(bytes))
    assert.match(stderr, /apart/)
  },
})

const clientCases: Readonly<Record<string, readonly [about: string, how: AtClient]>> = {
  default: ['a key, a command with both outputs, an exit status, all as negotiated', echoed(input)],
  password: ['a password', { ...echoed(input), needs: ['password'], accepts: { password }, login: { password } }],
  prompts: [
    'keyboard-interactive',
    { ...echoed(input), needs: ['prompts'], accepts: { prompts: [tokenPrompt] }, login: { answers: [tokenPrompt.answer] } },
  ],
  chain: [
    'a key, then a password',
    {
      ...echoed(input),
      needs: ['chain', 'password'],
      accepts: { ...accepts, password, chain: ['publickey', 'password'] },
      login: { ...key, password },
    },
  ],
  refused: [
    'a key that nobody authorized',
    { login: { key: strangerKey() }, client: { command: 'true' }, check: ({ code }) => assert.notEqual(code, 0) },
  ],
  terminal: [
    'a shell on a terminal',
    {
      needs: ['terminal'],
      client: { command: undefined, pty: true, stdin: 'echo $((40 + 2))\nexit 3\n' },
      check: ({ stdout }) => assert.match(stdout.toString(), /42/),
    },
  ],
  signal: [
    'a command that ends by a signal',
    { client: { command: 'echo before; kill -TERM $$' }, check: ({ stdout }) => assert.equal(stdout.toString(), 'before\n') },
  ],
  'rekeys-by-peer': [
    'new keys at the wish of the peer',
    {
      ...echoed(bytesOf(3000)),
      needs: ['rekeys'],
      // Some begin an exchange only when something comes, so there is a pause in which it can end.
      client: { command: 'cat; sleep 0.3; echo apart >&2; exit 7', stdin: bytesOf(3000), rekeyBytes: 2048 },
    },
  ],
  'rekeys-by-us': ['new keys at our wish every few packets', { ...echoed(input), unless: 'speaks-in-exchange', rekey: { packets: 8 } }],
  compressed: [
    'compression that starts after the login',
    {
      ...echoed(input),
      needs: ['delayed-zlib'],
      client: { ...echoed(input).client, compress: true },
      algorithms: { compression: ['zlib@openssh.com'] },
    },
  ],
  zlib: [
    'compression that starts at once',
    { ...echoed(input), needs: ['zlib'], client: { ...echoed(input).client, compress: true }, algorithms: { compression: ['zlib'] } },
  ],
  banner: ['a banner', { ...echoed(input), needs: ['banner'], banner: 'Mind the gap.\n' }],
  'opens-in-exchange': [
    'the peer opens a channel in the middle of a key exchange (against RFC 4253 §7.1), so we end the connection',
    { needs: ['speaks-in-exchange'], rekey: { packets: 8 }, expects: 'message-during-key-exchange' },
  ],
  'channel-in-exchange': [
    'the peer goes on using its channel in the middle of a key exchange (against RFC 4253 §7.1), so we end the connection',
    {
      needs: ['speaks-in-exchange'],
      client: { command: 'cat >/dev/null', stdin: bytesOf(8000), rekeyBytes: 2048 },
      expects: 'message-during-key-exchange',
    },
  ],
}

const clientCase = (name: string, about: string, how: AtClient, narrow?: Narrow): Case => ({
  name,
  about,
  role: 'client',
  needs: how.needs ?? [],
  ...(how.unless === undefined ? {} : { unless: how.unless }),
  record: peer => {
    const { client } = peer
    assert.ok(client !== undefined)
    return recordOurServer({
      about: `${peer.id} as client: ${about}`,
      accepts: how.accepts ?? accepts,
      hostKeys: [hostKey(narrow === undefined ? 'ed25519' : keyKinds[narrow.hostKey])],
      talk: to => client.run({ to, login: how.login ?? key, command: 'true', ...theirOffer(peer, name, narrow), ...how.client }),
      check: how.check ?? (({ code, stderr }) => assert.equal(code, 0, stderr)),
      ...(how.banner === undefined ? {} : { banner: how.banner }),
      ...(how.rekey === undefined ? {} : { rekey: how.rekey }),
      ...(how.expects === undefined ? {} : { expects: how.expects }),
      ...ourOffer(peer, name, narrow, how.algorithms),
    })
  },
})

// ── one algorithm at a time ─────────────────────────────────────────────────────────────────────────────────────────

const keyKinds: Readonly<Record<string, KeyKind>> = {
  'ssh-ed25519': 'ed25519',
  'ecdsa-sha2-nistp256': 'ecdsa256',
  'ecdsa-sha2-nistp384': 'ecdsa384',
  'ecdsa-sha2-nistp521': 'ecdsa521',
  'rsa-sha2-256': 'rsa',
  'rsa-sha2-512': 'rsa',
  'ssh-rsa': 'rsa',
  'ssh-dss': 'dsa',
  'ssh-mldsa44-ed25519@openssh.com': 'mldsa44',
}

const usual: Narrow = {
  kex: 'curve25519-sha256',
  hostKey: 'ssh-ed25519',
  cipher: 'aes128-ctr',
  mac: 'hmac-sha2-256',
  compression: 'none',
}

const algorithmsOf = ({ kex, hostKey, cipher, mac, compression }: Narrow): OurAlgorithms => ({
  kex: [kex],
  hostKey: [hostKey],
  ciphers: [cipher],
  macs: [mac],
  compression: [compression],
})

const kinds = {
  kex: { rows: defaultTables.kexMethods, what: 'kex' },
  hostKey: { rows: defaultTables.signatures, what: 'HostKeyAlgorithms' },
  cipher: { rows: defaultTables.ciphers, what: 'cipher' },
  mac: { rows: defaultTables.macs, what: 'mac' },
} as const

const words: Readonly<Record<keyof typeof kinds, string>> = { kex: 'kex', hostKey: 'host-key', cipher: 'cipher', mac: 'mac' }

/** A case for each algorithm the peer and we know, in each of its roles. */
const algorithmCases = (peer: RecordedPeer): readonly Case[] => {
  const { knows } = peer
  if (knows === undefined) return []
  return (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap(kind => {
    const { rows, what } = kinds[kind]
    const theirs = knows(what)
    return (
      rows
        .map(row => row.name)
        // Hosts have no security keys.
        .filter(name => theirs.has(name) && (kind !== 'hostKey' || name in keyKinds))
        .flatMap(name => {
          const about = `${words[kind]} ${name}`
          const narrow = { ...usual, [kind]: name }
          const file = `${words[kind]}-${name}`
          const algorithm = { kind, name }
          // Only what depends on the session's first exchange is worth a second one.
          const act = kind === 'kex' ? echoesTwice : echoes
          return [
            { ...serverCase(file, about, { act }, narrow), algorithm },
            { ...clientCase(file, about, { ...echoed(input), ...(kind === 'kex' ? { rekey: { packets: 8 } } : {}) }, narrow), algorithm },
          ]
        })
    )
  })
}

const forwarding = (forward: readonly string[]): Case =>
  clientCase('forwarding', 'a port is asked for and refused', {
    ...echoed(input),
    client: { ...echoed(input).client, options: forward },
  })

/** All that can be recorded with a peer. */
export const casesOf = (peer: RecordedPeer): readonly Case[] =>
  [
    ...Object.entries(atServers).map(([name, [about, how]]) => serverCase(name, about, how)),
    ...Object.entries(clientCases).map(([name, [about, how]]) => clientCase(name, about, how)),
    ...(peer.client?.forward === undefined ? [] : [forwarding(peer.client.forward)]),
    ...algorithmCases(peer),
  ].filter(({ role, needs, unless }) => {
    const side = peer[role]
    return side !== undefined && needs.every(each => side.can.has(each)) && (unless === undefined || !side.can.has(unless))
  })
