// Owns `nacre ssh-keygen` as an authority, beside OpenSSH's: certificates, revocation lists and signatures of files. What one makes
// the other takes, and both say the same. Where OpenSSH 9.2 and later releases differ, what later ones do is said in the test.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'node:test'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { type KeyFile, newKey, userKey } from './rig/keys.ts'
import { type Finished, finish, type FinishOptions, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacre } from './sites/commands.ts'

type Keygen = (words: readonly string[], options?: FinishOptions) => Promise<Finished>
const ours: Keygen = (words, options) => finish(nacre('ssh-keygen', ...words), options)
const theirs: Keygen = (words, options) => finish(['ssh-keygen', ...words], options)

const said = ({ stderr }: Finished): string => stderr.replaceAll('\r\n', '\n')
const same = (mine: Finished, other: Finished): void => {
  assert.equal(mine.stdout.toString(), other.stdout.toString())
  assert.equal(said(mine), said(other))
  assert.equal(mine.code, other.code)
}
const alike = async (words: readonly string[], options?: FinishOptions): Promise<Finished> => {
  const mine = await ours(words, options)
  same(mine, await theirs(words, options))
  return mine
}

/** A copy of a public key, so that each can put its certificate beside one of its own. */
const copyOf = (key: KeyFile): string => {
  const path = freshPath('copy')
  copyFileSync(key.publicPath, `${path}.pub`)
  return `${path}.pub`
}
const certificateOf = (path: string): string => path.replace(/\.pub$/, '-cert.pub')

