// Files to a server: the copy equals the file, or the call rejects; under the final name is the old file or the new one.
import assert from 'node:assert/strict'
import { chmodSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { attributesOf, status } from './misbehaving/server.ts'
import { bytesOf, connect, folderFor, sameBytes, settled } from './rig.ts'

const paths = (files: ReadonlyMap<string, unknown>): string[] => [...files.keys()].sort()

describe('an upload', () => {
  for (const size of [0, 1, 261_119, 261_120, 261_121, 9_000_000]) {
    it(`of ${size} bytes`, async context => {
      const folder = folderFor(context)
      const { server, transfers } = await connect(context)
      const bytes = bytesOf(size, size)
      writeFileSync(join(folder, 'a'), bytes)
      const result = await transfers.upload(join(folder, 'a'), '/b')
      assert.deepEqual([result.files, result.bytes], [1, size])
      sameBytes(server.files.get('/b')?.data, bytes)
      assert.deepEqual(paths(server.files), ['/', '/b'])
      await settled()
      assert.equal(server.openHandles, 0)
    })
  }

  it('of bytes, a generator and a stream', async context => {
    const { server, transfers } = await connect(context)
    const bytes = bytesOf(4, 900_000)
    await transfers.upload(bytes, '/bytes')
    const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 1), bytes.subarray(1, 500_000), bytes.subarray(500_000)]
    await transfers.upload(pieces, '/pieces')
    await transfers.upload(new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(), '/stream')
    for (const path of ['/bytes', '/pieces', '/stream']) sameBytes(server.files.get(path)?.data, bytes, path)
  })

  it('of a stream that fails leaves the old file, and one that is given up is told so', async context => {
    const { server, transfers } = await connect(context, {
      script: (request, honest) => (request.name === 'write' && request.nth > 3 ? status(3) : honest()),
    })
    server.file('/x', bytesOf(1, 10))
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield bytesOf(2, 300_000)
      throw new RangeError('mine')
    }
    await assert.rejects(transfers.upload(failing(), '/x'), RangeError)
    let told = false
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield bytesOf(2, 300_000)
      } finally {
        told = true
      }
    }
    await assert.rejects(transfers.upload(endless(), '/x'), { code: 'SFTP_PERMISSION_DENIED' })
    await settled()
    assert.ok(told)
    sameBytes(server.files.get('/x')?.data, bytesOf(1, 10))
    assert.deepEqual(paths(server.files), ['/', '/x'])
    assert.equal(server.openHandles, 0)
  })

  it('goes into a directory under its own name, and through a link', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    writeFileSync(join(folder, 'a'), bytesOf(1, 100))
    server.directory('/d')
    server.file('/real', bytesOf(2, 5))
    server.link('/link', '/real')
    await transfers.upload(join(folder, 'a'), '/d')
    await transfers.upload(join(folder, 'a'), '/link')
    sameBytes(server.files.get('/d/a')?.data, bytesOf(1, 100))
    sameBytes(server.files.get('/real')?.data, bytesOf(1, 100))
    assert.equal(server.files.get('/link')?.type, 'symlink')
  })

  it('keeps permissions and times on request', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    writeFileSync(join(folder, 'a'), bytesOf(1, 100))
    chmodSync(join(folder, 'a'), 0o640)
    utimesSync(join(folder, 'a'), 1_000_000_000, 1_000_000_001)
    await transfers.upload(join(folder, 'a'), '/a', { preserve: true })
    const node = server.files.get('/a')
    assert.deepEqual([node?.permissions, node?.modified], [0o640, 1_000_000_001])
  })

  it('leaves out zeros on request, and sets the size when they are the end', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    writeFileSync(join(folder, 'a'), bytesOf(1, 300_000))
    truncateSync(join(folder, 'a'), 3_000_000)
    await transfers.upload(join(folder, 'a'), '/a', { sparse: 'auto' })
    const expected = new Uint8Array(3_000_000)
    expected.set(bytesOf(1, 300_000))
    sameBytes(server.files.get('/a')?.data, expected)
    assert.ok(server.log.filter(each => each.startsWith('write')).length <= 3)
  })

  it('in place when no temporary name is wanted', async context => {
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 500))
    await transfers.upload(bytesOf(2, 100), '/x', { atomic: false })
    sameBytes(server.files.get('/x')?.data, bytesOf(2, 100))
    assert.ok(!server.log.some(each => each.includes('.part')))
  })

  it('says that a folder which takes no temporary file can be written in place', async context => {
    const { transfers } = await connect(context, {
      script: (request, honest) => (request.name === 'open' && request.path.includes('.nacre') ? status(3) : honest()),
    })
    await assert.rejects(
      transfers.upload(bytesOf(2, 100), '/x'),
      (error: Error) => error.message.includes('atomic: false') && error.message.includes('"/x"'),
    )
    await transfers.upload(bytesOf(2, 100), '/x', { atomic: false })
  })

  it('where nothing can be replaced in one step: says so, or removes first when asked to', async context => {
    const { server, transfers } = await connect(context, { extensions: [] })
    await transfers.upload(bytesOf(2, 100), '/new')
    server.file('/x', bytesOf(1, 10))
    await assert.rejects(transfers.upload(bytesOf(2, 100), '/x'), { code: 'TRANSFER_EXISTS' })
    sameBytes(server.files.get('/x')?.data, bytesOf(1, 10))
    assert.deepEqual(paths(server.files), ['/', '/new', '/x'])
    await transfers.upload(bytesOf(2, 100), '/x', { replace: 'remove' })
    sameBytes(server.files.get('/x')?.data, bytesOf(2, 100))
  })

  it('does not replace when that is not wanted', async context => {
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 10))
    await assert.rejects(transfers.upload(bytesOf(2, 100), '/x', { overwrite: false }), { code: 'TRANSFER_EXISTS' })
    await transfers.upload(bytesOf(2, 100), '/y', { overwrite: false })
    sameBytes(server.files.get('/x')?.data, bytesOf(1, 10))
  })

  it('stops with the reason of the signal and leaves nothing', async context => {
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 10))
    const controller = new AbortController()
    const reason = new RangeError('enough')
    const onProgress = (): void => controller.abort(reason)
    await assert.rejects(transfers.upload(bytesOf(2, 5_000_000), '/x', { signal: controller.signal, onProgress }), reason)
    await settled()
    assert.deepEqual(paths(server.files), ['/', '/x'])
    assert.equal(server.openHandles, 0)
  })

  it('compares both ends on request', async context => {
    const { server, transfers } = await connect(context)
    const result = await transfers.upload(bytesOf(2, 500_000), '/x', { verify: true })
    assert.equal(result.verified, 'content')
    assert.ok(server.log.some(each => each.startsWith('read')))
    const bad = await connect(context, {
      script: (request, honest) => {
        const reply = honest()
        if (request.name === 'write' && request.node !== undefined) request.node.data[0] ^= 1
        return reply
      },
    })
    await assert.rejects(bad.transfers.upload(bytesOf(2, 200_000), '/x', { verify: true }), { code: 'TRANSFER_MISMATCH' })
    assert.deepEqual(paths(bad.server.files), ['/'])
    await assert.rejects(transfers.upload([bytesOf(1, 1)], '/y', { verify: true }), TypeError)
  })
})

