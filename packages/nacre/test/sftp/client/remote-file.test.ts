// A file open on the server: reading and writing anywhere in it, streams from and to it, and how it is closed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { joined, patternBytes } from './pair.ts'
import { begun, errorOf, settled, text } from './scripted.ts'
import { bytesIn } from './stream-bytes.ts'

describe('an open file', () => {
  test('is read and written anywhere', async () => {
    await using both = await joined()
    const { files } = both
    const bytes = patternBytes(1_500_000)
    await using file = await files.open('/f', 'w+')
    assert.equal(file.path, '/f')
    await file.write(500_000, bytes.subarray(500_000))
    await file.write(0, bytes.subarray(0, 500_000))
    assert.deepEqual(await file.read(0, 2_000_000), bytes)
    assert.deepEqual(await file.read(1_234_567, 3), bytes.subarray(1_234_567, 1_234_570))
    const into = new Uint8Array(10)
    const read = await file.read(1_499_995, into)
    assert.deepEqual(read, bytes.subarray(1_499_995))
    assert.equal(read.buffer, into.buffer)
    assert.equal((await file.read(0, 0)).length, 0)
    assert.equal((await file.read(9_999_999, 10)).length, 0)
    await file.write(2 ** 21, text('far'))
    assert.equal((await file.stat()).size, 2 ** 21 + 3)
  })

  test('is added to at its end, at servers too that go by the offset alone', async () => {
    await using both = await joined()
    const { files, there } = both
    const open = there.open.bind(there)
    there.open = (path, options, attributes) => open(path, { ...options, append: false }, attributes)
    await files.writeFile('/f', 'first')
    await files.writeFile('/f', ', second', { flag: 'a' })
    const stream = files.writable('/f', { flags: 'a' }).getWriter()
    await stream.write(text(', third'))
    await stream.close()
    await using file = await files.open('/f', 'a')
    await Promise.all([file.write(0, text(', fourth')), file.write(0, text(', fifth'))])
    const more = file.writable().getWriter()
    await more.write(text(', sixth'))
    await more.close()
    await file.write(0, text(', seventh'))
    assert.equal(await files.readFile('/f', { encoding: 'utf-8' }), 'first, second, third, fourth, fifth, sixth, seventh')
  })

  test('has attributes', async () => {
    await using both = await joined()
    const { files } = both
    await using file = await files.open('/f', { flags: 'wx+', mode: 0o600 })
    await file.write(0, text('0123456789'))
    await file.truncate(4)
    await file.chmod(0o4755)
    await file.chown(3, 4)
    await file.utimes(5, new Date(6000))
    const stat = await file.stat()
    assert.deepEqual([stat.size, stat.uid, stat.gid, stat.modified.getTime()], [4, 3, 4, 6000])
    await file.setAttributes({ permissions: 0o640 })
    assert.equal((await file.stat()).mode, 0o100640)
    await file.sync()
    assert.ok((await file.statvfs()).blocks > 0)
  })

  test('is opened in every way', async () => {
    await using both = await joined()
    const { files } = both
    await files.writeFile('/f', 'content')
    const content = (): Promise<string> => files.readFile('/f', { encoding: 'utf-8' })
    const put = async (opening: Parameters<typeof files.open>[1], position: number): Promise<void> => {
      await using file = await files.open('/f', opening)
      await file.write(position, text('X'))
    }
    await errorOf(put('r', 0), SftpError)
    await put('r+', 1)
    assert.equal(await content(), 'cXntent')
    await put('a', 0)
    assert.equal(await content(), 'cXntentX')
    await put({ append: true }, 0)
    assert.equal(await content(), 'cXntentXX')
    await errorOf(put('wx', 0), SftpError)
    await errorOf(put('ax+', 0), SftpError)
    await put({ write: true }, 0)
    assert.equal(await content(), 'XXntentXX')
    await put('w', 0)
    assert.equal(await content(), 'X')
    const unknown = 'q' as 'r'
    await assert.rejects(files.open('/f', unknown), TypeError)
  })

  test('refuses positions that are none', async () => {
    await using both = await joined()
    await using file = await both.files.open('/f', 'w+')
    for (const position of [-1, 0.5, Number.NaN, 2 ** 53]) {
      await assert.rejects(file.read(position, 1), RangeError)
      await assert.rejects(file.write(position, text('x')), RangeError)
    }
    await assert.rejects(file.read(0, -1), RangeError)
  })

  test('is closed once, and not to be used any more', async () => {
    await using both = await joined()
    const file = await both.files.open('/f', 'w')
    await Promise.all([file.close(), file.close()])
    await file[Symbol.asyncDispose]()
    const error = await errorOf(file.stat(), SftpError)
    assert.deepEqual([error.status, error.errno], ['invalid-handle', 'EBADF'])
  })

  test('tells at closing what could not be kept', async () => {
    const { server, files } = await begun()
    const opening = files.open('/f', 'w')
    server.handle((await server.next()).id, 'h')
    const file = await opening
    const closing = file.close()
    server.status((await server.expect('SSH_FXP_CLOSE')).id, 4, 'Disk quota exceeded')
    const error = await errorOf(closing, SftpError)
    assert.deepEqual([error.operation, error.errno], ['close', 'EDQUOT'])
    assert.equal(await errorOf(file.close(), SftpError), error)
  })

  test('what is written may change as soon as it has been called', async () => {
    const { server, files } = await begun()
    const opening = files.open('/f', 'w')
    server.handle((await server.next()).id, 'h')
    const file = await opening
    const drain = server.fill()
    const bytes = patternBytes(100_000)
    const kept = bytes.slice()
    const writing = file.write(0, bytes)
    bytes.fill(0)
    drain()
    const arrived = new Uint8Array(100_000)
    for (let left = 4; left > 0; left--) {
      const { id, body } = await server.expect('SSH_FXP_WRITE')
      body.string()
      const offset = Number(body.uint64())
      arrived.set(body.string(), offset)
      server.status(id, 0)
    }
    await writing
    assert.deepEqual(arrived, kept)
  })

  test('a write that fails rejects with the first failure', async () => {
    const { server, files } = await begun()
    const opening = files.open('/f', 'w')
    server.handle((await server.next()).id, 'h')
    const writing = (await opening).write(0, new Uint8Array(100_000))
    const outcome = errorOf(writing, SftpError)
    const asked = [await server.next(), await server.next(), await server.next(), await server.next()]
    server.status(asked[1].id, 3)
    server.status(asked[0].id, 4)
    assert.equal((await outcome).status, 'permission-denied')
    for (const { id } of asked.slice(2)) server.status(id, 0)
    assert.equal(files.calls.requests.underWay, 0)
  })

  test('a write that is never answered ends with the signal', async () => {
    const { server, files } = await begun()
    const opening = files.open('/f', 'w')
    server.handle((await server.next()).id, 'h')
    const controller = new AbortController()
    const writing = (await opening).write(0, text('x'), { signal: controller.signal })
    await server.next()
    controller.abort(new Error('long enough'))
    await assert.rejects(writing, { message: 'long enough' })
  })
})

