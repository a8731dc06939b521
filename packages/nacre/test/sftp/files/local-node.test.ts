// Files on the disk: every operation and its faults, at once and in the thread pool.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { userInfo } from 'node:os'
import { describe, test } from 'node:test'
import type { Blocking } from '../../../src/sftp/files/disk-node.ts'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { rootedFiles } from '../../../src/sftp/files/rooted-node.ts'
import type { Files } from '../../../src/sftp/files.ts'
import { beginsIn1970, noAnyName, takesAnyName } from '../../runtime.ts'
import { bytesOf, folderFor, how, listAll, namesIn, quickDisk, readAll, refused, refusal, writeAll } from './on-disk.ts'

const isRoot = process.getuid?.() === 0
const notRoot = isRoot ? 'root may do everything' : false

interface Kind {
  readonly name: string
  /** Files to work on, and the path of `folder` in them. */
  make(folder: string, blocking: Blocking): readonly [files: Files, path: string]
}
const kinds: readonly Kind[] = [
  { name: 'local files', make: (folder, blocking) => [localFiles({ blocking }), folder] },
  { name: 'files in a folder', make: (folder, blocking) => [rootedFiles(folder, { blocking }), ''] },
]

for (const { name, make } of kinds) {
  for (const blocking of ['adaptive', 'never'] as const) {
    describe(`${name}, blocking: ${blocking}`, () => {
      test('what is written at a position is read from there; reading beyond the end gives what there is', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        const file = await files.open(`${at}/a`, how('read', 'write', 'create'), {})
        await file.write(3, bytesOf('hello'))
        const into = new Uint8Array(16)
        assert.equal(await file.read(0, into), 8)
        assert.equal(Buffer.from(into.subarray(0, 8)).toString('latin1'), '\0\0\0hello')
        assert.equal(await file.read(8, into), 0)
        assert.equal(await file.read(100, into), 0)
        assert.equal(await file.read(6, into.subarray(0, 1)), 1)
        await file.sync()
        assert.equal((await file.stat()).size, 8)
        await file.close()
      })

      test('opening: create, exclusive, truncate, and what is not there', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await refused(() => files.open(`${at}/a`, how('read'), {}), 'ENOENT', 'no-such-file')
        await refused(() => files.open(`${at}/none/a`, how('write', 'create'), {}), 'ENOENT', 'no-such-file')
        await writeAll(files, `${at}/a`, 'first')
        await refused(() => files.open(`${at}/a`, how('write', 'create', 'exclusive'), {}), 'EEXIST', 'file-already-exists')
        fs.symlinkSync('nowhere', `${folder}/dangling`)
        await refused(() => files.open(`${at}/dangling`, how('write', 'create', 'exclusive'), {}), 'EEXIST', 'file-already-exists')
        assert.equal(await readAll(files, `${at}/a`), 'first')
        await (await files.open(`${at}/a`, how('write', 'truncate'), {})).close()
        assert.equal(fs.statSync(`${folder}/a`).size, 0)
        await refused(() => files.open(`${at}/a/b`, how('read'), {}), 'ENOTDIR', 'not-a-directory')
        await refused(() => files.open(at === '' ? '/' : at, how('write'), {}), 'EISDIR', 'file-is-a-directory')
      })

      test('a file that did not exist gets the mode asked for, less the umask; one that did keeps its own', async t => {
        const folder = folderFor(t)
        const umask = process.umask()
        const [files, at] = make(folder, blocking)
        await (await files.open(`${at}/a`, how('write', 'create'), { permissions: 0o751 })).close()
        assert.equal(fs.statSync(`${folder}/a`).mode & 0o7777, 0o751 & ~umask)
        await (await files.open(`${at}/a`, how('write', 'create'), { permissions: 0o600 })).close()
        assert.equal(fs.statSync(`${folder}/a`).mode & 0o7777, 0o751 & ~umask)
        await (await files.open(`${at}/b`, how('write', 'create'), {})).close()
        assert.equal(fs.statSync(`${folder}/b`).mode & 0o7777, 0o666 & ~umask)
        await files.makeDirectory(`${at}/c`, { permissions: 0o700 })
        assert.equal(fs.statSync(`${folder}/c`).mode & 0o7777, 0o700)
        await files.makeDirectory(`${at}/d`, {})
        assert.equal(fs.statSync(`${folder}/d`).mode & 0o777, 0o777 & ~umask)
      })

      test('appending, writes come one after the other whatever position they name', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, 'begin ')
        const file = await files.open(`${at}/a`, how('write', 'append'), {})
        // The thread pool gives no order: here what is begun first always comes last.
        const { write } = fs
        let begun = 0
        t.mock.method(fs, 'write', (...call: Parameters<typeof write>) => setTimeout(() => write(...call), Math.max(0, 30 - 10 * begun++)))
        const pieces = Array.from({ length: 50 }, (_, index) => `${index},`)
        await Promise.all(pieces.map(piece => file.write(0, bytesOf(piece))))
        await file.close()
        assert.equal(fs.readFileSync(`${folder}/a`, 'latin1'), `begin ${pieces.join('')}`)
      })

      test('beyond 4 GiB, with a hole before', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        const position = 5 * 2 ** 30 + 7
        const file = await files.open(`${at}/big`, how('read', 'write', 'create'), {})
        await file.write(position, bytesOf('end'))
        const into = new Uint8Array(10)
        assert.equal(await file.read(position - 1, into), 4)
        assert.equal(Buffer.from(into.subarray(0, 4)).toString('latin1'), '\0end')
        const { size, allocated } = await file.stat()
        assert.equal(size, position + 3)
        assert.ok(allocated !== undefined && allocated < 2 ** 20, `${allocated} bytes are taken up by a hole`)
        await file.setAttributes({ size: position })
        assert.equal((await file.stat()).size, position)
        await file.close()
        await files.setAttributes(`${at}/big`, { size: 2 ** 32 + 1 }, true)
        assert.equal(fs.statSync(`${folder}/big`).size, 2 ** 32 + 1)
        await files.remove(`${at}/big`)
        assert.equal(fs.existsSync(`${folder}/big`), false)
      })

      test('what is known of files, folders and links', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, '12345')
        fs.chmodSync(`${folder}/a`, 0o640)
        fs.linkSync(`${folder}/a`, `${folder}/same`)
        fs.symlinkSync('a', `${folder}/l`)
        const known = await files.stat(`${at}/l`, true)
        const { uid, gid } = fs.statSync(`${folder}/a`)
        assert.deepEqual([known.type, known.size, known.permissions, known.links, known.uid, known.gid], ['file', 5, 0o640, 2, uid, gid])
        const link = await files.stat(`${at}/l`, false)
        assert.deepEqual([link.type, link.size], ['symlink', 1])
        assert.equal((await files.stat(at === '' ? '/' : at, true)).type, 'directory')
        fs.symlinkSync('nowhere', `${folder}/dangling`)
        await refused(() => files.stat(`${at}/dangling`, true), 'ENOENT', 'no-such-file')
        fs.symlinkSync('loop', `${folder}/loop`)
        await refused(() => files.stat(`${at}/loop`, true), 'ELOOP', 'link-loop')
        await refused(() => files.stat(`${at}/${'n'.repeat(300)}`, true), 'ENAMETOOLONG', 'invalid-filename')
        await refused(() => files.stat(`${at}/a/b`, false), 'ENOTDIR', 'not-a-directory')
      })

      test('size, mode and times of a file, a folder, what a link leads to, and what is open', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, '12345')
        fs.symlinkSync('a', `${folder}/l`)
        const accessed = { seconds: 1_000_000_000, nanoseconds: 0 }
        const modified = { seconds: 1_600_000_000, nanoseconds: 500_000_000 }
        await files.setAttributes(`${at}/l`, { size: 3, permissions: 0o4711, accessed, modified }, true)
        const known = await files.stat(`${at}/a`, false)
        assert.deepEqual([known.size, known.permissions, known.accessed, known.modified], [3, 0o4711, accessed, modified])
        const file = await files.open(`${at}/a`, how('write'), {})
        await file.setAttributes({ size: 10, permissions: 0o600, accessed: modified, modified: accessed })
        await file.close()
        const after = await files.stat(`${at}/a`, false)
        assert.deepEqual([after.size, after.permissions, after.accessed, after.modified], [10, 0o600, modified, accessed])
        await files.makeDirectory(`${at}/d`, {})
        await files.setAttributes(`${at}/d`, { permissions: 0o711, modified }, true)
        assert.deepEqual((await files.stat(`${at}/d`, true)).modified, modified)
        await refused(() => files.setAttributes(`${at}/d`, { size: 1 }, true), 'EISDIR', 'file-is-a-directory')
        await refused(() => files.setAttributes(`${at}/none`, { permissions: 0o600 }, true), 'ENOENT', 'no-such-file')
      })

      test('times before 1970 are set, or refused where they would become the present', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, '')
        const time = { seconds: -6, nanoseconds: 500_000_000 }
        const set = async (): Promise<void> => await files.setAttributes(`${at}/a`, { accessed: time, modified: time }, true)
        if (beginsIn1970) {
          const error = await refusal(set)
          assert.deepEqual([error.errno, error.status], ['EINVAL', 'invalid-parameter'])
          assert.match(error.message, /before 1970/)
        } else {
          await set()
          assert.deepEqual((await files.stat(`${at}/a`, true)).modified, time)
        }
      })

      test('a link itself has times and an owner, but no mode', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, '12345')
        fs.symlinkSync('a', `${folder}/l`)
        const before = await files.stat(`${at}/a`, false)
        const time = { seconds: 86_400, nanoseconds: 0 }
        await files.setAttributes(`${at}/l`, { accessed: time, modified: time }, false)
        assert.deepEqual((await files.stat(`${at}/l`, false)).modified, time)
        await refused(() => files.setAttributes(`${at}/l`, { permissions: 0o600 }, false), 'EOPNOTSUPP', 'failure')
        await refused(() => files.setAttributes(`${at}/l`, { size: 0 }, false), 'ELOOP', 'link-loop')
        const { accessed: _before, ...restBefore } = before
        const { accessed: _after, ...restAfter } = await files.stat(`${at}/a`, false)
        assert.deepEqual(restAfter, restBefore)
        await files.setAttributes(`${at}/a`, { permissions: 0o600 }, false)
        assert.equal(fs.statSync(`${folder}/a`).mode & 0o777, 0o600)
      })

      test('owners by number; a name nobody has is refused', { skip: !isRoot && 'only root gives files away' }, async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, '')
        await files.setAttributes(`${at}/a`, { uid: 1234, gid: 2345 }, true)
        await files.setAttributes(`${at}/a`, { gid: 77 }, true)
        const { uid, gid } = fs.statSync(`${folder}/a`)
        assert.deepEqual([uid, gid], [1234, 77])
        assert.equal((await refusal(() => files.setAttributes(`${at}/a`, { owner: 'nobody of that name' }, true))).status, 'owner-invalid')
        assert.equal(
          (await refusal(() => files.setAttributes(`${at}/a`, { group: 'no group of that name' }, true))).status,
          'group-invalid',
        )
      })

      test('after one fault the others are still set, as with OpenSSH', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await files.makeDirectory(`${at}/d`, {})
        await refused(() => files.setAttributes(`${at}/d`, { size: 1, permissions: 0o700 }, true), 'EISDIR', 'file-is-a-directory')
        assert.equal(fs.statSync(`${folder}/d`).mode & 0o777, 0o700)
      })

      test('removing files and folders', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await files.makeDirectory(`${at}/d`, {})
        await writeAll(files, `${at}/d/a`, '')
        await refused(() => files.removeDirectory(`${at}/d`), 'ENOTEMPTY', 'dir-not-empty')
        await refused(() => files.removeDirectory(`${at}/d/a`), 'ENOTDIR', 'not-a-directory')
        await refused(() => files.remove(`${at}/d`), 'EISDIR', 'file-is-a-directory')
        await files.remove(`${at}/d/a`)
        await refused(() => files.remove(`${at}/d/a`), 'ENOENT', 'no-such-file')
        await files.removeDirectory(`${at}/d/`)
        assert.equal(fs.existsSync(`${folder}/d`), false)
        await refused(() => files.makeDirectory(at === '' ? '/' : at, {}), 'EEXIST', 'file-already-exists')
        await files.makeDirectory(`${at}/e/`, {})
        assert.deepEqual(await namesIn(files, at === '' ? '/' : at), ['e'])
      })

      test('links: hard and symbolic, read as they were made', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, 'text')
        await files.link(`${at}/a`, `${at}/hard`)
        assert.equal(fs.statSync(`${folder}/hard`).ino, fs.statSync(`${folder}/a`).ino)
        await refused(() => files.link(`${at}/a`, `${at}/hard`), 'EEXIST', 'file-already-exists')
        await refused(() => files.link(`${at}/none`, `${at}/b`), 'ENOENT', 'no-such-file')
        await refused(() => files.link(at === '' ? '/' : at, `${at}/b`), 'EPERM', 'permission-denied')
        for (const target of ['a', '/absolute/../text', 'with space', 'ü', ...(takesAnyName ? ['\udcff'] : [])]) {
          await files.symlink(target, `${at}/s`)
          assert.equal(await files.readLink(`${at}/s`), target)
          await files.remove(`${at}/s`)
        }
        await refused(() => files.readLink(`${at}/a`), 'EINVAL', 'invalid-parameter')
        await refused(() => files.symlink('x', `${at}/a`), 'EEXIST', 'file-already-exists')
      })

      test('the real path: all of it, or all but the last component; links at the end are followed to where nothing is', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        fs.mkdirSync(`${folder}/d/e`, { recursive: true })
        fs.symlinkSync('d/e', `${folder}/l`)
        fs.symlinkSync('e/missing', `${folder}/d/dangling`)
        fs.symlinkSync('d/dangling', `${folder}/twice`)
        fs.symlinkSync('none/missing', `${folder}/deep`)
        assert.equal(await files.realPath(`${at}/l/.././/e/`, true), `${at}/d/e`)
        assert.equal(await files.realPath(`${at}/d/../new`, false), `${at}/new`)
        assert.equal(await files.realPath(`${at}/twice`, false), `${at}/d/e/missing`)
        await refused(() => files.realPath(`${at}/twice`, true), 'ENOENT', 'no-such-file')
        await refused(() => files.realPath(`${at}/none/new`, false), 'ENOENT', 'no-such-file')
        await refused(() => files.realPath(`${at}/deep`, false), 'ENOENT', 'no-such-file')
        assert.equal(await files.realPath('/..', true), '/')
      })

      test('names that are not UTF-8 keep every byte, everywhere', { skip: noAnyName }, async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        const odd = 'a\udcff\udc80b'
        const onDisk = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0x61, 0xff, 0x80, 0x62])])
        await files.makeDirectory(`${at}/${odd}`, {})
        assert.ok(fs.statSync(onDisk).isDirectory())
        await writeAll(files, `${at}/${odd}/${odd}`, 'odd')
        assert.equal(await readAll(files, `${at}/${odd}/${odd}`), 'odd')
        assert.equal((await files.stat(`${at}/${odd}/${odd}`, true)).size, 3)
        await files.symlink(odd, `${at}/l`)
        assert.equal(await readAll(files, `${at}/l/${odd}`), 'odd')
        assert.equal(await files.realPath(`${at}/l/${odd}`, true), `${at}/${odd}/${odd}`)
        await writeAll(files, `${at}/\ufffd`, 'this one is UTF-8')
        assert.deepEqual(await namesIn(files, at === '' ? '/' : at), [odd, 'l', '\ufffd'].toSorted())
        await files.rename(`${at}/${odd}/${odd}`, `${at}/${odd}/plain`, false)
        assert.deepEqual(await namesIn(files, `${at}/${odd}`), ['plain'])
      })

      test(
        'where names are UTF-8 only, others are refused in words and never taken for what they look like',
        { skip: takesAnyName },
        async t => {
          const folder = folderFor(t)
          const [files, at] = make(folder, blocking)
          const shell = 'cd "$1" && : > "$(printf "a\\377b")" && ln -s "$(printf "a\\377b")" link && : > plain'
          execFileSync('sh', ['-c', shell, 'sh', folder])
          await writeAll(files, `${at}/a\ufffdb`, 'another')
          for (const act of [
            () => files.stat(`${at}/a\udcffb`, true),
            () => files.makeDirectory(`${at}/\udcff`, {}),
            () => files.symlink('\udcff', `${at}/l`),
            () => files.readLink(`${at}/link`),
          ]) {
            const error = await refusal(act)
            assert.deepEqual([error.errno, error.status], ['EILSEQ', 'invalid-filename'])
            assert.match(error.message, /not UTF-8.*Deno/)
          }
          // Two files have names that look the same: one of them can be reached.
          assert.deepEqual([...new Set(await namesIn(files, at === '' ? '/' : at))], ['a\ufffdb', 'link', 'plain'])
          assert.equal(await readAll(files, `${at}/a\ufffdb`), 'another')
        },
      )

      test('a folder of some thousand entries comes in pieces, each entry once', async t => {
        const folder = folderFor(t, quickDisk)
        const [files, at] = make(folder, blocking)
        fs.mkdirSync(`${folder}/many`)
        const expected = Array.from({ length: 3000 }, (_, index) => `file ${index}`)
        for (const [index, each] of expected.entries()) fs.writeFileSync(`${folder}/many/${each}`, 'x'.repeat(index % 7))
        const listing = await files.list(`${at}/many`)
        const seen = new Map<string, number | undefined>()
        let pieces = 0
        for (let some = await listing.next(); some; some = await listing.next()) {
          pieces++
          assert.ok(some.length > 0 && some.length <= 256)
          for (const entry of some) {
            assert.equal(seen.has(entry.name), false)
            seen.set(entry.name, entry.attributes.size)
          }
        }
        assert.equal(await listing.next(), undefined)
        await listing.close()
        assert.ok(pieces > 3)
        assert.deepEqual([...seen.keys()].toSorted(), expected.toSorted())
        assert.equal(seen.get('file 6'), 6)
        await refused(() => files.list(`${at}/none`), 'ENOENT', 'no-such-file')
        await refused(() => files.list(`${at}/many/file 0`), 'ENOTDIR', 'not-a-directory')
        await files.makeDirectory(`${at}/empty`, {})
        assert.deepEqual(await listAll(files, `${at}/empty`), [])
      })

      test('a pipe is never waited for, and nothing but a file is read', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        execFileSync('mkfifo', [`${folder}/pipe`])
        assert.equal((await files.stat(`${at}/pipe`, true)).type, 'fifo')
        assert.match((await refusal(() => files.open(`${at}/pipe`, how('read'), {}))).message, /pipe/)
        assert.equal((await refusal(() => files.open(`${at}/pipe`, how('write'), {}))).errno, 'ENXIO')
        assert.equal((await refusal(() => files.setAttributes(`${at}/pipe`, { size: 0 }, true))).errno, 'EINVAL')
        await refused(() => files.list(`${at}/pipe`), 'ENOTDIR', 'not-a-directory')
      })

      test('a file opened for one thing is refused the other, and a folder is no file', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, 'text')
        const reading = await files.open(`${at}/a`, how('read'), {})
        await refused(() => reading.write(0, bytesOf('x')), 'EBADF', 'invalid-handle')
        await reading.close()
        const writing = await files.open(`${at}/a`, how('write'), {})
        await refused(() => writing.read(0, new Uint8Array(1)), 'EBADF', 'invalid-handle')
        await writing.close()
        const directory = await files.open(at === '' ? '/' : at, how('read'), {})
        await refused(() => directory.read(0, new Uint8Array(1)), 'EISDIR', 'file-is-a-directory')
        await directory.close()
      })

      test('space left, as the system says it', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        const space = await files.statvfs(at === '' ? '/' : at)
        const known = fs.statfsSync(folder)
        assert.deepEqual([space.blockSize, space.blocks, space.files], [known.bsize, known.blocks, known.files])
        assert.deepEqual([space.maximumName, space.readOnly], [255, false])
        await writeAll(files, `${at}/a`, '')
        const file = await files.open(`${at}/a`, how('read'), {})
        assert.equal((await file.statvfs()).blocks, known.blocks)
        await file.close()
        await refused(() => files.statvfs(`${at}/none`), 'ENOENT', 'no-such-file')
      })

      test('what may not be is told apart from what is not there', { skip: notRoot }, async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await files.makeDirectory(`${at}/closed`, { permissions: 0o000 })
        await refused(() => files.stat(`${at}/closed/a`, true), 'EACCES', 'permission-denied')
        await refused(() => files.list(`${at}/closed`), 'EACCES', 'permission-denied')
      })

      test('no descriptor is left behind, whatever failed', async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder, blocking)
        await writeAll(files, `${at}/a`, '')
        execFileSync('mkfifo', [`${folder}/pipe`])
        fs.symlinkSync('d/../../a', `${folder}/l`)
        fs.mkdirSync(`${folder}/d/e`, { recursive: true })
        const open = (): number => fs.readdirSync('/proc/self/fd').length
        await listAll(files, `${at}/d`)
        const before = open()
        for (const path of ['a', 'pipe', 'l', 'd/e/../../a', 'd/e/none', 'a/b', 'none/none', 'd/e/', 'n'.repeat(300)]) {
          const target = `${at}/${path}`
          for (const act of [
            () => readAll(files, target),
            () => files.stat(target, true),
            () => files.setAttributes(target, { size: 0, permissions: 0o600 }, true),
            () => files.setAttributes(target, { permissions: 0o600 }, false),
            () => listAll(files, target),
            () => files.realPath(target, false),
            () => files.statvfs(target),
            () => files.link(target, `${at}/a`),
            () => files.rename(`${at}/none`, target, false),
          ]) {
            try {
              await act()
            } catch {
              // Which of them fail is what the other tests are for.
            }
          }
        }
        // Roots of earlier tests may be forgotten just now, and theirs closed.
        assert.ok(open() <= before, `${open()} open, ${before} before`)
      })
    })
  }
}

