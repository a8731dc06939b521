// Owns programs that move files by SFTP at our server: rclone, lftp, curl, PuTTY's psftp and pscp, OpenSSH's sftp where it goes on
// with what was cut off. Each does what people use it for, and the bytes are looked at.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { describe } from 'node:test'
import { theirCopiers } from './peers/copiers.ts'
import { curl, lacks, lftp, psftp, rclone, sftpBatch } from './peers/transferrers.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFolder } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { type Finished } from './rig/process.ts'
import { test } from './rig/test.ts'
import { makeTree, treeOf } from './rig/tree.ts'
import { world } from './rig/world.ts'
import { localFiles, memoryFiles, rootedFiles } from 'nacre/sftp/server'
import { nacreConnect } from './sites/client.ts'
import { nacreSshd } from './sites/commands.ts'
import { type FileSite, fileSite } from './sites/files.ts'

const login = { key: userKey() }
const big = bytesOf(12 * MiB + 345)
const succeeded = (result: Finished): Finished => {
  assert.equal(result.code, 0, result.stderr)
  return result
}
const same = (path: string, bytes: Uint8Array): void => assert.equal(sha256(readFileSync(path)), sha256(bytes), path)
const sound = (site: FileSite): void => assert.deepEqual([site.faults, site.errors], [[], []])

describe('rclone', { skip: lacks('rclone') }, () => {
  test('copies, compares, hashes, syncs, moves and purges, several files at once', {}, async () => {
    await using site = await fileSite(localFiles())
    const run = async (...words: string[]): Promise<string> => succeeded(await rclone(site.to, login, words)).stdout.toString()
    const [near, far, back] = [freshFolder('near'), freshFolder('far'), freshFolder('back')]
    makeTree(near, { names: 'text' })
    writeFileSync(`${near}/big`, big)
    for (let index = 0; index < 120; index++) writeFileSync(`${near}/empty/${index}`, `${index}`)
    await run('copy', '--create-empty-src-dirs', '--transfers', '8', near, `far:${far}/t`)
    const times = { times: true }
    const plain = (folder: string): readonly string[] => treeOf(folder, times).filter(line => !/ directory \d+$/.test(line))
    assert.deepEqual(plain(`${far}/t`), plain(near))
    await run('check', near, `far:${far}/t`)
    await run('check', '--download', near, `far:${far}/t`)
    assert.match(await run('hashsum', 'sha1', '--download', `far:${far}/t/big`), /^[0-9a-f]{40} /)
    // What changed is written over, what is gone is removed.
    appendFileSync(`${near}/big`, 'more')
    unlinkSync(`${near}/empty/7`)
    await run('sync', '--transfers', '4', near, `far:${far}/t`)
    assert.deepEqual(plain(`${far}/t`), plain(near))
    await run('touch', '-t', '2001-02-03T04:05:06', `far:${far}/t/big`)
    assert.equal(statSync(`${far}/t/big`).mtimeMs, Date.UTC(2001, 1, 3, 4, 5, 6))
    await run('moveto', `far:${far}/t/big`, `far:${far}/t/inner/moved`)
    await run('copy', '--multi-thread-streams', '4', '--multi-thread-cutoff', '1M', `far:${far}/t/inner`, back)
    assert.deepEqual(plain(back), plain(`${far}/t/inner`))
    assert.match(await run('cat', '--offset', '5', '--count', '10', `far:${far}/t/inner/moved`), /^[^]{5,10}/)
    assert.match(await run('about', `far:${far}`), /Total/)
    assert.equal((await run('lsf', '-R', `far:${far}/t`)).split('\n').filter(line => /^empty\/\d/.test(line)).length, 119)
    await run('purge', `far:${far}/t`)
    assert.deepEqual(readdirSync(far), [])
    sound(site)
  })

  test('hashes by programs of the server, where there is a shell', {}, async () => {
    await using site = await fileSite(localFiles(), { shell: true })
    const far = freshFolder('far')
    writeFileSync(`${far}/f`, big)
    const { stdout } = succeeded(await rclone(site.to, login, ['hashsum', 'md5', `far:${far}/f`]))
    assert.equal(stdout.toString().slice(0, 32), createHash('md5').update(big).digest('hex'))
    sound(site)
  })

  test('needs no disk', {}, async () => {
    const files = memoryFiles()
    await using site = await fileSite(files)
    const near = freshFolder('near')
    makeTree(near, { names: 'text' })
    const run = async (...words: string[]): Promise<Finished> => succeeded(await rclone(site.to, login, words))
    await run('sync', '--create-empty-src-dirs', near, 'far:/t')
    await run('check', '--download', near, 'far:/t')
    const back = freshFolder('back')
    await run('sync', '--create-empty-src-dirs', 'far:/t', back)
    assert.deepEqual(treeOf(back), treeOf(near))
    await run('purge', 'far:/t')
    assert.equal((await rclone(site.to, login, ['lsf', 'far:/t'])).code, 3)
    sound(site)
  })
})