describe('streams', () => {
  test('of the web, over files and open files', async () => {
    await using both = await joined()
    const { files } = both
    const bytes = patternBytes(1_000_000)
    await new Blob([bytes.slice()]).stream().pipeTo(files.writable('/f'))
    assert.deepEqual(await bytesIn(files.readable('/f')), bytes)
    await files.readable('/f').pipeTo(files.writable('/g', { flags: 'wx', mode: 0o600 }))
    assert.equal((await files.stat('/g')).mode, 0o100600)
    await using file = await files.open('/g', 'r+')
    const writer = file.writable({ start: 10 }).getWriter()
    await writer.write(text('middle'))
    await writer.close()
    assert.deepEqual((await bytesIn(file.readable({ start: 8, end: 18 }))).subarray(2, 8), text('middle'))
    assert.equal((await file.stat()).size, 1_000_000)
  })

  test('make a file of nothing, and none when they are given up before they began', async () => {
    await using both = await joined()
    const { files } = both
    await files.writable('/empty').getWriter().close()
    assert.equal((await files.stat('/empty')).size, 0)
    await files.writable('/never').abort(new Error('no'))
    await files.readable('/empty').cancel()
    assert.equal(await files.exists('/never'), false)
  })

  test('that start somewhere write there, and append at the end', async () => {
    await using both = await joined()
    const { files } = both
    await files.writeFile('/f', '0123456789')
    await new Blob(['ab']).stream().pipeTo(files.writable('/f', { flags: 'r+', start: 4 }))
    await new Blob(['!']).stream().pipeTo(files.writable('/f', { flags: 'a' }))
    assert.equal(await files.readFile('/f', { encoding: 'utf-8' }), '0123ab6789!')
  })

  test('fail with what the server says', async () => {
    await using both = await joined({ memory: { capacity: 300_000 } })
    const { files } = both
    const error = await errorOf(new Blob([new Uint8Array(2_000_000)]).stream().pipeTo(files.writable('/f')), SftpError)
    assert.equal(error.errno, 'ENOSPC')
    assert.equal((await errorOf(bytesIn(files.readable('/none')), SftpError)).status, 'no-such-file')
    assert.equal((await errorOf(files.writable('/no/where').getWriter().write(text('x')), SftpError)).status, 'no-such-file')
    await settled()
    assert.equal(files.calls.requests.underWay, 0)
  })
})
