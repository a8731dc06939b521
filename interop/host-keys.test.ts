// Owns trust in host keys beside OpenSSH's client: the same known_hosts and the same keywords given to both, who gets in, who does
// not, and what stands in the files afterwards; and host keys that are announced, in all directions.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { describe } from 'node:test'
import { connect, knownHosts, sshfpResolver } from 'nacre'
import { parsePublicKeyLine, sshfpRecords } from 'nacre/keys'
import { dnsServer } from './peers/dns.ts'
import { openSshClient, openSshCommand, type OpenSshServerOptions, openSshServer } from './peers/openssh.ts'
import type { ClientPeer, ClientRequest, PeerServer, Prepared } from './peers/peer.ts'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { hostKey, type KeyFile, newKey, userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { authFor } from './sites/client.ts'
import { nacreSsh, nacreSshCommand, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const clients: readonly ClientPeer[] = [openSshClient, nacreSsh]
const commands: Readonly<Record<string, (request: ClientRequest) => Prepared>> = {
  [openSshClient.name]: openSshCommand,
  [nacreSsh.name]: nacreSshCommand,
}

const at = ({ to }: PeerServer, key: KeyFile): string => `[${to.host}]:${to.port} ${key.line}`
const textOf = (lines: readonly string[]): string => lines.map(line => `${line}\n`).join('')
const linesOf = (path: string): readonly string[] => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [])

interface Seen {
  readonly result: Finished
  readonly file: string
  readonly lines: readonly string[]
}

/** One login with these lines in the user's file. */
const visit = async (
  client: ClientPeer,
  server: PeerServer,
  lines: readonly string[] | undefined,
  options: readonly string[] = [],
  more: Partial<ClientRequest> = {},
): Promise<Seen> => {
  const file = lines === undefined ? freshPath('known_hosts') : freshFile('known_hosts', textOf(lines))
  const result = await client.run({
    to: server.to,
    login,
    command: 'echo inside',
    options: [...options, `UserKnownHostsFile=${file}`],
    ...more,
  })
  return { result, file, lines: linesOf(file) }
}

const gotIn = ({ result }: Seen): boolean => result.stdout.toString() === 'inside\n'
const values = ['yes', 'accept-new', 'no', 'off', 'ask'] as const

interface Case {
  readonly name: string
  readonly lines: (server: PeerServer) => readonly string[]
  readonly lets: readonly (typeof values)[number][]
  /** Values with which the key is written down. */
  readonly adds: readonly (typeof values)[number][]
  readonly says?: RegExp
}

const other = newKey('ed25519')
const cases: readonly Case[] = [
  { name: 'that nobody knows', lines: () => [], lets: ['accept-new', 'no', 'off'], adds: ['accept-new', 'no', 'off'] },
  { name: 'that is known', lines: server => [at(server, hostKey())], lets: values, adds: [] },
  { name: 'that is known without its port', lines: server => [`${server.to.host} ${hostKey().line}`], lets: values, adds: [] },
  {
    name: 'that has changed',
    lines: server => [at(server, other)],
    lets: ['no', 'off'],
    adds: [],
    says: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
  },
  {
    name: 'of which a key of another type is known',
    lines: server => [at(server, hostKey('ecdsa384'))],
    lets: ['no', 'off'],
    adds: [],
    says: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
  },
  {
    name: 'that is revoked',
    lines: server => [at(server, hostKey()), `@revoked * ${hostKey().line}`],
    lets: ['no', 'off'],
    adds: [],
    says: /REVOKED HOST KEY DETECTED/,
  },
]

for (const client of clients) {
  describe(`${client.name} and StrictHostKeyChecking, for a key`, () => {
    for (const { name, lines, lets, adds, says } of cases) {
      test(name, {}, async () => {
        await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
        const before = lines(server)
        for (const value of values) {
          const seen = await visit(client, server, before, [`StrictHostKeyChecking=${value}`, 'UpdateHostKeys=no', 'BatchMode=yes'])
          assert.equal(gotIn(seen), lets.includes(value), `${value}: ${seen.result.stderr}`)
          assert.deepEqual(seen.lines, [...before, ...(adds.includes(value) ? [at(server, hostKey())] : [])], value)
          if (says !== undefined) assert.match(seen.result.stderr, says)
        }
      })
    }

    test('in a system file, of an alias, hashed, or in the second of the files', {}, async () => {
      await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
      const known = freshFile('other_known_hosts', textOf([at(server, hostKey())]))
      assert.ok(gotIn(await visit(client, server, [], [`GlobalKnownHostsFile=${known}`])))
      const alias = freshFile('alias_known_hosts', textOf([`the-alias ${hostKey().line}`]))
      assert.ok(gotIn(await visit(client, server, undefined, [`UserKnownHostsFile=${alias}`, 'HostKeyAlias=The-Alias'])))
      const hashed = await visit(client, server, [], ['StrictHostKeyChecking=accept-new', 'HashKnownHosts=yes'])
      assert.match(hashed.lines.join(), /^\|1\|\S+\|\S+ ssh-ed25519 /)
      for (const each of clients) assert.ok(gotIn(await visit(each, server, hashed.lines)), each.name)
      const empty = freshFile('empty', '')
      assert.ok(gotIn(await visit(client, server, undefined, [`UserKnownHostsFile=${empty} ${known}`])))
      assert.equal(gotIn(await visit(client, server, undefined, ['UserKnownHostsFile=none', 'StrictHostKeyChecking=no'])), false)
    })

    test('from KnownHostsCommand, which is asked with its tokens, and whose failure lets nobody in', {}, async () => {
      await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
      const log = freshPath('asked')
      const command = (exit: number): string =>
        freshFile('hosts.sh', `#!/bin/sh\necho "$@" >> ${log}\necho '${at(server, hostKey())}'\nexit ${exit}\n`, 0o755)
      const asks = (exit: number): readonly string[] => [`KnownHostsCommand=${command(exit)} %H %I %t %f "a b"`]
      assert.ok(gotIn(await visit(client, server, [], asks(0))))
      const name = `[${server.to.host}]:${server.to.port}`
      // OpenSSH's own leaves the port out before it connects; its manual has it as we do.
      const before = client === openSshClient ? server.to.host : name
      assert.deepEqual(linesOf(log), [`${before} ORDER NONE NONE a b`, `${name} HOSTNAME ssh-ed25519 ${hostKey().fingerprint} a b`])
      assert.equal(gotIn(await visit(client, server, [], asks(3))), false)
    })

    test('that RevokedHostKeys lists, in a list of keys or a KRL, is never taken', {}, async () => {
      await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
      const krl = freshPath('krl')
      await finish(['ssh-keygen', '-q', '-k', '-f', krl, hostKey().publicPath])
      for (const list of [krl, freshFile('revoked', `${hostKey().line}\n`), '/nonexistent/list'])
        assert.equal(
          gotIn(await visit(client, server, [at(server, hostKey())], [`RevokedHostKeys=${list}`, 'StrictHostKeyChecking=no'])),
          false,
        )
    })

    test('whose file cannot be written: it is said, and the login goes on', {}, async () => {
      await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
      const seen = await visit(client, server, undefined, ['UserKnownHostsFile=/proc/none/known_hosts', 'StrictHostKeyChecking=accept-new'])
      assert.ok(gotIn(seen), seen.result.stderr)
      assert.match(seen.result.stderr, /Failed to add the host/)
    })

    test('when the disk is full: the login goes on', { skip: needsPrivilege() }, async () => {
      await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
      const folder = freshFolder('full')
      const options = [`UserKnownHostsFile=${folder}/known_hosts`, 'StrictHostKeyChecking=accept-new']
      const prepared = commands[client.name]({ to: server.to, login, command: 'echo inside', options })
      const script = freshFile(
        'full.sh',
        `#!/bin/sh\nmount -t tmpfs -o size=4k tmpfs ${folder}\n: > ${folder}/known_hosts\nhead -c 4096 /dev/zero > ${folder}/all\nexec "$@"\n`,
        0o755,
      )
      const { stdout, stderr } = await finish(
        ['unshare', '--mount', '--propagation', 'private', script, ...prepared.command],
        prepared.options,
      )
      assert.equal(stdout.toString(), 'inside\n', stderr)
      // OpenSSH's does not notice that what it wrote is not there.
      if (client === nacreSsh) assert.match(stderr, /Failed to add the host.*no space/i)
    })

    test('of this machine is not looked at with NoHostAuthenticationForLocalhost', {}, async () => {
      await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
      const seen = await visit(client, server, [at(server, other)], ['NoHostAuthenticationForLocalhost=yes'])
      assert.ok(gotIn(seen), seen.result.stderr)
    })

    test('that has changed: no password is told to such a server', { skip: needsPrivilege() }, async () => {
      const { password = '' } = world()
      await using server = await openSshServer({ accepts: { password }, hostKeys: [hostKey()] })
      const seen = await visit(client, server, [at(server, other)], ['StrictHostKeyChecking=no'], { login: { password } })
      assert.equal(gotIn(seen), false)
      assert.match(seen.result.stderr, /[Pp]assword.* disabled/)
      assert.doesNotMatch(server.process.log(), /Failed password|Accepted password/)
    })
  })
}

describe('a host key with pictures and other fingerprints', () => {
  for (const client of clients) {
    test(`in ${client.name}`, {}, async () => {
      await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
      const listed = async (hash: string): Promise<string> =>
        (await finish(['ssh-keygen', '-lv', '-E', hash, '-f', hostKey().publicPath])).stdout.toString()
      for (const hash of ['md5', 'sha256']) {
        const seen = await visit(client, server, [at(server, hostKey())], ['VisualHostKey=yes', `FingerprintHash=${hash}`])
        const [line, ...art] = (await listed(hash)).trimEnd().split('\n')
        assert.ok(gotIn(seen))
        const shown = seen.result.stderr.replaceAll('\r', '')
        assert.ok(
          shown.includes(`Host key fingerprint is: ${line.split(' ')[1]}`) ||
            shown.includes(`Host key fingerprint is ${line.split(' ')[1]}`),
          shown,
        )
        assert.ok(shown.includes(art.join('\n')), shown)
      }
    })
  }
})

test('a key exchange that is not post-quantum is warned of, unless it was chosen or WarnWeakCrypto is no', {}, async () => {
  await using server = await openSshServer({ accepts, hostKeys: [hostKey()], config: ['KexAlgorithms curve25519-sha256'] })
  const warning = /not using a post-quantum key exchange/
  const said = async (...options: readonly string[]): Promise<string> =>
    (await visit(nacreSsh, server, [at(server, hostKey())], options)).result.stderr
  assert.match(await said(), warning)
  assert.doesNotMatch(await said('WarnWeakCrypto=no'), warning)
  assert.doesNotMatch(await said('KexAlgorithms=curve25519-sha256'), warning)
  await using sound = await openSshServer({ accepts, hostKeys: [hostKey()] })
  assert.doesNotMatch((await visit(nacreSsh, sound, [at(sound, hostKey())])).result.stderr, warning)
})

// ── a machine of its own: names and name servers ────────────────────────────────────────────────────────────────────────

const outside = Object.values(networkInterfaces())
  .flat()
  .find(each => each?.family === 'IPv4' && !each.internal)?.address
const nameServer = '127.53.53.1'
const hostName = 'keys.example'

/** The client where /etc/hosts and /etc/resolv.conf say this. */
const elsewhere = async (
  client: ClientPeer,
  server: PeerServer,
  address: string,
  options: readonly string[],
  resolver = '',
): Promise<Finished> => {
  const to = { ...server.to, host: hostName }
  const prepared = commands[client.name]({ to, login, command: 'echo inside', options })
  const hosts = freshFile('hosts', `127.0.0.1 localhost\n${address} ${hostName}\n`, 0o644)
  const resolv = freshFile('resolv.conf', `nameserver ${nameServer}\noptions edns0 timeout:2 attempts:1 ${resolver}\n`, 0o644)
  const script = freshFile(
    'elsewhere',
    `#!/bin/sh\nset -e\nmount --bind ${hosts} /etc/hosts\nmount --bind ${resolv} /etc/resolv.conf\nexec "$@"\n`,
    0o755,
  )
  return await finish(['unshare', '--mount', '--propagation', 'private', script, ...prepared.command], prepared.options)
}

const inside = (result: Finished): boolean => result.stdout.toString() === 'inside\n'

describe('CheckHostIP', { skip: needsPrivilege() || (outside === undefined ? 'needs an address that is no loopback' : false) }, () => {
  const address = outside ?? ''
  const open = (): Promise<PeerServer> => openSshServer({ accepts, hostKeys: [hostKey()], config: [`ListenAddress ${address}`] })
  for (const client of clients) {
    test(`in ${client.name}: the address is looked up and remembered, and another key there is refused or told`, {}, async () => {
      await using server = await open()
      const { port } = server.to
      const name = `[${hostName}]:${port}`
      const ip = `[${address}]:${port}`
      const { line } = hostKey()
      const go = async (lines: readonly string[], ...options: readonly string[]) => {
        const file = freshFile('known_hosts', textOf(lines))
        const said = [`UserKnownHostsFile=${file}`, 'CheckHostIP=yes', 'BatchMode=yes', 'UpdateHostKeys=no', ...options]
        const result = await elsewhere(client, server, address, said)
        return { in: inside(result), lines: linesOf(file), stderr: result.stderr }
      }
      const fresh = await go([], 'StrictHostKeyChecking=accept-new')
      assert.deepEqual([fresh.in, fresh.lines], [true, [`${name},${ip} ${line}`]])
      const hashed = await go([], 'StrictHostKeyChecking=accept-new', 'HashKnownHosts=yes')
      assert.equal(hashed.lines.length, 2)
      const added = await go([`${name} ${line}`])
      assert.deepEqual([added.in, added.lines], [true, [`${name} ${line}`, `${ip} ${line}`]])
      const differing = [`${name} ${line}`, `${ip} ${other.line}`]
      for (const [value, lets] of [
        ['yes', false],
        ['accept-new', false],
        ['no', true],
        ['ask', false],
      ] as const) {
        const seen = await go(differing, `StrictHostKeyChecking=${value}`)
        assert.deepEqual([seen.in, seen.lines], [lets, differing], `${value}: ${seen.stderr}`)
        if (value !== 'ask') assert.match(seen.stderr, /differs from the/)
      }
      const spoofed = await go([`${name} ${other.line}`, `${ip} ${line}`], 'StrictHostKeyChecking=yes')
      assert.equal(spoofed.in, false)
      assert.match(spoofed.stderr, /DNS SPOOFING/)
    })
  }
})

const recordsOf = (key: KeyFile): readonly string[] =>
  sshfpRecords(parsePublicKeyLine(key.line), 'x').map(record => record.replace('x IN SSHFP ', ''))

describe('VerifyHostKeyDNS', { skip: needsPrivilege() }, () => {
  interface DnsCase {
    readonly name: string
    readonly records: readonly string[]
    readonly authentic: boolean
    readonly trusts: boolean
    readonly value: 'yes' | 'ask'
    readonly lets: boolean
    readonly truncates?: boolean
    readonly says?: RegExp
  }
  const right = recordsOf(hostKey())
  const usual = { records: right, authentic: true, trusts: true, value: 'yes', lets: true } as const
  const all: readonly DnsCase[] = [
    { ...usual, name: 'trusts what DNSSEC proves by a resolver that is trusted' },
    { ...usual, name: 'trusts it also when it comes by TCP', truncates: true },
    { ...usual, name: 'trusts nothing without the AD flag', authentic: false, lets: false },
    { ...usual, name: 'trusts no AD flag without trust-ad', trusts: false, lets: false },
    { ...usual, name: 'only tells with ask', value: 'ask', lets: false },
    { ...usual, name: 'trusts nothing that is not there', records: [], lets: false },
    { ...usual, name: 'warns of another key', records: recordsOf(other), lets: false, says: /REMOTE HOST IDENTIFICATION HAS CHANGED/ },
    { ...usual, name: 'trusts no key beside another', records: [...recordsOf(other), ...right], lets: false },
  ]
  for (const client of clients) {
    for (const { name, records, authentic, trusts, value, lets, truncates = false, says } of all) {
      test(`in ${client.name} ${name}`, {}, async () => {
        await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
        await using dns = await dnsServer({ address: nameServer, port: 53, records: { [hostName]: records }, authentic, truncates })
        const file = freshFile('known_hosts', '')
        const options = [`UserKnownHostsFile=${file}`, `VerifyHostKeyDNS=${value}`, 'BatchMode=yes']
        const result = await elsewhere(client, server, '127.0.0.1', options, trusts ? 'trust-ad' : '')
        assert.ok(dns.asked.includes(`${hostName} 44${truncates ? ' tcp' : ''}`), dns.asked.join())
        assert.equal(inside(result), lets, result.stderr)
        if (says !== undefined) assert.match(result.stderr, says)
      })
    }
  }
})

test('a program may bring its own name servers, and one that says nothing is not waited for long', {}, async () => {
  const port = await freePort()
  await using dns = await dnsServer({ address: '127.0.0.1', port, records: { 'host.test': recordsOf(hostKey()) }, authentic: true })
  const servers = [{ address: '127.0.0.1', port }]
  const settings = { servers, trustAuthentic: true, timeout: 2000, attempts: 1 }
  const { records, secure } = await sshfpResolver(settings)('HOST.test.')
  assert.equal(secure, true)
  assert.deepEqual(
    records.map(({ algorithm, hash, fingerprint }) => `${algorithm} ${hash} ${Buffer.from(fingerprint).toString('hex')}`),
    recordsOf(hostKey()),
  )
  assert.equal((await sshfpResolver({ ...settings, trustAuthentic: false })('host.test')).secure, false)
  assert.deepEqual(await sshfpResolver(settings)('nobody.test'), { records: [], secure: true })
  assert.deepEqual(await sshfpResolver(settings)('192.0.2.1'), { records: [], secure: false })
  assert.equal(dns.asked.length, 3)
  const nobody = { servers: [{ address: '127.0.0.1', port: await freePort() }], trustAuthentic: true, timeout: 300, attempts: 2 }
  await assert.rejects(sshfpResolver(nobody)('host.test'), /SSHFP records of host\.test cannot be looked up/)
})

// ── UpdateHostKeys ──────────────────────────────────────────────────────────────────────────────────────────────────────

type Serve = (options: OpenSshServerOptions) => Promise<PeerServer>
const pairs: readonly (readonly [string, ClientPeer, Serve])[] = [
  ['ssh at sshd', openSshClient, openSshServer],
  ['ssh at nacre sshd', openSshClient, nacreSshd],
  ['nacre ssh at sshd', nacreSsh, openSshServer],
  ['nacre ssh at nacre sshd', nacreSsh, nacreSshd],
]

for (const [name, client, serve] of pairs) {
  describe(`host keys that are announced, ${name}`, () => {
    const ed = hostKey('ed25519')
    const ec = hostKey('ecdsa256')
    const rsa = hostKey('rsa')
    const all = [ed, ec, rsa]
    const sorted = (lines: readonly string[]): readonly string[] => lines.toSorted()
    const update = (server: PeerServer, lines: readonly string[], ...options: readonly string[]): Promise<Seen> =>
      visit(client, server, lines, ['UpdateHostKeys=yes', ...options], { command: 'sleep 0.3; echo inside' })

    test('are learned when proven, and forgotten when gone; all else in the file stays', {}, async () => {
      await using server = await serve({ accepts, hostKeys: all })
      const stays = ['# a comment', `elsewhere.example ${other.line}`]
      const gone = newKey('ecdsa384')
      const seen = await update(server, [...stays, at(server, ed), at(server, gone)])
      assert.ok(gotIn(seen), seen.result.stderr)
      assert.deepEqual(sorted(seen.lines), sorted([...stays, ...all.map(key => at(server, key))]))
      assert.deepEqual(seen.lines.slice(0, 2), stays)
      assert.ok(existsSync(`${seen.file}.old`))
    })

    test('are learned whichever of them proved the server, and two of a type too', {}, async () => {
      const second = newKey('ed25519')
      await using server = await serve({ accepts, hostKeys: [...all, second] })
      for (const known of [ec, rsa]) {
        const seen = await update(
          server,
          [at(server, known)],
          `HostKeyAlgorithms=${known === rsa ? 'rsa-sha2-256,' : ''}${known.type.replace('ssh-rsa', 'rsa-sha2-512')},ssh-ed25519,ecdsa-sha2-nistp256`,
        )
        const expected = known === rsa ? [...all, second] : [ed, ec, second]
        assert.deepEqual(sorted(seen.lines), sorted(expected.map(key => at(server, key))), seen.result.stderr)
      }
    })

    test('are not learned when told not to, nor where lines were made by hand or are shared', {}, async () => {
      await using server = await serve({ accepts, hostKeys: all })
      const where = `[${server.to.host}]:${server.to.port}`
      for (const [lines, ...options] of [
        [[at(server, ed)], 'UpdateHostKeys=no'],
        [[`${where},[b]:1,[c]:2 ${ed.line}`]],
        [[`[127.0.0.*]:${server.to.port} ${ed.line}`]],
        [[at(server, ed), `another.example ${rsa.line}`]],
        [[at(server, ed), `@cert-authority ${where} ${other.line}`]],
        [[at(server, ed), at(server, other), `another.example ${other.line}`]],
        [[`127.0.0.1 ${ed.line}`]],
      ] as const) {
        const result = await visit(client, server, lines, [...options, 'UpdateHostKeys=yes', 'StrictHostKeyChecking=yes'])
        assert.ok(gotIn(result), result.result.stderr)
        assert.deepEqual(result.lines, lines)
      }
      const system = freshFile('system_known_hosts', textOf([at(server, ed)]))
      const seen = await update(server, [], `GlobalKnownHostsFile=${system}`)
      assert.deepEqual([gotIn(seen), seen.lines, linesOf(system)], [true, [], [at(server, ed)]])
      // A key that was only taken without anybody vouching for it vouches for no others.
      const fresh = await update(server, [], 'StrictHostKeyChecking=accept-new')
      assert.equal(fresh.lines.length, 1)
    })

    test('are written hashed where names are', {}, async () => {
      await using server = await serve({ accepts, hostKeys: all })
      const seen = await update(server, [at(server, ed)], 'HashKnownHosts=yes')
      assert.equal(seen.lines.length, 3)
      assert.equal(seen.lines.filter(line => line.startsWith('|1|')).length, 2)
    })
  })
}

test('a program asks a person before it learns new keys, and learns none when the answer is no', {}, async () => {
  await using server = await openSshServer({ accepts, hostKeys: [hostKey(), hostKey('rsa')] })
  const { host, port, user } = server.to
  for (const answer of [false, true]) {
    const file = freshFile('known_hosts', textOf([at(server, hostKey())]))
    const asked: string[] = []
    const confirm = (question: string): boolean => asked.push(question) > 0 && answer
    const { policy } = await knownHosts({ files: [file], update: 'ask', confirm })
    {
      await using connection = await connect({ host, port, user }, { config: false, hostKey: policy, auth: await authFor(login) })
      await connection.run('sleep 0.2')
    }
    assert.ok(asked.join().includes(`New: ssh-rsa ${hostKey('rsa').fingerprint}`))
    assert.deepEqual(linesOf(file), [at(server, hostKey()), ...(answer ? [at(server, hostKey('rsa'))] : [])])
  }
})
