// Owns `nacre sftp-server` and `internal-sftp` under OpenSSH's sftp: over pipes without any ssh, with each of its letters, and as
// another user behind our sshd.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { reachOptions } from './peers/copiers.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

/** Runs a batch of OpenSSH's sftp with our server, in `folder`. */
const sftp = (folder: string, batch: readonly string[], letters = '', env: Record<string, string> = {}): Promise<Finished> =>
  finish(['sftp', '-b', freshFile('batch', `${batch.join('\n')}\n`), '-D', `${nacre('sftp-server').join(' ')} ${letters}`], {
    cwd: folder,
    env,
  })

const succeeded = (result: Finished): Finished => {
  assert.equal(result.code, 0, result.stderr)
  return result
}

describe('over pipes', () => {
  test('files go both ways, and are listed, renamed, linked and removed', {}, async () => {
    const [folder, near] = [freshFolder('far'), freshFolder('near')]
    writeFileSync(`${near}/big`, bytesOf(5 * MiB))
    const { stdout } = succeeded(
      await sftp(folder, [
        `put -p ${near}/big copy`,
        'chmod 640 copy',
        'rename copy moved',
        'ln moved hard',
        'ln -s moved soft',
        'mkdir d',
        'cp moved d/inner',
        'ls -l',
        'ls -1 d',
        `get -p moved ${near}/back`,
        'rm hard',
        'df -h',
        `reget moved ${near}/back`,
      ]),
    )
    assert.equal(sha256(readFileSync(`${near}/back`)), sha256(bytesOf(5 * MiB)))
    assert.equal(statSync(`${folder}/moved`).mode & 0o777, 0o640)
    assert.deepEqual(readdirSync(folder).toSorted(), ['d', 'moved', 'soft'])
    assert.match(stdout.toString(), /-rw-r----- .* 5242880 .* moved/)
    assert.match(stdout.toString(), /^d\/inner/m)
  })

  test('a tree with every name', {}, async () => {
    const [folder, near, back] = [freshFolder('far'), freshFolder('near'), freshFolder('back')]
    const { makeTree, treeOf } = await import('./rig/tree.ts')
    makeTree(near, { names: 'every byte' })
    succeeded(await sftp(folder, [`put -r ${near}/inner`, `get -r inner ${back}`]))
    assert.deepEqual(treeOf(`${back}/inner`), treeOf(`${near}/inner`))
  })

  test('what fails says so, and ends the batch', {}, async () => {
    const result = await sftp(freshFolder('far'), ['rm nothing', 'mkdir after'])
    assert.equal(result.code, 1)
    assert.match(result.stderr, /No such file or directory/)
  })
})

