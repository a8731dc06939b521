// Owns our SFTP client at OpenSSH's sftp-server through its sshd: every method once, as that server answers it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import { type ClientConnection, type SftpOptions, SftpError } from 'nacre'
import type { Entry, Sftp } from 'nacre/sftp'
import { openSshServer } from './peers/openssh.ts'
import { bytesOf, MiB } from './rig/bytes.ts'
import { userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'

/** Calls `use` with files there and a folder that is removed afterwards. */
const atOpenSsh = async (
  use: (files: Sftp, folder: string, connection: ClientConnection) => Promise<void>,
  config: readonly string[] = [],
  options: SftpOptions = {},
): Promise<void> => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nacre-sftp-')))
  chmodSync(folder, 0o777)
  try {
    await using server = await openSshServer({ accepts: { keys: [userKey()] }, config })
    await using connection = await nacreConnect(server.to, { key: userKey() })
    await using files = await connection.sftp(options)
    await use(files, folder, connection)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const pathsOf = async (entries: AsyncIterable<Entry>): Promise<string[]> => {
  const paths: string[] = []
  for await (const { path } of entries) paths.push(path)
  return paths
}
const errorOf = async (work: Promise<unknown>): Promise<SftpError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof SftpError) return error
    throw error
  }
  throw new Error('it did not reject')
}

