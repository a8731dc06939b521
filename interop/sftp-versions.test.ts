// Owns versions 4, 5 and 6 of SFTP over SSH as clients that insist on them speak them: packets put together by hand
// (draft-ietf-secsh-filexfer-04, -05, -13), and what WinSCP does from its greeting to a file that has been uploaded.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { localFiles } from 'nacre/sftp/server'
import { bytesOf } from './rig/bytes.ts'
import { freshFolder } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { type Answer, byte, type Fields, type Greeting, large, number, RawClient, string } from './sftp/raw-client.ts'
import { nacreConnect } from './sites/client.ts'
import { fileSite } from './sites/files.ts'

const types = {
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  opendir: 11,
  readdir: 12,
  mkdir: 14,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  link: 21,
} as const
const codes = { ok: 0, eof: 1, missing: 2, failure: 4, unsupported: 8, exists: 11 } as const

const withClient = async (
  version: number,
  use: (client: RawClient, greeting: Greeting, folder: string) => Promise<void>,
): Promise<void> => {
  await using site = await fileSite(localFiles())
  await using connection = await nacreConnect(site.to, { key: userKey() })
  const process = await connection.subsystem('sftp')
  const client = new RawClient({
    write: bytes => void process.write(bytes),
    receive: take => {
      process.tap({ stdout: bytes => take(bytes.slice()), stderr: () => {} })
      void process.exited.then(
        () => take(undefined),
        () => take(undefined),
      )
    },
    end: async () => {
      await process.stdin.end()
      await process.exited
    },
  })
  await use(client, await client.greet(version), freshFolder('far', 0o755))
  await client.end()
  assert.deepEqual(site.faults, [])
}

const status = ({ type, fields }: Answer): number => {
  assert.equal(type, 101, 'a STATUS was expected')
  return fields.number()
}
const handleOf = ({ type, fields }: Answer): Buffer => {
  assert.equal(type, 102, type === 101 ? `status ${fields.number()}: ${fields.string()}` : 'a HANDLE was expected')
  return Buffer.from(fields.string(), 'latin1')
}
const dataOf = ({ type, fields }: Answer): string | number => (type === 103 ? fields.string() : status({ type, fields }))

interface Shown {
  readonly kind: number
  readonly size?: number
  readonly owner?: string
  readonly group?: string
  readonly permissions?: number
  readonly modified?: number
  readonly nanoseconds?: number
  readonly links?: number
}

/** The fields of an attribute block, in the order all three drafts have them. */
const attributesOf = (fields: Fields): Shown => {
  const flags = fields.number()
  const has = (bit: number): boolean => (flags & bit) !== 0
  const subseconds = has(0x100)
  const time = (): { seconds: number; nanoseconds: number } => ({ seconds: fields.large(), nanoseconds: subseconds ? fields.number() : 0 })
  const shown: { -readonly [K in keyof Shown]: Shown[K] } = { kind: fields.byte() }
  if (has(0x01)) shown.size = fields.large()
  if (has(0x400)) fields.large()
  if (has(0x80)) [shown.owner, shown.group] = [fields.string(), fields.string()]
  if (has(0x04)) shown.permissions = fields.number()
  if (has(0x08)) time()
  if (has(0x10)) time()
  if (has(0x20)) {
    const { seconds, nanoseconds } = time()
    Object.assign(shown, { modified: seconds, nanoseconds })
  }
  if (has(0x8000)) time()
  if (has(0x2000)) shown.links = fields.number()
  assert.equal(flags & ~0xa5bd, 0, `flags ${flags.toString(16)} that nothing here is for`)
  return shown
}
const shownBy = ({ type, fields }: Answer): Shown => {
  assert.equal(type, 105, 'ATTRS were expected')
  const shown = attributesOf(fields)
  assert.equal(fields.left, 0)
  return shown
}

/** No attributes, of a regular file. */
const nothing = Buffer.concat([number(0), byte(1)])
const access = { read: 0x01, write: 0x02, append: 0x04, readAttributes: 0x80, writeAttributes: 0x100 } as const
const how = { createNew: 0, createTruncate: 1, openExisting: 2, openOrCreate: 3, truncateExisting: 4, append: 0x08, text: 0x20 } as const

