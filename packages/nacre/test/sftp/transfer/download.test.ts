// Files from a server: the copy equals the file, or the call rejects; and nothing half-written stands under the final name.
import assert from 'node:assert/strict'
import { existsSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { TransferError } from '../../../src/errors.ts'
import type { TransferProgress } from '../../../src/sftp/transfer/options.ts'
import { bytesOf, connect, folderFor, namesIn, sameBytes, settled } from './rig.ts'
import { status } from './misbehaving/server.ts'

describe('a download', () => {
  for (const size of [0, 1, 4096, 261_119, 261_120, 261_121, 1_000_000, 9_000_000]) {
    it(`of ${size} bytes`, async context => {
      const folder = folderFor(context)
      const { server, transfers } = await connect(context)
      const bytes = bytesOf(size, size)
      server.file('/a', bytes)
      const result = await transfers.download('/a', join(folder, 'b'))
      assert.deepEqual([result.files, result.bytes], [1, size])
      assert.ok(readFileSync(join(folder, 'b')).equals(bytes))
      assert.deepEqual(namesIn(folder), ['b'])
      await settled()
      assert.equal(server.openHandles, 0)
    })
  }

  it('goes into a folder under its own name, and over what is there', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 100))
    writeFileSync(join(folder, 'x'), bytesOf(2, 5000))
    await transfers.download('/x', folder)
    assert.ok(readFileSync(join(folder, 'x')).equals(bytesOf(1, 100)))
  })

  it('does not replace what is there when that is not wanted', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 100))
    writeFileSync(join(folder, 'x'), 'mine')
    await assert.rejects(transfers.download('/x', folder, { overwrite: false }), { code: 'TRANSFER_EXISTS' })
    assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'mine')
  })

  it('writes what a link of the caller points to, and keeps the link', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 100))
    writeFileSync(join(folder, 'real'), 'old')
    symlinkSync('real', join(folder, 'link'))
    await transfers.download('/x', join(folder, 'link'))
    assert.ok(lstatSync(join(folder, 'link')).isSymbolicLink())
    assert.ok(readFileSync(join(folder, 'real')).equals(bytesOf(1, 100)))
  })

  it('keeps permissions and times on request, but no bits that change who runs it', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 10), { permissions: 0o4711, modified: 1_234_567_890 })
    await transfers.download('/x', join(folder, 'x'), { preserve: true })
    const stats = statSync(join(folder, 'x'))
    assert.equal(stats.mode & 0o7777, 0o711)
    assert.equal(stats.mtimeMs, 1_234_567_890_000)
  })

  it('leaves out zeros on request, at the end too', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    const bytes = new Uint8Array(3_000_000)
    bytes.set(bytesOf(7, 1000), 1_500_000)
    server.file('/x', bytes)
    await transfers.download('/x', join(folder, 'x'), { sparse: 'auto' })
    assert.ok(readFileSync(join(folder, 'x')).equals(bytes))
    assert.ok(statSync(join(folder, 'x')).blocks * 512 < 500_000)
  })

  it('into a stream and into memory', async context => {
    const { server, transfers } = await connect(context)
    const bytes = bytesOf(3, 1_000_000)
    server.file('/x', bytes)
    const pieces: Uint8Array[] = []
    let closed = false
    await transfers.download(
      '/x',
      new WritableStream<Uint8Array>({ write: piece => void pieces.push(piece), close: () => void (closed = true) }),
    )
    assert.ok(closed)
    assert.ok(Buffer.concat(pieces).equals(bytes))
    assert.ok(Buffer.from(await transfers.readFile('/x')).equals(bytes))
    await assert.rejects(transfers.readFile('/x', { maximum: 999 }), { code: 'TRANSFER_WRONG_TYPE' })
  })

  it('waits for a stream that takes its time: no more is asked for than the bound', async context => {
    const { server, transfers } = await connect(context)
    const bytes = bytesOf(3, 4_000_000)
    server.file('/x', bytes)
    const pieces: Uint8Array[] = []
    const write = async (piece: Uint8Array): Promise<void> => {
      await settled()
      pieces.push(piece)
    }
    await transfers.download('/x', new WritableStream<Uint8Array>({ write }), { inFlight: 600_000 })
    assert.ok(Buffer.concat(pieces).equals(bytes))
    assert.ok(server.mostBytes <= 600_000, String(server.mostBytes))
  })

  it('says how far it is, never backwards, and at the end all of it', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 3_000_000))
    const heard: TransferProgress[] = []
    await transfers.download('/x', join(folder, 'x'), { onProgress: progress => void heard.push(progress) })
    assert.ok(heard.length >= 2)
    for (let i = 1; i < heard.length; i++) assert.ok(heard[i].done >= heard[i - 1].done)
    const last = heard[heard.length - 1]
    assert.deepEqual([last.done, last.total, last.files], [3_000_000, 3_000_000, { done: 1, total: 1 }])
  })

  it('fails when the caller’s own function throws, and leaves nothing', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 3_000_000))
    const onProgress = (): never => {
      throw new RangeError('mine')
    }
    await assert.rejects(transfers.download('/x', join(folder, 'x'), { onProgress }), RangeError)
    assert.deepEqual(namesIn(folder), [])
  })

  it('stops with the reason of the signal, leaves nothing, and closes its handle', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.file('/x', bytesOf(1, 20_000_000))
    writeFileSync(join(folder, 'x'), 'old')
    const controller = new AbortController()
    const onProgress = ({ done }: TransferProgress): void => {
      if (done > 0) controller.abort('enough')
    }
    const outcome = await transfers.download('/x', join(folder, 'x'), { signal: controller.signal, onProgress, inFlight: 1_000_000 }).then(
      () => 'done',
      (reason: unknown) => reason,
    )
    assert.equal(outcome, 'enough')
    assert.equal(readFileSync(join(folder, 'x'), 'utf8'), 'old')
    assert.deepEqual(namesIn(folder), ['x'])
    await settled()
    assert.equal(server.openHandles, 0)
  })

  it('says that a directory needs recursive, and that a missing file is missing', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    server.directory('/d')
    await assert.rejects(
      transfers.download('/d', join(folder, 'd')),
      (error: Error) => error instanceof TransferError && error.message.includes('recursive'),
    )
    await assert.rejects(transfers.download('/none', join(folder, 'x')), { code: 'SFTP_NO_SUCH_FILE' })
    assert.deepEqual(namesIn(folder), [])
  })
})

