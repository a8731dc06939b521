// Owns what happens where something runs out, over real connections: the space of a file system, the quota of a user, the handles
// of a session. Each is told in words, to whoever uses the library and to who sits at `sftp`.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { after, describe } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SftpError } from 'nacre'
import { localFiles, memoryFiles, type Files, type OpenFile } from 'nacre/sftp/server'
import { reachOptions } from './peers/copiers.ts'
import type { Target } from './peers/peer.ts'
import { bytesOf, MiB } from './rig/bytes.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { RawClient, type Answer, number, string } from './sftp/raw-client.ts'
import { nacreConnect } from './sites/client.ts'
import { nacre } from './sites/commands.ts'
import { fileSite } from './sites/files.ts'

const login = { key: userKey() }

/** A file system of 4 MiB in memory, or why there is none. */
const small = ((): { readonly path: string } | { readonly lacks: string } => {
  const path = freshFolder('small', 0o755)
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', path], { encoding: 'utf8' })
  return status === 0 ? { path } : { lacks: `no file system can be mounted here: ${stderr?.trim() ?? 'there is no mount'}` }
})()
after(() => {
  if ('path' in small) spawnSync('umount', [small.path])
})

const big = bytesOf(6 * MiB)

/** What `nacre sftp` says to a batch. */
const batch = (to: Target, lines: readonly string[]): Promise<Finished> =>
  finish([...nacre('sftp'), ...reachOptions(to, login), '-b', freshFile('batch', `${lines.join('\n')}\n`), `${to.user}@${to.host}`])

/** What a file server says to requests made by hand. */
const asked = async (to: Target, ask: (client: RawClient) => Promise<void>): Promise<void> => {
  await using connection = await nacreConnect(to, login)
  const process = await connection.subsystem('sftp')
  const client = new RawClient({
    write: bytes => void process.write(bytes),
    receive: take => process.tap({ stdout: bytes => take(bytes.slice()), stderr: () => {} }),
    end: () => process.stdin.end(),
  })
  await client.start()
  await ask(client)
}
const spoken = ({ type, fields }: Answer): readonly [number, string] => {
  assert.equal(type, 101)
  return [fields.number(), fields.string()]
}

const refusedUpload = async (to: Target, path: string): Promise<unknown> => {
  await using connection = await nacreConnect(to, login)
  await using files = await connection.sftp()
  return await files.upload(big, path).then(
    () => assert.fail('it went well'),
    (error: unknown) => error,
  )
}

describe('a disk that is full', { skip: 'lacks' in small && small.lacks }, () => {
  const folder = 'path' in small ? small.path : ''
  const words = /The disk is full: no space or no free inodes are left on it/

  test('is told over the wire', {}, async () => {
    await using site = await fileSite(localFiles())
    await asked(site.to, async client => {
      const opened = await client.request(3, string(`${folder}/wire`), number(0x02 | 0x08 | 0x10), number(0))
      assert.equal(opened.type, 102)
      const handle = Buffer.from(opened.fields.string(), 'latin1')
      const answers: (readonly [number, string])[] = []
      for (let at = 0; at < big.length; at += 200_000)
        answers.push(spoken(await client.request(6, string(handle), number(0), number(at), string(big.subarray(at, at + 200_000)))))
      const refused = answers.filter(([code]) => code !== 0)
      assert.ok(refused.length > 0 && refused.length < answers.length)
      // Version 3 has no number for it: the words say it.
      for (const [code, said] of refused) assert.ok(code === 4 && words.test(said), `${code} ${said}`)
      await client.request(4, string(handle))
      await client.request(13, string(`${folder}/wire`))
    })
    assert.deepEqual([site.faults, readdirSync(folder)], [[], []])
  })

  test('makes an upload reject, and leaves nothing of it and what was there', {}, async () => {
    await using site = await fileSite(localFiles())
    writeFileSync(`${folder}/f`, 'old')
    const error = await refusedUpload(site.to, `${folder}/f`)
    assert.ok(error instanceof SftpError && words.test(error.message), String(error))
    assert.equal(error.errno, 'ENOSPC')
    assert.deepEqual([readdirSync(folder), readFileSync(`${folder}/f`, 'utf8')], [['f'], 'old'])
  })

  test('is said by nacre sftp, and ends a batch', {}, async () => {
    await using site = await fileSite(localFiles())
    const { code, stderr } = await batch(site.to, [`put ${freshFile('big', big)} ${folder}/g`, `mkdir ${folder}/after`])
    assert.equal(code, 1)
    assert.match(stderr, words)
    assert.ok(!readdirSync(folder).includes('after'))
  })
})

