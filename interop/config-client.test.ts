// Owns ssh_config at work: `nacre ssh -G` beside the ssh of this machine, and what an alias of a file leads to, for
// `nacre ssh` and for the library.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe } from 'node:test'
import { ConfigError, connect, readOpensshConfig } from 'nacre'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { strangerKey, userKey } from './rig/keys.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacre } from './sites/commands.ts'

/** Lines by keyword. */
const byKeyword = (text: string): Map<string, string> => {
  const found = new Map<string, string>()
  for (const line of text.trimEnd().split('\n')) {
    const [keyword] = line.split(' ', 1)
    found.set(keyword, `${found.get(keyword) ?? ''}${line}\n`)
  }
  return found
}

/** What differs from the print of an empty file, in keywords that both print then. */
const changed = async (
  program: readonly string[],
  config: string,
  words: readonly string[],
): Promise<Record<string, string> | 'refused'> => {
  const print = (text: string, more: readonly string[]): Promise<Finished> =>
    finish([...program, '-F', freshFile('config', text), '-G', ...more])
  const [usual, now] = await Promise.all([print('', [words.at(-1) ?? '']), print(config, words)])
  assert.equal(usual.code, 0, usual.stderr)
  if (now.code !== 0) return 'refused'
  const [before, after] = [byKeyword(usual.stdout.toString()), byKeyword(now.stdout.toString())]
  return Object.fromEntries([...after].filter(([keyword, lines]) => before.get(keyword) !== lines).toSorted())
}

const included = freshFile('included', 'Port 2201\nHost nowhere\nUser nobody\n')
const configurations: readonly (readonly [name: string, config: string, words: readonly string[]])[] = [
  ['blocks', 'Host a*.org !all.org\n  Port 2200\nHost all.org ab.org\n  User both\nHost *\n  Port 22\n  User rest\n', ['ab.org']],
  ['an excluded host', 'Host a*.org !all.org\n  Port 2200\nHost all.org ab.org\n  User both\nHost *\n  Port 22\n', ['all.org']],
  ['quotes', 'User "a b"\nLocalCommand echo "x  y" # z\nIdentityFile "/a \\"b\\""\nSetEnv A="1 2" B=3\nBindAddress=10.0.0.1\n', ['h']],
  [
    'Match',
    'HostName real.org\nMatch host real.org originalhost alias !user nobody\nPort 7\nMatch exec "test %n = alias"\nUser exec\n',
    ['alias'],
  ],
  ['a second pass', 'Host A\nPort 1\nMatch final host a\nUser final\nSendEnv B\n', ['A']],
  ['Include', `Include ${included}\nUser me\n`, ['h']],
  ['Include in a block for others', `Host far\nInclude ${included}\nHost *\nUser me\n`, ['h']],
  ['lists', 'IdentityFile /a\nIdentityFile /b\nIdentityFile /a\nSendEnv A B\nSendEnv -A\nCertificateFile /c\n', ['h']],
  ['tokens', 'ControlPath /%r@%h-%p-%C\nUserKnownHostsFile /%k /%u\nRemoteCommand echo %n %%\nPort 99\n', ['h']],
  ['forwardings', 'LocalForward 8080 host:80\nLocalForward [::1]:8081 [::2]:81\nRemoteForward 9 a:1\nDynamicForward *:1080\n', ['h']],
  ['jumps', 'ProxyJump u@a:22,[::1]:9\nProxyCommand x\n', ['h']],
  [
    'times and amounts',
    'ServerAliveInterval 1m30s\nConnectTimeout 2m\nRekeyLimit 1G 1h\nControlPersist 10m\nAddKeysToAgent confirm 1h\n',
    ['h'],
  ],
  ['words for states', 'StrictHostKeyChecking off\nControlMaster autoask\nTunnel ethernet\nRequestTTY force\nUpdateHostKeys no\n', ['h']],
  ['a control character', 'EscapeChar ^]\n', ['h']],
  ['qualities', 'EscapeChar none\nIPQoS af21 cs1\nTunnelDevice any:3\nStreamLocalBindMask 0117\nPermitRemoteOpen a:80 b:*\n', ['h']],
  ['letters', 'User file\nPort 1\n', ['-l', 'letter', '-p', '2', '-o', 'Port=3', '-o', 'User=option', '-4', 'h']],
  ['a keyword there is not', 'Nonsense yes\n', ['h']],
  ['a bad value in a block for others', 'Host far\nPort many\n', ['h']],
  ['an unknown keyword that may be one', 'IgnoreUnknown Non*\nNonsense yes\n', ['h']],
  ['a user of the destination', 'User file\n', ['there@h']],
]