describe("our SFTP client at OpenSSH's server", () => {
  test('what it says of itself', {}, () =>
    atOpenSsh(async files => {
      assert.equal(files.version, 3)
      assert.match(files.serverVersion, /^OpenSSH/)
      for (const name of ['posix-rename@openssh.com', 'limits@openssh.com', 'copy-data']) assert.ok(files.extensions.has(name), name)
      await files.calls.limitsKnown
      assert.equal(files.limits.read, 255 * 1024)
      assert.ok((files.limits.handles ?? 0) > 100)
    }),
  )

  test('whole files', {}, () =>
    atOpenSsh(async (files, folder) => {
      const path = `${folder}/file`
      const bytes = bytesOf(8 * MiB + 1)
      await files.writeFile(path, bytes, { mode: 0o640 })
      assert.ok(readFileSync(path).equals(bytes))
      assert.ok(Buffer.from(await files.readFile(path)).equals(bytes))
      await files.writeFile(path, 'short', { sync: true })
      assert.equal(await files.readFile(path, { encoding: 'utf-8' }), 'short')
      assert.equal((await files.stat(path)).permissions, 0o640)
      await files.writeFile(path, ' and more', { flag: 'a' })
      await errorOf(files.writeFile(path, 'never', { flag: 'wx' }))
      assert.equal(await files.readFile(path, { encoding: 'utf-8' }), 'short and more')
      await files.writeFile(`${folder}/empty`, '')
      assert.equal((await files.readFile(`${folder}/empty`)).length, 0)
      assert.match(await files.readFile('/proc/self/status', { encoding: 'utf-8' }), /sftp-server/)
      assert.deepEqual(
        (await pathsOf(files.list(folder, { sort: true }))).map(each => each.slice(folder.length)),
        ['/empty', '/file'],
      )
    }),
  )

  test('listings, globs and trees', {}, () =>
    atOpenSsh(async (files, folder) => {
      await files.mkdir(`${folder}/a/b/c`, { recursive: true, mode: 0o700 })
      await Promise.all(Array.from({ length: 250 }, (_, index) => files.writeFile(`${folder}/a/b/${index}.txt`, `${index}`)))
      await files.symlink('nowhere', `${folder}/a/dangling`)
      await files.symlink('..', `${folder}/a/up`)
      assert.equal((await pathsOf(files.list(folder, { recursive: true }))).length, 255)
      assert.equal((await pathsOf(files.list(`${folder}/a`, { recursive: true, followLinks: true, glob: '*.txt' }))).length, 250)
      assert.deepEqual(
        await pathsOf(files.glob(`${folder}/*/b/1[0-3].txt`)),
        [10, 11, 12, 13].map(each => `${folder}/a/b/${each}.txt`),
      )
      const error = await errorOf(files.remove(`${folder}/a`))
      assert.match(error.message, /perhaps the directory is not empty/)
      await files.remove(`${folder}/a`, { recursive: true })
      assert.deepEqual(await pathsOf(files.list(folder)), [])
    }),
  )

  test('names of any bytes', {}, () =>
    atOpenSsh(async (files, folder) => {
      const names = ['a\nb', '\udcff\udc80', 'ü', '*', '\\', '-rf']
      for (const name of names) await files.writeFile(`${folder}/${name}`, name)
      assert.deepEqual((await pathsOf(files.list(folder))).map(path => path.slice(folder.length + 1)).toSorted(), names.toSorted())
      for (const name of names) await files.remove(`${folder}/${name}`)
    }),
  )

  test('renaming, copying and links', {}, () =>
    atOpenSsh(async (files, folder) => {
      const [a, b] = [`${folder}/a`, `${folder}/b`]
      await files.writeFile(a, bytesOf(MiB))
      assert.deepEqual(await files.copy(a, b), { by: 'server' })
      assert.ok(readFileSync(b).equals(readFileSync(a)))
      await errorOf(files.copy(a, b))
      await files.copy(a, b, { replace: true })
      await errorOf(files.rename(a, b))
      assert.deepEqual(await files.rename(a, b, { replace: true }), { atomic: true })
      assert.equal(await files.exists(a), false)
      await files.link(b, a)
      await files.symlink('b', `${folder}/l`)
      assert.equal(await files.readLink(`${folder}/l`), 'b')
      assert.equal((await files.lstat(`${folder}/l`)).isSymbolicLink(), true)
      assert.equal(await files.realPath(`${folder}/x/../l`).catch(() => files.realPath(`${folder}/l`)), b)
    }),
  )

  test('attributes', {}, () =>
    atOpenSsh(async (files, folder) => {
      const path = `${folder}/f`
      await files.writeFile(path, '0123456789')
      await files.chmod(path, 0o604)
      await files.utimes(path, 1_000_000, new Date(2_000_000_000))
      await files.truncate(path, 5)
      const { uid = 0, gid = 0 } = await files.stat(path)
      await files.chown(path, uid, gid)
      await files.symlink('f', `${folder}/l`)
      await files.chown(`${folder}/l`, uid, gid, { followLinks: false })
      const stat = await files.stat(path)
      assert.deepEqual([stat.mode, stat.size], [0o100604, 5])
      await files.utimes(path, 1_000_000, 2_000_000)
      assert.deepEqual((await files.stat(path)).modified, new Date(2_000_000_000))
      assert.ok((await files.statvfs(path)).blocks > 0)
    }),
  )

  test('an open file, streams and hashes', {}, () =>
    atOpenSsh(async (files, folder) => {
      const path = `${folder}/f`
      const bytes = bytesOf(3 * MiB)
      await using file = await files.open(path, 'wx+')
      await file.write(1000, bytes)
      assert.ok(Buffer.from(await file.read(1000, 4 * MiB)).equals(bytes))
      await file.truncate(1000 + MiB)
      await file.chmod(0o600)
      await file.sync()
      assert.equal((await file.stat()).size, 1000 + MiB)
      assert.ok((await file.statvfs()).freeBlocks >= 0)
      await files.readable(path, { start: 1000 }).pipeTo(files.writable(`${folder}/g`))
      assert.ok(readFileSync(`${folder}/g`).equals(bytes.subarray(0, MiB)))
      assert.equal((await errorOf(files.hash(`${folder}/g`))).status, 'op-unsupported')
      const { digest, by } = await files.hash(`${folder}/g`, { fallback: 'read' })
      assert.equal(by, 'client')
      assert.equal(Buffer.from(digest).toString('hex'), createHash('sha256').update(bytes.subarray(0, MiB)).digest('hex'))
    }),
  )

  test('paths', {}, () =>
    atOpenSsh(async (files, _folder, { user }) => {
      const home = await files.home()
      assert.equal(await files.realPath('.'), home)
      assert.equal(await files.expandPath('~'), home)
      assert.equal(await files.home(user), home)
      assert.equal(await files.expandPath(`~${user}/x`), `${home}/x`)
    }),
  )

  test('refusals', {}, () =>
    atOpenSsh(async (files, folder) => {
      assert.equal((await errorOf(files.stat(`${folder}/none`))).errno, 'ENOENT')
      assert.equal((await errorOf(files.readFile(folder))).errno, 'EISDIR')
      const list = await errorOf(pathsOf(files.list(`${folder}/none`)))
      assert.equal(list.message, `Cannot list "${folder}/none": no such file or directory.`)
    }),
  )

  test('the connection that ends', {}, () =>
    atOpenSsh(async (files, folder, connection) => {
      const reading = errorOf(files.readFile('/dev/zero'))
      await connection.close()
      assert.equal((await reading).status, 'connection-lost')
      assert.equal((await errorOf(files.stat(folder))).status, 'connection-lost')
    }),
  )

  test('a server without SFTP, and one given as a command', {}, async () => {
    const none = ['Subsystem other /bin/false']
    await using server = await openSshServer({ accepts: { keys: [userKey()] }, config: none })
    await using connection = await nacreConnect(server.to, { key: userKey() })
    const error = await errorOf(connection.sftp({ subsystem: 'nothing' }))
    assert.equal(error.status, 'no-connection')
    assert.match(error.message, /refused the subsystem "nothing"/)
    const failing = await errorOf(connection.sftp({ subsystem: 'other' }))
    assert.match(failing.message, /status 1/)
    assert.match((await errorOf(connection.sftp({ command: 'no-such-server' }))).message, /status 127 and said ".*not found/)
    await assert.rejects(connection.sftp({ command: 'echo Welcome; exec cat' }), /"Welcome"/)
    await using files = await connection.sftp({ command: '/usr/lib/openssh/sftp-server' })
    assert.equal(await files.exists('/'), true)
  })
})
