// Owns file transfer where there is much of it: ten thousand small files, a directory of a hundred thousand entries, offsets beyond
// 4 GiB, more open files than there may be.
import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { describe } from 'node:test'
import { SftpError } from 'nacre'
import type { RemoteFile, Sftp } from 'nacre/sftp'
import { localFiles } from 'nacre/sftp/server'
import { openSshServer } from './peers/openssh.ts'
import type { Target } from './peers/peer.ts'
import { sftpBatch } from './peers/transferrers.ts'
import { freshFolder, freshPath } from './rig/folder.ts'
import { hostKey, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'
import { fileSite } from './sites/files.ts'

const login = { key: userKey() }
const withFiles = async (to: Target, use: (files: Sftp) => Promise<void>): Promise<void> => {
  await using connection = await nacreConnect(to, login)
  await using files = await connection.sftp()
  await use(files)
}
const far = (): string => {
  const path = freshFolder('far', 0o755)
  world().give(path)
  return path
}

const servers = [
  ['ours', () => fileSite(localFiles())],
  ['OpenSSH', () => openSshServer({ accepts: { keys: [userKey()] }, hostKeys: [hostKey()] })],
] as const

describe('ten thousand small files, there and back', () => {
  const near = freshFolder('near')
  for (let folder = 0; folder < 10; folder++) {
    mkdirSync(`${near}/${folder}`)
    for (let index = 0; index < 1000; index++) writeFileSync(`${near}/${folder}/${index}`, `${folder}/${index}\n`.repeat(index % 50))
  }
  for (const [name, start] of servers)
    test(name, { seconds: 120 }, async () => {
      await using site = await start()
      const [path, back] = [`${far()}/t`, freshPath('back')]
      await withFiles(site.to, async files => {
        const up = await files.upload(near, path, { recursive: true })
        const down = await files.download(path, back, { recursive: true })
        assert.deepEqual([up.files, down.files, down.bytes], [10_000, 10_000, up.bytes])
      })
      for (let folder = 0; folder < 10; folder++) {
        assert.equal(readdirSync(`${back}/${folder}`).length, 1000)
        for (let index = 0; index < 1000; index++)
          assert.equal(readFileSync(`${back}/${folder}/${index}`, 'utf8'), `${folder}/${index}\n`.repeat(index % 50))
      }
    })
})

describe('a directory of a hundred thousand entries', () => {
  const count = 100_000
  const folder = freshFolder('many', 0o755)
  for (let index = 0; index < count; index++) closeSync(openSync(`${folder}/${index}`, 'w'))

  test("is listed by OpenSSH's sftp at our server", { seconds: 120 }, async () => {
    await using site = await fileSite(localFiles())
    const { code, stdout, stderr } = await sftpBatch(site.to, login, [`ls -1f ${folder}`], 100)
    assert.equal(code, 0, stderr)
    const names = stdout
      .toString()
      .split('\n')
      .filter(line => line.startsWith('/'))
    assert.equal(new Set(names).size, count)
  })
  for (const [name, start] of servers)
    test(`is listed by our client at ${name}`, { seconds: 120 }, async () => {
      await using site = await start()
      await withFiles(site.to, async files => {
        const seen = new Set<string>()
        for await (const entry of files.list(folder)) if (entry.isFile() && entry.size === 0) seen.add(entry.name)
        assert.equal(seen.size, count)
      })
    })
})

describe('beyond 4 GiB', () => {
  const size = 4.5 * 2 ** 30
  /** A file that is a hole, but for a word near its end. */
  const holeAt = (path: string): string => {
    writeFileSync(path, '')
    truncateSync(path, size)
    const file = openSync(path, 'r+')
    writeSync(file, 'beyond', size - 1000)
    closeSync(file)
    return path
  }
  test("OpenSSH's sftp goes on with the last megabyte at our server, both ways", {}, async () => {
    await using site = await fileSite(localFiles())
    const [near, folder] = [freshFolder('near'), far()]
    for (const [whole, part] of [
      [`${near}/up`, `${folder}/up`],
      [`${folder}/down`, `${near}/down`],
    ] as const) {
      holeAt(whole)
      holeAt(part)
      truncateSync(part, size - 2 ** 20)
    }
    const { code, stderr } = await sftpBatch(site.to, login, [`lcd ${near}`, `cd ${folder}`, 'reput up', 'reget down'])
    assert.equal(code, 0, stderr)
    for (const path of [`${folder}/up`, `${near}/down`]) {
      assert.equal(statSync(path).size, size)
      const file = openSync(path, 'r')
      const word = Buffer.alloc(6)
      readSync(file, word, 0, 6, size - 1000)
      closeSync(file)
      assert.equal(word.toString(), 'beyond')
    }
  })
  for (const [name, start] of servers)
    test(`our client reads and writes at ${name}`, {}, async () => {
      await using site = await start()
      const path = `${far()}/f`
      await withFiles(site.to, async files => {
        await using file = await files.open(path, 'wx+')
        await file.write(5 * 2 ** 30, Buffer.from('five'))
        await file.write(2 ** 42, Buffer.from('far'))
        assert.equal((await file.stat()).size, 2 ** 42 + 3)
        assert.equal(Buffer.from(await file.read(5 * 2 ** 30, 5)).toString(), 'five\0')
        const tail = await new Response(files.readable(path, { start: 2 ** 42 - 1 })).arrayBuffer()
        assert.equal(Buffer.from(tail).toString(), '\0far')
      })
    })
})

describe('more open files than there may be', () => {
  test('are refused in words, and the session goes on', { seconds: 120 }, async () => {
    const most = 2000
    await using site = await fileSite(localFiles(), { limits: { handles: most } })
    const path = `${far()}/f`
    writeFileSync(path, 'x')
    await withFiles(site.to, async files => {
      const opened: RemoteFile[] = []
      const refused: unknown[] = []
      const all = Array.from({ length: most + 500 }, () =>
        files.open(path, 'r').then(
          each => opened.push(each),
          error => refused.push(error),
        ),
      )
      await Promise.all(all)
      assert.deepEqual([opened.length, refused.length], [most, 500])
      for (const each of refused) assert.ok(each instanceof SftpError && /Too many open files/.test(each.message), String(each))
      await files.calls.limitsKnown
      assert.equal(files.limits.handles, most)
      assert.equal(Buffer.from((await opened.at(-1)?.read(0, 1)) ?? []).toString(), 'x')
      await Promise.all(opened.map(each => each.close()))
      assert.equal(await files.readFile(path, { encoding: 'utf-8' }), 'x')
    })
  })
})
