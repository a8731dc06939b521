// Files in memory beyond what the model asks of them: limits, sparse files, what is open and has no name, rights, times.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { bytesOfName, nameFromBytes } from '../../../src/sftp/names.ts'
import { bytes, contentsOf, fault, get, namesIn, put, reading, writing } from './asking.ts'

const refusedAs = (status: string) => (error: unknown) => error instanceof SftpError && error.status === status

describe('answers', () => {
  test('are there at once, none is a promise', () => {
    const files = memoryFiles()
    files.makeDirectory('/a', {})
    const file = files.open('/a/f', writing, {})
    file.write(0, bytes('hello'))
    const into = new Uint8Array(10)
    assert.equal(file.read(0, into), 5)
    assert.equal(file.stat().size, 5)
    assert.deepEqual(
      files
        .list('/a')
        .next()
        ?.map(({ name }) => name),
      ['.', '..', 'f'],
    )
  })
})

describe('what there is room for', () => {
  test('is bytes: beyond them there is no space, and nothing was written', async () => {
    const files = memoryFiles({ capacity: 1000 })
    await put(files, '/a', 'x'.repeat(600))
    const file = files.open('/b', writing, {})
    assert.throws(() => file.write(0, new Uint8Array(600)), refusedAs('no-space-on-filesystem'))
    assert.equal(file.stat().size, 0)
    files.remove('/a')
    file.write(0, new Uint8Array(600))
    assert.equal(file.stat().size, 600)
  })

  test('is entries: beyond them it is the quota', () => {
    const files = memoryFiles({ entries: 2 })
    files.makeDirectory('/a', {})
    files.symlink('a', '/b')
    for (const make of [() => files.makeDirectory('/c', {}), () => files.symlink('a', '/c'), () => files.open('/c', writing, {})])
      assert.throws(make, refusedAs('quota-exceeded'))
    // A second name is no second entry.
    files.link('/b', '/c')
    files.remove('/c')
    files.removeDirectory('/a')
    files.open('/d', writing, {})
  })

  test('is told', async () => {
    const files = memoryFiles({ capacity: 40_960, entries: 10 })
    await put(files, '/a', 'x'.repeat(4096))
    const { blocks, freeBlocks, files: most, freeFiles, maximumName, readOnly } = files.statvfs('/')
    assert.deepEqual(
      { blocks, freeBlocks, most, freeFiles, maximumName, readOnly },
      { blocks: 10, freeBlocks: 9, most: 10, freeFiles: 9, maximumName: 255, readOnly: false },
    )
  })

  test('comes back when a file without a name is closed by the last who has it open', () => {
    const files = memoryFiles({ capacity: 4096 * 4, entries: 5 })
    const [one, two] = [files.open('/a', writing, {}), files.open('/a', writing, {})]
    one.write(0, new Uint8Array(4096))
    files.remove('/a')
    two.write(4096, new Uint8Array(4096))
    assert.equal(one.stat().size, 8192)
    assert.equal(one.stat().links, 0)
    one.close()
    assert.equal(files.statvfs('/').freeBlocks, 2)
    two.close()
    assert.equal(files.statvfs('/').freeBlocks, 4)
    assert.equal(files.statvfs('/').freeFiles, 5)
  })

  test('does not count holes', () => {
    const files = memoryFiles({ capacity: 1_000_000 })
    const file = files.open('/a', writing, {})
    const far = 5 * 2 ** 30
    file.write(far, bytes('end'))
    assert.equal(file.stat().size, far + 3)
    assert.ok((file.stat().allocated ?? 0) < 100_000)
    const into = new Uint8Array(8).fill(9)
    assert.equal(file.read(far - 5, into), 8)
    assert.deepEqual([...into], [0, 0, 0, 0, 0, ...bytes('end')])
    file.setAttributes({ size: far + 1 })
    file.setAttributes({ size: far + 10 })
    assert.equal(file.read(far, into), 8)
    assert.deepEqual([...into], [...bytes('e'), 0, 0, 0, 0, 0, 0, 0])
  })

  test('ends where numbers do', () => {
    const file = memoryFiles().open('/a', writing, {})
    assert.throws(() => file.write(Number.MAX_SAFE_INTEGER, bytes('x')), fault('EFBIG'))
    assert.throws(() => file.setAttributes({ size: 2 ** 60 }), fault('EFBIG'))
  })
})