describe('certificates (-s, -L)', () => {
  const authority = newKey('ed25519')
  for (const words of [
    ['-n', 'root,admin'],
    ['-n', 'root', '-z', '42', '-V', '20200101:20300101'],
    ['-n', 'host.example,*.example', '-h', '-V', 'always:forever'],
    ['-n', 'root', '-V', 'always:20300101123000'],
    ['-n', 'root', '-V', '20200101Z:forever'],
    ['-n', 'root', '-V', '0x10:0xffffffff'],
    ['-n', 'root', '-O', 'clear', '-O', 'permit-pty', '-O', 'force-command=echo "hi"', '-O', 'source-address=10.0.0.0/8,::1'],
    ['-n', 'root', '-O', 'no-x11-forwarding', '-O', 'no-user-rc', '-O', 'no-touch-required', '-O', 'verify-required'],
    ['-n', 'root', '-O', 'extension:one@example=two', '-O', 'critical:three@example', '-O', 'extension:flag@example'],
  ])
    test(`with ${words.join(' ')}`, {}, async () => {
      const [mine, other] = [copyOf(userKey('ecdsa256')), copyOf(userKey('ecdsa256'))]
      const [left, right] = [
        await ours(['-s', authority.path, '-I', 'an id', ...words, mine]),
        await theirs(['-s', authority.path, '-I', 'an id', ...words, other]),
      ]
      assert.equal(said(left).replaceAll(certificateOf(mine), 'PATH'), said(right).replaceAll(certificateOf(other), 'PATH'))
      assert.equal(left.code, 0)
      const shown = async (path: string): Promise<string> => {
        const { stdout, code } = await alike(['-L', '-f', certificateOf(path)])
        assert.equal(code, 0)
        return stdout.toString().replace(certificateOf(path), 'PATH')
      }
      assert.equal(await shown(mine), await shown(other))
      assert.equal(
        readFileSync(certificateOf(mine), 'utf8').split(' ').slice(2).join(' '),
        readFileSync(certificateOf(other), 'utf8').split(' ').slice(2).join(' '),
      )
    })

  test('of every type, by authorities of every type, several at once with serials that count', { seconds: 120 }, async () => {
    for (const kind of ['ed25519', 'ecdsa384', 'rsa'] as const) {
      const by = newKey(kind, 'secret')
      const keys = (['ed25519', 'ecdsa521', 'rsa'] as const).map(each => copyOf(userKey(each)))
      const { code, stderr } = await ours(['-s', by.path, '-P', 'secret', '-I', 'x', '-n', 'root', '-z', '+7', '-q', ...keys])
      assert.equal(code, 0, stderr)
      assert.equal(stderr, '')
      for (const [index, key] of keys.entries()) {
        const { stdout } = await alike(['-L', '-f', certificateOf(key)])
        assert.match(stdout.toString(), new RegExp(`Serial: ${7 + index}\\n`))
      }
    }
    const rsa = newKey('rsa')
    const key = copyOf(userKey())
    assert.equal((await ours(['-s', rsa.path, '-t', 'rsa-sha2-256', '-I', 'x', '-n', 'root', '-q', key])).code, 0)
    assert.match((await theirs(['-L', '-f', certificateOf(key)])).stdout.toString(), /using rsa-sha2-256/)
  })

  test('by the agent (-U)', {}, async () => {
    const socket = join(freshFolder('agent'), 'socket')
    await using agent = await start(['ssh-agent', '-D', '-a', socket])
    while (!existsSync(socket) && !agent.ended) await new Promise(resolve => setTimeout(resolve, 10))
    const env = { SSH_AUTH_SOCK: socket }
    const missing = await ours(['-U', '-s', authority.publicPath, '-I', 'x', '-n', 'root', copyOf(userKey())], { env })
    assert.equal(missing.code, 255)
    assert.match(missing.stderr, /CA key .* not found in agent/)
    await finish(['ssh-add', '-q', authority.path], { env })
    const key = copyOf(userKey())
    assert.equal((await ours(['-U', '-s', authority.publicPath, '-I', 'x', '-n', 'root', key], { env })).code, 0)
    await alike(['-L', '-f', certificateOf(key)])
  })

  test('relative times count from now', {}, async () => {
    const key = copyOf(userKey())
    assert.equal((await ours(['-s', authority.path, '-I', 'x', '-n', 'root', '-V', '+1w', key])).code, 0)
    const { stdout } = await theirs(['-L', '-f', certificateOf(key)])
    const [, from, to] = /Valid: from (\S+) to (\S+)/.exec(stdout.toString()) ?? []
    const days = (Date.parse(to) - Date.parse(from)) / 86_400_000
    assert.ok(days >= 7 && days < 7.01, String(days))
  })

  for (const words of [
    ['-n', 'root'],
    ['-I', 'x', '-n', 'root', '-V', 'soon'],
    ['-I', 'x', '-n', 'root', '-V', '20300101:20200101'],
    ['-I', 'x', '-n', 'root', '-V', '+never'],
    ['-I', 'x', '-n', 'root', '-V', '20201301:forever'],
    ['-I', 'x', '-n', 'root', '-O', 'colour=red'],
    ['-I', 'x', '-n', 'root', '-O', 'force-command='],
    ['-I', 'x', '-n', 'root,', '-O', 'clear'],
    ['-I', 'x', '-n', 'root', '-t', 'rsa'],
    ['-I', 'x', '-n', 'root', '-z', 'one'],
  ])
    test(`refuses ${words.join(' ')}`, {}, async () => {
      const key = copyOf(userKey())
      const result = await alike(['-s', authority.path, ...words, key])
      assert.equal(result.code, 255)
      assert.equal(existsSync(certificateOf(key)), false)
    })

  test('refuses addresses that are none', {}, async () => {
    const words = ['-s', authority.path, '-I', 'x', '-n', 'root', '-O', 'source-address=here', copyOf(userKey())]
    const [mine, other] = [await ours(words), await theirs(words)]
    assert.equal(mine.code, other.code)
    // OpenSSH names functions of its own in lines before.
    assert.equal(said(mine), 'Invalid source-address list\n')
    assert.ok(said(other).endsWith(said(mine)))
  })

  test('what is no certificate is not shown', {}, async () => {
    await alike(['-L', '-f', userKey().publicPath])
    await alike(['-L', '-f', freshFile('none', 'nothing\n')])
    await alike(['-L', '-f', '/nowhere/at/all'])
    const { code, stderr } = await ours(['-s', authority.path, '-I', 'x', copyOf(userKey())])
    // Later releases warn, since such a certificate is for nobody.
    assert.equal(code, 0)
    assert.match(stderr, /Warning: certificate will contain no principals \(-n\)/)
  })
})

