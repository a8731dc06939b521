// Owns our SFTP client at the servers of others: trees there and back with odd names, a large file and what was cut off, changes of
// all kinds, signals. What a server cannot do stands in the table of `peers/file-servers.ts`, and is refused in words.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { SftpError } from 'nacre'
import type { Entry, Sftp } from 'nacre/sftp'
import { type FileServer, fileServers } from './peers/file-servers.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFolder, freshPath } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { giveTree, makeTree, treeOf } from './rig/tree.ts'
import { world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'

const big = bytesOf(64 * MiB)
const bigHash = sha256(big)
const medium = big.subarray(0, 3 * MiB + 17)

/** Calls `use` with files at the server and a folder its user owns. */
const at = async (server: FileServer, use: (files: Sftp, folder: string) => Promise<void>): Promise<void> => {
  const folder = freshFolder('far', 0o755)
  world().give(folder)
  await using running = await server.start()
  await using connection = await nacreConnect(running.to, { key: userKey() })
  await using files = await connection.sftp()
  await use(files, folder)
}
const entriesOf = async (entries: AsyncIterable<Entry>): Promise<readonly Entry[]> => {
  const all: Entry[] = []
  for await (const entry of entries) all.push(entry)
  return all
}
const refusal = async (work: Promise<unknown>): Promise<SftpError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof SftpError) return error
    throw error
  }
  throw new Error('it did not reject')
}
const filesOf = (folder: string): readonly string[] =>
  treeOf(folder, { modes: true, times: true }).filter(line => !/ directory /.test(line))

