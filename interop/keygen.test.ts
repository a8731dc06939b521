// Owns `nacre ssh-keygen` beside OpenSSH's: the same files and the same words give the same output, the same files and the same
// code. Where OpenSSH 9.2 and later releases differ, what later ones do is said in the test.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, generatePrimeSync } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'node:test'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { type KeyFile, type KeyKind, newKey, userKey } from './rig/keys.ts'
import { type Finished, finish, type FinishOptions } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacre } from './sites/commands.ts'

type Keygen = (words: readonly string[], options?: FinishOptions) => Promise<Finished>
const ours: Keygen = (words, options) => finish(nacre('ssh-keygen', ...words), options)
const theirs: Keygen = (words, options) => finish(['ssh-keygen', ...words], options)

/** Since some release the end of a line of the log is CR LF; both are the end of a line here. */
const said = ({ stderr }: Finished): string => stderr.replaceAll('\r\n', '\n')

const same = (mine: Finished, other: Finished): void => {
  assert.equal(mine.stdout.toString(), other.stdout.toString())
  assert.equal(said(mine), said(other))
  assert.equal(mine.code, other.code)
}

/** Both say the same about the same files. */
const alike = async (words: readonly string[], options?: FinishOptions): Promise<Finished> => {
  const mine = await ours(words, options)
  same(mine, await theirs(words, options))
  return mine
}

const kinds = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa', 'dsa'] as const satisfies readonly KeyKind[]
const modeOf = (path: string): number => statSync(path).mode & 0o7777
const authority = (() => {
  let made: KeyFile | undefined
  return () => (made ??= newKey('ed25519'))
})()

/** A certificate of a new key. */
const certified = (kind: KeyKind, ...words: readonly string[]): KeyFile => {
  const key = newKey(kind)
  execFileSync('ssh-keygen', ['-q', '-s', authority().path, '-I', 'somebody', ...words, key.publicPath])
  return { ...key, publicPath: `${key.path}-cert.pub` }
}

