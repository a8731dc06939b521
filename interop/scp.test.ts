// Owns copies by scp between us and others: both protocols, both directions, trees with every name there is, what a source may
// not send, and what a person sees.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { type Copier, copiersOf, reachOptions, theirCopiers } from './peers/copiers.ts'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { strangerKey, userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { type Finished, finish, start, withinSeconds } from './rig/process.ts'
import { Screen, terminal } from './rig/screen.ts'
import { test } from './rig/test.ts'
import { giveTree, makeTree, treeOf } from './rig/tree.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const files = ['Subsystem sftp internal-sftp', 'InternalScp yes']
const ours = (config: readonly string[] = files): Promise<PeerServer> => nacreSshd({ accepts, config })
const theirs = (): Promise<PeerServer> => openSshServer({ accepts })
const ourCopiers = copiersOf('nacre scp', nacre('scp'))
const [bySftp, byScp] = ourCopiers as readonly [Copier, Copier]

/** A folder on the other machine, which the user who logs in owns. */
const farFolder = (): string => {
  const path = freshFolder('far', 0o755)
  world().give(path)
  return path
}
const give = (path: string): void => {
  if (world().privileged) giveTree(Buffer.from(path), world().uid)
}
const succeeded = (result: Finished): void => assert.equal(result.code, 0, result.stderr)

describe('a tree arrives as it was, both ways', () => {
  const carries = (copier: Copier, serverName: string, server: () => Promise<PeerServer>): void =>
    test(`${copier.name} with ${serverName}`, {}, async () => {
      await using at = await server()
      const putty = copier.name.startsWith('PuTTY')
      const near = freshFolder('near')
      makeTree(near, { names: copier.anyName ? 'every byte' : putty ? 'text' : 'every byte but line feed' })
      const far = farFolder()
      // pscp keeps times, and knows no modes.
      const what = putty ? { times: true } : { modes: true, times: true }
      succeeded(await copier.run({ to: at.to, login, flags: ['-r', '-p'], places: to => [`${near}/inner`, to(`${far}/`)] }))
      // Directories' times are not kept by all; what is in them is.
      const plain = (folder: string): readonly string[] => treeOf(folder, what).map(line => line.replace(/ directory .*/, ' directory'))
      assert.deepEqual(plain(`${far}/inner`), plain(`${near}/inner`))
      const back = freshFolder('back')
      succeeded(await copier.run({ to: at.to, login, flags: ['-r', '-p'], places: to => [to(`${far}/inner`), back] }))
      assert.deepEqual(plain(`${back}/inner`), plain(`${near}/inner`))
    })
  for (const copier of theirCopiers) carries(copier, 'our sshd', ours)
  for (const copier of theirCopiers.filter(each => each.sftp)) carries(copier, 'our sshd and sftp-server of OpenSSH', () => ours([]))
  for (const copier of ourCopiers) carries(copier, 'OpenSSH', theirs)
  for (const copier of ourCopiers) carries(copier, 'our sshd', ours)
})