describe('names', () => {
  test('may have 255 bytes, and paths 4,095', () => {
    const files = memoryFiles()
    const wide = 'é'.repeat(127)
    files.makeDirectory(`/${wide}x`, {})
    assert.throws(() => files.makeDirectory(`/${wide}xx`, {}), fault('ENAMETOOLONG'))
    assert.equal(files.stat(`/${'./'.repeat(2046)}.`, true).type, 'directory')
    assert.throws(() => files.stat(`/${'./'.repeat(2048)}`, true), fault('ENAMETOOLONG'))
    assert.throws(() => files.symlink('x'.repeat(4096), '/l'), fault('ENAMETOOLONG'))
  })

  test('are bytes, however they are written', async () => {
    const files = memoryFiles()
    const raw = nameFromBytes(Uint8Array.of(0xff, 0x61))
    await put(files, `/${raw}`, 'raw')
    // Two escaped bytes that are UTF-8 together are that character.
    await put(files, '/\udcc3\udca9', 'accent')
    assert.equal(await get(files, '/é'), 'accent')
    assert.deepEqual((await namesIn(files, '/')).map(name => [...bytesOfName(name)]).toSorted(), [
      [0xc3, 0xa9],
      [0xff, 0x61],
    ])
  })

  test('of a directory are listed though it changes meanwhile', async () => {
    const files = memoryFiles()
    for (let at = 0; at < 1000; at++) files.makeDirectory(`/${at}`, {})
    const listing = files.list('/')
    const seen = new Set<string>()
    for (let some = listing.next(); some !== undefined; some = listing.next()) {
      for (const { name } of some) {
        assert.ok(!seen.has(name))
        seen.add(name)
        if (Number(name) % 2 === 0) files.removeDirectory(`/${Number(name) + 1}`)
      }
    }
    assert.equal([...seen].filter(name => Number(name) % 2 === 0).length, 500)
    listing.close()
    assert.throws(() => listing.next(), fault('EBADF'))
  })
})

describe('symbolic links', () => {
  test('are followed forty times on one way', () => {
    const files = memoryFiles()
    files.makeDirectory('/0', {})
    for (let at = 1; at <= 41; at++) files.symlink(String(at - 1), `/${at}`)
    assert.equal(files.stat('/40', true).type, 'directory')
    assert.throws(() => files.stat('/41', true), fault('ELOOP'))
    assert.equal(files.stat('/41', false).type, 'symlink')
  })

  test('are not followed when that is not wanted', () => {
    const files = memoryFiles()
    files.symlink('nowhere', '/l')
    assert.throws(() => files.open('/l', { ...reading, noFollow: true }, {}), fault('ELOOP'))
    assert.throws(() => files.open('/l', { ...writing, exclusive: true }, {}), fault('EEXIST'))
    assert.throws(() => files.setAttributes('/l', { permissions: 0o600 }, false), fault('EOPNOTSUPP'))
  })
})

describe('a closed file', () => {
  test('does nothing any more', () => {
    const file = memoryFiles().open('/a', writing, {})
    file.close()
    for (const use of [
      () => file.read(0, new Uint8Array(1)),
      () => file.write(0, bytes('x')),
      () => file.stat(),
      () => file.sync(),
      () => file.statvfs(),
      () => file.setAttributes({ size: 0 }),
      () => file.close(),
    ])
      assert.throws(use, fault('EBADF'))
  })

  test('and one that is open for one thing does no other', () => {
    const files = memoryFiles()
    const [out, into] = [files.open('/a', { ...writing, read: false }, {}), files.open('/a', reading, {})]
    assert.throws(() => out.read(0, new Uint8Array(1)), fault('EBADF'))
    assert.throws(() => into.write(0, bytes('x')), fault('EBADF'))
    assert.throws(() => into.setAttributes({ size: 0 }), fault('EINVAL'))
  })
})

