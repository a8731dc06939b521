// Listings of servers that cannot be trusted, or that answer in odd ways: nothing leads out of the folder, nothing is lost.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import type { Attributes } from '../../../src/sftp/attributes.ts'
import type { Sftp } from '../../../src/sftp/client/sftp.ts'
import { all, type Asked, begun, errorOf, type ScriptedServer, settled } from './scripted.ts'

type Listed = readonly (string | readonly [string, Attributes])[]
const directory: Attributes = { type: 'directory', permissions: 0o755 }
const link: Attributes = { type: 'symlink', permissions: 0o777 }

/** A server of directories: each is read in batches of so many, then EOF. Handles are paths. */
const directories = (tree: Readonly<Record<string, Listed>>, batch = 100) => {
  const at = new Map<string, number>()
  const opened: string[] = []
  const respond =
    (server: ScriptedServer) =>
    ({ type, id, body }: Asked): boolean => {
      const path = new TextDecoder().decode(body.string())
      if (type === 'SSH_FXP_OPENDIR') {
        opened.push(path)
        if (path in tree) server.handle(id, path)
        else server.status(id, 3)
      } else if (type === 'SSH_FXP_READDIR') {
        const from = at.get(path) ?? 0
        const entries = tree[path].slice(from, from + batch)
        at.set(path, from + entries.length)
        if (entries.length === 0) server.status(id, 1)
        else server.names(id, entries)
      } else if (type === 'SSH_FXP_CLOSE') {
        at.delete(path)
        server.status(id, 0)
      } else return false
      return true
    }
  return { opened, respond }
}

const listing = async (
  tree: Readonly<Record<string, Listed>>,
  batch = 100,
): Promise<{ files: Sftp; opened: string[]; server: ScriptedServer }> => {
  const { server, files } = await begun()
  const { opened, respond } = directories(tree, batch)
  server.respond = respond(server)
  return { files, opened, server }
}
const paths = async (entries: AsyncIterable<{ readonly path: string }>): Promise<string[]> => (await all(entries)).map(({ path }) => path)

describe('a listing', () => {
  test('is what the server says, without itself and what is above', async () => {
    const { files } = await listing({ '/d': ['.', 'a', '..', 'b', ['c', directory]] }, 2)
    const entries = await all(files.list('/d'))
    assert.deepEqual(
      entries.map(({ name, path, type, longName }) => [name, path, type, longName]),
      [
        ['a', '/d/a', 'file', '-rw-r--r-- a'],
        ['b', '/d/b', 'file', '-rw-r--r-- b'],
        ['c', '/d/c', 'directory', '-rw-r--r-- c'],
      ],
    )
  })

  test('asks for nothing before somebody looks, and closes what it opened when he leaves', async () => {
    const { files, opened, server } = await listing({ '/d': ['a', 'b', 'c'] }, 1)
    const entries = files.list('/d')
    await settled()
    assert.deepEqual(opened, [])
    for await (const entry of entries) {
      assert.equal(entry.name, 'a')
      break
    }
    await settled()
    assert.deepEqual(server.waiting, [])
    assert.equal(files.calls.requests.underWay, 0)
  })

  for (const bad of ['../../etc/passwd', '/etc/passwd', 'a/b', '', 'a\0b'])
    test(`with the name ${JSON.stringify(bad)} fails, or goes on for who hears of it`, async () => {
      const { files } = await listing({ '/d': ['good', bad, 'fine'] })
      assert.equal((await errorOf(all(files.list('/d')), SftpError)).status, 'invalid-filename')
      const heard: SftpError[] = []
      assert.deepEqual(await paths(files.list('/d', { onError: error => heard.push(error) })), ['/d/good', '/d/fine'])
      assert.deepEqual(
        heard.map(error => [error.status, error.path]),
        [['invalid-filename', '/d']],
      )
    })

  test('ends where a server sends a list of nothing', async () => {
    const { server, files } = await begun()
    const entries = all(files.list('/d'))
    server.handle((await server.expect('SSH_FXP_OPENDIR')).id, 'h')
    server.names((await server.expect('SSH_FXP_READDIR')).id, [])
    server.names((await server.expect('SSH_FXP_READDIR')).id, [])
    assert.deepEqual(await entries, [])
  })

  test('loses nothing when the end overtakes what was asked for before it', async () => {
    const { server, files } = await begun()
    const entries = paths(files.list('/d'))
    server.handle((await server.expect('SSH_FXP_OPENDIR')).id, 'h')
    const [first, second] = [await server.expect('SSH_FXP_READDIR'), await server.expect('SSH_FXP_READDIR')]
    server.names(second.id, ['late'])
    server.status(first.id, 1)
    assert.deepEqual(await entries, ['/d/late'])
  })

  test('of what is no directory says so', async () => {
    const { files } = await listing({})
    const error = await errorOf(all(files.list('/x')), SftpError)
    assert.deepEqual([error.message, error.operation], ['Cannot list "/x": permission denied.', 'list'])
  })

  test('of a server that never answers ends with the signal', async () => {
    const { server, files } = await begun()
    const controller = new AbortController()
    const entries = all(files.list('/d', { recursive: true, signal: controller.signal }))
    await server.expect('SSH_FXP_OPENDIR')
    controller.abort(new Error('long enough'))
    await assert.rejects(entries, { message: 'long enough' })
  })
})