describe('lftp', { skip: lacks('lftp') }, () => {
  test('mirrors both ways, and goes on where it stopped', {}, async () => {
    await using site = await fileSite(rootedFiles(freshFolder('root')))
    const [near, back, again] = [freshFolder('near'), freshFolder('back'), freshFolder('again')]
    makeTree(near, { names: 'text' })
    writeFileSync(`${near}/inner/big`, big)
    symlinkSync('big', `${near}/inner/link`)
    succeeded(await lftp(site.to, login, [`mirror -R --parallel=4 ${near} /t`, `mirror --parallel=4 /t ${back}`, 'ls -l /t/inner']))
    const plain = (folder: string): readonly string[] => treeOf(folder, { times: true }).filter(line => !/ directory \d+$/.test(line))
    const noLink = (line: string): boolean => !line.startsWith('inner/link ')
    assert.deepEqual(plain(back).filter(noLink), plain(near).filter(noLink))
    assert.equal(readlinkSync(`${back}/inner/link`), 'big')
    // A mirror that has nothing to do changes nothing.
    const idle = succeeded(await lftp(site.to, login, [`mirror -R --dry-run --verbose ${near} /t`]))
    assert.doesNotMatch(idle.stdout.toString(), /put |get /)
    // Half of it is there already.
    writeFileSync(`${again}/big`, big.subarray(0, 5 * MiB))
    succeeded(await lftp(site.to, login, [`lcd ${again}`, 'get -c /t/inner/big', 'pget -n 4 /t/inner/big -o pieces']))
    same(`${again}/big`, big)
    same(`${again}/pieces`, big)
    succeeded(
      await lftp(site.to, login, [
        'mkdir -p /a/b/c',
        'mv /t/inner/big /a/b/big',
        'chmod 600 /a/b/big',
        'rm -r /t',
        'cls -1 /',
        'rmdir /a/b/c',
        `put -c ${again}/big -o /a/b/big`,
      ]),
    )
    const files = await lftp(site.to, login, ['find /'])
    assert.deepEqual(files.stdout.toString().trim().split('\n').toSorted(), ['/', '/a/', '/a/b/', '/a/b/big'])
    sound(site)
  })

  for (const version of [3, 4, 5, 6])
    test(`makes links that point the right way in version ${version}`, {}, async () => {
      const agreed: number[] = []
      const far = freshFolder('far', 0o755)
      await using site = await fileSite(localFiles(), { log: { started: versions => void agreed.push(versions.agreed) } })
      succeeded(await lftp(site.to, login, [`set sftp:protocol-version ${version}`, `cd ${far}`, 'ln -s target soft']))
      assert.deepEqual(agreed, [version])
      assert.equal(readlinkSync(`${far}/soft`), 'target')
    })
})