describe('attributes', () => {
  test('have the times of the clock that was passed in, to the nanosecond', () => {
    let now = 1_700_000_000_000.25
    const files = memoryFiles({ now: () => now })
    const file = files.open('/a', writing, {})
    const born = { seconds: 1_700_000_000, nanoseconds: 250_000 }
    assert.deepEqual(file.stat().created, born)
    now += 5000
    file.write(0, bytes('x'))
    const { created, accessed, modified, changed } = file.stat()
    assert.deepEqual([created, accessed], [born, born])
    assert.deepEqual(
      [modified, changed],
      [
        { ...born, seconds: 1_700_000_005 },
        { ...born, seconds: 1_700_000_005 },
      ],
    )
    files.setAttributes('/a', { modified: { seconds: -5, nanoseconds: 999_999_999 } }, true)
    assert.deepEqual(file.stat().modified, { seconds: -5, nanoseconds: 999_999_999 })
    assert.deepEqual(file.stat().accessed, born)
  })

  test('count names', () => {
    const files = memoryFiles()
    files.makeDirectory('/d', {})
    files.makeDirectory('/d/e', {})
    files.open('/f', writing, {})
    files.link('/f', '/d/g')
    assert.deepEqual([files.stat('/d', true).links, files.stat('/f', true).links], [3, 2])
    files.rename('/d/e', '/e', false)
    files.remove('/f')
    assert.deepEqual([files.stat('/d', true).links, files.stat('/d/g', true).links], [2, 1])
  })

  test('take owners by name, where there are such', () => {
    const files = memoryFiles({ users: [{ name: 'ann', uid: 7, home: '/home/ann' }], groups: [{ name: 'staff', gid: 8 }] })
    files.makeDirectory('/d', {})
    files.setAttributes('/d', { owner: 'ann', group: 'staff' }, true)
    const { uid, gid } = files.stat('/d', true)
    assert.deepEqual([uid, gid], [7, 8])
    assert.throws(() => files.setAttributes('/d', { owner: 'bob' }, true), refusedAs('owner-invalid'))
    assert.throws(() => files.setAttributes('/d', { group: 'bob' }, true), refusedAs('group-invalid'))
    assert.deepEqual(files.namesOf('user', [7, 9]), ['ann', ''])
    assert.equal(files.idOf('group', 'staff'), 8)
    assert.equal(files.home('ann'), '/home/ann')
    assert.throws(() => files.home('bob'), refusedAs('unknown-principal'))
  })

  test('are set each for itself: what failed last is told, the rest is done', () => {
    const files = memoryFiles()
    files.makeDirectory('/d', {})
    assert.throws(() => files.setAttributes('/d', { size: 5, permissions: 0o700 }, true), fault('EISDIR'))
    assert.equal(files.stat('/d', true).permissions, 0o700)
  })

  test('lose bits that lend rights when the owner changes', () => {
    const files = memoryFiles()
    files.open('/f', writing, {})
    files.setAttributes('/f', { permissions: 0o6755 }, true)
    files.setAttributes('/f', { uid: 5 }, true)
    assert.equal(files.stat('/f', true).permissions, 0o755)
  })
})

