// Directories both ways: all that is in them, many at once, errors at the end, and nothing outside the target.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { TransferFailures } from '../../../src/errors.ts'
import { localNode } from '../../../src/sftp/transfer/local-node.ts'
import { beginsIn1970, takesAnyName } from '../../runtime.ts'
import { attributesOf, type FarServer, names, status } from './misbehaving/server.ts'
import { bytesOf, connect, folderFor, namesIn, sameBytes, settled } from './rig.ts'

/** A name that is no UTF-8, where one can be. */
const oddName = takesAnyName ? '\udcff' : '\ufffd'
const oddBytes = takesAnyName ? Buffer.from([0xff]) : Buffer.from(oddName)

const plant = (server: FarServer): void => {
  server.directory('/t')
  server.directory('/t/empty')
  server.directory('/t/deep')
  server.directory('/t/deep/er')
  for (let i = 0; i < 30; i++) server.file(`/t/f${i}`, bytesOf(i, i * 300))
  server.file('/t/deep/er/large', bytesOf(99, 3_000_000))
  server.file(`/t/deep/${oddName}name`, bytesOf(98, 10))
}

const failuresOf = async (outcome: Promise<unknown>): Promise<TransferFailures> => {
  const error = await outcome.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof TransferFailures, String(error))
  return error
}

describe('a tree from a server', () => {
  it('comes whole, with names that are no UTF-8', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    plant(server)
    const result = await transfers.download('/t', join(folder, 'copy'), { recursive: true })
    assert.deepEqual([result.files, result.directories], [32, 4])
    for (let i = 0; i < 30; i++) assert.ok(readFileSync(join(folder, 'copy', `f${i}`)).equals(bytesOf(i, i * 300)))
    assert.ok(readFileSync(join(folder, 'copy/deep/er/large')).equals(bytesOf(99, 3_000_000)))
    assert.ok(statSync(join(folder, 'copy/empty')).isDirectory())
    const odd = Buffer.concat([Buffer.from(join(folder, 'copy/deep/')), oddBytes, Buffer.from('name')])
    assert.ok(readFileSync(odd).equals(bytesOf(98, 10)))
    await settled()
    assert.equal(server.openHandles, 0)
  })

  it('with what it keeps, and without what the filter leaves out', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    plant(server)
    const empty = server.files.get('/t/empty')
    if (empty !== undefined) empty.permissions = 0o555
    const filter = (path: string): boolean => path !== 'deep' && !path.startsWith('f1')
    const result = await transfers.download('/t', join(folder, 'copy'), { recursive: true, preserve: true, filter })
    assert.ok(!existsSync(join(folder, 'copy/deep')))
    assert.equal(result.notes.filter(each => each.why === 'filtered').length, 12)
    const stats = statSync(join(folder, 'copy/empty'))
    assert.deepEqual([stats.mode & 0o777, stats.mtimeMs], [0o555, 1_700_000_000_000])
    assert.equal(statSync(join(folder, 'copy/f2')).mtimeMs, 1_700_000_000_000)
  })

  it('goes on past what cannot be had, and says all of it at the end', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context, {
      script: (request, honest) =>
        request.name === 'open' && (request.path === '/t/f3' || request.path === '/t/f7') ? status(3) : honest(),
    })
    plant(server)
    const error = await failuresOf(transfers.download('/t', folder, { recursive: true }))
    assert.deepEqual(error.failures.map(each => each.path).sort(), ['/t/f3', '/t/f7'])
    assert.equal(error.count, 2)
    assert.ok(existsSync(join(folder, 'deep/er/large')))
    assert.ok(!existsSync(join(folder, 'f3')))
  })

  it('or stops at the first when told to', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context, {
      script: (request, honest) => (request.name === 'open' ? status(3) : honest()),
    })
    plant(server)
    await assert.rejects(transfers.download('/t', folder, { recursive: true, onError: 'stop' }), { code: 'SFTP_PERMISSION_DENIED' })
  })

  it('leaves links and special files out, copies or follows links as chosen', async context => {
    const { server, transfers } = await connect(context)
    plant(server)
    server.link('/t/link', 'f5')
    server.link('/t/round', '/t')
    server.link('/t/nowhere', '/none')
    server.file('/t/fifo', bytesOf(1, 0), { type: 'fifo' })
    const skipped = folderFor(context)
    const result = await transfers.download('/t', skipped, { recursive: true })
    assert.deepEqual(result.notes.map(each => `${each.path} ${each.why}`).sort(), [
      '/t/fifo special',
      '/t/link symlink',
      '/t/nowhere symlink',
      '/t/round symlink',
    ])
    const copied = folderFor(context)
    await transfers.download('/t', copied, { recursive: true, symlinks: 'copy' })
    await transfers.download('/t', copied, { recursive: true, symlinks: 'copy' })
    assert.equal(readlinkSync(join(copied, 'link')), 'f5')
    assert.equal(readlinkSync(join(copied, 'round')), '/t')
    const followed = folderFor(context)
    const error = await failuresOf(transfers.download('/t', followed, { recursive: true, symlinks: 'follow' }))
    assert.deepEqual(error.failures.map(each => each.path).sort(), ['/t/nowhere', '/t/round'])
    assert.ok(readFileSync(join(followed, 'link')).equals(bytesOf(5, 1500)))
    assert.ok(!lstatSync(join(followed, 'link')).isSymbolicLink())
  })

  it('stops when the signal does, and leaves no part of a file', async context => {
    const folder = folderFor(context)
    const { server, transfers } = await connect(context)
    plant(server)
    const controller = new AbortController()
    const onProgress = (): void => controller.abort(new RangeError('enough'))
    await assert.rejects(transfers.download('/t', folder, { recursive: true, signal: controller.signal, onProgress }), RangeError)
    await settled()
    assert.ok(!namesIn(folder).some(each => each.endsWith('.part')))
    assert.equal(server.openHandles, 0)
  })
})