describe('a listing of all below', () => {
  const tree: Readonly<Record<string, Listed>> = {
    '/d': ['z', ['sub', directory], ['link', link], 'a'],
    '/d/sub': ['b', ['deep', directory], 'a'],
    '/d/sub/deep': ['x'],
    '/d/link': ['never'],
  }

  test('has a directory before what is in it, and does not go behind links', async () => {
    const { files, opened } = await listing(tree, 1)
    const found = await paths(files.list('/d', { recursive: true }))
    assert.deepEqual(found.toSorted(), ['/d/a', '/d/link', '/d/sub', '/d/sub/a', '/d/sub/b', '/d/sub/deep', '/d/sub/deep/x', '/d/z'])
    assert.ok(found.indexOf('/d/sub') < found.indexOf('/d/sub/b'))
    assert.ok(found.indexOf('/d/sub/deep') < found.indexOf('/d/sub/deep/x'))
    assert.deepEqual(opened.toSorted(), ['/d', '/d/sub', '/d/sub/deep'])
  })

  test('that is too long is sorted no more: it may have no end', async () => {
    const { files } = await listing(tree)
    const error = await errorOf(all(files.list('/d', { sort: true, maximum: 1 })), SftpError)
    assert.deepEqual([error.status, error.path], ['invalid-parameter', '/d'])
    assert.match(error.message, /more than 1 entries, too many to be sorted: without `sort`/)
    const whole = (await paths(files.list('/d'))).length
    assert.equal((await paths(files.list('/d', { sort: true, maximum: whole }))).length, whole)
  })

  test('can be sorted, and picked by pattern', async () => {
    const { files } = await listing(tree)
    assert.deepEqual(await paths(files.list('/d', { recursive: true, sort: true })), [
      '/d/a',
      '/d/link',
      '/d/sub',
      '/d/sub/a',
      '/d/sub/b',
      '/d/sub/deep',
      '/d/sub/deep/x',
      '/d/z',
    ])
    assert.deepEqual(await paths(files.list('/d', { recursive: true, sort: true, glob: '[ax]' })), ['/d/a', '/d/sub/a', '/d/sub/deep/x'])
    assert.deepEqual(await paths(files.list('/d', { glob: 's*' })), ['/d/sub'])
  })

  for (const sort of [false, true])
    test(`fails at a directory that cannot be read, or goes on for who hears of it${sort ? ', sorted' : ''}`, async () => {
      const { files } = await listing({ '/d': ['a', ['closed', directory]] })
      const error = await errorOf(all(files.list('/d', { recursive: true, sort })), SftpError)
      assert.deepEqual([error.status, error.path], ['permission-denied', '/d/closed'])
      const heard: (string | undefined)[] = []
      const found = await paths(files.list('/d', { recursive: true, sort, onError: each => heard.push(each.path) }))
      assert.deepEqual([found, heard], [['/d/a', '/d/closed'], ['/d/closed']])
    })

  test('never leaves the folder by a name', async () => {
    const { files, opened } = await listing({
      '/d': [
        ['..', directory],
        ['../up', directory],
        ['.', directory],
      ],
    })
    await paths(files.list('/d', { recursive: true, onError: () => {} }))
    assert.deepEqual(opened, ['/d'])
  })

  test('of a server that makes up levels without end fails', async () => {
    const { server, files } = await begun()
    const ended = new Set<string>()
    server.respond = ({ type, id, body }) => {
      const path = new TextDecoder().decode(body.string())
      if (type === 'SSH_FXP_OPENDIR') server.handle(id, `${path.length}`)
      else if (type === 'SSH_FXP_READDIR') {
        if (ended.has(path)) server.status(id, 1)
        else server.names(id, [['d', directory]])
        ended.add(path)
      } else server.status(id, 0)
    }
    const error = await errorOf(all(files.list('/', { recursive: true })), SftpError)
    assert.equal(error.status, 'link-loop')
  })

  test('asks for no more while nobody takes what is there', async () => {
    const { server, files } = await begun()
    let reads = 0
    server.respond = ({ type, id }) => {
      if (type === 'SSH_FXP_OPENDIR') server.handle(id, 'h')
      else if (type === 'SSH_FXP_READDIR') {
        reads++
        server.names(
          id,
          Array.from({ length: 1000 }, (_, index) => `${reads}-${index}`),
        )
      } else server.status(id, 0)
    }
    const entries = files.list('/', { recursive: true })
    await entries.next()
    for (let i = 0; i < 20; i++) await settled()
    assert.ok(reads < 20, `${reads} reads of an endless directory`)
    await entries.return(undefined)
  })

  test('follows links when asked to, each directory once', async () => {
    const { server, files } = await begun()
    const { respond } = directories({ '/d': [['self', link], ['other', link], ['twin', link], ['nowhere', link], 'a'], '/d/other': ['x'] })
    server.respond = asked => {
      const { id, body } = asked
      if (asked.type === 'SSH_FXP_REALPATH' || asked.type === 'SSH_FXP_STAT') {
        const path = new TextDecoder().decode(body.string())
        const real: Record<string, string> = { '/d': '/d', '/d/self': '/d', '/d/other': '/o', '/d/twin': '/o' }
        if (real[path] === undefined) server.status(id, 2)
        else if (asked.type === 'SSH_FXP_STAT') server.attributes(id, directory)
        else server.names(id, [real[path]])
        return true
      }
      return respond(server)(asked)
    }
    const found = await paths(files.list('/d', { recursive: true, followLinks: true, sort: true }))
    assert.deepEqual(found, ['/d/a', '/d/nowhere', '/d/other', '/d/other/x', '/d/self', '/d/twin'])
  })

  test('asks what it is where the server does not say', async () => {
    const { server, files, opened } = await listing({
      '/d': [
        ['what', {}],
        ['else', {}],
      ],
      '/d/what': ['x'],
    })
    const inner = server.respond
    server.respond = asked => {
      if (asked.type !== 'SSH_FXP_LSTAT') return inner(asked)
      const path = new TextDecoder().decode(asked.body.string())
      server.attributes(asked.id, path === '/d/what' ? directory : { type: 'file' })
      return true
    }
    assert.deepEqual((await paths(files.list('/d', { recursive: true }))).toSorted(), ['/d/else', '/d/what', '/d/what/x'])
    assert.deepEqual(opened, ['/d', '/d/what'])
  })
})