const opening = (client: RawClient, path: string, wanted: number, flags: number): Promise<Answer> =>
  client.request(types.open, string(path), number(wanted), number(flags), nothing)
/** To write, in either way: pflags of version 4, or access and disposition. */
const creating = (client: RawClient, version: number, path: string, text = false): Promise<Answer> =>
  version === 4
    ? client.request(types.open, string(path), number(0x02 | 0x08 | 0x10 | (text ? 0x40 : 0)), nothing)
    : opening(client, path, access.write, how.createTruncate | (text ? how.text : 0))
const reading = (client: RawClient, version: number, path: string, text = false): Promise<Answer> =>
  version === 4
    ? client.request(types.open, string(path), number(0x01 | (text ? 0x40 : 0)), nothing)
    : opening(client, path, access.read, how.openExisting | (text ? how.text : 0))
const write = (client: RawClient, handle: Buffer, offset: number, bytes: string | Uint8Array): Promise<Answer> =>
  client.request(types.write, string(handle), large(offset), string(bytes))
const read = (client: RawClient, handle: Buffer, offset: number, length: number): Promise<Answer> =>
  client.request(types.read, string(handle), large(offset), number(length))
const close = async (client: RawClient, handle: Buffer): Promise<void> =>
  assert.equal(status(await client.request(types.close, string(handle))), codes.ok)

