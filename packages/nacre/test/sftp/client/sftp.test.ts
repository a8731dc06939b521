// Every method of `Sftp` with our own server over files in memory.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import type { Sftp } from '../../../src/sftp/client/sftp.ts'
import { usersGroupsById } from '../../../src/sftp/extensions/users-groups-by-id.ts'
import { type Joined, joined, type JoinOptions, patternBytes } from './pair.ts'
import { all, errorOf, settled, text } from './scripted.ts'

const posixRename = 'posix-rename@openssh.com'
const hardlink = 'hardlink@openssh.com'

/** Joined, with `/d` to work in. */
const place = async (options: JoinOptions = {}): Promise<Joined> => {
  const both = await joined(options)
  await both.files.mkdir('/d')
  return both
}
const namesIn = async (files: Sftp, path: string): Promise<string[]> =>
  (await all(files.list(path, { sort: true }))).map(({ name }) => name)
const contentOf = (files: Sftp, path: string): Promise<string> => files.readFile(path, { encoding: 'utf-8' })
const statusOf = async (work: Promise<unknown>): Promise<string> => (await errorOf(work, SftpError)).status

describe('what is there', () => {
  test('stat follows links, lstat does not', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', 'twelve bytes', { mode: 0o640 })
    await files.utimes('/d/f', 1000, new Date(2_000_000))
    await files.symlink('f', '/d/l')
    const stat = await files.stat('/d/l')
    assert.deepEqual([stat.type, stat.size, stat.mode, stat.permissions], ['file', 12, 0o100640, 0o640])
    assert.deepEqual([stat.accessed.getTime(), stat.modified.getTime()], [1_000_000, 2_000_000])
    assert.deepEqual([stat.isFile(), stat.isDirectory(), stat.isSymbolicLink()], [true, false, false])
    assert.equal((await files.lstat('/d/l')).isSymbolicLink(), true)
    assert.equal((await files.stat('/d')).isDirectory(), true)
    assert.equal(stat.uid, 0)
    assert.equal(stat.gid, 0)
  })

  test('exists tells nothing there from not to be said', async () => {
    await using both = await place()
    const { files } = both
    assert.equal(await files.exists('/d'), true)
    assert.equal(await files.exists('/d/x'), false)
    await files.symlink('nowhere', '/d/l')
    assert.equal(await files.exists('/d/l'), false)
    assert.equal(await statusOf(files.exists('')), 'invalid-filename')
  })

  test('list, recursive list and glob', async () => {
    await using both = await place()
    const { files } = both
    await files.mkdir('/d/a/b', { recursive: true })
    for (let i = 0; i < 300; i++) await files.writeFile(`/d/a/${i}.txt`, '')
    await files.writeFile('/d/a/b/x.txt', 'x')
    assert.equal((await all(files.list('/d/a'))).length, 301)
    assert.equal((await all(files.list('/d', { recursive: true }))).length, 303)
    assert.equal((await all(files.list('/d', { recursive: true, glob: '1?.txt' }))).length, 10)
    assert.deepEqual(
      (await all(files.glob('/d/*/*/x*'))).map(({ path, size }) => [path, size]),
      [['/d/a/b/x.txt', 1]],
    )
  })

  test('names that are no UTF-8 go and come as they are', async () => {
    await using both = await place()
    const { files } = both
    const name = 'caf\udce9 \u00e9'
    await files.writeFile(`/d/${name}`, 'x')
    assert.deepEqual(await namesIn(files, '/d'), [name])
    assert.equal(await contentOf(files, `/d/${name}`), 'x')
  })

  test('realPath, readLink, expandPath and home', async () => {
    await using both = await joined({
      memory: {
        users: [
          { name: 'root', uid: 0, home: '/home/root' },
          { name: 'ada', uid: 1, home: '/home/ada' },
        ],
      },
    })
    const { files, there } = both
    there.makeDirectory('/home', {})
    there.makeDirectory('/home/root', {})
    there.makeDirectory('/home/ada', {})
    await files.symlink('/home/ada', '/l')
    assert.equal(await files.realPath('/home/../l'), '/home/ada')
    assert.equal(await files.readLink('/l'), '/home/ada')
    assert.equal(await files.home(), '/home/root')
    assert.equal(await files.home('ada'), '/home/ada')
    assert.equal(await files.expandPath('~/x'), '/home/root/x')
    assert.equal(await files.expandPath('~ada'), '/home/ada')
  })

  test('so also where the server has no extensions for it', async () => {
    await using both = await place({ without: ['expand-path@openssh.com', 'home-directory'], server: { start: '/d' } })
    const { files } = both
    assert.equal(await files.home(), '/d')
    assert.equal(await files.expandPath('~'), '/d')
    assert.equal(await files.expandPath('~/x'), '/d/x')
    assert.equal(await files.expandPath('x'), '/d/x')
    assert.equal(await statusOf(files.expandPath('~ada/x')), 'op-unsupported')
    assert.equal(await statusOf(files.home('ada')), 'op-unsupported')
  })

  test('statvfs', async () => {
    await using both = await place({ memory: { capacity: 1024 * 1024 } })
    const room = await both.files.statvfs('/d')
    assert.equal(room.blocks * room.fragmentSize, 1024 * 1024)
    await using other = await place({ without: ['statvfs@openssh.com'] })
    assert.equal(await statusOf(other.files.statvfs('/d')), 'op-unsupported')
  })

  test('what the server says of itself', async () => {
    await using both = await joined()
    const { files } = both
    assert.equal(files.version, 3)
    assert.equal(files.serverVersion, 'nacre_0.1')
    assert.equal(files.extensions.has(posixRename), true)
    await files.calls.limitsKnown
    assert.equal(files.limits.read, 255 * 1024)
  })

  test('extensions of anybody, by their row', async () => {
    await using both = await joined()
    assert.deepEqual(await both.files.extended(usersGroupsById, { users: [0], groups: [0, 77] }), { users: ['root'], groups: ['root', ''] })
    await using other = await joined({ without: [usersGroupsById.name] })
    assert.equal(await statusOf(other.files.extended(usersGroupsById, { users: [], groups: [] })), 'op-unsupported')
  })
})