describe('fingerprints (-l, -B)', () => {
  for (const kind of kinds)
    test(`of ${kind} keys, by every hash, with pictures and in words`, { seconds: 120 }, async () => {
      const { path, publicPath } = newKey(kind)
      for (const file of [path, publicPath]) {
        await alike(['-l', '-f', file])
        // -v explains too, on standard error, and each does so in its own words.
        for (const words of [[], ['-E', 'md5']])
          assert.equal(
            (await ours(['-lv', ...words, '-f', file])).stdout.toString(),
            (await theirs(['-lv', ...words, '-f', file])).stdout.toString(),
          )
      }
      for (const hash of ['md5', 'sha1', 'sha256', 'SHA384', 'sha512']) await alike(['-l', '-E', hash, '-f', publicPath])
      await alike(['-B', '-f', publicPath])
    })

  test('of lines with options, host names, comments, and none', {}, async () => {
    const [one, two] = [userKey('ed25519'), userKey('rsa')]
    const file = freshFile(
      'keys',
      [
        '# a comment',
        '',
        `${one.line} somebody at home`,
        `\t ${two.line} behind blanks`,
        `command="echo \\"a b\\" c",no-pty ${one.line} x`,
        `from="10.0.0.1, 10.0.0.2" ${two.line}`,
        `host.example,10.0.0.1 ${one.line}`,
        `@cert-authority *.example ${two.line} ca`,
        'ssh-ed25519 AAAA cut',
        '1024 35 1234 old',
        `7 ${one.line}`,
        `${one.line} with\ttab and \x1b[31m`,
      ].join('\n'),
    )
    for (const line of [one.line, `${one.line} # no comment`, `7 ${one.line}`]) await alike(['-l', '-f', freshFile('one', `${line}\n`)])
    const { stdout } = await alike(['-l', '-f', file])
    assert.ok(stdout.toString().split('\n').length > 6)
    const piped = { stdin: readFileSync(file) }
    same(await ours(['-l', '-f', '-'], piped), await theirs(['-l', '-f', '-'], piped))
    await alike(['-l', '-f', freshFile('none', 'nothing here\n')])
    await alike(['-l', '-f', '/nowhere/at/all'])
    await alike(['-l', '-E', 'rot13', '-f', file])
  })

  test('of encrypted keys, PEM, PKCS#8 and certificates', {}, async () => {
    const [secret, pem] = [newKey('ed25519', 'secret'), newKey('rsa')]
    await alike(['-l', '-f', secret.path])
    execFileSync('ssh-keygen', ['-q', '-p', '-m', 'PEM', '-P', '', '-N', '', '-f', pem.path])
    await alike(['-l', '-f', pem.path])
    for (const kind of ['ed25519', 'rsa', 'ecdsa256'] as const) {
      const { publicPath } = certified(kind, '-n', 'root')
      await alike(['-l', '-f', publicPath])
      const [mine, other] = [await ours(['-lv', '-f', publicPath]), await theirs(['-lv', '-f', publicPath])]
      assert.equal(mine.stdout.toString(), other.stdout.toString())
    }
    const alone = freshFile('alone', readFileSync(pem.path))
    await alike(['-l', '-f', alone])
    await alike(['-l', '-f', freshFile('damaged', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n')])
  })
})

/** The two names of a key in what is said. */
const unnamed = (text: string, path: string): string => text.replaceAll(path, 'PATH')

describe('new keys', () => {
  for (const [words, type, bits] of [
    [[], 'ssh-ed25519', 256],
    [['-t', 'ed25519'], 'ssh-ed25519', 256],
    [['-t', 'ssh-ed25519'], 'ssh-ed25519', 256],
    [['-t', 'RSA', '-b', '2048'], 'ssh-rsa', 2048],
    [['-t', 'ssh-rsa', '-b', '1024'], 'ssh-rsa', 1024],
    [['-t', 'ecdsa'], 'ecdsa-sha2-nistp256', 256],
    [['-t', 'ecdsa', '-b', '384'], 'ecdsa-sha2-nistp384', 384],
    [['-t', 'ecdsa-sha2-nistp521'], 'ecdsa-sha2-nistp521', 521],
  ] as const)
    test(`${words.join(' ') || 'of the usual type'}: files, modes and what is said`, {}, async () => {
      const [path, other] = [freshPath('made'), freshPath('made')]
      const mine = await ours([...words, '-N', '', '-C', 'a comment', '-f', path])
      const them = await theirs([...(words.length === 0 ? ['-t', 'ed25519'] : words), '-N', '', '-C', 'a comment', '-f', other])
      assert.equal(mine.code, 0, mine.stderr)
      const shape = (text: string, at: string): string =>
        unnamed(text, at)
          .replace(/SHA256:\S+/, 'FINGERPRINT')
          .replaceAll(/\|.{17}\|/g, '|field|')
      assert.equal(shape(mine.stdout.toString(), path), shape(them.stdout.toString(), other))
      assert.deepEqual([modeOf(path), modeOf(`${path}.pub`)], [0o600, 0o644])
      assert.match(readFileSync(`${path}.pub`, 'utf8'), new RegExp(`^${type} [A-Za-z0-9+/]+=* a comment\\n$`))
      const { stdout } = await theirs(['-y', '-P', '', '-f', path])
      assert.equal(stdout.toString(), readFileSync(`${path}.pub`, 'utf8'))
      assert.match((await theirs(['-l', '-f', path])).stdout.toString(), new RegExp(`^${bits} `))
      assert.equal(
        mine.stdout.toString().includes((await theirs(['-lv', '-f', path])).stdout.toString().split('\n').slice(1).join('\n')),
        true,
      )
    })

  test('encrypted: OpenSSH opens them with their passphrase only, whatever format, cipher and rounds', { seconds: 120 }, async () => {
    for (const words of [
      [],
      ['-Z', 'aes256-gcm@openssh.com'],
      ['-a', '4'],
      ['-Z', 'chacha20-poly1305@openssh.com'],
      ['-m', 'PEM'],
      ['-m', 'PKCS8'],
    ]) {
      const path = freshPath('made')
      const type = words[0] === '-m' ? ['-t', 'rsa', '-b', '2048'] : ['-t', 'ed25519']
      assert.equal((await ours(['-q', ...type, ...words, '-N', 'pass word', '-f', path])).stdout.toString(), '')
      const opened = await theirs(['-y', '-P', 'pass word', '-f', path])
      assert.equal(opened.code, 0, `${words.join(' ')}: ${opened.stderr}`)
      assert.equal((await theirs(['-y', '-P', 'wrong', '-f', path])).code, 255)
      const first = readFileSync(path, 'utf8').split('\n')[0]
      assert.equal(
        first,
        words[1] === 'PEM'
          ? '-----BEGIN RSA PRIVATE KEY-----'
          : words[1] === 'PKCS8'
            ? '-----BEGIN ENCRYPTED PRIVATE KEY-----'
            : '-----BEGIN OPENSSH PRIVATE KEY-----',
      )
    }
  })

  test('a file that is there is asked about', {}, async () => {
    for (const [answer, code] of [
      ['n\n', 1],
      ['', 1],
      ['y\n', 0],
    ] as const) {
      const results: Finished[] = []
      for (const keygen of [ours, theirs]) {
        const path = freshFile('there', 'precious\n')
        const result = await keygen(['-t', 'ed25519', '-N', '', '-f', path], { stdin: answer })
        assert.equal(result.code, code)
        assert.equal(readFileSync(path, 'utf8') === 'precious\n', code === 1)
        const asked = unnamed(result.stdout.toString(), path).split('Your identification')[0]
        results.push({ ...result, stdout: Buffer.from(asked) })
      }
      same(results[0], results[1])
    }
  })

  test('passphrases are asked for twice: at standard input, and by SSH_ASKPASS', {}, async () => {
    const path = freshPath('asked')
    const { code, stdout } = await ours(['-t', 'ed25519', '-f', path], { stdin: 'one\ntwo\nsecret\nsecret\n' })
    assert.equal(code, 0)
    assert.match(stdout.toString(), /Passphrases do not match\. {2}Try again\.\n/)
    assert.equal((await theirs(['-y', '-P', 'secret', '-f', path])).code, 0)
    const askpass = freshFile('askpass', '#!/bin/sh\necho "told by a program"\n', 0o700)
    const other = freshPath('asked')
    const env = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' }
    assert.equal((await ours(['-q', '-t', 'ed25519', '-f', other], { env })).code, 0)
    assert.equal((await theirs(['-y', '-P', 'told by a program', '-f', other])).code, 0)
    same(await ours(['-y', '-f', other], { env }), await theirs(['-y', '-f', other], { env }))
  })

  for (const words of [
    ['-t', 'rot13'],
    ['-t', 'rsa', '-b', '512'],
    ['-t', 'rsa', '-b', '20000'],
    ['-t', 'ecdsa', '-b', '255'],
    ['-b', 'many'],
    ['-b', '0'],
    ['-a', '0'],
    ['-m', 'TXT'],
    ['-z', 'one', '-L'],
  ])
    test(`refuses ${words.join(' ')}`, {}, async () => {
      const path = freshPath('never')
      await alike([...words, '-N', '', '-f', path])
      assert.equal(existsSync(path), false)
    })

  test('says what it cannot do: keys of tokens', {}, async () => {
    const path = freshPath('never')
    for (const [words, message] of [
      [['-t', 'ed25519-sk'], /made by a security key/],
      [['-D', '/usr/lib/opensc-pkcs11.so'], /PKCS#11 libraries cannot be read here\. Load .* \(ssh-add -s\)/],
      [['-K'], /Security keys cannot be reached here\./],
    ] as const) {
      const { code, stderr } = await ours([...words, '-N', '', '-f', path])
      assert.equal(code, 255)
      assert.match(stderr, message)
      assert.equal(existsSync(path), false)
    }
  })
})

describe('the public half (-y), export (-e) and import (-i)', () => {
  test('of every type, in every format', { seconds: 240 }, async () => {
    for (const kind of kinds) {
      const { path, publicPath } = newKey(kind)
      await alike(['-y', '-f', path])
      const exports = ['RFC4716', ...(kind === 'dsa' ? [] : ['PKCS8', 'PEM', 'ssh2'])]
      for (const format of exports)
        for (const file of [path, publicPath]) {
          const { stdout, code } = await alike(['-e', '-m', format, '-f', file])
          if (code !== 0) continue
          const exported = freshFile('exported', stdout)
          await alike(['-i', '-m', kind.startsWith('ecdsa') && format === 'PEM' ? 'PKCS8' : format, '-f', exported])
        }
    }
  })

  test('of encrypted keys, with the passphrase given or asked for', {}, async () => {
    const { path } = newKey('ed25519', 'secret')
    await alike(['-y', '-P', 'secret', '-f', path])
    await alike(['-y', '-P', 'wrong', '-f', path])
    assert.equal(
      (await ours(['-y', '-f', path], { stdin: 'secret\n' })).stdout.toString(),
      (await theirs(['-y', '-P', 'secret', '-f', path])).stdout.toString(),
    )
  })

  test('a private RSA key of ssh.com’s tools is read (-i)', {}, async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = privateKey.export({ format: 'jwk' })
    const uint32 = (value: number): Buffer => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])
    const text = (value: string): Buffer => Buffer.concat([uint32(value.length), Buffer.from(value)])
    const number = (value = ''): Buffer => {
      const bytes = Buffer.from(value, 'base64url')
      return Buffer.concat([uint32(bytes.length * 8 - Math.clz32(bytes[0]) + 24), bytes])
    }
    const file = (magic: number, cipher: string): string => {
      const head = [uint32(magic), uint32(0), text('if-modn{sign{rsa-pkcs1-sha1},encrypt{rsa-pkcs1v2-oaep}}'), text(cipher)]
      const body = [uint32(0), uint32(0), uint32(0), Buffer.from([1, 0, 1]), ...[jwk.d, jwk.n, jwk.qi, jwk.q, jwk.p].map(number)]
      const base64 = Buffer.concat([...head, ...body]).toString('base64')
      const lines = ['Subject: somebody', 'Comment: "goes on \\', 'here"', ...(base64.match(/.{1,70}/g) ?? [])]
      return freshFile(
        'ssh2',
        `---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n${lines.join('\n')}\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n`,
      )
    }
    const { stdout, code } = await alike(['-i', '-f', file(0x3f6ff9eb, 'none')])
    assert.equal(code, 0)
    assert.equal(stdout.toString(), privateKey.export({ format: 'pem', type: 'pkcs1' }))
    for (const damaged of [file(0x3f6ff9ec, 'none'), file(0x3f6ff9eb, '3des-cbc')]) {
      const [mine, other] = [await ours(['-i', '-f', damaged]), await theirs(['-i', '-f', damaged])]
      assert.equal(said(mine), said(other))
      assert.equal(mine.code, other.code)
    }
  })

  test('what is no key is refused in the same words', {}, async () => {
    for (const words of [['-y'], ['-e'], ['-i'], ['-i', '-m', 'PEM'], ['-i', '-m', 'PKCS8']]) {
      await alike([...words, '-f', '/nowhere/at/all'])
      const mine = await ours([...words, '-f', freshFile('nothing', 'nothing\n')])
      assert.equal(mine.code, 255)
      assert.notEqual(mine.stderr, '')
    }
    const open = newKey('ed25519').path
    chmodSync(open, 0o644)
    await alike(['-y', '-f', open])
  })
})

describe('changes of a private key', () => {
  test('its passphrase (-p), whatever the format', { seconds: 120 }, async () => {
    for (const kind of ['ed25519', 'rsa', 'ecdsa256'] as const)
      for (const words of [
        [],
        ...(kind === 'ed25519'
          ? []
          : [
              ['-m', 'PEM'],
              ['-m', 'PKCS8'],
            ]),
      ]) {
        const key = newKey(kind, 'old one')
        const copy = freshPath('copy')
        copyFileSync(key.path, copy)
        const change = ['-p', '-P', 'old one', '-N', 'new one', ...words]
        same(await ours([...change, '-f', key.path]), await theirs([...change, '-f', copy]))
        assert.equal(modeOf(key.path), 0o600)
        assert.equal(readFileSync(key.path, 'utf8').split('\n')[0], readFileSync(copy, 'utf8').split('\n')[0])
        for (const [passphrase, code] of [
          ['new one', 0],
          ['old one', 255],
        ] as const)
          assert.equal((await theirs(['-y', '-P', passphrase, '-f', key.path])).code, code)
      }
    const { path } = newKey('ed25519', 'old one')
    await alike(['-p', '-P', 'wrong', '-N', '', '-f', path])
    await alike(['-p', '-m', 'PEM', '-N', 'four', '-f', newKey('rsa').path])
    const differ = await ours(['-p', '-P', 'old one', '-f', path], { stdin: 'a\nb\n' })
    assert.equal(differ.code, 1)
    assert.equal(differ.stdout.toString(), "Key has comment 'ed25519 of the tests'\nPass phrases do not match.  Try again.\n")
    assert.equal((await theirs(['-y', '-P', 'old one', '-f', path])).code, 0)
  })

  test('Ed25519 has a form in PKCS#8 and none in PEM, as in later releases', {}, async () => {
    const { path } = newKey('ed25519')
    const before = readFileSync(path, 'utf8')
    const pem = await ours(['-p', '-m', 'PEM', '-N', 'new one', '-f', path])
    assert.equal(pem.code, 1)
    assert.equal(said(pem), `Saving key "${path}" failed: invalid format\n`)
    assert.equal(readFileSync(path, 'utf8'), before)
    assert.equal((await ours(['-p', '-m', 'PKCS8', '-N', 'new one', '-f', path])).code, 0)
    assert.match(readFileSync(path, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    assert.match(
      execFileSync('openssl', ['pkey', '-in', path, '-passin', 'pass:new one', '-noout', '-text'], { encoding: 'utf8' }),
      /^ED25519 Private-Key/,
    )
  })

  test('its comment (-c), in both files', {}, async () => {
    for (const [words, stdin] of [
      [['-C', 'new comment'], ''],
      [['-C', ''], ''],
      [['-C', 'ed25519 of the tests'], ''],
      [[], 'typed in\n'],
    ] as const) {
      const key = newKey('ed25519', 'secret')
      const copy = freshPath('copy')
      for (const end of ['', '.pub']) copyFileSync(key.path + end, copy + end)
      const mine = await ours(['-c', '-P', 'secret', ...words, '-f', key.path], { stdin })
      same(mine, await theirs(['-c', '-P', 'secret', ...words, '-f', copy], { stdin }))
      assert.equal(readFileSync(key.publicPath, 'utf8'), readFileSync(`${copy}.pub`, 'utf8'))
      same(await theirs(['-y', '-P', 'secret', '-f', key.path]), await theirs(['-y', '-P', 'secret', '-f', copy]))
    }
  })
})

describe('host keys (-A) and SSHFP records (-r)', () => {
  test('-A makes what is missing, and only that', {}, async () => {
    const prefix = freshFolder('root')
    mkdirSync(join(prefix, 'etc/ssh'), { recursive: true })
    const first = await ours(['-A', '-f', prefix])
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout.toString(), /^ssh-keygen: generating new host keys: RSA ECDSA ED25519 (MLDSA44-ED25519 )?\n$/)
    const files = readdirSync(join(prefix, 'etc/ssh'))
    for (const type of ['rsa', 'ecdsa', 'ed25519']) {
      const path = join(prefix, `etc/ssh/ssh_host_${type}_key`)
      assert.deepEqual([modeOf(path), modeOf(`${path}.pub`)], [0o600, 0o644])
      assert.equal((await theirs(['-y', '-P', '', '-f', path])).stdout.toString(), readFileSync(`${path}.pub`, 'utf8'))
    }
    assert.equal(
      files.some(name => /\.[a-z0-9]{8,}$/.test(name)),
      false,
      files.join(' '),
    )
    const before = readFileSync(join(prefix, 'etc/ssh/ssh_host_rsa_key'), 'utf8')
    writeFileSync(join(prefix, 'etc/ssh/ssh_host_ed25519_key'), '')
    assert.equal((await ours(['-A', '-f', prefix])).stdout.toString(), 'ssh-keygen: generating new host keys: ED25519 \n')
    assert.equal(readFileSync(join(prefix, 'etc/ssh/ssh_host_rsa_key'), 'utf8'), before)
    assert.equal((await alike(['-A', '-f', prefix])).stdout.toString(), '')
  })

  test('-r prints them, in both forms', {}, async () => {
    for (const kind of ['ed25519', 'ecdsa384', 'rsa'] as const) {
      const { path, publicPath } = newKey(kind)
      for (const file of [path, publicPath]) await alike(['-r', 'host.example', '-f', file])
      await alike(['-r', 'host.example', '-g', '-f', publicPath])
    }
    await alike(['-r', 'host.example', '-f', '/nowhere/at/all'])
    const one = await ours(['-r', 'h', '-O', 'hashalg=sha256', '-f', userKey().publicPath])
    assert.match(one.stdout.toString(), /^h IN SSHFP 4 2 [0-9a-f]{64}\n$/)
    // OpenSSH 9.2 has records of DSA keys; later releases know no DSA.
  })
})

describe('known hosts (-F, -H, -R)', () => {
  const file = (): string =>
    freshFile(
      'known_hosts',
      [
        '# hosts',
        `one.example,10.0.0.1 ${userKey('ed25519').line} first`,
        `[one.example]:2222 ${userKey('rsa').line}`,
        '',
        `*.example,!bad.example ${userKey('ecdsa256').line}`,
        `@revoked one.example ${userKey('rsa').line}`,
        `@cert-authority *.example ${userKey('ed25519').line} authority`,
        `TWO.example ${userKey('ed25519').line}`,
        '',
      ].join('\n'),
    )

  test('-F finds, with line numbers and marks, fingerprints, and quietly', {}, async () => {
    const known = file()
    for (const host of ['one.example', '[one.example]:2222', '10.0.0.1', 'two.example', 'bad.example', 'else.where', 'x.example'])
      for (const words of [[], ['-l'], ['-q'], ['-l', '-E', 'md5']]) await alike([...words, '-F', host, '-f', known])
    const { stdout } = await ours(['-H', '-q', '-F', '10.0.0.1', '-f', known])
    assert.match(stdout.toString(), /^\|1\|\S+ ssh-ed25519 /)
    await alike(['-F', 'x', '-f', '/nowhere/known_hosts'])
  })

  test('-R removes, keeps the old file, and says which lines went', {}, async () => {
    for (const host of ['one.example', '10.0.0.1', '[one.example]:2222', 'two.example', 'else.where'])
      for (const words of [[], ['-q']]) {
        const [mine, other] = [file(), file()]
        const [left, right] = [await ours([...words, '-R', host, '-f', mine]), await theirs([...words, '-R', host, '-f', other])]
        assert.equal(unnamed(left.stdout.toString(), mine), unnamed(right.stdout.toString(), other))
        assert.equal(unnamed(said(left), mine), unnamed(said(right), other))
        assert.equal(left.code, right.code)
        assert.equal(readFileSync(mine, 'utf8'), readFileSync(other, 'utf8'))
        assert.equal(existsSync(`${mine}.old`), existsSync(`${other}.old`))
        assert.equal(modeOf(mine), modeOf(other))
      }
  })

  test('-H hashes, and OpenSSH finds the hosts afterwards', {}, async () => {
    const [mine, other] = [file(), file()]
    const [left, right] = [await ours(['-H', '-f', mine]), await theirs(['-H', '-f', other])]
    assert.equal(unnamed(left.stdout.toString(), mine), unnamed(right.stdout.toString(), other))
    assert.equal(unnamed(said(left), mine), unnamed(said(right), other))
    const shape = (path: string): string => readFileSync(path, 'utf8').replaceAll(/\|1\|\S+/g, 'HASHED')
    assert.equal(shape(mine), shape(other))
    for (const host of ['one.example', '10.0.0.1', '[one.example]:2222', 'two.example'])
      same(await theirs(['-F', host, '-l', '-f', mine]), await ours(['-F', host, '-l', '-f', mine]))
  })

  test('a file with a line nobody can read stays as it is', {}, async () => {
    const text = `one.example ${userKey().line}\nthis is no line\n`
    const [mine, other] = [freshFile('known', text), freshFile('known', text)]
    for (const words of [['-R', 'one.example'], ['-H']]) {
      const [left, right] = [await ours([...words, '-f', mine]), await theirs([...words, '-f', other])]
      assert.equal(unnamed(said(left), mine), unnamed(said(right), other))
      assert.equal(left.code, right.code)
      assert.equal(readFileSync(mine, 'utf8'), text)
    }
  })
})

describe('a command line that is wrong', () => {
  for (const words of [['operand'], ['-p', '-c'], ['-l', '-R', 'x'], ['-l', '-H']])
    test(words.join(' '), {}, async () => {
      const [mine, other] = [await ours(words), await theirs(words)]
      assert.equal(mine.code, other.code)
      assert.equal(said(mine).split('\n')[0], said(other).split('\n')[0])
      assert.match(said(mine), /^usage: ssh-keygen /m)
    })
  test('an unknown letter', {}, async () => {
    const mine = await ours(['-J'])
    assert.equal(mine.code, 1)
    assert.match(mine.stderr, /^usage: ssh-keygen /m)
  })
})

describe('groups (-M screen)', () => {
  test('the same candidates pass, with the same generators; a checkpoint goes on where it stopped', {}, async () => {
    const stamp = '20260101000000'
    const line = (q: bigint): string => `${stamp} 4 2 100 ${q.toString(2).length - 1} 0 ${q.toString(16).toUpperCase()}`
    const safe = Array.from({ length: 3 }, () => generatePrimeSync(512, { safe: true, add: 24n, rem: 11n, bigint: true }))
    const candidates = safe.flatMap(p => [(p - 1n) / 2n, (p - 1n) / 2n + 12n])
    const file = freshFile('candidates', `# comment\n${candidates.map(line).join('\n')}\n`)
    const screened = async (keygen: Keygen, ...words: readonly string[]): Promise<readonly string[]> => {
      const output = freshPath('moduli')
      const { code, stderr } = await keygen(['-M', 'screen', '-f', file, '-O', 'prime-tests=5', ...words, output])
      assert.equal(code, 0, stderr)
      assert.match(stderr, /^.{24} Found \d+ safe primes of \d+ candidates in \d+ seconds\r?\n$/m)
      return readFileSync(output, 'utf8')
        .replaceAll(/^\d{14} /gm, '')
        .split('\n')
    }
    const mine = await screened(ours)
    assert.deepEqual(mine, await screened(theirs))
    assert.deepEqual(
      mine.filter(each => each !== '').map(each => BigInt(`0x${each.split(' ')[5]}`)),
      safe,
    )
    for (const words of [
      ['-O', 'generator=5'],
      ['-O', 'start-line=3'],
      ['-O', 'lines=3'],
      ['-O', 'start-line=2', '-O', 'lines=3'],
    ])
      assert.deepEqual(await screened(ours, ...words), await screened(theirs, ...words), words.join(' '))
    for (const keygen of [ours, theirs]) {
      const checkpoint = freshFile('checkpoint', '4\n')
      assert.equal((await screened(keygen, '-O', `checkpoint=${checkpoint}`)).length, 2)
      assert.equal(existsSync(checkpoint), false)
    }
  })

  test('what is wrong is refused in the same words', {}, async () => {
    for (const words of [
      ['-M', 'guess', 'x'],
      ['-M', 'screen'],
      ['-M', 'generate', 'a', 'b'],
      ['-M', 'screen', '-O', 'colour=red', 'x'],
      ['-M', 'generate', '-O', 'bits=100', freshPath('moduli')],
      ['-M', 'screen', '-f', '/nowhere/candidates', 'x'],
      ['-M', 'screen', '-O', 'generator=0', 'x'],
    ])
      await alike(words)
  })
})
