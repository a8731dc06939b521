// What each extension answers, byte by byte where a draft or OpenSSH says how, and by its effect on the files.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import { SftpError } from '../../../src/errors.ts'
import { asBytes, asStatus, type ExtensionRow } from '../../../src/sftp/extensions/row.ts'
import { extensions } from '../../../src/sftp/extensions/table.ts'
import type { OpenFile } from '../../../src/sftp/files.ts'
import { memoryFiles, type MemoryFiles } from '../../../src/sftp/files/memory.ts'
import { packetTypes, Version } from '../../../src/sftp/messages.ts'
import { fileName } from '../../../src/sftp/names.ts'
import { version3 } from '../../../src/sftp/versions/version3.ts'
import type { SftpVersionNumber } from '../../../src/sftp/versions/version.ts'
import { boolean, bytes, decode, encode, rest, struct, text, uint32, uint64 } from '../../../src/wire/codec.ts'
import { Reader } from '../../../src/wire/reader.ts'
import { type Answer, assertStatus, dataOf, extendedOf, joined, Peer, readOf, settled, writeOf } from '../server/rig.ts'

const latin = (value: string): Uint8Array => new TextEncoder().encode(value)
const content = Uint8Array.from({ length: 700_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff)

const writeFile = (files: MemoryFiles, path: string, data: Uint8Array): void => {
  const file = files.open(
    path,
    { read: false, write: true, append: false, create: true, exclusive: false, truncate: true, noFollow: false },
    { permissions: 0o640 },
  )
  file.write(0, data)
  file.close()
}
const readFile = (files: MemoryFiles, path: string): Uint8Array => {
  const file = files.open(
    path,
    { read: true, write: false, append: false, create: false, exclusive: false, truncate: false, noFollow: false },
    {},
  )
  const into = new Uint8Array(file.stat().size ?? 0)
  file.read(0, into)
  return into
}

const start = async (
  version: SftpVersionNumber = 3,
  options: ConstructorParameters<typeof Peer>[1] = {},
): Promise<{ files: MemoryFiles; peer: Peer }> => {
  const files = memoryFiles({ users: [{ name: 'root', uid: 0, home: '/home/me' }], groups: [{ name: 'staff', gid: 50 }] })
  files.makeDirectory('/home', {})
  files.makeDirectory('/home/me', {})
  writeFile(files, '/f', content)
  return { files, peer: await new Peer(files, options).greet(version) }
}

const replyOf = ({ type, body }: Answer): Uint8Array => {
  assert.equal(type, packetTypes.SSH_FXP_EXTENDED_REPLY, `an answer of type ${type} where a reply belongs`)
  return body
}
const pathOf = ({ type, body }: Answer): string => {
  assert.equal(type, packetTypes.SSH_FXP_NAME)
  const [entry, ...others] = decode(version3.Name, body)
  assert.equal(others.length, 0)
  return entry.filename
}
const announced = async (version: SftpVersionNumber): Promise<ReadonlyMap<string, Uint8Array>> => {
  const { peer } = await start(version)
  assert.ok(peer.greeting !== undefined)
  const greeting = decode(Version, peer.greeting)
  assert.equal(greeting.version, version)
  return new Map(greeting.extensions.map(each => [each.name, each.data]))
}

const two = struct({ a: fileName, b: fileName })
const one = struct({ path: fileName })
const ofHandle = struct({ handle: bytes })

describe('what is announced', () => {
  const shown = (all: ReadonlyMap<string, Uint8Array>, name: string): string | undefined => {
    const data = all.get(name)
    return data === undefined ? undefined : Buffer.from(data).toString('latin1')
  }

  it('to version 3 is what OpenSSH announces, with the same data, and more', async () => {
    const all = await announced(3)
    for (const [name, data] of [
      ['posix-rename@openssh.com', '1'],
      ['statvfs@openssh.com', '2'],
      ['fstatvfs@openssh.com', '2'],
      ['hardlink@openssh.com', '1'],
      ['fsync@openssh.com', '1'],
      ['lsetstat@openssh.com', '1'],
      ['limits@openssh.com', '1'],
      ['expand-path@openssh.com', '1'],
      ['copy-data', '1'],
      ['home-directory', '1'],
      ['users-groups-by-id@openssh.com', '1'],
      ['versions', '3,4,5,6'],
      ['check-file', 'md5,sha1,sha224,sha256,sha384,sha512,crc32'],
    ])
      assert.equal(shown(all, name), data, name)
    for (const name of ['supported', 'supported2', 'newline']) assert.equal(all.has(name), false, name)
  })

  it('to version 5 names what is supported, with the extensions to the end', async () => {
    const all = await announced(5)
    assert.equal(shown(all, 'newline'), '\n')
    assert.equal(all.has('supported2'), false)
    const reader = new Reader(all.get('supported') ?? new Uint8Array())
    const [mask, bits, flags, access, read] = [reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32()]
    assert.deepEqual([mask, bits, flags, access, read], [0x1bd, 0, 0x3f, 0x187, 255 * 1024])
    const names: string[] = []
    while (reader.remaining > 0) names.push(reader.text())
    assert.ok(names.includes('text-seek') && names.includes('check-file-name') && !names.includes('lsetstat@openssh.com'))
  })

  it('to version 6 names what is supported, with locks and counts', async () => {
    const reader = new Reader((await announced(6)).get('supported2') ?? new Uint8Array())
    const words = [reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32(), reader.uint32()]
    assert.deepEqual(words, [0xa5bd, 0, 0x43f, 0x187, 255 * 1024])
    // To have no locks is the only combination of them there is.
    assert.deepEqual([...reader.fixed(4)], [0, 1, 0, 1])
    assert.equal(reader.uint32(), 0)
    const names = Array.from({ length: reader.uint32() }, () => reader.text())
    assert.ok(names.includes('copy-file') && names.includes('version-select'))
    reader.finish()
  })

  it('can be answered: every row that has a request is reached by its name', async () => {
    const { peer } = await start(6)
    for (const row of extensions) {
      if (row.request === undefined) continue
      const answer = await peer.extended(row.name, rest, new Uint8Array(0))
      const isKnown = row.name !== 'lsetstat@openssh.com'
      if (answer.type === packetTypes.SSH_FXP_STATUS) assert.equal(decode(version3.Status, answer.body).errorCode === 8, !isKnown, row.name)
    }
    assertStatus(await peer.extended('nobody@knows.this', rest, new Uint8Array(5)), 'op-unsupported')
  })
})

describe("OpenSSH's extensions", () => {
  it('posix-rename@ replaces, where RENAME does not', async () => {
    const { files, peer } = await start()
    writeFile(files, '/g', latin('old'))
    assertStatus(await peer.ask(packetTypes.SSH_FXP_RENAME, version3.Rename, { from: '/f', to: '/g', replace: false }), 'failure')
    assert.deepEqual(readFile(files, '/g'), latin('old'))
    assertStatus(await peer.extended('posix-rename@openssh.com', two, { a: '/f', b: '/g' }), 'ok')
    assert.equal(readFile(files, '/g').length, content.length)
  })

  it('statvfs@ and fstatvfs@ answer eleven numbers', async () => {
    const { files, peer } = await start()
    const handle = await peer.open('/f', 'r')
    const expected = files.statvfs('/f')
    for (const answer of [
      await peer.extended('statvfs@openssh.com', one, { path: '/f' }),
      await peer.extended('fstatvfs@openssh.com', ofHandle, { handle }),
    ]) {
      const reader = new Reader(replyOf(answer))
      const numbers = Array.from({ length: 11 }, () => Number(reader.uint64()))
      reader.finish()
      assert.deepEqual(numbers.slice(0, 5), [
        expected.blockSize,
        expected.fragmentSize,
        expected.blocks,
        expected.freeBlocks,
        expected.availableBlocks,
      ])
      assert.equal(numbers[10], expected.maximumName)
    }
  })

  it('hardlink@ gives a second name', async () => {
    const { files, peer } = await start()
    assertStatus(await peer.extended('hardlink@openssh.com', two, { a: '/f', b: '/h' }), 'ok')
    assert.equal(files.stat('/h', false).links, 2)
  })

  it('fsync@ answers after the writes before it', async () => {
    const { files, peer } = await start()
    const handle = await peer.open('/f', 'w')
    peer.send(writeOf(1, handle, 0, latin('xyz')))
    assertStatus(await peer.extended('fsync@openssh.com', ofHandle, { handle }), 'ok')
    assert.deepEqual(readFile(files, '/f').subarray(0, 3), latin('xyz'))
  })

  it('lsetstat@ sets the times of a link itself', async () => {
    const { files, peer } = await start()
    files.symlink('/f', '/l')
    const modified = { seconds: 5, nanoseconds: 0 }
    const request = struct({ path: fileName, attributes: version3.attributes })
    assertStatus(await peer.extended('lsetstat@openssh.com', request, { path: '/l', attributes: { accessed: modified, modified } }), 'ok')
    assert.deepEqual(files.stat('/l', false).modified, modified)
    assert.notDeepEqual(files.stat('/f', false).modified, modified)
  })

  it('limits@ tells what the options say', async () => {
    const { peer } = await start(3, { limits: { packet: 100_000, read: 50_000, write: 1_000_000, handles: 7 } })
    const reader = new Reader(replyOf(await peer.extended('limits@openssh.com', rest, new Uint8Array(0))))
    assert.deepEqual(
      Array.from({ length: 4 }, () => Number(reader.uint64())),
      [100_000, 50_000, 100_000 - 1024, 7],
    )
    reader.finish()
  })

  it('expand-path@ and home-directory know where home is', async () => {
    const { peer } = await start()
    for (const [path, resolved] of [
      ['~', '/home/me'],
      ['~/x', '/home/me/x'],
      ['~root/x', '/home/me/x'],
      ['x', '/home/me/x'],
      ['', '/home/me'],
      ['/home/../f', '/f'],
    ])
      assert.equal(pathOf(await peer.extended('expand-path@openssh.com', one, { path })), resolved)
    assert.equal(pathOf(await peer.extended('home-directory', one, { path: '' })), '/home/me')
    assert.equal(pathOf(await peer.extended('home-directory', one, { path: 'root' })), '/home/me')
  })

  it('users-groups-by-id@ answers names in the order of numbers, empty where there is none', async () => {
    const { peer } = await start()
    const request = struct({ users: bytes, groups: bytes })
    const value = { users: joined(encode(uint32, 0), encode(uint32, 999)), groups: joined(encode(uint32, 51), encode(uint32, 50)) }
    const reader = new Reader(replyOf(await peer.extended('users-groups-by-id@openssh.com', request, value)))
    const [users, groups] = [new Reader(reader.string()), new Reader(reader.string())]
    reader.finish()
    assert.deepEqual([users.text(), users.text()], ['root', ''])
    assert.deepEqual([groups.text(), groups.text()], ['', 'staff'])
  })
})

describe('copies on the server', () => {
  const copyData = struct({ from: bytes, fromOffset: uint64, length: uint64, to: bytes, toOffset: uint64 })

  it('copy-data copies a range, or all there is', async () => {
    const { files, peer } = await start()
    const from = await peer.open('/f', 'r')
    const to = await peer.open('/g', 'wc')
    assertStatus(await peer.extended('copy-data', copyData, { from, fromOffset: 10n, length: 300_000n, to, toOffset: 5n }), 'ok')
    assert.deepEqual(readFile(files, '/g'), joined(new Uint8Array(5), content.subarray(10, 300_010)))
    assertStatus(await peer.extended('copy-data', copyData, { from, fromOffset: 0n, length: 0n, to, toOffset: 0n }), 'ok')
    assert.deepEqual(readFile(files, '/g'), content)
  })

  it('copy-data waits for writes before it, on either file, and reads after it see what it did', async () => {
    const { peer } = await start()
    const from = await peer.open('/a', 'rwc')
    const to = await peer.open('/b', 'rwc')
    peer.send(writeOf(1, from, 0, latin('new')), writeOf(2, to, 0, latin('old')))
    const copying = peer.extended('copy-data', copyData, { from, fromOffset: 0n, length: 0n, to, toOffset: 0n })
    peer.send(readOf(3, to, 0, 10))
    assertStatus(await copying, 'ok')
    assert.deepEqual(dataOf((await peer.answers(3))[0]), latin('new'))
  })

  it('copy-data both ways at once comes to an end', async () => {
    const { peer } = await start()
    const a = await peer.open('/a', 'rwc')
    const b = await peer.open('/b', 'rwc')
    const copies = [
      peer.extended('copy-data', copyData, { from: a, fromOffset: 0n, length: 0n, to: b, toOffset: 0n }),
      peer.extended('copy-data', copyData, { from: b, fromOffset: 0n, length: 0n, to: a, toOffset: 0n }),
    ]
    for (const answer of await Promise.all(copies)) assertStatus(answer, 'ok')
  })

  it('copy-data refuses a range that overlaps itself, and handles for the wrong thing', async () => {
    const { peer } = await start(6)
    const both = await peer.open('/f', 'rw')
    const reading = await peer.open('/f', 'r')
    const ask = (from: Uint8Array, to: Uint8Array, toOffset: bigint): Promise<Answer> =>
      peer.extended('copy-data', copyData, { from, fromOffset: 0n, length: 100n, to, toOffset })
    assertStatus(await ask(both, both, 50n), 'invalid-parameter')
    assertStatus(await ask(both, both, 100n), 'ok')
    assertStatus(await ask(both, reading, 0n), 'permission-denied')
  })

  it('copy-file copies by name with permissions, over another only when told to, and not onto itself', async () => {
    const { files, peer } = await start(6)
    const request = struct({ a: fileName, b: fileName, overwrite: boolean })
    assertStatus(await peer.extended('copy-file', request, { a: '/f', b: '/g', overwrite: false }), 'ok')
    assert.deepEqual(readFile(files, '/g'), content)
    assert.equal(files.stat('/g', false).permissions, 0o640)
    writeFile(files, '/h', latin('x'))
    assertStatus(await peer.extended('copy-file', request, { a: '/f', b: '/h', overwrite: false }), 'file-already-exists')
    assertStatus(await peer.extended('copy-file', request, { a: '/f', b: '/h', overwrite: true }), 'ok')
    assert.deepEqual(readFile(files, '/h'), content)
    assertStatus(await peer.extended('copy-file', request, { a: '/f', b: '/home/../f', overwrite: true }), 'invalid-parameter')
    assert.deepEqual(readFile(files, '/f'), content)
  })

  it('copy-file over another name of the same file loses nothing of it', async () => {
    const { files, peer } = await start(6)
    const request = struct({ a: fileName, b: fileName, overwrite: boolean })
    files.link('/f', '/hard')
    files.symlink('/hard', '/soft')
    for (const b of ['/hard', '/soft']) assertStatus(await peer.extended('copy-file', request, { a: '/f', b, overwrite: true }), 'ok')
    assertStatus(await peer.extended('copy-file', request, { a: '/hard', b: '/f', overwrite: true }), 'ok')
    assert.deepEqual(readFile(files, '/f'), content)
    assert.deepEqual(readFile(files, '/hard'), content)
  })

  it('copy-file cuts off what was longer', async () => {
    const { files, peer } = await start(6)
    const request = struct({ a: fileName, b: fileName, overwrite: boolean })
    writeFile(files, '/short', latin('short'))
    writeFile(files, '/empty', latin(''))
    for (const name of ['short', 'empty']) {
      writeFile(files, '/long', latin('rather long'))
      assertStatus(await peer.extended('copy-file', request, { a: `/${name}`, b: '/long', overwrite: true }), 'ok')
      assert.deepEqual(readFile(files, '/long'), latin(name === 'short' ? 'short' : ''))
    }
  })
})

describe('hashes', () => {
  const digestOf = (name: string, data: Uint8Array): Uint8Array =>
    name === 'crc32' ? encode(uint32, crc32(data)) : new Uint8Array(createHash(name).update(data).digest())
  const question = { algorithms: text, offset: uint64, length: uint64, blockSize: uint32 }
  const byName = struct({ path: fileName, ...question })
  const byHandle = struct({ handle: bytes, ...question })
  const whole = { offset: 0n, length: 0n, blockSize: 0 }

  for (const name of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512', 'crc32'])
    it(`check-file-name knows ${name}`, async () => {
      const { peer } = await start()
      const answer = replyOf(await peer.extended('check-file-name', byName, { path: '/f', algorithms: `nothing,${name},md5`, ...whole }))
      assert.deepEqual(answer, joined(encode(text, name), digestOf(name, content)))
    })

  it('are of blocks where blocks are asked for, the last one shorter, from an offset on', async () => {
    const { peer } = await start()
    const handle = await peer.open('/f', 'r')
    const blockSize = 100_000
    const asked = { handle, algorithms: 'sha256', offset: 50_000n, length: 250_001n, blockSize }
    const answer = replyOf(await peer.extended('check-file-handle', byHandle, asked))
    const range = content.subarray(50_000, 300_001)
    const blocks = [range.subarray(0, 100_000), range.subarray(100_000, 200_000), range.subarray(200_000)]
    assert.deepEqual(answer, joined(encode(text, 'sha256'), ...blocks.map(each => digestOf('sha256', each))))
  })

  it('end with the file where more is asked for, and are of nothing for an empty one', async () => {
    const { files, peer } = await start()
    writeFile(files, '/empty', new Uint8Array(0))
    const hashes = async (path: string, offset: bigint, length: bigint, blockSize: number): Promise<Uint8Array> =>
      replyOf(await peer.extended('check-file-name', byName, { path, algorithms: 'md5', offset, length, blockSize })).subarray(7)
    assert.deepEqual(await hashes('/f', 699_999n, 500n, 0), digestOf('md5', content.subarray(699_999)))
    assert.deepEqual(await hashes('/empty', 0n, 0n, 0), digestOf('md5', new Uint8Array(0)))
    assert.deepEqual(await hashes('/empty', 0n, 0n, 256), new Uint8Array(0))
  })

  it('are refused in blocks below 256 bytes, in more than an answer holds, and of kinds nobody has', async () => {
    const { peer } = await start(6)
    const ask = (algorithms: string, blockSize: number): Promise<Answer> =>
      peer.extended('check-file-name', byName, { path: '/f', algorithms, offset: 0n, length: 0n, blockSize })
    assertStatus(await ask('md5', 255), 'invalid-parameter')
    assert.equal((await ask('md5', 256)).type, packetTypes.SSH_FXP_EXTENDED_REPLY)
    const small = (await start(6, { limits: { packet: 40_000 } })).peer
    const many = { path: '/f', algorithms: 'sha512', offset: 0n, length: 0n, blockSize: 256 }
    assertStatus(await small.extended('check-file-name', byName, many), 'invalid-parameter', /larger blocks/)
    assertStatus(await ask('sha3,blake2', 0), 'op-unsupported')
    assertStatus(await ask('', 0), 'op-unsupported')
  })

  it('of the older check-file name it in the answer, as paramiko reads it', async () => {
    const { peer } = await start()
    const handle = await peer.open('/f', 'r')
    const answer = replyOf(await peer.extended('check-file', byHandle, { handle, algorithms: 'sha1', ...whole }))
    assert.deepEqual(answer, joined(encode(text, 'check-file'), encode(text, 'sha1'), digestOf('sha1', content)))
  })

  it('md5-hash answers nothing when the beginning shows another file', async () => {
    const { peer } = await start()
    const request = struct({ path: fileName, offset: uint64, length: uint64, quick: bytes })
    const ask = async (quick: Uint8Array): Promise<Uint8Array> =>
      replyOf(await peer.extended('md5-hash', request, { path: '/f', offset: 0n, length: 0n, quick }))
    const named = encode(text, 'md5-hash')
    const full = joined(named, encode(bytes, digestOf('md5', content)))
    assert.deepEqual(await ask(new Uint8Array(0)), full)
    assert.deepEqual(await ask(digestOf('md5', content.subarray(0, 2048))), full)
    assert.deepEqual(await ask(digestOf('md5', content.subarray(0, 2047))), joined(named, encode(bytes, new Uint8Array(0))))
    const handle = await peer.open('/f', 'r')
    const ofOpen = struct({ handle: bytes, offset: uint64, length: uint64, quick: bytes })
    const answer = await peer.extended('md5-hash-handle', ofOpen, { handle, offset: 5n, length: 10n, quick: new Uint8Array(0) })
    assert.deepEqual(replyOf(answer), joined(encode(text, 'md5-hash-handle'), encode(bytes, digestOf('md5', content.subarray(5, 15)))))
  })

  it('of long files let others have their turn', async () => {
    const { files, peer } = await start()
    const long = new Uint8Array(8 * 1024 * 1024)
    writeFile(files, '/long', long)
    const hashing = peer.extended('check-file-name', byName, { path: '/long', algorithms: 'sha512', ...whole })
    const looking = peer.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path: '/f' })
    assert.equal(await Promise.race([hashing.then(() => 'hash'), looking.then(() => 'stat')]), 'stat')
    assert.deepEqual(replyOf(await hashing).subarray(10), digestOf('sha512', long))
  })
})

