// Small files of a tree go in one request each; a server that takes it amiss gets them in the usual way, and nothing is lost by it.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { TransferFailures } from '../../../src/errors.ts'
import { localNode } from '../../../src/sftp/transfer/local-node.ts'
import { notIn } from '../../runtime.ts'
import { attrs, type FarServer, type Script, status } from './misbehaving/server.ts'
import { bytesOf, connect, folderFor, namesIn, sameBytes, settled } from './rig.ts'

const count = 20
const sizeOf = (index: number): number => 1 + index * 700
const plant = (server: FarServer): void => {
  server.directory('/t')
  for (let i = 0; i < count; i++) server.file(`/t/f${i}`, bytesOf(i, sizeOf(i)))
}
const plantHere = (folder: string): string => {
  const source = join(folder, 'source')
  mkdirSync(source)
  for (let i = 0; i < count; i++) writeFileSync(join(source, `f${i}`), bytesOf(i, sizeOf(i)))
  return source
}
const asked = (server: FarServer, name: string): number => server.log.filter(each => each.startsWith(name)).length
/** Does `act` for the first request of a name, and what is honest for all others. */
const firstOf =
  (name: string, act: (honest: () => ReturnType<Script>) => ReturnType<Script>): Script =>
  (request, honest) =>
    request.name === name && request.nth === 1 ? act(honest) : honest()

describe('small files from a server', () => {
  const allCame = (folder: string): void => {
    for (let i = 0; i < count; i++) sameBytes(readFileSync(join(folder, `f${i}`)), bytesOf(i, sizeOf(i)), `f${i}`)
    assert.deepEqual(namesIn(folder).length, count)
  }

  it('come in one read each', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    plant(server)
    const result = await transfers.download('/t', folder, { recursive: true })
    assert.deepEqual([result.files, result.bytes], [count, Array.from({ length: count }, (_, i) => sizeOf(i)).reduce((a, b) => a + b)])
    allCame(folder)
    assert.deepEqual([asked(server, 'read '), asked(server, 'fstat')], [count, 0])
    await settled()
    assert.equal(server.openHandles, 0)
  })

  for (const [what, act] of [
    ['refused', () => status(4)],
    ['answered with an end of file', () => status(1)],
  ] as const)
    it(`come all the same when a read is ${what} once`, async context => {
      const folder = folderFor(context)
      const { server, transfers } = await connect(context, { script: firstOf('read', act) })
      plant(server)
      await transfers.download('/t', folder, { recursive: true })
      allCame(folder)
    })

  it('that have grown since they were listed come as large as they were', async context => {
    const folder = folderFor(context)
    const script: Script = (request, honest) => {
      if (request.name === 'open' && request.node !== undefined && request.path === '/t/f3') request.node.data = bytesOf(3, sizeOf(3) + 50)
      return honest()
    }
    const { server, transfers } = await connect(context, { script })
    plant(server)
    await transfers.download('/t', folder, { recursive: true })
    allCame(folder)
  })

  it('that became shorter are told, and not left in part', async context => {
    const folder = folderFor(context)
    const script: Script = (request, honest) => {
      if (request.name === 'open' && request.node !== undefined && request.path === '/t/f3') request.node.data = bytesOf(3, 5)
      return honest()
    }
    const { server, transfers } = await connect(context, { script })
    plant(server)
    const error = await transfers.download('/t', folder, { recursive: true }).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof TransferFailures, String(error))
    assert.deepEqual(
      error.failures.map(each => each.path),
      ['/t/f3'],
    )
    assert.equal(namesIn(folder).length, count - 1)
  })

  it('replace what is there, links as such, and never what they point to', async context => {
    const folder = folderFor(context)
    const inside = join(folder, 'inside')
    mkdirSync(inside)
    writeFileSync(join(folder, 'victim'), 'safe')
    symlinkSync('../victim', join(inside, 'f1'))
    writeFileSync(join(inside, 'f2'), 'old')
    const { server, transfers } = await connect(context)
    plant(server)
    await transfers.download('/t', inside, { recursive: true })
    allCame(inside)
    assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'safe')
  })

  it('get the permissions that are asked for', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    plant(server)
    for (const [name, permissions] of [
      ['f1', 0o600],
      ['f2', 0o444],
    ] as const) {
      const node = server.files.get(`/t/${name}`)
      if (node !== undefined) node.permissions = permissions
    }
    await transfers.download('/t', folder, { recursive: true, mode: 'source' })
    assert.deepEqual(
      ['f1', 'f2'].map(name => statSync(join(folder, name)).mode & 0o777),
      [0o600, 0o444],
    )
  })

  it('are given up when the signal says so, though the server is silent', async context => {
    const folder = folderFor(context)
    const controller = new AbortController()
    const script: Script = (request, honest) => {
      if (request.name !== 'read') return honest()
      setImmediate(() => controller.abort(new RangeError('enough')))
      return undefined
    }
    const { server, transfers } = await connect(context, { script })
    plant(server)
    await assert.rejects(transfers.download('/t', folder, { recursive: true, signal: controller.signal }), RangeError)
    assert.deepEqual(namesIn(folder), [])
  })

  it('are asked for again when the server is silent once', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context, { script: firstOf('read', () => undefined) })
    plant(server)
    await transfers.download('/t', folder, { recursive: true, stallTimeout: 50 })
    allCame(folder)
  })
})