describe('a file that changes while it is read', () => {
  const grown = async (context: Parameters<typeof connect>[0], growing: 'snapshot' | 'follow' | 'reject'): Promise<Uint8Array> => {
    const { server, transfers } = await connect(context, {
      script: (request, honest) => {
        const reply = honest()
        if (request.name === 'stat' && request.node !== undefined) request.node.data = bytesOf(5, 700_000)
        return reply
      },
    })
    server.file('/x', bytesOf(5, 300_000))
    return await transfers.readFile('/x', { growing })
  }
  it('is taken as long as it was: the default', async context => sameBytes(await grown(context, 'snapshot'), bytesOf(5, 300_000)))
  it('is taken to where it ends: follow', async context => sameBytes(await grown(context, 'follow'), bytesOf(5, 700_000)))
  it('is refused: reject', async context => await assert.rejects(grown(context, 'reject'), { code: 'TRANSFER_SOURCE_CHANGED' }))

  const shrunk = async (context: Parameters<typeof connect>[0], growing: 'snapshot' | 'follow' | 'reject'): Promise<Uint8Array> => {
    const { server, transfers } = await connect(context, {
      script: (request, honest) => {
        const reply = honest()
        if (request.name === 'stat' && request.node !== undefined) request.node.data = request.node.data.slice(0, 200_000)
        return reply
      },
    })
    server.file('/x', bytesOf(5, 700_000))
    return await transfers.readFile('/x', { growing })
  }
  it('and became shorter is refused', async context =>
    await assert.rejects(shrunk(context, 'snapshot'), { code: 'TRANSFER_SOURCE_CHANGED' }))
  it('unless it is followed', async context => sameBytes(await shrunk(context, 'follow'), bytesOf(5, 200_000)))
})

describe('resuming a download', () => {
  const cutOff = async (context: Parameters<typeof connect>[0], folder: string) => {
    let broken = true
    const session = await connect(context, {
      script: (request, honest) => (broken && request.name === 'read' && request.offset >= 2_000_000 ? status(3) : honest()),
    })
    const node = session.server.file('/x', bytesOf(9, 5_000_000))
    await assert.rejects(session.transfers.download('/x', join(folder, 'x'), { resume: true }), { code: 'SFTP_PERMISSION_DENIED' })
    broken = false
    assert.ok(!existsSync(join(folder, 'x')))
    assert.equal(namesIn(folder).length, 1)
    return { ...session, node }
  }

  it('goes on where it stopped', async context => {
    const folder = folderFor(context)
    const { transfers, server } = await cutOff(context, folder)
    const before = server.log.length
    const result = await transfers.download('/x', join(folder, 'x'), { resume: true })
    assert.ok(result.resumed > 0)
    assert.ok(readFileSync(join(folder, 'x')).equals(bytesOf(9, 5_000_000)))
    assert.ok(!server.log.slice(before).some(each => each.startsWith('read') && each.includes(' 0+')))
    assert.deepEqual(namesIn(folder), ['x'])
  })

  it('starts anew when what is there is of another file', async context => {
    const folder = folderFor(context)
    const { transfers, node } = await cutOff(context, folder)
    node.data = bytesOf(10, 5_000_000)
    const result = await transfers.download('/x', join(folder, 'x'), { resume: true })
    assert.equal(result.resumed, 0)
    assert.ok(readFileSync(join(folder, 'x')).equals(bytesOf(10, 5_000_000)))
  })

  it('starts anew when only a hash would do and the server has none', async context => {
    const folder = folderFor(context)
    const { transfers } = await cutOff(context, folder)
    const result = await transfers.download('/x', join(folder, 'x'), { resume: 'verify' })
    assert.equal(result.resumed, 0)
    assert.ok(readFileSync(join(folder, 'x')).equals(bytesOf(9, 5_000_000)))
  })
})