describe('the rest', () => {
  it('space-available tells bytes', async () => {
    const { files, peer } = await start()
    const { fragmentSize, blocks, freeBlocks, availableBlocks } = files.statvfs('/')
    const reader = new Reader(replyOf(await peer.extended('space-available', one, { path: '/' })))
    assert.deepEqual(
      Array.from({ length: 4 }, () => Number(reader.uint64())),
      [blocks * fragmentSize, freeBlocks * fragmentSize, 0, availableBlocks * fragmentSize],
    )
    assert.equal(reader.uint32(), fragmentSize)
    reader.finish()
  })

  it('vendor-id may be told by a client', async () => {
    const { peer } = await start()
    const vendor = struct({ a: text, b: text, c: text, d: uint64 })
    assertStatus(await peer.extended('vendor-id', vendor, { a: 'me', b: 'mine', c: '1', d: 1n }), 'ok')
  })

  it('version-select changes the version as the first request, and only then', async () => {
    const { peer } = await start(3)
    assertStatus(await peer.extended('version-select', text, '6'), 'ok')
    // In version 6 there is LINK, and no SYMLINK.
    assertStatus(await peer.ask(packetTypes.SSH_FXP_SYMLINK, version3.Link, { path: '/l', target: 'f', symbolic: true }), 'op-unsupported')
    assertStatus(await peer.extended('version-select', text, '3'), 'failure', /first request/)
    for (const version of ['7', '2', '', '4,5']) {
      const { peer: other } = await start(3)
      assertStatus(await other.extended('version-select', text, version), 'bad-message', /no such version/)
    }
  })

  it('text is read and written where it left off, and text-seek goes to a line', async () => {
    const { files, peer } = await start(4)
    writeFile(files, '/t', latin('one\ntwo\nthree\n'))
    const handle = await peer.open('/t', 'rT')
    const read = async (length: number): Promise<string> =>
      new TextDecoder().decode(dataOf(await peer.askBytes(id => readOf(id, handle, 999, length))))
    assert.equal(await read(4), 'one\n')
    assert.equal(await read(3), 'two')
    const seek = struct({ handle: bytes, line: uint64 })
    assertStatus(await peer.extended('text-seek', seek, { handle, line: 2n }), 'ok')
    assert.equal(await read(5), 'three')
    assertStatus(await peer.extended('text-seek', seek, { handle, line: 0n }), 'ok')
    assert.equal(await read(3), 'one')
    assertStatus(await peer.extended('text-seek', seek, { handle, line: 4n }), 'eof')
    const writing = await peer.open('/t', 'wtcT')
    peer.send(writeOf(1, writing, 77, latin('a\n')), writeOf(2, writing, 0, latin('b\n')))
    await peer.answers(1, 2)
    assert.deepEqual(readFile(files, '/t'), latin('a\nb\n'))
  })

  it('text-seek in a file without end lets others have their turn, and ends with the client', async () => {
    let reads = 0
    const endless = {
      read: (_position: number, into: Uint8Array) => {
        // One that never let go would never end by itself.
        if (++reads > 10_000) throw new SftpError('failure', 'nobody else had a turn')
        return into.length
      },
      close: () => {},
    }
    const files = { ...memoryFiles(), open: () => endless as unknown as OpenFile }
    const peer = await new Peer(files).greet(4)
    const handle = await peer.open('/t', 'rT')
    peer.send(extendedOf(1, 'text-seek', struct({ handle: bytes, line: uint64 }), { handle, line: 2n ** 50n }))
    await settled()
    peer.end(new Error('gone'))
    assert.match(String(await peer.outcome), /gone/)
    assert.ok(reads > 1 && reads < 10_000, `${reads} reads`)
  })

  it("a program's own extension is announced and answered, in place of ours if it has the name", async () => {
    const told: string[] = []
    const mine: ExtensionRow<string, { path: string }, void> = {
      name: 'touch@example.org',
      about: 'note a path',
      announced: () => asBytes('9'),
      request: one,
      answer: asStatus,
      changes: false,
      serve: (serving, { path }) => void told.push(serving.absolute(path)),
    }
    const instead: ExtensionRow<string, { path: string }, void> = {
      ...mine,
      name: 'statvfs@openssh.com',
      serve: () => {
        throw new SftpError('permission-denied', 'Not for you')
      },
    }
    const { peer } = await start(3, { extensions: [mine as ExtensionRow, instead as ExtensionRow], start: '/home' })
    assert.ok(decode(Version, peer.greeting ?? new Uint8Array()).extensions.some(each => each.name === mine.name))
    assertStatus(await peer.extended(mine.name, one, { path: 'x' }), 'ok')
    assert.deepEqual(told, ['/home/x'])
    assertStatus(await peer.extended('statvfs@openssh.com', one, { path: '/' }), 'permission-denied', /Not for you/)
  })

  it('a server that only reads refuses all that changes something, and nothing else', async () => {
    const { files, peer } = await start(3, { readOnly: true })
    assertStatus(await peer.extended('posix-rename@openssh.com', two, { a: '/f', b: '/g' }), 'permission-denied', /read-only/)
    assertStatus(await peer.extended('hardlink@openssh.com', two, { a: '/f', b: '/g' }), 'permission-denied')
    assertStatus(await peer.tryOpen('/f', 'rw'), 'permission-denied')
    assertStatus(await peer.tryOpen('/new', 'rc'), 'permission-denied')
    assertStatus(await peer.ask(packetTypes.SSH_FXP_MKDIR, version3.Mkdir, { path: '/d', attributes: {} }), 'permission-denied')
    assertStatus(
      await peer.ask(packetTypes.SSH_FXP_SETSTAT, version3.Setstat, { path: '/f', attributes: { size: 0 } }),
      'permission-denied',
    )
    replyOf(await peer.extended('statvfs@openssh.com', one, { path: '/f' }))
    await peer.close(await peer.open('/f', 'r'))
    await settled()
    assert.deepEqual(readFile(files, '/f'), content)
  })

  it('requests are allowed and denied by the names sftp-server has for them', async () => {
    const { peer } = await start(3, { deny: ['stat', 'posix-rename'] })
    assertStatus(await peer.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path: '/f' }), 'permission-denied', /"stat"/)
    assertStatus(await peer.extended('posix-rename@openssh.com', two, { a: '/f', b: '/g' }), 'permission-denied')
    assert.equal((await peer.ask(packetTypes.SSH_FXP_LSTAT, version3.Lstat, { path: '/f' })).type, packetTypes.SSH_FXP_ATTRS)
    const few = (await start(3, { allow: ['lstat', 'read'], deny: ['read'] })).peer
    assert.equal((await few.ask(packetTypes.SSH_FXP_LSTAT, version3.Lstat, { path: '/f' })).type, packetTypes.SSH_FXP_ATTRS)
    assertStatus(await few.tryOpen('/f', 'r'), 'permission-denied')
    assertStatus(await few.askBytes(id => readOf(id, new Uint8Array(8), 0, 1)), 'permission-denied')
  })
})