describe('directories', () => {
  test('are made, with those above when asked', async () => {
    await using both = await place()
    const { files } = both
    await files.mkdir('/d/one', { mode: 0o700 })
    assert.equal((await files.stat('/d/one')).permissions, 0o700)
    await files.mkdir('/d/x/y/z', { recursive: true })
    await files.mkdir('/d/x/y/z', { recursive: true })
    await files.mkdir('/', { recursive: true })
    assert.equal((await files.stat('/d/x/y/z')).type, 'directory')
    const exists = await errorOf(files.mkdir('/d/one'), SftpError)
    assert.equal(exists.operation, 'mkdir')
    assert.equal(await statusOf(files.mkdir('/d/no/where')), 'no-such-file')
  })

  test('are not made in the place of a file', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', '')
    const error = await errorOf(files.mkdir('/d/f/g', { recursive: true }), SftpError)
    assert.deepEqual([error.status, error.path, error.errno], ['not-a-directory', '/d/f', 'ENOTDIR'])
    assert.equal(await statusOf(files.mkdir('/d/f', { recursive: true })), 'not-a-directory')
  })

  test('are removed, with all that is in them when asked', async () => {
    await using both = await place()
    const { files } = both
    await files.mkdir('/keep')
    await files.writeFile('/keep/file', 'precious')
    await files.mkdir('/d/a/b/c', { recursive: true })
    await Promise.all(Array.from({ length: 500 }, (_, i) => files.writeFile(`/d/a/b/${i}`, '')))
    await files.symlink('/keep', '/d/a/b/link')
    await files.symlink('/keep/file', '/d/a/link')
    assert.match((await errorOf(files.remove('/d/a'), SftpError)).message, /not empty/)
    await files.remove('/d/a', { recursive: true })
    assert.deepEqual(await namesIn(files, '/d'), [])
    assert.equal(await contentOf(files, '/keep/file'), 'precious')
    await files.remove('/d')
    assert.equal(await files.exists('/d'), false)
  })

  test('what is not there is an error unless forced', async () => {
    await using both = await place()
    const { files } = both
    assert.equal(await statusOf(files.remove('/d/x')), 'no-such-file')
    await files.remove('/d/x', { force: true })
    await files.remove('/d/x', { force: true, recursive: true })
  })

  test('a link to a directory is removed, not the directory', async () => {
    await using both = await place()
    const { files } = both
    await files.mkdir('/d/real')
    await files.writeFile('/d/real/f', '')
    await files.symlink('real', '/d/link')
    await files.remove('/d/link', { recursive: true })
    assert.deepEqual(await namesIn(files, '/d'), ['real'])
    assert.deepEqual(await namesIn(files, '/d/real'), ['f'])
  })
})