describe('curl', { skip: lacks('curl') }, () => {
  test('uploads, downloads, ranges, goes on, lists, and gives commands', {}, async () => {
    await using site = await fileSite(localFiles())
    const run = (path: string, ...words: string[]): Promise<Finished> => curl(site.to, login, path, words)
    const [near, far] = [freshFolder('near'), freshFolder('far')]
    writeFileSync(`${near}/big`, big)
    succeeded(await run(`${far}/deep/er/big`, '--ftp-create-dirs', '-T', `${near}/big`))
    same(`${far}/deep/er/big`, big)
    succeeded(await run(`${far}/deep/er/big`, '-o', `${near}/back`))
    same(`${near}/back`, big)
    const range = succeeded(await run(`${far}/deep/er/big`, '-r', '1000-70000'))
    assert.ok(range.stdout.equals(big.subarray(1000, 70_001)))
    const tail = succeeded(await run(`${far}/deep/er/big`, '-r', '-100'))
    assert.ok(tail.stdout.equals(big.subarray(-100)))
    truncateSync(`${near}/back`, 3 * MiB)
    succeeded(await run(`${far}/deep/er/big`, '-C', '-', '-o', `${near}/back`))
    same(`${near}/back`, big)
    truncateSync(`${far}/deep/er/big`, 2 * MiB)
    succeeded(await run(`${far}/deep/er/big`, '-C', '-', '-T', `${near}/big`))
    same(`${far}/deep/er/big`, big)
    writeFileSync(`${near}/more`, 'more')
    succeeded(await run(`${far}/deep/er/big`, '-a', '-T', `${near}/more`))
    assert.equal(readFileSync(`${far}/deep/er/big`).subarray(-4).toString(), 'more')
    assert.match(succeeded(await run(`${far}/deep/`)).stdout.toString(), /^drwx.* er$/m)
    assert.match(succeeded(await run(`${far}/deep/`, '-l')).stdout.toString(), /^er$/m)
    writeFileSync(`${far}/old`, 'x')
    const commands = [
      `mkdir ${far}/made`,
      `rename ${far}/old ${far}/made/new`,
      `chmod 640 ${far}/made/new`,
      `symlink ${far}/made/new ${far}/soft`,
      `mkdir ${far}/gone`,
      `rmdir ${far}/gone`,
      `rm ${far}/deep/er/big`,
    ]
    succeeded(await run(`${far}/`, ...commands.flatMap(each => ['-Q', each])))
    assert.deepEqual([statSync(`${far}/made/new`).mode & 0o777, readdirSync(`${far}/deep/er`)], [0o640, []])
    assert.equal(readlinkSync(`${far}/soft`), `${far}/made/new`)
    // 78: the file does not exist; 9: no right to it.
    assert.equal((await run(`${far}/nothing`)).code, 78)
    sound(site)
  })
})

describe('PuTTY', { skip: lacks('psftp') }, () => {
  test('psftp puts, gets, goes on, and changes', {}, async () => {
    await using site = await fileSite(localFiles())
    const [near, far] = [freshFolder('near'), freshFolder('far')]
    makeTree(near, { names: 'text' })
    writeFileSync(`${near}/big`, big)
    const { stdout } = succeeded(
      await psftp(site.to, login, [
        `cd ${far}`,
        `lcd ${near}`,
        'put big',
        'put -r inner',
        'mkdir made',
        'mv big made/large',
        'chmod u=rw,go-rwx made/large',
        `lcd ${freshFolder('back')}`,
        'get -r inner',
        'get made/large',
        'ls inner',
        'mput /etc/host*',
        'del host*',
        'pwd',
      ]),
    )
    assert.match(stdout.toString(), new RegExp(`Remote directory is ${far}`))
    assert.deepEqual(treeOf(`${far}/inner`), treeOf(`${near}/inner`))
    same(`${far}/made/large`, big)
    assert.equal(statSync(`${far}/made/large`).mode & 0o777, 0o600)
    writeFileSync(`${near}/again`, big.subarray(0, MiB))
    writeFileSync(`${far}/again`, big.subarray(0, 2 * MiB))
    succeeded(await psftp(site.to, login, [`cd ${far}`, `lcd ${near}`, 'reget made/large again', 'reput big again']))
    same(`${near}/again`, big)
    same(`${far}/again`, big)
    const refused = await psftp(site.to, login, [`cd ${far}/missing`])
    assert.match(refused.stdout.toString() + refused.stderr, /no such file or directory/i)
    sound(site)
  })

  test('pscp by SFTP with memory behind it, and with a folder as the root', {}, async () => {
    const pscp = theirCopiers.find(each => each.name === 'PuTTY pscp -sftp')
    assert.ok(pscp)
    const near = freshFolder('near')
    makeTree(near, { names: 'text' })
    for (const files of [memoryFiles(), rootedFiles(freshFolder('root'))]) {
      await using site = await fileSite(files)
      const back = freshFolder('back')
      succeeded(await pscp.run({ to: site.to, login, flags: ['-r'], places: to => [`${near}/inner`, to('/')] }))
      succeeded(await pscp.run({ to: site.to, login, flags: ['-r'], places: to => [to('/inner'), back] }))
      assert.deepEqual(treeOf(`${back}/inner`), treeOf(`${near}/inner`))
      sound(site)
    }
  })
})