describe('nacre ssh -G prints what ssh -G of this machine prints', () => {
  for (const [name, config, words] of configurations)
    test(name, {}, async () => {
      const [ours, theirs] = await Promise.all([changed(nacre('ssh'), config, words), changed(['ssh'], config, words)])
      assert.deepEqual(ours, theirs)
    })
})

/** Letters beside -o: which of them counts, whatever came first. */
const commandLines: readonly string[] = [
  ...['-p 22 -o Port=23', '-o Port=23 -p 24', '-p 24 -p 25', '-o Port=23 -o Port=24'],
  ...['-l a -o User=b', '-o User=b -l a', '-l a -l c', '-o User=b', '-l a'],
  ...['-c aes128-ctr -o Ciphers=aes256-ctr', '-o Ciphers=aes256-ctr -c aes128-ctr', '-m hmac-sha2-256 -o MACs=hmac-sha2-512'],
  ...['-4 -o AddressFamily=inet6', '-o AddressFamily=inet6 -4', '-4 -6', '-6 -4'],
  ...['-b 127.0.0.1 -o BindAddress=127.0.0.2', '-o BindAddress=127.0.0.2 -b 127.0.0.1', '-o BindInterface=lo -B eth0'],
  ...['-o IdentityFile=/b -o IdentityFile=/c -o IdentityFile=/b', '-J a -o ProxyJump=b', '-J a -o ProxyCommand=x'],
  ...['-e none -o EscapeChar=x', '-o EscapeChar=x -e ^y', '-n -o StdinNull=no', '-o StdinNull=no -n'],
  ...['-T -o RequestTTY=force', '-o RequestTTY=force -t', '-t -t', '-t -T', '-N', '-W a:1', '-N -o SessionType=default'],
  ...['-v -o LogLevel=QUIET', '-o LogLevel=QUIET -v', '-v -v', '-q -v', '-W a:1 -o ClearAllForwardings=no'],
  ...['-A -o ForwardAgent=no', '-a -o ForwardAgent=yes', '-o ForwardAgent=yes -a', '-x -o ForwardX11=yes'],
  ...['-o SetEnv=A=1 -o SetEnv=B=2', '-o SendEnv=A -o SendEnv=B', '-o user=x -o USER=y', '-o User=x -o HostName=y'],
]

describe('of a command line the same counts as for the ssh of this machine', () => {
  for (const words of commandLines)
    test(words, {}, async () => {
      const all = [...words.split(' '), 'h']
      const config = 'User file\nPort 1\nCiphers aes192-ctr\n'
      const [ours, theirs] = await Promise.all([changed(nacre('ssh'), config, all), changed(['ssh'], config, all)])
      assert.deepEqual(ours, theirs)
    })
})

describe('of -P and -o Port the same counts as for OpenSSH', () => {
  const port = async (program: readonly string[], words: string, ...places: readonly string[]): Promise<string | undefined> => {
    const { stderr } = await finish([...program, '-F', 'none', '-o', 'BatchMode=yes', ...words.split(' '), ...places], { stdin: '' })
    return / port (\d+):/.exec(stderr)?.[1]
  }
  const wordsFor = ['-P 1 -o Port=2', '-o Port=2 -P 1', '-P 1', '-o Port=2']
  for (const words of wordsFor) {
    test(`in scp: ${words}`, {}, async () => {
      const file = freshFile('copied', 'text')
      const ours = await port(nacre('scp'), words, file, '127.0.0.1:x')
      assert.equal(ours, await port(['scp'], words, file, '127.0.0.1:x'))
      assert.ok(ours !== undefined)
    })
    test(`in sftp: ${words}`, {}, async () => {
      const ours = await port(nacre('sftp'), words, '127.0.0.1')
      assert.equal(ours, await port(['sftp'], words, '127.0.0.1'))
      assert.ok(ours !== undefined)
    })
  }
})

/** A file in which `alias` is the server. */
const configFor = (server: PeerServer, more: readonly string[] = []): string =>
  freshFile(
    'config',
    [
      'Host alias',
      `HostName ${server.to.host}`,
      `Port ${server.to.port}`,
      'Host *',
      `User ${server.to.user}`,
      `IdentityFile ${userKey().path}`,
      'IdentitiesOnly yes',
      'IdentityAgent none',
      `UserKnownHostsFile ${freshPath('known_hosts')}`,
      'StrictHostKeyChecking accept-new',
      ...more,
    ]
      .map(line => `${line}\n`)
      .join(''),
  )
const theirs = (): Promise<PeerServer> => openSshServer({ accepts: { keys: [userKey()] } })