describe('places', () => {
  for (const copier of ourCopiers) {
    test(`${copier.name}: a name, a folder, several, patterns, the home`, {}, async () => {
      await using at = await theirs()
      const far = farFolder()
      const near = freshFolder('near')
      for (const name of ['one', 'two', 'three']) writeFileSync(`${near}/${name}`, name)
      const run = async (...places: readonly string[]): Promise<void> =>
        succeeded(
          await copier.run({
            to: at.to,
            login,
            cwd: near,
            places: to => places.map(each => (each.startsWith(':') ? to(each.slice(1)) : each)),
          }),
        )
      await run('one', `:${far}/renamed`)
      await run('one', `:${far}`)
      await run('two', 'three', `:${far}/`)
      assert.deepEqual(readdirSync(far).toSorted(), ['one', 'renamed', 'three', 'two'])
      const back = freshFolder('back')
      await run(`:${far}/t*`, `:${far}/renamed`, back)
      assert.deepEqual(readdirSync(back).toSorted(), ['renamed', 'three', 'two'])
      await run(`:${far}/[o]ne`, `${back}/as`)
      assert.equal(readFileSync(`${back}/as`, 'utf8'), 'one')
      writeFileSync(`${world().home}/.nacre-test-home`, 'home', { mode: 0o644 })
      await run(':.nacre-test-home', `${back}/h1`)
      await run(':~/.nacre-test-home', `${back}/h2`)
      await run(`:~${at.to.user}/.nacre-test-home`, `${back}/h3`)
      for (const name of ['h1', 'h2', 'h3']) assert.equal(readFileSync(`${back}/${name}`, 'utf8'), 'home')
    })
  }

  test('scp:// addresses, with a port of their own', {}, async () => {
    await using at = await theirs()
    const far = farFolder()
    const near = freshFile('near', 'pearl')
    const { user, host, port } = at.to
    const options = reachOptions(at.to, login).slice(0, -2)
    succeeded(await finish([...nacre('scp'), ...options, near, `scp://${user}@${host}:${port}/${far}/a%20b`]))
    assert.equal(readFileSync(`${far}/a b`, 'utf8'), 'pearl')
  })

  test('an existing file is written where it is: its mode and its other names stay', {}, async () => {
    await using at = await theirs()
    const far = farFolder()
    writeFileSync(`${far}/kept`, 'something longer than what comes', { mode: 0o640 })
    give(`${far}/kept`)
    const { ino } = statSync(`${far}/kept`)
    for (const copier of ourCopiers) {
      succeeded(await copier.run({ to: at.to, login, places: to => [freshFile('new', 'new', 0o755), to(`${far}/kept`)] }))
      const stat = statSync(`${far}/kept`)
      assert.deepEqual([readFileSync(`${far}/kept`, 'utf8'), stat.mode & 0o777, stat.ino], ['new', 0o640, ino])
    }
  })

  test('a new file has the mode of its source, but for the umask', {}, async () => {
    await using at = await theirs()
    const far = farFolder()
    for (const [index, copier] of ourCopiers.entries()) {
      const source = freshFile('program', '#!/bin/sh\n', 0o755)
      succeeded(await copier.run({ to: at.to, login, places: to => [source, to(`${far}/${index}`)] }))
      assert.equal(statSync(`${far}/${index}`).mode & 0o777, 0o755)
      const back = `${freshFolder('back')}/program`
      succeeded(await copier.run({ to: at.to, login, places: to => [to(`${far}/${index}`), back] }))
      assert.equal(statSync(back).mode & 0o777, 0o755 & ~process.umask())
    }
  })
})

describe('between two other machines', () => {
  for (const copier of ourCopiers) {
    test(`${copier.name} carries files through here`, {}, async () => {
      await using from = await theirs()
      await using to = await ours()
      const [source, target] = [farFolder(), farFolder()]
      makeTree(source, { names: copier.anyName ? 'every byte' : 'every byte but line feed' })
      give(source)
      const known = freshFile(
        'known_hosts',
        [from, to].flatMap(({ to: { host, port, hostKeys } }) => hostKeys.map(line => `[${host}]:${port} ${line}\n`)).join(''),
      )
      const address = ({ to: { user, host, port } }: PeerServer, path: string): string => `scp://${user}@${host}:${port}/${path}`
      const options = reachOptions(from.to, login).filter(each => !each.startsWith('UserKnownHostsFile'))
      // What belonged to the option that was taken out.
      const clean = options.filter((each, index) => !(each === '-o' && options[index + 1] === '-o')).slice(0, -2)
      const protocol = copier.sftp ? '-s' : '-O'
      const result = await finish([
        ...nacre('scp'),
        protocol,
        '-3rp',
        ...clean,
        '-o',
        `UserKnownHostsFile=${known}`,
        address(from, `${source}/inner`),
        address(to, `${target}/copy`),
      ])
      succeeded(result)
      const what = { modes: true }
      assert.deepEqual(treeOf(`${target}/copy`, what), treeOf(`${source}/inner`, what))
    })
  }
})