describe('a server that wants out of the target', () => {
  /** Lists `filename` in `/t` as a file or directory that has `inside`. */
  const evil = async (
    context: TestContext,
    filename: string,
    type: 'file' | 'directory',
  ): Promise<{ folder: string; outcome: Promise<unknown> }> => {
    const base = folderFor(context)
    mkdirSync(join(base, 'target'))
    writeFileSync(join(base, 'victim'), 'safe')
    const { server, transfers } = await connect(context, {
      script: (request, honest) => {
        const reply = honest()
        if (request.name !== 'readdir' || request.path !== '/t' || reply.type !== 104) return reply
        return names([...server.entries('/t'), { filename, attributes: attributesOf(server.file('/evil', bytesOf(1, 10), { type })) }])
      },
    })
    server.directory('/t')
    server.file('/t/good', bytesOf(2, 10))
    return { folder: base, outcome: transfers.download('/t', join(base, 'target'), { recursive: true }) }
  }

  for (const filename of ['../victim', '/etc/nacre-evil', 'a/../../victim', '', 'a\0b', 'x'.repeat(300)]) {
    it(`by the name ${JSON.stringify(filename.slice(0, 20))}`, async context => {
      const { folder, outcome } = await evil(context, filename, 'file')
      await assert.rejects(outcome)
      assert.deepEqual(namesIn(folder), ['target', 'victim'])
      assert.equal(readFileSync(join(folder, 'victim'), 'utf8'), 'safe')
      assert.ok(namesIn(join(folder, 'target')).every(each => each === 'good'))
    })
  }

  it('by a directory named .. is not listened to', async context => {
    const { folder, outcome } = await evil(context, '..', 'directory')
    await outcome
    assert.deepEqual(namesIn(folder), ['target', 'victim'])
    assert.deepEqual(namesIn(join(folder, 'target')), ['good'])
  })

  it('by a link that was planted in the target before', async context => {
    const base = folderFor(context)
    mkdirSync(join(base, 'target'))
    mkdirSync(join(base, 'outside'))
    writeFileSync(join(base, 'outside/f'), 'safe')
    symlinkSync('../outside', join(base, 'target/d'))
    symlinkSync('../outside/f', join(base, 'target/f'))
    const { server, transfers } = await connect(context)
    server.directory('/t')
    server.directory('/t/d')
    server.file('/t/d/f', bytesOf(1, 10))
    server.file('/t/f', bytesOf(2, 10))
    const error = await failuresOf(transfers.download('/t', join(base, 'target'), { recursive: true }))
    assert.deepEqual(
      error.failures.map(each => each.path),
      ['/t/d'],
    )
    assert.equal(readFileSync(join(base, 'outside/f'), 'utf8'), 'safe')
    // The link of the file's name has given way to the file.
    assert.ok(readFileSync(join(base, 'target/f')).equals(bytesOf(2, 10)))
    assert.ok(!lstatSync(join(base, 'target/f')).isSymbolicLink())
    const inPlace = await failuresOf(transfers.download('/t', join(base, 'target'), { recursive: true, atomic: false }))
    assert.equal(inPlace.count, 1)
    assert.equal(readFileSync(join(base, 'outside/f'), 'utf8'), 'safe')
  })

  it('by a link and then a directory of the same name', async context => {
    const base = folderFor(context)
    mkdirSync(join(base, 'target'))
    mkdirSync(join(base, 'outside'))
    const { server, transfers } = await connect(context, {
      script: (request, honest) => {
        const reply = honest()
        if (request.name !== 'readdir' || request.path !== '/t' || reply.type !== 104) return reply
        const { attributes } = names([]) && { attributes: attributesOf(server.files.get('/t/d') ?? server.file('/x', bytesOf(1, 0))) }
        return names([
          { filename: 'd', attributes: { ...attributes, type: 'symlink' } },
          { filename: 'd', attributes },
        ])
      },
    })
    server.directory('/t')
    server.directory('/t/d')
    server.file('/t/d/f', bytesOf(1, 10))
    server.files.set('/t/d-link', { type: 'symlink', data: new Uint8Array(0), permissions: 0, modified: 0, target: '' })
    const readlink = server.files.get('/t/d')
    if (readlink !== undefined) readlink.target = join(base, 'outside')
    const error = await failuresOf(transfers.download('/t', join(base, 'target'), { recursive: true, symlinks: 'copy' }))
    assert.deepEqual(
      error.failures.map(each => each.path),
      ['/t/d'],
    )
    assert.deepEqual(namesIn(join(base, 'outside')), [])
  })

  it('by putting a link in the place of a folder while it is filled', async context => {
    const base = folderFor(context)
    const target = join(base, 'target')
    mkdirSync(target)
    mkdirSync(join(base, 'outside'))
    const { renameSync } = await import('node:fs')
    const { server, transfers } = await connect(context, {
      script: (request, honest) => {
        // The attacker is on this machine too, and as quick as can be.
        if (request.name === 'open' && request.path === '/t/d/f1' && existsSync(join(target, 'd'))) {
          renameSync(join(target, 'd'), join(base, 'moved'))
          symlinkSync('../outside', join(target, 'd'))
        }
        return honest()
      },
    })
    server.directory('/t')
    server.directory('/t/d')
    for (let i = 0; i < 5; i++) server.file(`/t/d/f${i}`, bytesOf(i, 10))
    await transfers.download('/t', target, { recursive: true })
    assert.deepEqual(namesIn(join(base, 'outside')), [])
    assert.equal(namesIn(join(base, 'moved')).length, 5)
  })
})