describe('the letters', () => {
  test('-R changes nothing', {}, async () => {
    const folder = freshFolder('far')
    writeFileSync(`${folder}/kept`, 'x')
    for (const line of [
      'rm kept',
      'mkdir d',
      'chmod 600 kept',
      `put ${freshFile('near', 'y')} kept`,
      'rename kept b',
      'ln -s a b',
      'ln kept b',
    ]) {
      const result = await sftp(folder, [line], '-R')
      assert.equal(result.code, 1, line)
      assert.match(result.stderr, /Permission denied|Failure|not supported|unsupported/i, line)
    }
    succeeded(await sftp(folder, ['ls', `get kept ${freshPath('back')}`], '-R'))
    assert.deepEqual([readdirSync(folder), readFileSync(`${folder}/kept`, 'utf8')], [['kept'], 'x'])
  })
  test('-P refuses what it names, -p all else', {}, async () => {
    const folder = freshFolder('far')
    writeFileSync(`${folder}/a`, 'x')
    assert.equal((await sftp(folder, ['rm a'], '-P remove,rmdir')).code, 1)
    succeeded(await sftp(folder, ['chmod 600 a'], '-P remove,rmdir'))
    assert.equal((await sftp(folder, ['chmod 644 a'], '-p realpath,stat,lstat,opendir,readdir,close')).code, 1)
    succeeded(await sftp(folder, ['ls -l'], '-p realpath,stat,lstat,opendir,readdir,close'))
    assert.ok(existsSync(`${folder}/a`))
  })
  test('-Q requests lists what OpenSSH’s knows, and more', {}, async () => {
    const names = (words: readonly string[]): Promise<Finished> => finish([...words, '-Q', 'requests'])
    const [ours, theirs] = await Promise.all([names(nacre('sftp-server')), names(['/usr/lib/openssh/sftp-server'])])
    const listed = new Set(ours.stdout.toString().split('\n'))
    for (const name of theirs.stdout.toString().trim().split('\n')) assert.ok(listed.has(name), name)
    assert.equal((await finish([...nacre('sftp-server'), '-Q', 'colours'])).code, 1)
  })
  test('-d starts elsewhere, with tokens', {}, async () => {
    const folder = freshFolder('far')
    mkdirSync(`${folder}/100%`)
    const { stdout } = succeeded(await sftp(folder, ['pwd'], '-d 100%%'))
    assert.match(stdout.toString(), new RegExp(`${folder}/100%$`, 'm'))
    const home = succeeded(await sftp(folder, ['pwd'], '-d %d'))
    assert.match(home.stdout.toString(), /Remote working directory: \/\w+/)
    const missing = succeeded(await sftp(folder, ['pwd'], '-d missing -e'))
    assert.match(missing.stderr, /chdir to ".*missing" failed/)
  })
  test('-u gives new files a umask', {}, async () => {
    const folder = freshFolder('far')
    succeeded(await sftp(folder, ['mkdir d', `put ${freshFile('near', 'x', 0o666)} f`], '-u 0027'))
    assert.deepEqual([statSync(`${folder}/d`).mode & 0o777, statSync(`${folder}/f`).mode & 0o777], [0o750, 0o640])
  })
  test('-e -l logs what OpenSSH’s logs', {}, async () => {
    const batch = [
      'mkdir d',
      'chmod 700 d',
      'rename d e',
      'ln -s a b',
      'rm b',
      'rmdir e',
      '-rm nothing',
      `put ${freshFile('near', 'xyz')} f`,
      `get f ${freshPath('back')}`,
      'ls',
    ]
    const log = async (words: readonly string[]): Promise<readonly string[]> => {
      const folder = freshFolder('far')
      const result = await finish(
        ['sftp', '-b', freshFile('batch', `${batch.join('\n')}\n`), '-D', [...words, '-e', '-l', 'INFO'].join(' ')],
        {
          cwd: folder,
          env: { SSH_CONNECTION: '192.0.2.7 50022 192.0.2.1 22' },
        },
      )
      // Which requests sftp sends depends on what the server offers; what it says by itself is not of the server.
      return result.stderr
        .replaceAll(folder, '')
        .split(/\r?\n/)
        .filter(line => !/users-groups-by-id|^remote|^$/.test(line))
    }
    assert.deepEqual(await log(nacre('sftp-server')), await log(['/usr/lib/openssh/sftp-server']))
  })
  test('a mistake is told, with the usage', {}, async () => {
    for (const words of [['-l', 'loud'], ['-u', '9'], ['-x'], ['-P', 'nothing-such'], ['operand']]) {
      const result = await finish([...nacre('sftp-server'), ...words])
      assert.equal(result.code, 1)
      assert.match(result.stderr, /^sftp-server: /)
    }
  })
})

describe('behind our sshd', () => {
  const login = { key: userKey() }
  const run = async (config: readonly string[], batch: readonly string[]): Promise<Finished> => {
    await using server = await nacreSshd({ accepts: { keys: [userKey()] }, config })
    const { user, host } = server.to
    return await finish(['sftp', '-b', freshFile('batch', `${batch.join('\n')}\n`), ...reachOptions(server.to, login), `${user}@${host}`])
  }
  const far = (): string => {
    const path = freshFolder('far', 0o755)
    world().give(path)
    return path
  }

  test('internal-sftp serves as the user, with the user’s groups and no more', { skip: needsPrivilege() }, async () => {
    const folder = far()
    const result = await run(['Subsystem sftp internal-sftp'], [`put ${freshFile('near', 'x')} ${folder}/f`, '-get /etc/shadow', 'pwd'])
    succeeded(result)
    assert.equal(statSync(`${folder}/f`).uid, world().uid)
    assert.match(result.stderr, /Permission denied/)
    assert.match(result.stdout.toString(), new RegExp(`working directory: ${world().home}$`, 'm'))
  })
  test('internal-sftp has its letters', {}, async () => {
    const folder = far()
    assert.equal((await run(['Subsystem sftp internal-sftp -R'], [`mkdir ${folder}/d`])).code, 1)
    succeeded(await run(['Subsystem sftp internal-sftp -u 0077'], [`mkdir ${folder}/d`]))
    assert.equal(statSync(`${folder}/d`).mode & 0o777, 0o700)
  })
  test('ForceCommand internal-sftp', {}, async () => {
    const folder = far()
    succeeded(await run(['Subsystem sftp /usr/lib/openssh/sftp-server', 'ForceCommand internal-sftp'], [`mkdir ${folder}/d`]))
  })
  test('a program of the system still serves', {}, async () => {
    succeeded(await run(['Subsystem sftp /usr/lib/openssh/sftp-server'], ['pwd']))
    succeeded(await run([`Subsystem sftp ${nacre('sftp-server').join(' ')}`], ['pwd']))
  })
})
