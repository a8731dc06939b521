// Owns `nacre sftp` beside OpenSSH's: the same batches through both, with both servers, compared in what is said, in how it ends and in
// what is there afterwards; destinations, half transfers of either, and a person at a terminal.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { reachOptions } from './peers/copiers.ts'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { type Finished, finish, type FinishOptions, start, withinSeconds } from './rig/process.ts'
import { Screen, terminal } from './rig/screen.ts'
import { test } from './rig/test.ts'
import { giveTree, treeOf } from './rig/tree.ts'
import { world } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const servers: readonly (readonly [string, () => Promise<PeerServer>])[] = [
  ['OpenSSH', () => openSshServer({ accepts })],
  ['our sshd', () => nacreSshd({ accepts, config: ['Subsystem sftp internal-sftp'] })],
]
const theirs = ['sftp'] as const
const ours = nacre('sftp')

const sftp = (program: readonly string[], { to }: PeerServer, letters: readonly string[], path: string, how: FinishOptions = {}) =>
  finish([...program, ...reachOptions(to, login), ...letters, `${to.user}@${to.host}${path === '' ? '' : `:${path}`}`], how)

/** What both begin with, here and there. */
const furnish = (folder: string): void => {
  mkdirSync(`${folder}/tree/inner/deep`, { recursive: true })
  for (const [index, [name, text]] of (
    [
      ['plain', 'pearl'],
      ['a1', '1'],
      ['a2', '22'],
      ['part', 'abc'],
      ['whole', 'abcdefgh'],
      ['sp ace', 'blank'],
      ['qu"ote', 'quotation'],
      ['st*r', 'star'],
      ['.hidden', 'hidden'],
      ['ctl\u0001z', 'control!!!'],
      ['tree/leaf', 'leaf'],
      ['tree/inner/twig', 'twigs'],
    ] as const
  ).entries()) {
    writeFileSync(`${folder}/${name}`, text)
    chmodSync(`${folder}/${name}`, 0o644)
    utimesSync(`${folder}/${name}`, 1_700_000_000 + index, 1_600_000_000 + 86_400 * index)
  }
  chmodSync(`${folder}/plain`, 0o755)
  symlinkSync('leaf', `${folder}/tree/link`)
}

/** Every command, and every way to get it wrong. LOCAL is a folder here. */
const lines = String.raw`
pwd
lpwd
version
help
?
-nonsense
-get
-put
-get -z plain
-mget
-reget
-cd nowhere
-cd plain
-cd tree
pwd
cd
cd REMOTE
-lcd nowhere
lcd LOCAL/tree
lpwd
lcd LOCAL
-mkdir
-mkdir new
-mkdir new
-mkdir no/where
-mkdir "new dir"
-mkdir new\ er # and nothing else
-mkdir "st\"range"
-lmkdir
lmkdir here
-lmkdir here
-rmdir nowhere
-rmdir tree
rmdir new
-rm
-rm nowhere
-rm "nowhere*"
-rename plain
-rename nowhere x
rename a1 moved
rename -l a2 moved2
-rename -x a b
-ln plain
-ln -f a b
ln plain hard
-ln plain hard
ln -s plain soft
-ln -s plain soft
symlink ../plain tree/up
-symlink a
-copy whole
copy whole copied
cp "sp ace" 'co pied'
-cp nowhere x
-cp tree x
-cp whole no/x
-chmod
-chmod u+x plain
-chmod 999 plain
-chmod 644
chmod 600 plain
chmod 640 moved*
-chmod 640 nowhere
-chmod -h 600 plain
-chmod -z 600 plain
-chown
-chown root plain
-chown 99999999999 plain
-chown 1
-chgrp x plain
-chgrp 1 nowhere
-lumask
-lumask 9
lumask 022
ls -1
ls -1a
ls -1r
ls -1t .h* plain
-ls -1 m*
-ls -1S m*
-ls -1 {moved,whole}*
-ls -l hard
-ls -lh m*
-ls nowhere
-ls "m*"
-ls -q
-ls -1 tree
-ls -1f tree/inner/twig
-DIR -1 tree/inner
-df -z
get plain got
get "sp ace"
get 'qu"ote' q1
get "qu\"ote" q2
get st\*r s1
get "st*r" s2
-get "nowhere*"
-get plain no/x
-get a b c
-get tree
-get m* nowhere
get m* here
get -p whole kept
get -r tree trees
get -r tree/ trees
-get -r tree no/where
@get whole silent
-@get nowhere
mget w*
reget whole part
reget whole part
-reget part whole
get -a whole fresh
get -f plain synced
put LOCAL/plain
put "sp ace" 'put here'
put -p whole kept
put -P whole kept2
-put nowhere
-put tree
-put plain no/x
-put m* nowhere
put w* tree
put -R tree up
put -r tree/ up
reput whole part
-reput whole part
-reput part whole
put -f plain synced
mput q*
-get "open
-put 'open
progress
progress
!echo shell
-!exit 3
lls -d here
-lls nowhere
-ls|cat
#comment
  # comment

  -   pwd
@pwd
-@-rm nowhere
rm q*
rm moved*
rm hard soft
rmdir "new dir"
quit
pwd
`