/** Files of which so many bytes may be written, and no more. */
const withQuota = (most: number): Files => {
  const files = memoryFiles()
  let used = 0
  const limited = (file: OpenFile): OpenFile =>
    Object.assign(Object.create(file) as OpenFile, {
      read: file.read.bind(file),
      stat: file.stat.bind(file),
      close: file.close.bind(file),
      setAttributes: file.setAttributes.bind(file),
      write(position: number, bytes: Uint8Array) {
        used += bytes.length
        if (used > most) throw new SftpError('quota-exceeded', 'The quota of the user is used up.', { operation: 'write', errno: 'EDQUOT' })
        return file.write(position, bytes)
      },
    })
  return Object.assign(Object.create(files) as Files, {
    open: async (...given: Parameters<Files['open']>) => limited(await files.open(...given)),
  })
}

describe('a quota that is used up', () => {
  const words = /quota/i
  test('makes an upload reject, and leaves nothing of it', {}, async () => {
    const files = withQuota(2 * MiB)
    await using site = await fileSite(files)
    const error = await refusedUpload(site.to, '/f')
    assert.ok(error instanceof SftpError && words.test(error.message), String(error))
    assert.equal(error.errno, 'EDQUOT')
    await using connection = await nacreConnect(site.to, login)
    await using again = await connection.sftp()
    for await (const entry of again.list('/')) assert.fail(`${entry.name} is left`)
  })
  test('has a number of its own for who speaks version 6', {}, async () => {
    await using site = await fileSite(withQuota(0))
    await using connection = await nacreConnect(site.to, login)
    const process = await connection.subsystem('sftp')
    const client = new RawClient({
      write: bytes => void process.write(bytes),
      receive: take => process.tap({ stdout: bytes => take(bytes.slice()), stderr: () => {} }),
      end: () => process.stdin.end(),
    })
    await client.greet(6)
    const opened = await client.request(3, string('/f'), number(0x02), number(1), number(0), Buffer.from([1]))
    assert.equal(opened.type, 102)
    const handle = Buffer.from(opened.fields.string(), 'latin1')
    const [code, said] = spoken(await client.request(6, string(handle), number(0), number(0), string('pearl')))
    assert.equal(code, 15)
    assert.match(said, words)
  })
  test('is said by nacre sftp', {}, async () => {
    await using site = await fileSite(withQuota(2 * MiB))
    const { code, stderr } = await batch(site.to, [`put ${freshFile('big', big)} /f`])
    assert.equal(code, 1)
    assert.match(stderr, words)
  })
})

describe('ten thousand handles', () => {
  const most = 10_000
  test('are open at once by default, one more is refused, and all are free when the connection ends', { seconds: 120 }, async () => {
    const open = { now: 0, most: 0 }
    const files = memoryFiles()
    const counted: Files = Object.assign(Object.create(files) as Files, {
      async open(...given: Parameters<Files['open']>): Promise<OpenFile> {
        const file = await files.open(...given)
        open.most = Math.max(open.most, ++open.now)
        return Object.assign(Object.create(file) as OpenFile, {
          read: file.read.bind(file),
          stat: file.stat.bind(file),
          async close() {
            await file.close()
            open.now--
          },
        })
      },
    })
    await using site = await fileSite(counted)
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    {
      await using connection = await nacreConnect(site.to, login)
      await using sftp = await connection.sftp()
      await sftp.writeFile('/f', 'pearl')
      await sftp.calls.limitsKnown
      assert.equal(sftp.limits.handles, most)
      gc()
      const before = process.memoryUsage().heapUsed
      const opened = await Promise.all(Array.from({ length: most }, () => sftp.open('/f', 'r')))
      assert.equal(open.now, most)
      gc()
      // Both ends are in this process: what a handle takes is that of client, server and files in memory together.
      const each = (process.memoryUsage().heapUsed - before) / most
      assert.ok(each < 8 * 1024, `${Math.round(each)} bytes each`)
      await assert.rejects(
        sftp.open('/f', 'r'),
        (error: unknown) => error instanceof SftpError && /Too many open files/.test(error.message),
      )
      // The session goes on, and a handle that is given back can be had again.
      assert.equal(Buffer.from(await opened[most - 1].read(0, 5)).toString(), 'pearl')
      await opened[0].close()
      await (await sftp.open('/f', 'r')).close()
      assert.deepEqual([open.now, open.most], [most - 1, most])
      // The connection ends with all of them open.
    }
    for (let turn = 0; turn < 200 && open.now > 0; turn++) await new Promise(resolve => setTimeout(resolve, 10))
    assert.equal(open.now, 0)
    await using connection = await nacreConnect(site.to, login)
    await using sftp = await connection.sftp()
    assert.equal(await sftp.readFile('/f', { encoding: 'utf-8' }), 'pearl')
  })
})