describe('revocation lists (-k, -Q)', () => {
  const authority = newKey('ed25519')
  const keys = (['ed25519', 'ecdsa256', 'rsa'] as const).map(kind => newKey(kind))
  const certified = async (serial: number, id: string): Promise<string> => {
    const key = copyOf(newKey('ed25519'))
    await theirs(['-q', '-s', authority.path, '-I', id, '-n', 'root', '-z', String(serial), key])
    return certificateOf(key)
  }

  test('the same words give the same list, and each answers for the other’s', { seconds: 120 }, async () => {
    const asked = [await certified(5, 'five'), await certified(50, 'fifty'), await certified(500, 'x'), ...keys.map(key => key.publicPath)]
    const fingerprint = keys[2].fingerprint
    const text = freshFile(
      'spec',
      [
        '# comment',
        'serial: 1-10 # behind',
        'serial: 0x1f4',
        'id: fifty',
        keys[0].line,
        `sha1: ${keys[1].line}`,
        `hash: ${fingerprint}`,
        `key: ${newKey('ed25519').line}`,
        '',
      ].join('\n'),
    )
    const [mine, other] = [freshPath('krl'), freshPath('krl')]
    const make = ['-s', authority.publicPath, '-z', '9', '-C', 'a comment']
    same(await ours(['-k', '-f', mine, ...make, text]), await theirs(['-k', '-f', other, ...make, text]))
    const listed = async (keygen: Keygen, krl: string): Promise<string> =>
      (await keygen(['-Q', '-l', '-f', krl])).stdout.toString().replace(/Generated at \S+/, 'Generated at …')
    assert.equal(await listed(ours, mine), await listed(theirs, other))
    assert.equal(await listed(ours, other), await listed(theirs, mine))
    for (const krl of [mine, other]) {
      const { code } = await alike(['-Q', '-f', krl, ...asked])
      assert.equal(code, 1)
      for (const each of asked) await alike(['-Q', '-f', krl, each])
    }
    const more = freshFile('more', `${newKey('ecdsa384').line}\n`)
    for (const [keygen, krl] of [
      [ours, mine],
      [theirs, other],
    ] as const)
      assert.equal((await keygen(['-k', '-u', '-q', '-f', krl, more])).code, 0)
    const kinds = (text: string): readonly string[] => text.split('\n').map(line => line.replace(/SHA256:\S+/, '…'))
    assert.deepEqual(kinds(await listed(ours, mine)), kinds(await listed(theirs, other)))
  })

  test('what is wrong is refused', {}, async () => {
    await alike(['-k', userKey().publicPath])
    await alike(['-k', '-u', '-f', '/nowhere/krl', userKey().publicPath])
    await alike(['-Q', userKey().publicPath])
    await alike(['-Q', '-f', '/nowhere/krl', userKey().publicPath])
    await alike(['-Q', '-f', freshFile('krl', 'this is no list\n'), userKey().publicPath])
    for (const text of ['serial: 1\n', 'id: x\n', 'hash: x\n', 'serial: x\n', 'nothing\n']) {
      const words = ['-k', '-f', freshPath('krl'), freshFile('spec', text)]
      const [mine, other] = [await ours(words), await theirs(words)]
      assert.equal(mine.code, other.code)
      assert.notEqual(mine.stderr, '')
    }
  })
})