describe('globs', () => {
  test('list only where there are wildcards, and look at the rest', async () => {
    const { files, opened, server } = await listing({
      '/srv/logs': [['2024', directory], ['2025', directory], ['old', directory], ['2026', link], 'file'],
      '/srv/logs/2024': ['a.gz', '.hidden.gz', 'b.txt'],
      '/srv/logs/2025': ['c.gz'],
      '/srv/logs/2026': ['d.gz'],
    })
    const inner = server.respond
    server.respond = asked => {
      if (asked.type !== 'SSH_FXP_LSTAT') return inner(asked)
      const path = new TextDecoder().decode(asked.body.string())
      if (path === '/srv/logs/2025/c.gz' || path === '/srv/x*') server.attributes(asked.id, { type: 'file', size: 3 })
      else server.status(asked.id, 2)
      return true
    }
    assert.deepEqual(await paths(files.glob('/srv/logs/202?/*.gz')), ['/srv/logs/2024/a.gz', '/srv/logs/2025/c.gz', '/srv/logs/2026/d.gz'])
    assert.deepEqual(opened, ['/srv/logs', '/srv/logs/2024', '/srv/logs/2025', '/srv/logs/2026'])
    assert.deepEqual(await paths(files.glob('/srv/logs/*/c.gz')), ['/srv/logs/2025/c.gz'])
    assert.deepEqual(await paths(files.glob('/srv/x\\*')), ['/srv/x*'])
    assert.deepEqual(await paths(files.glob('/nowhere/*')), [])
    assert.deepEqual(await paths(files.glob('/srv/none')), [])
  })
})