describe('an alias', () => {
  test('is to the library what it is to ssh', {}, async () => {
    await using server = await theirs()
    await using connection = await connect('alias', { config: { file: configFor(server) } })
    assert.equal((await connection.run('echo there')).stdout.toString(), 'there\n')
  })

  test('leads on by what the program says where it says something', {}, async () => {
    await using server = await theirs()
    const file = configFor(server)
    const wrong = freshFile('wrong', readFileSync(file, 'utf8').replace(/^IdentityFile .*$/m, `IdentityFile ${strangerKey().path}`))
    await assert.rejects(connect('alias', { config: { file: wrong } }), /publickey/)
    await using connection = await connect('alias', { config: { file: wrong }, identityFiles: [userKey().path] })
    assert.equal(connection.user, server.to.user)
  })

  test('goes through a ProxyCommand with its tokens', {}, async () => {
    await using server = await theirs()
    const seen = freshPath('seen')
    const relay = freshFile(
      'relay.cjs',
      `require('node:fs').writeFileSync('${seen}', process.argv.slice(2).join(' '))
       const there = require('node:net').connect(${server.to.port}, '127.0.0.1')
       process.stdin.pipe(there).pipe(process.stdout)`,
    )
    const file = configFor(server, [`ProxyCommand ${process.execPath} ${relay} %n %h %p %r`])
    await using connection = await connect('alias', { config: { file } })
    assert.equal((await connection.run('echo through')).stdout.toString(), 'through\n')
    assert.equal(readFileSync(seen, 'utf8'), `alias ${server.to.host} ${server.to.port} ${server.to.user}`)
  })

  test('that refuses connections is refused with file and line, before anybody is connected to', {}, async () => {
    const file = freshFile('config', 'Host alias\nRefuseConnection "ask Ada first"\n')
    await assert.rejects(connect('alias', { config: { file } }), (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.equal(error.message, `${file} line 2: RefuseConnection: ask Ada first`)
      return true
    })
  })

  test('is nothing special when no file is to be read', {}, async () => {
    await using server = await theirs()
    await assert.rejects(connect('alias.invalid', { config: { file: 'none' }, identityFiles: [userKey().path] }), /alias\.invalid/)
    const { config } = await readOpensshConfig('alias', { file: configFor(server) })
    assert.deepEqual([config.hostName, config.port, config.user], [server.to.host, server.to.port, server.to.user])
  })
})

describe('nacre ssh with a file', () => {
  const run = async (more: readonly string[], words: readonly string[]): Promise<Finished> => {
    await using server = await theirs()
    return await finish([...nacre('ssh'), '-F', configFor(server, more), 'alias', ...words], {
      env: { NACRE_HERE: 'sent', NACRE_NOT: 'kept' },
    })
  }

  test('sends the variables it names, and sets its own', {}, async () => {
    const { stdout, stderr } = await run(
      ['SendEnv NACRE_H* NACRE_NOT', 'SendEnv -*NOT', 'SetEnv NACRE_SET="by %n"'],
      ['echo "$NACRE_HERE-$NACRE_NOT-$NACRE_SET"'],
    )
    assert.equal(stdout.toString(), 'sent--by alias\n', stderr)
  })

  test('runs LocalCommand once it is in, where that is permitted', {}, async () => {
    const [allowed, not] = [freshPath('allowed'), freshPath('not')]
    await run(['PermitLocalCommand yes', `LocalCommand echo %n %r %T > ${allowed}`], ['true'])
    assert.match(readFileSync(allowed, 'utf8'), /^alias \S+ NONE\n$/)
    await run([`LocalCommand touch ${not}`], ['true'])
    assert.ok(!existsSync(not))
  })

  test('runs RemoteCommand when no other is given', {}, async () => {
    const { stdout } = await run(['RemoteCommand echo %n %%'], [])
    assert.equal(stdout.toString(), 'alias %\n')
  })

  test('binds to an interface by name', {}, async () => {
    const { stdout } = await run(['BindInterface lo'], ['echo', '$SSH_CLIENT'])
    assert.match(stdout.toString(), /^127\.0\.0\.1 /)
    const { code, stderr } = await run(['BindInterface nowhere0'], ['true'])
    assert.equal(code, 255)
    assert.match(stderr, /BindInterface names nowhere0, and this machine has no such interface/)
  })

  test('tries as often as ConnectionAttempts says', {}, async () => {
    const file = freshFile('config', 'ConnectionAttempts 2\nUser x\n')
    const started = performance.now()
    const { code } = await finish([...nacre('ssh'), '-F', file, '-p', '1', '127.0.0.1', 'true'])
    assert.equal(code, 255)
    assert.ok(performance.now() - started >= 1000, 'there was no second between the attempts')
  })
})