describe('resuming an upload', () => {
  it('goes on before the bytes that may be missing', async context => {
    let broken = true
    const { server, transfers } = await connect(context, {
      script: (request, honest) => (broken && request.name === 'write' && request.offset > 3_000_000 ? status(3) : honest()),
    })
    const bytes = bytesOf(6, 5_000_000)
    const options = { resume: true, inFlight: 600_000 }
    await assert.rejects(transfers.upload(bytes, '/x', options), { code: 'SFTP_PERMISSION_DENIED' })
    assert.ok(!server.files.has('/x'))
    broken = false
    const before = server.log.length
    const result = await transfers.upload(bytes, '/x', options)
    assert.ok(result.resumed > 1_000_000, String(result.resumed))
    assert.ok(!server.log.slice(before).some(each => each.startsWith('write') && each.includes(' 0+')))
    sameBytes(server.files.get('/x')?.data, bytes)
    assert.deepEqual(paths(server.files), ['/', '/x'])
  })

  it('is not misled by holes where writes were lost, nor by another file', async context => {
    let broken = true
    const { server, transfers } = await connect(context, {
      // The write in the middle is refused after later ones were done.
      script: (request, honest) =>
        broken && request.name === 'write' && request.offset === 261_120 * 5 ? { ...status(3), delay: 50 } : honest(),
    })
    const options = { resume: true, inFlight: 1_000_000 }
    await assert.rejects(transfers.upload(bytesOf(6, 5_000_000), '/x', options))
    broken = false
    await transfers.upload(bytesOf(6, 5_000_000), '/x', options)
    sameBytes(server.files.get('/x')?.data, bytesOf(6, 5_000_000))
    broken = true
    await assert.rejects(transfers.upload(bytesOf(6, 5_000_000), '/x', options))
    broken = false
    const result = await transfers.upload(bytesOf(7, 4_000_000), '/x', options)
    assert.equal(result.resumed, 0)
    sameBytes(server.files.get('/x')?.data, bytesOf(7, 4_000_000))
    assert.equal(attributesOf(server.files.get('/x') ?? server.file('/none', bytesOf(1, 0))).size, 4_000_000)
  })
})