describe('times before 1970', () => {
  it('are kept, or refused where they would become the present', async context => {
    const folder = folderFor(context)
    writeFileSync(join(folder, 'f'), '')
    const time = { seconds: -6, nanoseconds: 500_000_000 }
    const here = await localNode.folder(folder)
    const file = await here.openWrite('f', {})
    const set = [() => here.setOwnAttributes({ modified: time }), () => file.setAttributes({ modified: time })]
    for (const act of set) await (beginsIn1970 ? assert.rejects(act, /before 1970/) : act())
    await file.close()
    await here.close()
    if (!beginsIn1970) assert.deepEqual([statSync(folder).mtimeMs, statSync(join(folder, 'f')).mtimeMs], [-5500, -5500])
  })
})

describe('a tree to a server', () => {
  const plantHere = (folder: string): void => {
    mkdirSync(join(folder, 'deep/er'), { recursive: true })
    mkdirSync(join(folder, 'empty'))
    for (let i = 0; i < 30; i++) writeFileSync(join(folder, `f${i}`), bytesOf(i, i * 300))
    writeFileSync(join(folder, 'deep/er/large'), bytesOf(99, 3_000_000))
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/deep/`), oddBytes]), bytesOf(98, 10))
  }

  it('comes whole', async context => {
    const folder = folderFor(context)
    plantHere(folder)
    const { server, transfers } = await connect(context)
    const result = await transfers.upload(folder, '/copy', { recursive: true, preserve: true })
    assert.deepEqual([result.files, result.directories], [32, 4])
    for (let i = 0; i < 30; i++) sameBytes(server.files.get(`/copy/f${i}`)?.data, bytesOf(i, i * 300))
    sameBytes(server.files.get('/copy/deep/er/large')?.data, bytesOf(99, 3_000_000))
    sameBytes(server.files.get(`/copy/deep/${oddName}`)?.data, bytesOf(98, 10))
    assert.equal(server.files.get('/copy/empty')?.type, 'directory')
    await settled()
    assert.equal(server.openHandles, 0)
    // Again, over what is there.
    await transfers.upload(folder, '/copy', { recursive: true })
    assert.ok(![...server.files.keys()].some(each => each.endsWith('.part')))
  })

  it('goes on past what is refused, and says so at the end', async context => {
    const folder = folderFor(context)
    plantHere(folder)
    const { server, transfers } = await connect(context, {
      script: (request, honest) =>
        (request.name === 'write' && request.length === 900) || (request.name === 'mkdir' && request.path.endsWith('/deep'))
          ? status(3)
          : honest(),
    })
    const error = await failuresOf(transfers.upload(folder, '/copy', { recursive: true }))
    assert.deepEqual(error.failures.map(each => each.path).sort(), [join(folder, 'deep'), join(folder, 'f3')])
    assert.ok(!server.files.has('/copy/f3'))
    sameBytes(server.files.get('/copy/f29')?.data, bytesOf(29, 29 * 300))
  })

  it('says which folder has a name that cannot be read, where only UTF-8 can', { skip: takesAnyName }, async context => {
    const folder = folderFor(context)
    execFileSync('sh', ['-c', 'cd "$1" && : > "$(printf "a\\377b")" && : > plain', 'sh', folder])
    const { server, transfers } = await connect(context)
    await assert.rejects(transfers.upload(folder, '/copy', { recursive: true }), /not UTF-8.*Deno/)
    assert.ok(![...server.files.keys()].some(each => each.includes('\ufffd')))
  })

  it('treats links as chosen', async context => {
    const folder = folderFor(context)
    writeFileSync(join(folder, 'f'), 'text')
    symlinkSync('f', join(folder, 'link'))
    symlinkSync('.', join(folder, 'round'))
    symlinkSync('none', join(folder, 'nowhere'))
    const { server, transfers } = await connect(context)
    const skipped = await transfers.upload(folder, '/skipped', { recursive: true })
    assert.equal(skipped.notes.length, 3)
    await transfers.upload(folder, '/copied', { recursive: true, symlinks: 'copy' })
    assert.equal(server.log.filter(each => each.startsWith('symlink')).length, 3)
    const error = await failuresOf(transfers.upload(folder, '/followed', { recursive: true, symlinks: 'follow' }))
    assert.deepEqual(error.failures.map(each => each.path).sort(), [join(folder, 'nowhere'), join(folder, 'round')])
    assert.equal(Buffer.from(server.files.get('/followed/link')?.data ?? []).toString(), 'text')
  })
})