for (const version of [4, 5, 6])
  describe(`version ${version}`, () => {
    test('is greeted with how lines end, what is supported, and what else could be spoken', {}, async () => {
      await withClient(version, async (_client, { version: agreed, extensions }) => {
        assert.equal(agreed, version)
        assert.equal(extensions.get('newline'), '\n')
        assert.equal(extensions.get('versions'), '3,4,5,6')
        assert.equal(extensions.has('supported'), version === 5)
        assert.equal(extensions.has('supported2'), version === 6)
        assert.ok(extensions.has('vendor-id'))
      })
    })

    test('a file is made, described with names and fine times, and renamed', {}, async () => {
      await withClient(version, async (client, _greeting, folder) => {
        const path = `${folder}/\u00fc`.normalize()
        const utf8 = Buffer.from(path).toString('latin1')
        const handle = handleOf(await creating(client, version, utf8))
        assert.equal(status(await write(client, handle, 0, 'pearl')), codes.ok)
        const times = Buffer.concat([large(1_600_000_000), number(250_000_000)])
        // Permissions, time of access and of change, both with parts of a second.
        const asked = Buffer.concat([number(0x04 | 0x08 | 0x20 | 0x100), byte(1), number(0o640), times, times])
        assert.equal(status(await client.request(types.setstat, string(utf8), asked)), codes.ok)
        const shown = shownBy(await client.request(types.fstat, string(handle), number(0xffff)))
        const { uid } = statSync(path)
        assert.deepEqual([shown.kind, shown.size, shown.permissions], [1, 5, 0o640])
        assert.deepEqual([shown.modified, shown.nanoseconds], [1_600_000_000, 250_000_000])
        if (uid === 0) assert.deepEqual([shown.owner, shown.group], ['root', 'root'])
        if (version === 6) assert.equal(shown.links, 1)
        await close(client, handle)
        const other = `${folder}/other`
        writeFileSync(other, 'old')
        const renaming = (flags: number): Promise<Answer> =>
          client.request(types.rename, string(utf8), string(other), ...(version === 4 ? [] : [number(flags)]))
        assert.equal(status(await renaming(0)), codes.exists)
        assert.equal(readFileSync(other, 'utf8'), 'old')
        if (version > 4) assert.equal(status(await renaming(1)), codes.ok)
        assert.equal(readFileSync(version > 4 ? other : path, 'utf8'), 'pearl')
      })
    })

    test('text goes in the order it is sent and asked for, whatever offset stands there', {}, async () => {
      await withClient(version, async (client, _greeting, folder) => {
        const path = `${folder}/text`
        const writing = handleOf(await creating(client, version, path, true))
        for (const [offset, line] of [
          [0, 'one\n'],
          [0, 'two\n'],
          [99, 'three\n'],
        ] as const)
          assert.equal(status(await write(client, writing, offset, line)), codes.ok)
        await close(client, writing)
        assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\nthree\n')
        const handle = handleOf(await reading(client, version, path, true))
        assert.equal(dataOf(await read(client, handle, 70, 4)), 'one\n')
        assert.equal(dataOf(await read(client, handle, 0, 4)), 'two\n')
        assert.equal(status(await client.extended('text-seek', string(handle), large(1))), codes.ok)
        assert.equal(dataOf(await read(client, handle, 0, 100)), 'two\nthree\n')
        assert.equal(dataOf(await read(client, handle, 0, 100)), codes.eof)
        assert.equal(status(await client.extended('text-seek', string(handle), large(9))), codes.eof)
        await close(client, handle)
      })
    })

    test('a link is told before what it points to', {}, async () => {
      await withClient(version, async (client, _greeting, folder) => {
        const link = `${folder}/link`
        const made =
          version === 6
            ? client.request(types.link, string(link), string('there'), byte(1))
            : client.request(types.symlink, string(link), string('there'))
        assert.equal(status(await made), codes.ok)
        assert.equal(readlinkSync(link), 'there')
        const { type, fields } = await client.request(types.readlink, string(link))
        assert.deepEqual([type, fields.number(), fields.string()], [104, 1, 'there'])
        assert.equal(shownBy(await client.request(types.lstat, string(link), number(0xffff))).kind, 3)
        if (version < 6) return
        writeFileSync(`${folder}/file`, 'pearl')
        assert.equal(status(await client.request(types.link, string(`${folder}/hard`), string(`${folder}/file`), byte(0))), codes.ok)
        assert.equal(statSync(`${folder}/file`).nlink, 2)
      })
    })

    if (version > 4)
      test('a file is opened in each of the ways there are', {}, async () => {
        await withClient(version, async (client, _greeting, folder) => {
          const [there, missing] = [`${folder}/there`, `${folder}/missing`]
          writeFileSync(there, 'pearl')
          assert.equal(status(await opening(client, there, access.write, how.createNew)), codes.exists)
          for (const flags of [how.openExisting, how.truncateExisting])
            assert.equal(status(await opening(client, missing, access.write, flags)), codes.missing)
          const appending = handleOf(await opening(client, there, access.append, how.openOrCreate | how.append))
          assert.equal(status(await write(client, appending, 0, 's')), codes.ok)
          await close(client, appending)
          assert.equal(readFileSync(there, 'utf8'), 'pearls')
          await close(client, handleOf(await opening(client, there, access.write, how.openOrCreate)))
          assert.equal(readFileSync(there, 'utf8'), 'pearls')
          await close(client, handleOf(await opening(client, there, access.write, how.truncateExisting)))
          assert.equal(readFileSync(there, 'utf8'), '')
          await close(client, handleOf(await opening(client, missing, access.read | access.write, how.createNew)))
          // Locks, and deletion on close: refused rather than passed over.
          for (const further of [0x40, 0x800])
            assert.equal(status(await opening(client, there, access.read, how.openExisting | further)), codes.unsupported)
        })
      })
  })

describe('version 6 alone', () => {
  test('REALPATH looks whether something is there when it is asked to', {}, async () => {
    await withClient(6, async (client, _greeting, folder) => {
      const path = `${folder}/missing`
      for (const [check, expected] of [
        [1, 104],
        [2, 104],
        [3, 101],
      ] as const)
        assert.equal((await client.request(types.realpath, string(path), byte(check))).type, expected, `check ${check}`)
      mkdirSync(`${folder}/a`)
      const { type, fields } = await client.request(types.realpath, string(folder), byte(1), string('a/../b'))
      assert.deepEqual([type, fields.number(), fields.string()], [104, 1, `${folder}/b`])
    })
  })

  test('may be chosen by a client of version 3, as the first thing it asks', {}, async () => {
    await withClient(3, async (client, { version, extensions }, folder) => {
      assert.deepEqual([version, extensions.get('versions')], [3, '3,4,5,6'])
      assert.equal(status(await client.extended('version-select', string('6'))), codes.ok)
      assert.equal(shownBy(await client.request(types.stat, string(folder), number(0xffff))).kind, 2)
    })
  })
})