describe('-R: an scp on the first machine copies to the second', { skip: needsPrivilege() }, () => {
  /** What the user has at home on the first machine, to reach the second by the name `second`. */
  const knowsSecond = ({ to: { user, host, port, hostKeys } }: PeerServer): void => {
    const folder = `${world().home}/.ssh`
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/second_key`, readFileSync(userKey().path), { mode: 0o600 })
    writeFileSync(`${folder}/second_known`, hostKeys.map(line => `[${host}]:${port} ${line}\n`).join(''))
    const settings = [`HostName ${host}`, `Port ${port}`, `User ${user}`, `IdentityFile ${folder}/second_key`, 'BatchMode yes']
    writeFileSync(`${folder}/config`, ['Host second', ...settings, `UserKnownHostsFile ${folder}/second_known`, ''].join('\n'))
    give(folder)
  }
  const run = (program: readonly string[], from: PeerServer, letters: readonly string[], source: string, target: string) =>
    // The port belongs to the first machine alone, so it stands in its address.
    finish([
      ...program,
      '-R',
      ...reachOptions(from.to, login).slice(0, -2),
      ...letters,
      `scp://${from.to.user}@${from.to.host}:${from.to.port}/${source}`,
      target,
    ])

  for (const [name, server] of [
    ['OpenSSH', theirs],
    ['our sshd', ours],
  ] as const)
    test(`from OpenSSH's sshd to ${name}, a file and a tree, as OpenSSH's scp does it`, {}, async () => {
      await using from = await theirs()
      await using to = await server()
      knowsSecond(to)
      const source = farFolder()
      makeTree(source, { names: 'text' })
      writeFileSync(`${source}/pearl`, bytesOf(MiB))
      give(source)
      for (const program of [['scp'], nacre('scp')]) {
        const target = farFolder()
        succeeded(await run(program, from, ['-p'], `${source}/pearl`, `second:${target}/copy`))
        assert.equal(sha256(readFileSync(`${target}/copy`)), sha256(bytesOf(MiB)))
        succeeded(await run(program, from, ['-rp'], `${source}/inner`, `second:${target}/tree`))
        const what = { modes: true }
        assert.deepEqual(treeOf(`${target}/tree`, what), treeOf(`${source}/inner`, what))
      }
    })

  test('says what fails there, and is a failure', {}, async () => {
    await using from = await theirs()
    await using to = await theirs()
    knowsSecond(to)
    const target = farFolder()
    for (const program of [['scp'], nacre('scp')]) {
      const result = await run(program, from, [], '/nowhere', `second:${target}/copy`)
      assert.equal(result.code, 1)
      assert.match(`${result.stdout.toString()}${result.stderr}`, /\/nowhere.*No such file or directory/)
      assert.deepEqual(readdirSync(target), [])
    }
  })
})

describe('the program of -S is told what OpenSSH’s scp tells it', () => {
  const script = (): string =>
    freshFile('recorder', '#!/bin/sh\nfor each in "$@"; do printf "[%s]" "$each" >>"$RECORD"; done\necho >>"$RECORD"\nexit 1\n', 0o700)
  for (const words of [
    ['a', 'u@h:b'],
    ['u@h:a', 'b'],
    ['-O', 'a', 'u@h:b'],
    ['-O', 'u@h:a', 'b'],
    ['-O', '-rp', '-q', '-C', '-4', '-P', '3', '-l', '100', '-i', 'k', '-J', 'j', '-F', 'f', '-c', 'c', '-o', 'X=y', 'u@[::1]:b', 'c'],
    ['-O', '-B', 'h:-dash', 'x'],
    ['-O', 'h:', 'x'],
    ['-O', 'scp://u@h:22/b/c', 'x'],
    ['-O', '-A', 'h:a', 'x'],
  ] as const) {
    test(words.join(' '), {}, async () => {
      const told = async (program: readonly string[]): Promise<string> => {
        const record = freshFile('record', '')
        const cwd = freshFolder('cwd')
        writeFileSync(`${cwd}/a`, '')
        await finish([...program, '-S', script(), ...words], { env: { RECORD: record }, cwd })
        return readFileSync(record, 'utf8')
      }
      const expected = await told(['scp'])
      assert.notEqual(expected, '')
      assert.equal(await told(nacre('scp')), expected)
    })
  }
})