describe('renaming', () => {
  for (const without of [[], [posixRename]])
    test(`${without.length === 0 ? 'with' : 'without'} posix-rename`, async () => {
      await using both = await place({ without })
      const { files } = both
      await files.writeFile('/d/a', 'A')
      assert.deepEqual(await files.rename('/d/a', '/d/b'), { atomic: true })
      await files.writeFile('/d/c', 'C')
      await errorOf(files.rename('/d/b', '/d/c'), SftpError)
      assert.equal(await contentOf(files, '/d/c'), 'C')
      assert.deepEqual(await files.rename('/d/b', '/d/c', { replace: true }), { atomic: without.length === 0 })
      assert.equal(await contentOf(files, '/d/c'), 'A')
      assert.deepEqual(await files.rename('/d/c', '/d/new', { replace: true }), { atomic: true })
      assert.deepEqual(await namesIn(files, '/d'), ['new'])
      const missing = await errorOf(files.rename('/d/none', '/d/new', { replace: true }), SftpError)
      assert.equal(missing.status, 'no-such-file')
      assert.equal(await contentOf(files, '/d/new'), 'A')
    })

  test('on a server that may replace without a word looks first', async () => {
    await using both = await place({ client: { serverVersion: 'unknown' } })
    const { files } = both
    await files.writeFile('/d/a', 'A')
    await files.writeFile('/d/b', 'B')
    const error = await errorOf(files.rename('/d/a', '/d/b'), SftpError)
    assert.deepEqual([error.status, error.path, error.errno], ['file-already-exists', '/d/b', 'EEXIST'])
  })
})

describe('copying', () => {
  for (const [by, without] of [
    ['server', []],
    ['server', ['copy-data']],
    ['client', ['copy-data', 'copy-file']],
  ] as const)
    test(`by the ${by}${without.length === 1 ? ', as one request' : ''}`, async () => {
      await using both = await place({ without })
      const { files } = both
      const bytes = patternBytes(1_000_000)
      await files.writeFile('/d/a', bytes, { mode: 0o640 })
      assert.deepEqual(await files.copy('/d/a', '/d/b'), { by })
      assert.deepEqual(await files.readFile('/d/b'), bytes)
      assert.equal((await files.stat('/d/b')).permissions, 0o640)
      await files.writeFile('/d/c', 'C')
      await errorOf(files.copy('/d/a', '/d/c'), SftpError)
      assert.equal(await contentOf(files, '/d/c'), 'C')
      await files.copy('/d/a', '/d/c', { replace: true })
      assert.equal((await files.stat('/d/c')).size, 1_000_000)
      assert.deepEqual(await namesIn(files, '/d'), ['a', 'b', 'c'])
      assert.equal(await statusOf(files.copy('/d/none', '/d/x')), 'no-such-file')
      await errorOf(files.copy('/d', '/x'), SftpError)
    })
})

describe('attributes', () => {
  test('are set by name', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', '0123456789')
    await files.chmod('/d/f', 0o4711)
    await files.chown('/d/f', 5, 6)
    await files.truncate('/d/f', 4)
    await files.utimes('/d/f', new Date(5000), 7)
    const stat = await files.stat('/d/f')
    assert.deepEqual([stat.uid, stat.gid, stat.size, stat.accessed.getTime(), stat.modified.getTime()], [5, 6, 4, 5000, 7000])
    await files.chmod('/d/f', 0o600)
    assert.equal((await files.stat('/d/f')).mode, 0o100600)
    await files.truncate('/d/f')
    assert.equal((await files.stat('/d/f')).size, 0)
    const error = await errorOf(files.chmod('/d/none', 0o600), SftpError)
    assert.deepEqual([error.operation, error.status], ['chmod', 'no-such-file'])
  })

  test('of a link itself, where the server can', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', '')
    await files.symlink('f', '/d/l')
    await files.chown('/d/l', 9, 9, { followLinks: false })
    assert.equal((await files.lstat('/d/l')).uid, 9)
    assert.equal((await files.stat('/d/l')).uid, 0)
    await using other = await place({ without: ['lsetstat@openssh.com'] })
    assert.equal(await statusOf(other.files.chmod('/d', 0o700, { followLinks: false })), 'op-unsupported')
  })

  test('that make no sense are never asked for', async () => {
    await using both = await place()
    const { files } = both
    for (const size of [-1, 1.5, Number.NaN, 2 ** 53]) await assert.rejects(files.truncate('/d', size), RangeError)
    await assert.rejects(files.utimes('/d', new Date(Number.NaN), 0), RangeError)
  })
})

describe('links', () => {
  test('symbolic and hard', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', 'F')
    await files.symlink('../d/f', '/d/s')
    assert.equal(await files.readLink('/d/s'), '../d/f')
    await files.link('/d/f', '/d/h')
    await files.remove('/d/f')
    assert.equal(await contentOf(files, '/d/h'), 'F')
    await errorOf(files.link('/d/h', '/d/h'), SftpError)
    await using other = await place({ without: [hardlink] })
    assert.equal(await statusOf(other.files.link('/d', '/e')), 'op-unsupported')
  })
})