describe('local files alone', () => {
  test('homes: the one given, that of the process, those of others; nobody has none', async () => {
    assert.equal(await localFiles({ home: '/somewhere' }).home(''), '/somewhere')
    assert.equal(await localFiles().home(''), userInfo().homedir)
    assert.equal(await localFiles().home('root'), '/root')
    assert.equal((await refusal(() => localFiles().home('nobody of that name'))).status, 'unknown-principal')
  })

  test('names and numbers of users and groups', async () => {
    assert.deepEqual(await localFiles().namesOf('user', [0, 4_000_000_000]), ['root', ''])
    assert.deepEqual(await localFiles().namesOf('group', [0]), ['root'])
    assert.equal(await localFiles().idOf('user', 'root'), 0)
    assert.equal(await localFiles().idOf('group', 'no group of that name'), undefined)
  })

  test('a umask takes away beside that of the process', async t => {
    const folder = folderFor(t)
    const files = localFiles({ umask: 0o077 })
    await writeAll(files, `${folder}/a`, '')
    await files.makeDirectory(`${folder}/d`, {})
    assert.deepEqual([fs.statSync(`${folder}/a`).mode & 0o77, fs.statSync(`${folder}/d`).mode & 0o77], [0, 0])
  })

  test('devices can be read and written, without waiting', async () => {
    const files = localFiles()
    const zero = await files.open('/dev/zero', how('read'), {})
    const into = new Uint8Array(4).fill(1)
    assert.equal(await zero.read(0, into), 4)
    assert.deepEqual([...into], [0, 0, 0, 0])
    await zero.close()
  })
})