/** Where ours says something else on purpose: what of both is left out of the comparison, and why. */
const differences: readonly (readonly [RegExp, string, why: string])[] = [
  [/\r$/gm, '', 'theirs ends lines on standard error with a carriage return too'],
  [/^(.*: Failure) \([A-Z][a-z -]+\)$/gm, '$1', 'ours passes on the reason behind a "Failure"'],
  [/^\.\.?\n/gm, '', 'ours lists . and .. whether the server sends them or not'],
]
const comparable = (text: string, near: string, far: string): string =>
  differences.reduce((done, [pattern, other]) => done.replace(pattern, other), text.replaceAll(near, 'NEAR').replaceAll(far, 'FAR'))

describe('the same batch through both programs', () => {
  for (const [name, server] of servers) {
    test(`says the same, ends alike and leaves the same, with ${name}`, { seconds: 90 }, async () => {
      await using at = await server()
      const run = async (program: readonly string[]) => {
        const [near, far] = [freshFolder('near'), freshFolder('far', 0o755)]
        furnish(near)
        furnish(far)
        if (world().privileged) giveTree(Buffer.from(far), world().uid)
        const batch = freshFile('batch', lines.replaceAll('LOCAL', near).replaceAll('REMOTE', far))
        const result = await sftp(program, at, ['-b', batch], far, { cwd: near, seconds: 40 })
        const text = (said: string): readonly string[] => comparable(said, near, far).split('\n')
        return {
          code: result.code,
          stdout: text(result.stdout.toString()),
          stderr: text(result.stderr),
          near: treeOf(near, { modes: true }),
          far: treeOf(far, { modes: true }),
        }
      }
      const [expected, got] = [await run(theirs), await run(ours)]
      assert.ok(expected.stdout.length > 200 && expected.stderr.length > 60, 'the batch has run')
      assert.deepEqual(got, expected)
    })
  }
})