describe('whole files', () => {
  for (const size of [0, 1, 32_768, 261_120, 261_121, 3_000_000])
    test(`of ${size} bytes are written and read`, async () => {
      await using both = await place()
      const { files } = both
      const bytes = patternBytes(size)
      await files.writeFile('/d/f', bytes)
      assert.deepEqual(await files.readFile('/d/f'), bytes)
      assert.deepEqual(await namesIn(files, '/d'), ['f'])
    })

  test('as text, with its byte order mark', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', '\ufeffgrüß dich')
    assert.equal(await files.readFile('/d/f', { encoding: 'utf-8' }), '\ufeffgrüß dich')
    assert.equal(await files.readFile('/d/f', { encoding: 'latin1' }).then(read => read.length), 14)
    await assert.rejects(files.readFile('/d/f', { encoding: 'no such' }), RangeError)
  })

  test('are replaced in one step, keeping their permissions', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', 'old', { mode: 0o751 })
    await files.link('/d/f', '/d/second name')
    await files.writeFile('/d/f', 'new')
    assert.equal(await contentOf(files, '/d/second name'), 'old')
    assert.equal((await files.stat('/d/f')).permissions, 0o751)
    await files.writeFile('/d/f', 'newer', { mode: 0o600, sync: true })
    assert.equal((await files.stat('/d/f')).permissions, 0o600)
  })

  test('are written over in place where that is wanted or all that can be done', async () => {
    await using both = await place()
    await using without = await place({ without: [posixRename] })
    for (const [{ files }, options] of [
      [both, { atomic: false }],
      [without, {}],
    ] as const) {
      await files.writeFile('/d/f', 'old and longer')
      await files.link('/d/f', '/d/second name')
      await files.writeFile('/d/f', 'new', options)
      assert.equal(await contentOf(files, '/d/second name'), 'new')
    }
    const error = await errorOf(without.files.writeFile('/d/f', 'x', { atomic: true }), SftpError)
    assert.equal(error.status, 'op-unsupported')
    assert.match(error.message, /atomic: false/)
    await without.files.writeFile('/d/new', 'x', { atomic: true })
  })

  test('behind a link are written there, and the link stays', async () => {
    await using both = await place()
    const { files } = both
    await files.mkdir('/d/sub')
    await files.writeFile('/d/sub/f', 'old')
    await files.symlink('sub/f', '/d/l')
    await files.writeFile('/d/l', 'new')
    assert.equal(await files.readLink('/d/l'), 'sub/f')
    assert.equal(await contentOf(files, '/d/sub/f'), 'new')
    assert.deepEqual(await namesIn(files, '/d/sub'), ['f'])
  })

  for (const without of [[], [hardlink], [hardlink, posixRename]])
    test(`are never replaced with wx (without ${without.join(', ') || 'nothing'})`, async () => {
      await using both = await place({ without, client: { serverVersion: without.length === 2 ? '' : 'nacre_0.1' } })
      const { files } = both
      await files.writeFile('/d/f', 'first', { flag: 'wx' })
      await errorOf(files.writeFile('/d/f', 'second', { flag: 'wx' }), SftpError)
      assert.equal(await contentOf(files, '/d/f'), 'first')
      assert.deepEqual(await namesIn(files, '/d'), ['f'])
    })

  test('grow with a', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', 'one ', { flag: 'a', mode: 0o600 })
    await files.writeFile('/d/f', patternBytes(700_000), { flag: 'a', sync: true })
    const read = await files.readFile('/d/f')
    assert.deepEqual(read.subarray(4), patternBytes(700_000))
  })

  test('are not written where a directory is', async () => {
    await using both = await place()
    const { files } = both
    const error = await errorOf(files.writeFile('/d', 'x'), SftpError)
    assert.deepEqual([error.status, error.errno], ['file-is-a-directory', 'EISDIR'])
    assert.equal(await statusOf(files.readFile('/d')), 'file-is-a-directory')
    assert.equal(await statusOf(files.writeFile('/no/f', 'x')), 'no-such-file')
  })

  test('come from streams and iterations', async () => {
    await using both = await place()
    const { files } = both
    const bytes = patternBytes(500_000)
    await files.writeFile('/d/stream', new Blob([bytes.slice()]).stream())
    assert.deepEqual(await files.readFile('/d/stream'), bytes)
    await files.writeFile(
      '/d/iteration',
      (async function* () {
        yield 'ü'
        yield text('x')
      })(),
    )
    assert.equal(await contentOf(files, '/d/iteration'), 'üx')
  })

  test('a source that fails leaves the old file and nothing else', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', 'old')
    const failing = async function* () {
      yield 'new'
      throw new Error('the source broke')
    }
    await assert.rejects(files.writeFile('/d/f', failing()), { message: 'the source broke' })
    await assert.rejects(files.writeFile('/d/g', failing()), { message: 'the source broke' })
    assert.equal(await contentOf(files, '/d/f'), 'old')
    assert.deepEqual(await namesIn(files, '/d'), ['f'])
  })

  test('so does a signal, also when the source gives nothing', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', 'old')
    const controller = new AbortController()
    let cancelled: unknown
    const source = new ReadableStream<Uint8Array>({
      start: stream => stream.enqueue(text('new')),
      cancel: reason => {
        cancelled = reason ?? 'cancelled'
      },
    })
    const writing = files.writeFile('/d/f', source, { signal: controller.signal })
    await settled()
    controller.abort(new Error('enough'))
    await assert.rejects(writing, { message: 'enough' })
    assert.equal(await contentOf(files, '/d/f'), 'old')
    assert.deepEqual(await namesIn(files, '/d'), ['f'])
    assert.equal(cancelled, 'cancelled')
  })

  test('and a full disk', async () => {
    await using both = await place({ memory: { capacity: 300_000 } })
    const { files } = both
    await files.writeFile('/d/f', 'old')
    const error = await errorOf(files.writeFile('/d/f', patternBytes(2_000_000)), SftpError)
    assert.equal(error.errno, 'ENOSPC')
    assert.equal(error.path, '/d/f')
    assert.equal(await contentOf(files, '/d/f'), 'old')
    assert.deepEqual(await namesIn(files, '/d'), ['f'])
  })
})