describe('as WinSCP does it', () => {
  const flags = number(0x01 | 0x80 | 0x04 | 0x08 | 0x20)
  for (const version of [5, 6])
    test(`it asks for version ${version}, looks around, and uploads a file under another name first`, {}, async () => {
      await withClient(version, async (client, greeting, folder) => {
        const support = greeting.extensions.get(version === 6 ? 'supported2' : 'supported') ?? ''
        const words = Buffer.from(support, 'latin1')
        const [attributes, bits, openFlags, accessMask, most] = [0, 4, 8, 12, 16].map(at => words.readUInt32BE(at))
        assert.equal(attributes & 0xbd, 0xbd)
        assert.equal(bits, 0)
        assert.equal(openFlags & 0x3f, 0x3f)
        assert.equal(accessMask & 0x187, 0x187)
        assert.ok(most >= 32_768)
        // It says who it is, and waits for whatever answer.
        const vendor = [string('Martin Prikryl'), string('WinSCP'), string('6.3.5'), large(15_000)]
        assert.equal(status(await client.extended('vendor-id', ...vendor)), codes.ok)
        const check = version === 6 ? [byte(3)] : []
        const home = await client.request(types.realpath, string('.'), ...check)
        assert.deepEqual([home.type, home.fields.number()], [104, 1])
        assert.ok(home.fields.string().startsWith('/'))
        assert.equal(shownBy(await client.request(types.lstat, string(folder), flags)).kind, 2)

        mkdirSync(`${folder}/inner`)
        writeFileSync(`${folder}/pearl`, 'pearl')
        symlinkSync('pearl', `${folder}/soft`)
        const listing = handleOf(await client.request(types.opendir, string(folder)))
        // The next part is asked for before the one that came is looked at.
        const parts = [client.request(types.readdir, string(listing)), client.request(types.readdir, string(listing))]
        const kinds = new Map<string, number>()
        for (;;) {
          const { type, fields } = await (parts.shift() ?? assert.fail('no part is under way'))
          if (type === 101) {
            assert.equal(fields.number(), codes.eof)
            break
          }
          parts.push(client.request(types.readdir, string(listing)))
          for (let left = fields.number(); left > 0; left--) kinds.set(fields.string(), attributesOf(fields).kind)
        }
        await Promise.all(parts)
        await close(client, listing)
        for (const dots of ['.', '..']) kinds.delete(dots)
        assert.deepEqual([...kinds].toSorted(), [
          ['inner', 2],
          ['pearl', 1],
          ['soft', 3],
        ])
        const [target, looked] = await Promise.all([
          client.request(types.readlink, string(`${folder}/soft`)),
          client.request(types.stat, string(`${folder}/soft`), flags),
        ])
        assert.deepEqual([target.type, target.fields.number(), target.fields.string()], [104, 1, 'pearl'])
        assert.deepEqual([looked.type, attributesOf(looked.fields).size], [105, 5])

        const [name, part] = [`${folder}/big`, `${folder}/big.filepart`]
        assert.equal(status(await client.request(types.lstat, string(name), flags)), codes.missing)
        const handle = handleOf(await opening(client, part, access.write | access.readAttributes, how.createTruncate))
        const bytes = bytesOf(1_000_000)
        const writes: Promise<Answer>[] = []
        for (let at = 0; at < bytes.length; at += 32_768) writes.push(write(client, handle, at, bytes.subarray(at, at + 32_768)))
        for (const answer of await Promise.all(writes)) assert.equal(status(answer), codes.ok)
        await close(client, handle)
        assert.equal(status(await client.request(types.rename, string(part), string(name), number(0))), codes.ok)
        const times = Buffer.concat([number(0x04 | 0x08 | 0x20), byte(1), number(0o644), large(1_500_000_000), large(1_500_000_000)])
        assert.equal(status(await client.request(types.setstat, string(name), times)), codes.ok)
        assert.deepEqual(readFileSync(name), Buffer.from(bytes))
        assert.equal(statSync(name).mtimeMs, 1_500_000_000_000)
      })
    })
})