describe('how it begins and ends', () => {
  const codes = async (letters: readonly string[], path: string, stdin: string): Promise<readonly (number | null)[]> => {
    await using at = await openSshServer({ accepts })
    const run = (program: readonly string[]): Promise<Finished> => sftp(program, at, letters, path, { stdin, cwd: freshFolder('near') })
    return [(await run(theirs)).code, (await run(ours)).code]
  }
  for (const [what, letters, path, stdin, code] of [
    ['a batch that went well', ['-b', '-'], '', 'pwd\n', 0],
    ['a batch that stopped', ['-b', '-'], '', 'rm /nowhere\nbye\n', 1],
    ['a batch with a line that makes no sense', ['-b', '-'], '', 'nonsense\nbye\n', 1],
    ['lines without -b go on', [], '', 'rm /nowhere\nnonsense\n', 0],
    ['a path that is not there', [], '/nowhere', '', 1],
    ['a key that nobody wants', ['-b', '-', '-oIdentityFile=none', '-oPubkeyAuthentication=no'], '', '', 255],
    ['no subsystem', ['-b', '-', '-s', 'nothing'], '', '', 255],
    ['a letter that is none', ['-Z'], '', '', 1],
    ['a batch that is not there', ['-b', '/nowhere'], '', '', 255],
  ] as const)
    test(`${what}: ${code}`, {}, async () => assert.deepEqual(await codes(letters, path, stdin), [code, code]))

  test('a path is fetched, or is where it begins', {}, async () => {
    await using at = await openSshServer({ accepts })
    const far = freshFolder('far', 0o755)
    furnish(far)
    for (const program of [theirs, ours]) {
      const near = freshFolder('near')
      const fetched = await sftp(program, at, [], `${far}/plain`, { cwd: near })
      assert.deepEqual([fetched.code, fetched.stdout.toString()], [0, `Fetching ${far}/plain to plain\n`], fetched.stderr)
      assert.equal(readFileSync(`${near}/plain`, 'utf8'), 'pearl')
      const tree = await sftp(program, at, ['-r', '-q'], `${far}/tre*`, { cwd: near })
      assert.equal(tree.code, 0, tree.stderr)
      assert.equal(readFileSync(`${near}/tree/inner/twig`, 'utf8'), 'twigs')
      const there = await sftp(program, at, [], `${far}/tree`, { cwd: near, stdin: 'pwd\n' })
      assert.equal(there.stdout.toString(), `Changing to: ${far}/tree\nsftp> pwd\nRemote working directory: ${far}/tree\n`)
      assert.match(there.stderr, /^Connected to 127\.0\.0\.1\.\r?\n$/)
    }
  })
  test('sftp:// addresses, with a port and a local path', {}, async () => {
    await using at = await openSshServer({ accepts })
    const far = freshFolder('far', 0o755)
    furnish(far)
    const near = freshFolder('near')
    const { user, host, port } = at.to
    const options = reachOptions(at.to, login).slice(0, -2)
    const result = await finish([...ours, ...options, `sftp://${user}@${host}:${port}/${far}/sp%20ace`, `${near}/as`])
    assert.equal(result.code, 0, result.stderr)
    assert.equal(readFileSync(`${near}/as`, 'utf8'), 'blank')
  })
  test('-S connects by another program, -s starts a server by its path, -D needs no connection', {}, async () => {
    await using at = await openSshServer({ accepts })
    for (const letters of [
      ['-S', '/usr/bin/ssh'],
      ['-s', '/usr/lib/openssh/sftp-server'],
    ]) {
      const result = await sftp(ours, at, [...letters, '-b', '-'], '', { stdin: '@version\n' })
      assert.deepEqual([result.code, result.stdout.toString()], [0, 'SFTP protocol version 3\n'], result.stderr)
    }
    for (const server of ['/usr/lib/openssh/sftp-server -e', nacre('sftp-server', '-e').join(' ')]) {
      const result = await finish([...ours, '-q', '-D', server], { stdin: '@version\n' })
      assert.deepEqual([result.code, result.stdout.toString()], [0, 'SFTP protocol version 3\n'], result.stderr)
    }
  })
})

describe('other machines in between', () => {
  test('ways that lead nowhere are refused in words before anything is connected to', {}, async () => {
    for (const [letters, words] of [
      [['-J', 'jump,'], /ProxyJump/],
      [['-o', 'ProxyJump=jump:port'], /ProxyJump/],
      [['-o', 'ProxyCommand=nc %z'], /%z/],
      [['-o', 'ProxyUseFdpass=yes'], /ProxyUseFdpass/],
    ] as const) {
      const result = await finish([...ours, '-F', 'none', ...letters, '-b', '-', 'nobody@host.invalid'], { stdin: 'pwd\n' })
      assert.equal(result.code === 0, false)
      assert.match(result.stderr, words)
      assert.equal(result.stdout.toString(), '')
    }
  })

  test("with -S they are the business of the program: a file goes through a jump of OpenSSH's ssh, both ways", {}, async () => {
    await using far = await openSshServer({ accepts })
    await using jump = await openSshServer({ accepts })
    const [near, there] = [freshFolder('near'), freshFolder('far', 0o755)]
    world().give(there)
    const bytes = bytesOf(2 * MiB)
    writeFileSync(`${near}/up`, bytes)
    const known = [far, jump].flatMap(({ to: { host, port, hostKeys } }) => hostKeys.map(line => `[${host}]:${port} ${line}\n`))
    const settings = [
      `UserKnownHostsFile ${freshFile('known_hosts', known.join(''))}`,
      `IdentityFile ${userKey().path}`,
      'IdentitiesOnly yes',
    ]
    const { user, host, port } = far.to
    const through = `${jump.to.user}@${jump.to.host}:${jump.to.port}`
    const settingsFile = freshFile('config', `${settings.join('\n')}\n`)
    const letters = ['-S', '/usr/bin/ssh', '-F', settingsFile, '-J', through, '-A', '-P', String(port), '-b', '-']
    const run = (stdin: string): Promise<Finished> => finish([...ours, ...letters, `${user}@${host}:${there}`], { cwd: near, stdin })
    const result = await run('put up\nget up down\n')
    assert.equal(result.code, 0, result.stderr)
    assert.equal(sha256(readFileSync(`${near}/down`)), sha256(bytes))
    // It did go that way: without the jump there is none.
    await jump[Symbol.asyncDispose]()
    assert.equal((await run('pwd\n')).code, 255)
  })
})