describe('hashes', () => {
  const bytes = patternBytes(300_000)
  const digest = (name: string, from = 0, to = bytes.length): Uint8Array =>
    new Uint8Array(createHash(name).update(bytes.subarray(from, to)).digest())

  test('by the server, of all or of ranges', async () => {
    await using both = await place()
    const { files } = both
    await files.writeFile('/d/f', bytes)
    const all = await files.hash('/d/f')
    assert.deepEqual([all.algorithm, all.by], ['sha256', 'server'])
    assert.deepEqual(all.digest, digest('sha256'))
    const ranges = await files.hash('/d/f', { algorithm: 'sha1', ranges: [{ start: 5, length: 1000 }, { start: 299_000 }] })
    assert.deepEqual(ranges.digests, [digest('sha1', 5, 1005), digest('sha1', 299_000)])
    assert.equal(await statusOf(files.hash('/d/none')), 'no-such-file')
    await assert.rejects(files.hash('/d/f', { ranges: [] }), RangeError)
  })

  test('by md5-hash where there is only that', async () => {
    await using both = await place({ without: ['check-file', 'check-file-name', 'check-file-handle'] })
    const { files } = both
    await files.writeFile('/d/f', bytes)
    const md5 = await files.hash('/d/f', { algorithm: 'md5' })
    assert.equal(md5.by, 'server')
    assert.deepEqual(md5.digest, digest('md5'))
    assert.equal(await statusOf(files.hash('/d/f')), 'op-unsupported')
  })

  test('by reading, when asked for', async () => {
    await using both = await place({ without: ['check-file', 'check-file-name', 'check-file-handle', 'md5-hash', 'md5-hash-handle'] })
    const { files } = both
    await files.writeFile('/d/f', bytes)
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha384', 'sha512'] as const) {
      const read = await files.hash('/d/f', { algorithm, fallback: 'read', ranges: [{ start: 0 }, { start: 7, length: 100_000 }] })
      assert.equal(read.by, 'client')
      assert.deepEqual(read.digests, [digest(algorithm), digest(algorithm, 7, 100_007)])
    }
    assert.match((await errorOf(files.hash('/d/f'), SftpError)).message, /fallback: 'read'/)
  })
})

describe('an ended session', () => {
  test('rejects everything that was under way, and everything after', async () => {
    const { files } = await place()
    const work = [files.stat('/d'), files.readFile('/x'), files.writeFile('/y', 'y'), all(files.list('/d')), files.hash('/d')]
    const outcomes = Promise.all(work.map(each => errorOf(each, SftpError)))
    await files.close()
    for (const error of await outcomes) assert.equal(error.status, 'connection-lost')
    assert.equal(await statusOf(files.stat('/d')), 'connection-lost')
  })
})