describe('a source that means harm', () => {
  /** Copies `host:asked` from a program that sends `records`. */
  const receives = async (
    records: string,
    words: readonly string[] = ['h:asked', '.'],
  ): Promise<{ result: Finished; names: readonly string[] }> => {
    const cwd = freshFolder('cwd')
    const program = freshFile('source', `#!/bin/sh\nprintf '${records}'\nsleep 0.2\n`, 0o700)
    const result = await finish([...nacre('scp'), '-O', '-S', program, ...words], { cwd })
    return { result, names: readdirSync(cwd) }
  }
  test('can send what was asked for', {}, async () => {
    const { result, names } = await receives('C0644 2 asked\\nok\\000')
    assert.deepEqual([result.code, names], [0, ['asked']], result.stderr)
  })
  for (const [what, records, words] of [
    ['another name', 'C0644 2 .bashrc\\nxx\\000', undefined],
    ['a way out', 'C0644 2 ../asked\\nxx\\000', undefined],
    ['an absolute name', 'C0644 2 /tmp/asked\\nxx\\000', undefined],
    ['a directory nobody wanted', 'D0755 0 asked\\n', undefined],
    ['another directory', 'D0755 0 .ssh\\nC0644 2 keys\\nxx\\000E\\n', ['-r', 'h:asked', '.']],
    ['a way out of a directory', 'D0755 0 asked\\nD0755 0 ..\\n', ['-r', 'h:asked', '.']],
    ['what a pattern does not match', 'C0644 2 a.txt.exe\\nxx\\000', ['h:*.txt', '.']],
    ['a name that escapes from the terminal', 'C0644 2 \\033]0;owned\\007\\nxx\\000', undefined],
    ['a size out of range', 'C0644 99999999999999999999 asked\\n', undefined],
  ] as const) {
    test(`cannot send ${what}`, {}, async () => {
      const { result, names } = await receives(records, words)
      assert.equal(result.code, 1)
      assert.deepEqual(
        names.filter(name => name !== 'asked'),
        [],
      )
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(result.stderr, /[\x00-\x09\x0b-\x1f\x7f]/)
    })
  }
  test('can with -T', {}, async () => {
    const { names } = await receives('C0644 2 other\\nxx\\000', ['-T', 'h:asked', '.'])
    assert.deepEqual(names, ['other'])
  })
  test('that stops in the middle is a failure', {}, async () => {
    const { result } = await receives('C0644 200 asked\\nxx')
    assert.equal(result.code, 1)
    assert.match(result.stderr, /lost connection/)
  })
  test('that is no scp is quoted', {}, async () => {
    const { result } = await receives('sh: scp: not found\\n')
    assert.equal(result.code, 1)
    assert.match(result.stderr, /sh: scp: not found/)
  })
})

