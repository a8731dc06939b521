// Owns agents and ssh-add, ours and OpenSSH's in every pairing: the same words and exit codes, the same keys, and keys that are used
// as their constraints say, over several hops too. Also other libraries as clients of our agent.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { nativeCryptoFault, nodeCrypto } from 'nacre/crypto/node'
import { writeOpensshPrivateKey } from 'nacre/keys'
import { createTestSecurityKey } from 'nacre/testing'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { type KeyFile, type KeyKind, newKey, soundKinds } from './rig/keys.ts'
import { type Finished, finish, type FinishOptions, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

const python = '/usr/bin/python3'
const tools = {
  OpenSSH: { agent: ['ssh-agent'], add: ['ssh-add'] },
  nacre: { agent: nacre('ssh-agent'), add: nacre('ssh-add') },
} as const
type Maker = keyof typeof tools
const makers = ['OpenSSH', 'nacre'] as const

interface RunningAgent extends AsyncDisposable {
  readonly socket: string
  readonly pid: number
  /** Runs a program with this agent. */
  run(command: readonly string[], options?: FinishOptions): Promise<Finished>
  add(by: Maker, ...words: readonly string[]): Promise<Finished>
  log(): string
}

const waitFor = async (what: () => boolean, why: () => string): Promise<void> => {
  for (let turn = 0; !what(); turn++) {
    assert.ok(turn < 500, why())
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** No terminal and no display: questions go to standard input. */
const startAgent = async (maker: Maker, words: readonly string[] = [], env: Record<string, string> = {}): Promise<RunningAgent> => {
  const socket = freshPath('agent')
  const agent = await start([...tools[maker].agent, '-D', '-a', socket, ...words], { name: `${maker} ssh-agent`, env })
  await waitFor(
    () => existsSync(socket),
    () => agent.log(),
  )
  const run = (command: readonly string[], options: FinishOptions = {}): Promise<Finished> =>
    finish(command, { ...options, env: { SSH_AUTH_SOCK: socket, ...options.env } })
  return {
    socket,
    pid: agent.pid,
    run,
    add: (by, ...words) => run([...tools[by].add, ...words]),
    log: () => agent.log(),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  }
}

const authority = newKey('ed25519')

/** A key with a certificate beside it that does not end. */
const certifiedKey = (kind: KeyKind, passphrase?: string): KeyFile => {
  const key = newKey(kind, passphrase)
  execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', `certificate of ${kind}`, '-n', world().user, key.publicPath])
  return key
}

const openFile = (key: KeyFile): string => {
  const path = freshPath('open')
  copyFileSync(key.path, path)
  execFileSync('chmod', ['644', path])
  return path
}

/**
 * OpenSSH 9.2 shows a lifetime in seconds, later ones and ours as a clock does. What is no key at all it leaves to OpenSSL, and
 * blames that; without OpenSSL it says what we say.
 */
const sameWords = (text: string): string =>
  text.replaceAll(/Lifetime set to (\S+)( seconds)?/g, 'Lifetime set').replaceAll('error in libcrypto', 'invalid format')

describe('ssh-add says and does the same with every agent', () => {
  const [plain, rsa, encrypted, lone] = [
    certifiedKey('ed25519'),
    certifiedKey('rsa'),
    newKey('ecdsa256', 'the passphrase'),
    newKey('ecdsa384'),
  ]
  const known = freshFile('known', `hop ${lone.line}\n`)
  const open = openFile(lone)
  const garbage = freshFile('garbage', 'this is no key\n')
  const steps: readonly (readonly [words: readonly string[], stdin?: string])[] = [
    [['-l']],
    [[plain.path, rsa.path]],
    [['-l']],
    [['-L']],
    [['-l', '-E', 'md5']],
    [['-l', '-E', 'sha512']],
    [['-l', '-E', 'rot13']],
    [['-T', plain.publicPath, rsa.publicPath]],
    [['-T', `${rsa.path}-cert.pub`]],
    [['-T', lone.publicPath]],
    [['-T', '/does/not/exist']],
    [['-T']],
    [[encrypted.path], 'the passphrase\n'],
    [[encrypted.path], 'wrong\nwrong again\nthe passphrase\n'],
    [[encrypted.path], '\n'],
    [['-d', encrypted.publicPath]],
    [['-d', encrypted.publicPath]],
    [['-t', '1h30m', lone.path]],
    [['-q', '-t', '600', lone.path]],
    [['-t', 'soon', lone.path]],
    [['-c', lone.path]],
    [['-H', known, '-h', 'hop', '-h', 'hop>somebody@hop', lone.path]],
    [['-H', known, '-h', 'elsewhere', lone.path]],
    [['-H', known, '-h', 'me@hop>hop', lone.path]],
    [['-l']],
    [['-d', lone.path]],
    [['-d', '/does/not/exist']],
    [['-d', garbage]],
    [['/does/not/exist']],
    [[garbage, lone.path]],
    [[open]],
    [['-'], readFileSync(lone.path, 'utf8')],
    [['-d', '-'], readFileSync(lone.publicPath, 'utf8')],
    [['-d', '-'], '# nothing\nnonsense\n'],
    [['-x'], 'a lock\nanother lock\n'],
    [['-x'], 'a lock\na lock\n'],
    [['-l']],
    [['-D']],
    [[lone.path]],
    [['-d', plain.publicPath]],
    [['-X'], 'no\n'],
    [['-X'], 'a lock\n'],
    [['-X'], 'a lock\n'],
    [['-l']],
    [['-k', rsa.path]],
    [['-d', '-k', rsa.path]],
    [['-e', '/usr/lib/none.so']],
    [['-s', '/usr/lib/none.so'], '1234\n'],
    [['-lL']],
    [['-xX']],
    [['-lD']],
    [['-d', '-q', plain.path]],
    [['-l']],
    [['-Dq']],
    [['-D']],
    [['-l']],
  ]

  test('in all four pairings, step by step', { seconds: 240 }, async () => {
    const results: { pair: string; said: string[] }[] = []
    await Promise.all(
      makers.flatMap(agentMaker =>
        makers.map(async addMaker => {
          const result = { pair: `${addMaker} ssh-add, ${agentMaker} ssh-agent`, said: [] as string[] }
          results.push(result)
          await using agent = await startAgent(agentMaker)
          for (const [words, stdin] of steps) {
            // A session of its own: no terminal can be asked.
            const command = ['setsid', '--wait', ...tools[addMaker].add, ...words]
            const { code, stdout, stderr } = await agent.run(command, { stdin: stdin ?? '' })
            result.said.push(sameWords(`ssh-add ${words.join(' ')}\n${code}\n${stdout.toString()}\n${stderr.replaceAll('\r\n', '\n')}`))
          }
        }),
      ),
    )
    const [reference] = results.filter(each => each.pair === 'OpenSSH ssh-add, OpenSSH ssh-agent')
    for (const { pair, said } of results) for (const [index, text] of said.entries()) assert.equal(text, reference.said[index], pair)
  })

  test('without an agent, or with one that is gone', {}, async () => {
    for (const socket of [undefined, '', freshPath('nobody')]) {
      const answers = await Promise.all(
        makers.map(maker => finish([...tools[maker].add, '-l'], { env: socket === undefined ? {} : { SSH_AUTH_SOCK: socket } })),
      )
      const [theirs, ours] = answers.map(({ code, stdout, stderr }) => [code, stdout.toString(), stderr])
      assert.deepEqual(ours, theirs, String(socket))
    }
  })

  test('of certificates alone, and with the end of a certificate', {}, async () => {
    const key = newKey('ed25519')
    execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', 'short', '-n', 'x', '-V', '-1h:+1h', key.publicPath])
    await using agent = await startAgent('nacre')
    const alone = await agent.add('nacre', '-C', key.path)
    assert.equal(alone.code, 0)
    assert.match(alone.stderr, /^Certificate added: .* \(short\)\nLifetime set to 01:0[45]:\d\d\n$/)
    assert.match((await agent.add('OpenSSH', '-l')).stdout.toString(), /^256 \S+ .* \(ED25519-CERT\)\n$/)
    const kept = await agent.add('nacre', '-C', '-N', key.path)
    assert.doesNotMatch(kept.stderr, /Lifetime/)
    execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-I', 'over', '-n', 'x', '-V', '-3h:-2h', key.publicPath])
    assert.match((await agent.add('nacre', key.path)).stderr, /has already expired; ignored/)
    assert.match((await agent.add('nacre', '-Q')).stdout.toString(), /session-bind@openssh\.com/)
  })
})

/** A session of `ssh` or `nacre ssh` with nothing but the agent's keys. */
const sshWords = (server: PeerServer, command: string, more: readonly string[] = []): readonly string[] => {
  const { host, port, user, hostKeys } = server.to
  const known = freshFile('known_hosts', hostKeys.map(line => `[${host}]:${port} ${line}\n`).join(''), 0o644)
  const settings = [
    `UserKnownHostsFile=${known}`,
    'GlobalKnownHostsFile=none',
    'StrictHostKeyChecking=yes',
    'IdentityFile=none',
    'BatchMode=yes',
  ]
  return ['-F', 'none', ...settings.flatMap(each => ['-o', each]), ...more, '-p', String(port), `${user}@${host}`, command]
}

describe('a login with the keys of an agent', () => {
  for (const kind of soundKinds)
    test(`${kind}, ours held and OpenSSH's client`, {}, async () => {
      const key = newKey(kind)
      await using server = await openSshServer({ accepts: { keys: [key] } })
      await using agent = await startAgent('nacre')
      const added = await agent.add('OpenSSH', '-q', key.path)
      assert.equal(added.code, 0, `${added.stderr}\n${agent.log()}`)
      const result = await agent.run(['ssh', ...sshWords(server, 'echo in')])
      assert.equal(result.stdout.toString(), 'in\n', result.stderr)
    })

  for (const kind of ['ed25519', 'ecdsa256', 'rsa'] as const)
    test(`the certificate over a key of kind ${kind}`, {}, async () => {
      const key = certifiedKey(kind)
      const trusted = freshFile('ca.pub', readFileSync(authority.publicPath), 0o644)
      await using server = await openSshServer({ accepts: { keys: [] }, config: [`TrustedUserCAKeys ${trusted}`] })
      await using agent = await startAgent('nacre')
      await agent.add('nacre', '-q', key.path)
      for (const client of [['ssh'], nacre('ssh')]) {
        const result = await agent.run([...client, ...sshWords(server, 'echo in')])
        assert.equal(result.stdout.toString(), 'in\n', result.stderr)
      }
    })
})

describe('destinations', () => {
  const accepted = newKey('ed25519')
  const [hopKey, farKey] = [newKey('ecdsa256'), newKey('ed25519')]
  const known = freshFile('known', `hop ${hopKey.line}\nfar ${farKey.line}\n`)
  const serverWith = (key: KeyFile): Promise<PeerServer> => openSshServer({ accepts: { keys: [accepted] }, hostKeys: [key] })

  for (const maker of makers)
    for (const client of makers)
      test(
        `${client === 'nacre' ? 'nacre ssh' : "OpenSSH's ssh"} with the agent of ${maker}: the server that is meant, and no other`,
        {},
        async () => {
          await using hop = await serverWith(hopKey)
          await using far = await serverWith(farKey)
          await using agent = await startAgent(maker)
          const added = await agent.add('nacre', '-q', '-H', known, '-h', 'hop', accepted.path)
          assert.equal(added.code, 0, added.stderr)
          const program = client === 'nacre' ? nacre('ssh') : ['ssh']
          const right = await agent.run([...program, ...sshWords(hop, 'echo in')])
          assert.equal(right.stdout.toString(), 'in\n', `${right.stderr}\n${hop.process.log()}`)
          const wrong = await agent.run([...program, ...sshWords(far, 'echo in')])
          assert.equal(wrong.code, 255)
          assert.equal(wrong.stdout.toString(), '')
        },
      )

  const twoHops = async (agent: RunningAgent, hop: PeerServer, far: PeerServer): Promise<Finished> => {
    const onwards = ['ssh', ...sshWords(far, 'echo far')].map(word => `'${word}'`).join(' ')
    return agent.run(['ssh', ...sshWords(hop, onwards, ['-A'])])
  }

  // The server at the far end must take logins that name its key; the one between forwards the agent.
  const farServers: Readonly<Record<Maker, () => Promise<PeerServer>>> = {
    OpenSSH: () => serverWith(farKey),
    nacre: () => nacreSshd({ accepts: { keys: [accepted] }, hostKeys: [farKey] }),
  }
  for (const [maker, farMaker] of makers.flatMap(maker => makers.map(each => [maker, each] as const)))
    test(`two hops through a forwarded agent of ${maker} to the sshd of ${farMaker}: only where the way leads on`, {}, async () => {
      await using hop = await serverWith(hopKey)
      await using far = await farServers[farMaker]()
      await using agent = await startAgent(maker)
      await agent.add('OpenSSH', '-q', '-H', known, '-h', 'hop', '-h', 'hop>far', accepted.path)
      const led = await twoHops(agent, hop, far)
      assert.equal(led.stdout.toString(), 'far\n', led.stderr)
      await agent.add('OpenSSH', '-q', '-H', known, '-h', 'hop', accepted.path)
      const stopped = await twoHops(agent, hop, far)
      assert.equal(stopped.code, 255)
      assert.equal(stopped.stdout.toString(), '')
      await agent.add('OpenSSH', '-q', '-H', known, '-h', 'hop', '-h', `hop>nobody@far`, accepted.path)
      assert.equal((await twoHops(agent, hop, far)).code, 255, 'another user')
      await agent.add('OpenSSH', '-q', '-H', known, '-h', 'hop', '-h', 'far', accepted.path)
      assert.equal((await twoHops(agent, hop, far)).code, 255, 'both, but not one after the other')
    })

  test('at our server, with both agents', {}, async () => {
    await using hop = await nacreSshd({ accepts: { keys: [accepted] }, hostKeys: [hopKey] })
    for (const maker of makers) {
      await using agent = await startAgent(maker)
      await agent.add('nacre', '-q', '-H', known, '-h', `${world().user}@hop`, accepted.path)
      for (const program of [['ssh'], nacre('ssh')]) {
        const result = await agent.run([...program, ...sshWords(hop, 'echo in')])
        assert.equal(result.stdout.toString(), 'in\n', result.stderr)
      }
    }
  })
})

/** Connects as a user who is nobody else, through a socket that lets everybody in, and asks for the keys. Gives what is answered. */
const askAsNobody = async (agent: RunningAgent): Promise<string> => {
  const program = `import os, socket, sys
os.chdir(sys.argv[1])
os.setuid(65534)
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[2])
try:
    s.sendall(bytes.fromhex("000000010b"))
    print(s.recv(100).hex())
except ConnectionError:
    print()`
  chmodSync(agent.socket, 0o666)
  const folder = mkdtempSync('/tmp/nacre-open-')
  try {
    chmodSync(folder, 0o755)
    renameSync(agent.socket, join(folder, 'socket'))
    return execFileSync(python, ['-c', program, folder, 'socket'], { encoding: 'utf8' }).trim()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('an agent whose socket everybody can open', () => {
  const asRoot = process.getuid?.() === 0 && existsSync(python)
  const alone = asRoot ? false : 'only root can become another user, to try'
  const native = nativeCryptoFault()
  const noKeys = '000000050c00000000'

  for (const maker of makers)
    test(
      `answers its own user and root, and nobody else: that of ${maker}`,
      { skip: alone || (maker === 'nacre' && native !== undefined && `the system tells native code alone: ${native}`) },
      async () => {
        await using agent = await startAgent(maker)
        assert.equal(await askAsNobody(agent), '')
        await waitFor(
          () => agent.log().includes('uid mismatch: peer euid 65534 != uid 0'),
          () => `it did not say why: ${agent.log()}`,
        )
      },
    )
  test('cannot tell who asks without the addon: then the modes of files are all there is', { skip: alone }, async () => {
    await using agent = await startAgent('nacre', [], { NACRE_NATIVE: '0' })
    assert.equal(await askAsNobody(agent), noKeys)
  })
})

describe('our agent', () => {
  const key = newKey('ed25519')

  test('asks before each use of a key by the program that asks', {}, async () => {
    const [asked, answer] = [freshPath('asked'), freshFile('answer', 'yes\n')]
    const program = freshFile('askpass.sh', `#!/bin/sh\necho "$SSH_ASKPASS_PROMPT|$1" >> ${asked}\ncat ${answer}\n`, 0o700)
    await using agent = await startAgent('nacre', [], { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' })
    await agent.add('OpenSSH', '-q', '-c', key.path)
    assert.equal((await agent.add('OpenSSH', '-T', key.publicPath)).code, 0)
    assert.equal(readFileSync(asked, 'utf8'), `confirm|Allow use of key ed25519 of the tests?\nKey fingerprint ${key.fingerprint}.\n`)
    for (const [said, code] of [
      ['no\n', 1],
      ['\n', 0],
      ['YES\n', 0],
    ] as const) {
      freshAnswer(answer, said)
      assert.equal((await agent.add('OpenSSH', '-T', key.publicPath)).code, code, said)
    }
  })

  test('takes no key that lies in a security key, and both ssh-adds say so', {}, async () => {
    const token = await createTestSecurityKey(nodeCrypto(), { kind: 'ed25519' })
    const file = freshFile('id_sk', writeOpensshPrivateKey(nodeCrypto(), token.key))
    await using agent = await startAgent('nacre')
    for (const maker of makers) {
      const { code, stderr } = await agent.add(maker, file)
      assert.equal(code, 1)
      assert.match(stderr, /^Could not add identity "\S+": agent refused operation\n/)
      assert.equal(/the agent must be able to reach that by itself.*nacre ssh-agent cannot/.test(stderr), maker === 'nacre')
    }
  })

  test('without that program uses no such key', {}, async () => {
    await using agent = await startAgent('nacre')
    await agent.add('OpenSSH', '-q', '-c', key.path)
    assert.equal((await agent.add('OpenSSH', '-T', key.publicPath)).code, 1)
  })

  test('forgets keys when their time is over, and all at SIGUSR1', {}, async () => {
    await using agent = await startAgent('nacre', ['-t', '600'])
    await agent.add('OpenSSH', '-q', '-t', '1', key.path)
    const empty = async (): Promise<boolean> => (await agent.add('OpenSSH', '-l')).code === 1
    for (let turn = 0; !(await empty()); turn++) assert.ok(turn < 200)
    await agent.add('OpenSSH', '-q', key.path)
    assert.ok(!(await empty()))
    process.kill(agent.pid, 'SIGUSR1')
    for (let turn = 0; !(await empty()); turn++) assert.ok(turn < 200)
    // Node has not opened its debugger instead.
    assert.doesNotMatch(agent.log(), /Debugger/)
  })

  test('is reached by its owner alone', {}, async () => {
    const home = freshFolder('h')
    const result = await finish([...nacre('ssh-agent'), 'sh', '-c', 'stat -c "%a %F" "$SSH_AUTH_SOCK"; echo "$SSH_AUTH_SOCK"'], {
      env: { HOME: home },
    })
    const [mode, path] = result.stdout.toString().trim().split('\n')
    assert.equal(mode, '600 socket', result.stderr)
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700)
    assert.ok(!existsSync(path), 'it is gone with the agent')
  })

  for (const maker of makers)
    test(`ends with its command and has its exit code (${maker})`, {}, async () => {
      const words = tools[maker].agent
      const temporary = maker === 'nacre' ? ['-T'] : []
      assert.equal((await finish([...words, ...temporary, 'sh', '-c', 'test -S "$SSH_AUTH_SOCK" && ssh-add -l >&2; exit 7'])).code, 7)
      const missing = await finish([...words, ...temporary, '/does/not/exist'])
      assert.deepEqual([missing.code, missing.stderr], [1, '/does/not/exist: No such file or directory\n'])
    })

  test('goes to the background, says where it is for sh and csh, and is ended by -k', {}, async () => {
    for (const shell of ['-s', '-c'] as const) {
      const socket = freshPath('agent')
      const said = await finish([...nacre('ssh-agent'), shell, '-a', socket])
      const pid = /Agent pid (\d+);\n$/.exec(said.stdout.toString())?.[1] ?? ''
      const wanted =
        shell === '-s'
          ? `SSH_AUTH_SOCK=${socket}; export SSH_AUTH_SOCK;\nSSH_AGENT_PID=${pid}; export SSH_AGENT_PID;\necho Agent pid ${pid};\n`
          : `setenv SSH_AUTH_SOCK ${socket};\nsetenv SSH_AGENT_PID ${pid};\necho Agent pid ${pid};\n`
      assert.equal(said.stdout.toString(), wanted, said.stderr)
      assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size\s+0\s+0/)
      assert.equal((await finish(['ssh-add', '-l'], { env: { SSH_AUTH_SOCK: socket } })).code, 1)
      const ended = await finish([...nacre('ssh-agent'), shell, '-k'], { env: { SSH_AGENT_PID: pid } })
      const forget = shell === '-s' ? 'unset' : 'unsetenv'
      assert.equal(ended.stdout.toString(), `${forget} SSH_AUTH_SOCK;\n${forget} SSH_AGENT_PID;\necho Agent pid ${pid} killed;\n`)
      await waitFor(
        () => !existsSync(socket),
        () => 'the socket is still there',
      )
    }
  })

  test('says as OpenSSH what is wrong with its command line or its socket', {}, async () => {
    const taken = freshFile('taken', '')
    for (const [words, env] of [
      [['-k'], {}],
      [['-k'], { SSH_AGENT_PID: 'nonsense' }],
      [['-k'], { SSH_AGENT_PID: '1' }],
      [['-k'], { SSH_AGENT_PID: '2147483647' }],
      [['-a', taken], {}],
      [['-E', 'rot13'], {}],
      [['-O', 'nonsense'], {}],
    ] as const) {
      const [theirs, ours] = await Promise.all(makers.map(maker => finish([...tools[maker].agent, ...words], { env })))
      assert.equal(ours.code, theirs.code, words.join(' '))
      assert.equal(ours.stderr.replaceAll('\r\n', '\n'), theirs.stderr.replaceAll('\r\n', '\n'), words.join(' '))
    }
  })

  const askedBy = async (library: 'paramiko' | 'asyncssh') => {
    await using agent = await startAgent('nacre')
    const kinds = ['ed25519', 'ecdsa256', 'rsa'] as const
    await agent.add('nacre', '-q', ...kinds.map(kind => newKey(kind).path))
    const script = fileURLToPath(new URL('peers/agent_clients.py', import.meta.url))
    const result = await agent.run([python, '-W', 'ignore', script, library, newKey('ecdsa521').path])
    assert.equal(result.code, 0, result.stderr)
    return JSON.parse(result.stdout.toString()) as Record<string, unknown>
  }
  const types = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa']
  const right = [true, true, true]

  test('signs for paramiko', {}, async () => {
    assert.deepEqual(await askedBy('paramiko'), { types, right })
  })
  test('does all AsyncSSH asks of an agent', {}, async () => {
    const said = await askedBy('asyncssh')
    const counts = { added: 4, locked: 0, wrong: 'refused', removed: 3, all: 0 }
    // AsyncSSH 2.10 takes the answer of the drafts before RFC 9987 only.
    assert.deepEqual(said, { types, right, extensions: 'Unknown SSH agent response: 29', ...counts })
  })
})

/** What the program that asks says next. */
const freshAnswer = (path: string, text: string): void => copyFileSync(freshFile('answer', text), path)