describe('somebody who is not root', () => {
  /** Root makes it ready, then it is Ann's turn. */
  const forAnn = (prepare: (files: ReturnType<typeof memoryFiles>) => void): ReturnType<typeof memoryFiles> => {
    const user = { uid: 0, gid: 0 }
    const files = memoryFiles({ user })
    prepare(files)
    Object.assign(user, { uid: 7, gid: 70, groups: [80] })
    return files
  }

  test('does only what modes allow', async () => {
    const files = forAnn(files => {
      for (const [name, permissions] of [
        ['closed', 0o700],
        ['seen', 0o744],
        ['through', 0o711],
        ['open', 0o777],
        ['shared', 0o1777],
      ] as const) {
        files.makeDirectory(`/${name}`, {})
        files.open(`/${name}/f`, writing, { permissions: 0o644 }).close()
        files.setAttributes(`/${name}`, { permissions }, true)
      }
    })
    assert.throws(() => files.stat('/closed/f', true), fault('EACCES'))
    assert.throws(() => files.list('/closed'), fault('EACCES'))
    assert.deepEqual(await namesIn(files, '/seen'), ['f'])
    assert.throws(() => files.stat('/seen/f', true), fault('EACCES'))
    assert.equal(files.stat('/through/f', true).type, 'file')
    assert.throws(() => files.list('/through'), fault('EACCES'))
    assert.throws(() => files.remove('/through/f'), fault('EACCES'))
    assert.throws(() => files.makeDirectory('/through/d', {}), fault('EACCES'))
    assert.throws(() => files.open('/open/f', writing, {}), fault('EACCES'))
    assert.throws(() => files.setAttributes('/open/f', { size: 0 }, true), fault('EACCES'))
    assert.throws(() => files.setAttributes('/open/f', { permissions: 0o777 }, true), fault('EPERM'))
    assert.throws(() => files.link('/open/f', '/open/g'), fault('EPERM'))
    files.remove('/open/f')
    assert.throws(() => files.remove('/shared/f'), fault('EPERM'))
    assert.throws(() => files.rename('/shared/f', '/open/f', true), fault('EPERM'))
  })

  test('gives files away to none, and to own groups only', () => {
    const files = forAnn(files => files.setAttributes('/', { permissions: 0o777 }, true))
    files.open('/f', writing, { permissions: 0o4711 }).close()
    assert.throws(() => files.setAttributes('/f', { uid: 8 }, true), fault('EPERM'))
    assert.throws(() => files.setAttributes('/f', { gid: 90 }, true), fault('EPERM'))
    files.setAttributes('/f', { gid: 80 }, true)
    assert.deepEqual([files.stat('/f', true).gid, files.stat('/f', true).permissions], [80, 0o711])
  })

  test('writes away the bits that lend rights', () => {
    const files = forAnn(files => files.setAttributes('/', { permissions: 0o777 }, true))
    const file = files.open('/f', writing, {})
    files.setAttributes('/f', { permissions: 0o6755 }, true)
    file.write(0, bytes('x'))
    assert.equal(file.stat().permissions, 0o755)
  })
})

describe('renaming', () => {
  test('keeps what is open, and what is replaced lives on while it is', async () => {
    const files = memoryFiles()
    await put(files, '/a', 'one')
    await put(files, '/b', 'two')
    const [a, b] = [files.open('/a', reading, {}), files.open('/b', reading, {})]
    files.rename('/a', '/b', true)
    assert.deepEqual([await contentsOf(a), await contentsOf(b), await get(files, '/b')], ['one', 'two', 'one'])
    assert.throws(() => files.stat('/a', true), fault('ENOENT'))
  })

  test('without replacing loses nothing', async () => {
    const files = memoryFiles()
    await put(files, '/a', 'one')
    files.symlink('nowhere', '/l')
    assert.throws(() => files.rename('/a', '/l', false), fault('EEXIST'))
    assert.throws(() => files.rename('/a', '/a', false), fault('EEXIST'))
    assert.throws(() => files.rename('/a', `/${'x'.repeat(256)}`, false), fault('ENAMETOOLONG'))
    assert.equal(await get(files, '/a'), 'one')
  })

  test('puts no directory into itself', () => {
    const files = memoryFiles()
    files.makeDirectory('/a', {})
    files.makeDirectory('/a/b', {})
    assert.throws(() => files.rename('/a', '/a/b/c', true), fault('EINVAL'))
    assert.throws(() => files.rename('/a/b', '/a', true), fault('ENOTEMPTY'))
    files.rename('/a/b', '/b', false)
    assert.equal(files.realPath('/b/../b', true), '/b')
  })
})