describe('signatures of files (-Y)', () => {
  const data = 'some data\n'
  const signers = (lines: readonly string[]): string => freshFile('allowed', `${lines.join('\n')}\n`)

  test('what one signs the other verifies; those that are not random are the same', { seconds: 120 }, async () => {
    for (const kind of ['ed25519', 'rsa', 'ecdsa256'] as const) {
      const key = newKey(kind)
      const allowed = signers([`somebody@example ${key.line}`])
      const [mine, other] = [freshFile('data', data), freshFile('data', data)]
      const unnamed = (result: Finished, path: string): Finished => ({ ...result, stderr: said(result).replaceAll(path, 'PATH') })
      same(
        unnamed(await ours(['-Y', 'sign', '-f', key.path, '-n', 'file', mine]), mine),
        unnamed(await theirs(['-Y', 'sign', '-f', key.path, '-n', 'file', other]), other),
      )
      if (kind !== 'ecdsa256') assert.equal(readFileSync(`${mine}.sig`, 'utf8'), readFileSync(`${other}.sig`, 'utf8'))
      for (const signature of [`${mine}.sig`, `${other}.sig`]) {
        const words = ['-Y', 'verify', '-f', allowed, '-I', 'somebody@example', '-n', 'file', '-s', signature]
        assert.equal((await alike(words, { stdin: data })).code, 0)
        await alike(['-Y', 'check-novalidate', '-n', 'file', '-s', signature], { stdin: data })
        await alike(['-Y', 'find-principals', '-f', allowed, '-s', signature])
      }
    }
  })

  test('standard input, another hash, and keys of an agent or with a passphrase', {}, async () => {
    const key = newKey('ed25519', 'secret')
    const words = ['-Y', 'sign', '-f', key.path, '-n', 'file', '-P', 'secret']
    for (const more of [[], ['-O', 'hashalg=sha256'], ['-O', 'hashalg=sha512'], ['-q']]) await alike([...words, ...more], { stdin: data })
    const socket = join(freshFolder('agent'), 'socket')
    await using agent = await start(['ssh-agent', '-D', '-a', socket])
    while (!existsSync(socket) && !agent.ended) await new Promise(resolve => setTimeout(resolve, 10))
    const [env, open] = [{ SSH_AUTH_SOCK: socket }, newKey('ed25519')]
    await finish(['ssh-add', '-q', open.path], { env })
    await alike(['-Y', 'sign', '-U', '-f', open.publicPath, '-n', 'git'], { stdin: data, env })
    const none = await ours(['-Y', 'sign', '-U', '-f', userKey().publicPath, '-n', 'git'], { stdin: data, env })
    assert.equal(none.code, 255)
    assert.match(none.stderr, /Couldn't find key in agent/)
  })

  test('certificates sign, and count for the principals their authority gave them', {}, async () => {
    const [authority, key] = [newKey('ed25519'), newKey('ed25519')]
    await theirs(['-q', '-s', authority.path, '-I', 'x', '-n', 'somebody', key.publicPath])
    const { stdout } = await ours(['-q', '-Y', 'sign', '-f', `${key.path}-cert.pub`, '-n', 'file'], { stdin: data })
    const signature = freshFile('sig', stdout)
    const allowed = signers([`some* cert-authority ${authority.line}`])
    assert.equal((await alike(['-Y', 'verify', '-f', allowed, '-I', 'somebody', '-n', 'file', '-s', signature], { stdin: data })).code, 0)
    assert.equal((await ours(['-Y', 'verify', '-f', allowed, '-I', 'somewhere', '-n', 'file', '-s', signature], { stdin: data })).code, 255)
  })

  test('what does not hold is told in the same words, with the same code', {}, async () => {
    const key = newKey('ed25519')
    const signature = freshFile('sig', (await theirs(['-q', '-Y', 'sign', '-f', key.path, '-n', 'file'], { stdin: data })).stdout)
    const good = signers([`somebody ${key.line}`])
    const krl = freshPath('krl')
    await theirs(['-q', '-k', '-f', krl, key.publicPath])
    const verify = (allowed: string, who: string, namespace: string): readonly string[] => [
      '-Y',
      'verify',
      '-f',
      allowed,
      '-I',
      who,
      '-n',
      namespace,
      '-s',
      signature,
    ]
    for (const [words, stdin] of [
      [verify(good, 'somebody', 'file'), 'other data\n'],
      [verify(good, 'somebody', 'git'), data],
      [verify(good, 'nobody', 'file'), data],
      [verify(signers([`somebody namespaces="git" ${key.line}`]), 'somebody', 'file'), data],
      [verify(signers([`somebody valid-before="20200101" ${key.line}`]), 'somebody', 'file'), data],
      [verify(signers([`somebody ${userKey().line}`]), 'somebody', 'file'), data],
      [[...verify(good, 'somebody', 'file'), '-r', krl], data],
      [[...verify(good, 'somebody', 'file'), '-O', 'verify-time=never'], data],
    ] as const) {
      const [mine, other] = [await ours(words, { stdin }), await theirs(words, { stdin })]
      assert.equal(mine.stdout.toString(), other.stdout.toString(), words.join(' '))
      assert.equal(mine.stdout.toString(), 'Could not verify signature.\n')
      assert.deepEqual([mine.code, other.code], [255, 255])
      assert.notEqual(mine.stderr, '')
    }
    const old = signers([`somebody valid-before="20200101" ${key.line}`])
    assert.equal((await alike([...verify(old, 'somebody', 'file'), '-O', 'verify-time=20190601'], { stdin: data })).code, 0)
    for (const words of [
      ['find-principals', '-f', signers([`x ${userKey().line}`]), '-s', signature],
      ['match-principals', '-f', good, '-I', 'somebody'],
      ['match-principals', '-f', good, '-I', 'nobody'],
      ['sign', '-n', 'file'],
      ['sign', '-f', key.path],
      ['verify', '-n', 'file'],
      ['find-principals', '-f', good],
      ['match-principals', '-f', good],
      ['sign', '-f', key.path, '-n', 'file', '-', 'x'],
      ['sign', '-f', '/nowhere/key', '-n', 'file'],
      ['sign', '-f', key.path, '-n', 'file', '/nowhere/data'],
    ])
      await alike(['-Y', ...words], { stdin: data })
    const printed = await ours([...verify(good, 'somebody', 'file'), '-O', 'print-pubkey'], { stdin: data })
    assert.equal(printed.stdout.toString().split('\n')[1], key.line)
  })
})