describe('small files to a server', () => {
  const allCame = (server: FarServer): void => {
    for (let i = 0; i < count; i++) sameBytes(server.files.get(`/t/f${i}`)?.data, bytesOf(i, sizeOf(i)), `f${i}`)
    assert.equal([...server.files.keys()].filter(each => each.startsWith('/t/')).length, count)
  }

  it('go in one write each', async context => {
    const { server, transfers } = await connect(context)
    const result = await transfers.upload(plantHere(folderFor(context)), '/t', { recursive: true })
    assert.equal(result.files, count)
    allCame(server)
    assert.equal(asked(server, 'write '), count)
    assert.equal(server.openHandles, 0)
  })

  for (const name of ['write', 'close', 'fstat'] as const)
    it(`go all the same when a ${name} is refused once`, async context => {
      const { server, transfers } = await connect(context, { script: firstOf(name, () => status(4)) })
      await transfers.upload(plantHere(folderFor(context)), '/t', { recursive: true })
      allCame(server)
    })

  it('are looked at once more by a server that looked before it wrote', async context => {
    const script: Script = (request, honest) => (request.name === 'fstat' ? attrs({ size: 0 }) : honest())
    const { server, transfers } = await connect(context, { script })
    await transfers.upload(plantHere(folderFor(context)), '/t', { recursive: true })
    allCame(server)
  })

  it('of which the server lost some are told, and nothing is left of them', async context => {
    const script: Script = (request, honest) => {
      if (request.name === 'write' && request.nth === 1 && request.node !== undefined) request.node.data = bytesOf(0, 1)
      if (request.name === 'write' && request.nth === 1) return status(0)
      return honest()
    }
    const { server, transfers } = await connect(context, { script })
    const source = join(folderFor(context), 'one')
    mkdirSync(source)
    writeFileSync(join(source, 'f'), bytesOf(1, 100))
    const error = await transfers.upload(source, '/t', { recursive: true }).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof TransferFailures, String(error))
    assert.match(error.message, /acknowledged all 100 bytes/)
    assert.deepEqual([...server.files.keys()].sort(), ['/', '/t'])
  })

  it('are given up when the signal says so, though the server is silent', async context => {
    const controller = new AbortController()
    const script: Script = (request, honest) => {
      if (request.name !== 'write') return honest()
      setImmediate(() => controller.abort(new RangeError('enough')))
      return undefined
    }
    const { server, transfers } = await connect(context, { script })
    const source = plantHere(folderFor(context))
    await assert.rejects(transfers.upload(source, '/t', { recursive: true, signal: controller.signal }), RangeError)
    await settled()
    assert.deepEqual([...server.files.keys()].sort(), ['/', '/t'])
  })
})

describe(
  'a folder here',
  {
    skip:
      process.platform !== 'linux' ? 'nothing is done at once but on Linux' : notIn(['Deno', 'the web'], 'its folders stand in no paths'),
  },
  () => {
    it('reads regular files whole that fit, and nothing else', async context => {
      const folder = folderFor(context)
      writeFileSync(join(folder, 'file'), 'abc')
      symlinkSync('file', join(folder, 'link'))
      mkdirSync(join(folder, 'folder'))
      const here = await localNode.folder(folder)
      context.after(() => here.close())
      const into = new Uint8Array(3)
      const read = here.readWhole('file', false, into)
      if (read === undefined) return context.skip('no disk that is asked at once')
      assert.deepEqual([read.count, read.attributes.size, Buffer.from(into).toString()], [3, 3, 'abc'])
      assert.equal(here.readWhole('file', false, new Uint8Array(2)), undefined)
      assert.equal(here.readWhole('link', false, into), undefined)
      assert.equal(here.readWhole('link', true, into)?.count, 3)
      assert.equal(here.readWhole('folder', false, into), undefined)
      assert.equal(here.readWhole('none', false, into), undefined)
    })

    it('leaves nothing of a file that cannot get its name', async context => {
      const folder = folderFor(context)
      mkdirSync(join(folder, 'taken'))
      writeFileSync(join(folder, 'taken', 'inside'), '')
      const here = await localNode.folder(folder)
      context.after(() => here.close())
      if (!here.writeWhole('first', 'some', new Uint8Array(3))) return context.skip('no disk that is asked at once')
      assert.throws(() => here.writeWhole('part', 'taken', new Uint8Array(3)), /taken/)
      assert.deepEqual(namesIn(folder), ['some', 'taken'])
      writeFileSync(join(folder, 'part'), 'of somebody')
      assert.throws(() => here.writeWhole('part', 'new', new Uint8Array(3)), { code: 'EEXIST' })
      assert.ok(!existsSync(join(folder, 'new')))
      assert.equal(readFileSync(join(folder, 'part'), 'utf8'), 'of somebody')
    })
  },
)