describe("OpenSSH's sftp", () => {
  test('goes on with what was cut off, both ways', {}, async () => {
    await using site = await fileSite(localFiles())
    const [near, far] = [freshFolder('near'), freshFolder('far')]
    writeFileSync(`${near}/up`, big)
    writeFileSync(`${far}/up`, big.subarray(0, 5 * MiB))
    writeFileSync(`${far}/down`, big)
    writeFileSync(`${near}/down`, big.subarray(0, 7 * MiB))
    mkdirSync(`${near}/tree/deep`, { recursive: true })
    mkdirSync(`${far}/tree/deep`, { recursive: true })
    writeFileSync(`${near}/tree/deep/half`, big)
    writeFileSync(`${far}/tree/deep/half`, big.subarray(0, MiB))
    succeeded(await sftpBatch(site.to, login, [`lcd ${near}`, `cd ${far}`, 'reput up', 'reget down', 'put -ar tree', 'get -afp up kept']))
    for (const path of [`${far}/up`, `${near}/down`, `${far}/tree/deep/half`, `${near}/kept`]) same(path, big)
    sound(site)
  })

  test('links, modes, owners, copies and space, where the root is a folder', {}, async () => {
    const root = freshFolder('root')
    await using site = await fileSite(rootedFiles(root))
    const near = freshFolder('near')
    writeFileSync(`${near}/f`, big)
    utimesSync(`${near}/f`, 1_000_000_000, 1_100_000_000)
    const { stdout } = succeeded(
      await sftpBatch(site.to, login, [
        `put -fp ${near}/f /f`,
        'ln /f /hard',
        'ln -s /f /soft',
        'cp /f /copy',
        'chmod 4711 /copy',
        `chown ${process.getuid?.() ?? 0} /copy`,
        `chgrp ${process.getgid?.() ?? 0} /copy`,
        'rename /hard /moved',
        'df -hi',
        'ls -lan',
        'ls -1tr *',
        'cd /..',
        'pwd',
      ]),
    )
    assert.equal(statSync(`${root}/f`).mtimeMs, 1_100_000_000_000)
    assert.equal(statSync(`${root}/moved`).ino, statSync(`${root}/f`).ino)
    same(`${root}/copy`, big)
    assert.equal(lstatSync(`${root}/soft`).isSymbolicLink(), true)
    assert.match(stdout.toString(), /Remote working directory: \/$/m)
    assert.match(stdout.toString(), /^lrwxrwxrwx .* soft$/m)
    sound(site)
  })
})

describe('nacre sshd with internal-sftp', () => {
  const far = (): string => {
    const path = freshFolder('far', 0o755)
    world().give(path)
    return path
  }
  test('serves rclone, lftp, curl and psftp', { seconds: 120 }, async () => {
    await using server = await nacreSshd({ accepts: { keys: [userKey()] }, config: ['Subsystem sftp internal-sftp'] })
    const { to } = server
    const near = freshFolder('near')
    makeTree(near, { names: 'text' })
    const folder = far()
    if (lacks('rclone') === false) {
      succeeded(await rclone(to, login, ['sync', near, `far:${folder}/rclone`]))
      succeeded(await rclone(to, login, ['check', near, `far:${folder}/rclone`]))
    }
    if (lacks('lftp') === false) {
      succeeded(await lftp(to, login, [`mirror -R ${near} ${folder}/lftp`]))
      assert.deepEqual(treeOf(`${folder}/lftp`), treeOf(near))
    }
    if (lacks('curl') === false) {
      succeeded(await curl(to, login, `${folder}/curl`, ['-T', `${near}/inner/262145.bin`]))
      same(`${folder}/curl`, readFileSync(`${near}/inner/262145.bin`))
    }
    if (lacks('psftp') === false) {
      succeeded(await psftp(to, login, [`put -r ${near}/inner ${folder}/psftp`]))
      assert.deepEqual(treeOf(`${folder}/psftp`), treeOf(`${near}/inner`))
    }
    await using connection = await nacreConnect(to, login)
    await using files = await connection.sftp()
    await files.remove(folder + '/psftp', { recursive: true }).catch(() => undefined)
    assert.equal(existsSync(`${folder}/psftp`), false)
  })
})