describe('exit codes and messages', () => {
  const code = async (words: readonly string[], expected: number, message: RegExp): Promise<void> => {
    const result = await finish([...nacre('scp'), '-F', 'none', ...words])
    assert.equal(result.code, expected, result.stderr)
    assert.match(result.stderr, message)
    assert.doesNotMatch(result.stderr, /\bat .*:\d+:\d+/, 'no stack is shown to a person')
  }
  test('255 when nobody listens, 1 with -O', {}, async () => {
    const port = String(await freePort())
    await code(['-P', port, 'x@127.0.0.1:a', '.'], 255, /127\.0\.0\.1/)
    await code(['-O', '-P', port, 'x@127.0.0.1:a', '.'], 1, /127\.0\.0\.1/)
  })
  test('1 for what this version refuses, in the words of ssh', {}, async () => {
    await code(['-J', 'jump,', 'h:a', '.'], 1, /ProxyJump/)
    await code(['-oProxyCommand=nc %z', 'h:a', '.'], 1, /%z/)
  })
  test('1 for an option that does not exist', {}, () => code(['-Z', 'a', 'b'], 1, /unknown option -- Z/))
  test('255 when the key is refused', {}, async () => {
    await using at = await theirs()
    const result = await bySftp.run({ to: at.to, login: { key: strangerKey() }, places: to => [to('a'), '.'] })
    assert.equal(result.code, 255)
    assert.ok(result.stderr.includes(strangerKey().fingerprint), result.stderr)
  })
  for (const copier of ourCopiers) {
    test(`1 for what is not there, and the rest is copied: ${copier.name}`, {}, async () => {
      await using at = await theirs()
      const far = farFolder()
      writeFileSync(`${far}/there`, 'x')
      mkdirSync(`${far}/folder`)
      const near = freshFolder('near')
      const result = await copier.run({
        to: at.to,
        login,
        places: to => [to(`${far}/missing`), to(`${far}/folder`), to(`${far}/there`), near],
      })
      assert.equal(result.code, 1)
      assert.match(result.stderr, /missing: No such file or directory/)
      assert.match(result.stderr, /folder\/?: not a regular file/)
      assert.deepEqual(readdirSync(near), ['there'])
    })
  }
  test('1 when the disk is full, and it is said', { skip: existsSync('/dev/full') ? false : 'there is no /dev/full' }, async () => {
    await using at = await theirs()
    const result = await byScp.run({ to: at.to, login, places: to => [freshFile('big', bytesOf(MiB)), to('/dev/full')] })
    assert.equal(result.code, 1)
    assert.match(result.stderr, /No space left on device/)
  })
})

describe('progress', () => {
  const watched = async (flags: readonly string[], copier: '-O' | '-s'): Promise<{ text: string; code: number | null }> => {
    await using at = await theirs()
    const far = farFolder()
    const source = `${freshFolder('near')}/珍珠.bin`
    writeFileSync(source, bytesOf(3 * MiB))
    const words = [
      ...terminal,
      ...nacre('scp'),
      copier,
      ...reachOptions(at.to, login),
      ...flags,
      source,
      `${at.to.user}@${at.to.host}:${far}/`,
    ]
    await using running = await start(words, { env: { TERM: 'vt220' } })
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    const { code } = await withinSeconds(20, running.exited, () => `it did not end; it shows ${JSON.stringify(screen.text)}`)
    assert.equal(sha256(readFileSync(`${far}/珍珠.bin`)), sha256(bytesOf(3 * MiB)))
    return { text: screen.text, code }
  }
  for (const protocol of ['-s', '-O'] as const) {
    test(`is shown on a terminal (${protocol})`, {}, async () => {
      const { text, code } = await watched([], protocol)
      assert.equal(code, 0)
      const last = text.split('\r').findLast(line => line.includes('珍珠'))
      assert.match(last ?? '', /^珍珠\.bin {57} 100% 3072KB {1,3}\d+\.\d[KMG]B\/s {3}\d\d:\d\d {4}$/, JSON.stringify(text))
    })
    test(`is not with -q (${protocol})`, {}, async () => assert.equal((await watched(['-q'], protocol)).text.trim(), ''))
  }
  test('is not without a terminal', {}, async () => {
    await using at = await theirs()
    const result = await bySftp.run({ to: at.to, login, places: to => [freshFile('near', bytesOf(MiB)), to(`${farFolder()}/x`)] })
    assert.deepEqual([result.stdout.toString(), result.stderr], ['', ''])
  })
})

test('nacre scp serves the other side of somebody’s scp', {}, async () => {
  const far = freshFolder('far')
  const result = await finish([...nacre('scp'), '-r', '-t', far], { stdin: 'D0755 0 d\nC0600 2 f\nok\0E\n' })
  assert.deepEqual([result.code, result.stdout.toString()], [0, '\0\0\0\0\0'], result.stderr)
  assert.equal(readFileSync(`${far}/d/f`, 'utf8'), 'ok')
})