test('a server that is gone ends a batch and a talk with 255', {}, async () => {
  const pid = `${freshFolder('server')}/pid`
  const server = freshFile('server', `#!/bin/sh\necho $$ > ${pid}\nexec /usr/lib/openssh/sftp-server\n`, 0o700)
  const stdin = `pwd\n!kill -9 $(cat ${pid})\n-ls\npwd\n`
  for (const letters of [['-b', '-'], []]) {
    const result = await finish([...ours, ...letters, '-D', server], { stdin })
    assert.equal(result.code, 255, result.stderr)
    assert.match(result.stderr, /^Connection closed$/m)
    assert.equal(result.stdout.toString().match(/Remote working directory/g)?.length, 1)
  }
})

test('what either program left half is gone on with by the other', { seconds: 90 }, async () => {
  await using at = await openSshServer({ accepts })
  const bytes = bytesOf(12 * MiB)
  for (const program of [theirs, ours]) {
    const [near, far] = [freshFolder('near'), freshFolder('far', 0o755)]
    writeFileSync(`${near}/up`, bytes)
    writeFileSync(`${far}/down`, bytes)
    chmodSync(`${far}/down`, 0o644)
    // As OpenSSH leaves them: the beginning, under the final name.
    writeFileSync(`${far}/up`, bytes.subarray(0, 9 * MiB + 17))
    writeFileSync(`${near}/down`, bytes.subarray(0, 5 * MiB + 3))
    if (world().privileged) giveTree(Buffer.from(far), world().uid)
    const result = await sftp(program, at, ['-b', '-', '-B', '20000', '-R', '9'], far, { cwd: near, stdin: 'reget down\nput -a up\n' })
    assert.equal(result.code, 0, result.stderr)
    for (const path of [`${near}/down`, `${far}/up`]) assert.equal(sha256(readFileSync(path)), sha256(bytes))
    assert.deepEqual(readdirSync(far).toSorted(), ['down', 'up'])
  }
})

describe('a person at a terminal', () => {
  test('completes, edits, goes back, interrupts a transfer, and makes the window wider', { seconds: 60 }, async () => {
    await using at = await openSshServer({ accepts })
    const [near, far] = [freshFolder('near'), freshFolder('far', 0o755)]
    furnish(far)
    writeFileSync(`${far}/large.bin`, bytesOf(8 * MiB))
    chmodSync(`${far}/large.bin`, 0o644)
    const { user, host } = at.to
    await using running = await start([...terminal, ...ours, '-l', '8000', ...reachOptions(at.to, login), `${user}@${host}:${far}`], {
      cwd: near,
      env: { TERM: 'vt220' },
    })
    let screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    /** Types, and looks at what is shown from then on. */
    const type = async (text: string, shows: RegExp): Promise<void> => {
      screen = new Screen()
      running.stdin.write(text)
      await screen.shows(shows)
    }
    // Whoever gives the terminal its size waits for this.
    running.stdin.write('\n')
    await screen.shows(/Changing to: .*\r\n[^]*sftp> /)
    await type('re', /re/)
    await type('\t', /reget +rename +reput/)
    await type('\u0003', /Interrupt/)
    await type('ls sp', /sp/)
    await type('\t', /\\ ace /)
    await type('\r', /sp ace +\r\n[^]*sftp> /)
    await type('get tr', /tr/)
    await type('\t', /ee\//)
    await type('in\t', /in/)
    await type('\u0015', /sftp> /)
    await type('get large.bin\r', /large\.bin {45,} +\d+% /)
    process.kill(running.pid, 'SIGUSR1')
    // As wide as the window is now.
    await screen.shows(/large\.bin {70,} +\d+% /)
    await type('\u0003', /Interrupt[^]*sftp> /)
    await type('!echo from the shell\r', /\r\nfrom the shell\r\n[^]*sftp> /)
    await type('\u001b[A', /!echo from the shell/)
    await type('\u0015', /sftp> /)
    await type('nonsense\r', /Invalid command\.[^]*sftp> /)
    await type('progress\r', /Progress meter disabled[^]*sftp> /)
    await type('get plain\r', /Fetching .*plain to plain\r\n[^]*sftp> /)
    assert.doesNotMatch(screen.text, /100%/)
    running.stdin.write('\u0004')
    const { code } = await withinSeconds(10, running.exited, () => `it did not end; it shows ${JSON.stringify(screen.text)}`)
    assert.equal(code, 0)
    assert.equal(readFileSync(`${near}/plain`, 'utf8'), 'pearl')
    // What was interrupted is not there half, under no name.
    assert.ok(!existsSync(`${near}/large.bin`))
    assert.deepEqual(readdirSync(near), ['plain'])
  })
})