for (const server of fileServers) {
  const { can } = server
  describe(server.name, { skip: server.lacks }, () => {
    test('a tree goes there and comes back as it was', {}, () =>
      at(server, async (files, folder) => {
        const near = freshFolder('near')
        makeTree(near, { names: can.anyName ? 'every byte' : 'text' })
        if (!can.anyName) for (const name of ['a\nb', 'back\\slash', '\u0001\u007f']) writeFileSync(`${near}/${name}`, name)
        const up = await files.upload(near, `${folder}/tree`, { recursive: true, preserve: true })
        assert.deepEqual(filesOf(`${folder}/tree`), filesOf(near))
        if (world().privileged) giveTree(Buffer.from(folder), world().uid)
        const listed = await entriesOf(files.list(`${folder}/tree`, { recursive: true }))
        assert.equal(listed.length, up.files + up.directories - (up.directories > 3 ? 1 : 0))
        const back = freshPath('back')
        const down = await files.download(`${folder}/tree`, back, { recursive: true, preserve: true })
        assert.deepEqual(filesOf(back), filesOf(near))
        assert.deepEqual([down.files, down.bytes], [up.files, up.bytes])
        await files.remove(`${folder}/tree`, { recursive: true })
        assert.deepEqual(readdirSync(folder), [])
      }),
    )

    test('64 MiB there and back, and what was cut off goes on', { seconds: 90 }, () =>
      at(server, async (files, folder) => {
        const path = `${folder}/big`
        await files.upload(big, path)
        assert.equal(sha256(readFileSync(path)), bigHash)
        const back = freshPath('back')
        // Stopped in the middle, and then again.
        const stop = new AbortController()
        const reason = new Error('enough')
        const onProgress = ({ done }: { readonly done: number }): void => {
          if (done > 8 * MiB) stop.abort(reason)
        }
        await assert.rejects(files.download(path, back, { resume: true, signal: stop.signal, onProgress, limit: 100 * MiB }), reason)
        assert.equal(existsSync(back), false)
        const { resumed } = await files.download(path, back, { resume: true })
        assert.ok(resumed > 0, 'it began again')
        assert.equal(sha256(readFileSync(back)), bigHash)
        assert.equal(readdirSync(folder).length, 1)
      }),
    )

    test('what is changed is changed', {}, () =>
      at(server, async (files, folder) => {
        const path = `${folder}/f`
        await files.writeFile(path, medium)
        assert.equal(sha256(await files.readFile(path)), sha256(medium))
        await files.writeFile(path, 'second')
        assert.equal(await files.readFile(path, { encoding: 'utf-8' }), 'second')
        await files.writeFile(path, ' and more', { flag: 'a' })
        assert.equal(readFileSync(path, 'utf8'), 'second and more')
        await refusal(files.writeFile(path, 'never', { flag: 'wx' }))
        await files.truncate(path, 3)
        await files.chmod(path, 0o640)
        await files.utimes(path, 1_000_000_000, 1_100_000_000)
        const stat = await files.stat(path)
        assert.deepEqual(
          [stat.size, stat.permissions, stat.modified.getTime(), statSync(path).mtimeMs],
          [3, 0o640, 1_100_000_000_000, 1_100_000_000_000],
        )
        await files.writeFile(`${folder}/g`, 'g')
        await refusal(files.rename(path, `${folder}/g`))
        assert.deepEqual(await files.rename(path, `${folder}/g`, { replace: true }), { atomic: can.replaces })
        assert.deepEqual(readdirSync(folder), ['g'])
        await files.mkdir(`${folder}/a/b/c`, { recursive: true })
        await files.mkdir(`${folder}/a/b/c`, { recursive: true })
        await files.symlink('../g', `${folder}/a/soft`)
        assert.equal(await files.readLink(`${folder}/a/soft`), can.links ? '../g' : `${folder}/g`)
        assert.equal((await files.lstat(`${folder}/a/soft`)).isSymbolicLink(), can.links)
        assert.equal(await files.readFile(`${folder}/a/soft`, { encoding: 'utf-8' }), 'sec')
        assert.equal((await refusal(files.stat(`${folder}/none`))).errno, 'ENOENT')
        await refusal(files.remove(`${folder}/a`))
        await files.remove(`${folder}/a`, { recursive: true })
        assert.equal(await files.exists(`${folder}/a`), false)
      }),
    )

    test('what it can do more it does, the rest is refused or done here', {}, () =>
      at(server, async (files, folder) => {
        const path = `${folder}/f`
        await files.writeFile(path, medium)
        assert.deepEqual(await files.copy(path, `${folder}/copy`), { by: can.copies ? 'server' : 'client' })
        assert.equal(sha256(readFileSync(`${folder}/copy`)), sha256(medium))
        if (can.hardLinks) {
          await files.link(path, `${folder}/hard`)
          assert.equal(statSync(`${folder}/hard`).nlink, 2)
        } else assert.equal((await refusal(files.link(path, `${folder}/hard`))).status, 'op-unsupported')
        if (can.space) assert.ok((await files.statvfs(folder)).blocks > 0)
        else assert.equal((await refusal(files.statvfs(folder))).status, 'op-unsupported')
        const sha1 = createHash('sha1').update(medium).digest('hex')
        const { digest, by } = await files.hash(path, { algorithm: 'sha1', fallback: 'read' })
        assert.deepEqual([Buffer.from(digest).toString('hex'), by], [sha1, can.hashes ? 'server' : 'client'])
        await files.upload(medium, `${folder}/verified`, { verify: true })
        assert.equal(await files.realPath(`${folder}/../${folder.split('/').at(-1) ?? ''}/f`), path)
      }),
    )

    test('in the middle of files, also beyond 4 GiB', {}, () =>
      at(server, async (files, folder) => {
        await using file = await files.open(`${folder}/f`, 'wx+')
        await file.write(5 * 2 ** 30, Buffer.from('beyond'))
        assert.equal((await file.stat()).size, 5 * 2 ** 30 + 6)
        assert.equal(Buffer.from(await file.read(5 * 2 ** 30 - 2, 100)).toString('hex'), '00006265796f6e64')
        await file.truncate(10)
        await Promise.all(
          Array.from({ length: 50 }, (_, index) => file.write(index * 1000, medium.subarray(index * 1000, index * 1000 + 1000))),
        )
        assert.ok(Buffer.from(await file.read(0, 60_000)).equals(medium.subarray(0, 50_000)))
      }),
    )

    test('a signal leaves nothing half-written', {}, () =>
      at(server, async (files, folder) => {
        const path = `${folder}/f`
        writeFileSync(path, 'old')
        if (world().privileged) giveTree(Buffer.from(folder), world().uid)
        const stop = new AbortController()
        const reason = new Error('enough')
        const onProgress = ({ done }: { readonly done: number }): void => {
          if (done > MiB) stop.abort(reason)
        }
        await assert.rejects(files.upload(big, path, { signal: stop.signal, onProgress, limit: 50 * MiB }), reason)
        assert.equal(readFileSync(path, 'utf8'), 'old')
        assert.deepEqual(
          (await entriesOf(files.list(folder))).map(({ name }) => name),
          ['f'],
        )
        const near = freshPath('near')
        await files.writeFile(`${folder}/g`, medium)
        mkdirSync(near)
        writeFileSync(`${near}/g`, 'kept')
        await assert.rejects(files.download(`${folder}/g`, `${near}/g`, { signal: AbortSignal.abort(reason) }), reason)
        assert.deepEqual([readdirSync(near), readFileSync(`${near}/g`, 'utf8')], [['g'], 'kept'])
        truncateSync(`${near}/g`)
      }),
    )
  })
}
