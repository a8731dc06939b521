// What changes files when a server is slow, odd or hostile: nothing outside is touched, nothing is lost on the way, and nobody
// waits for a server that answers no more.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import type { Attributes } from '../../../src/sftp/attributes.ts'
import type { Sftp } from '../../../src/sftp/client/sftp.ts'
import { type Asked, begun, errorOf, settled } from './scripted.ts'

const pathIn = ({ body }: Asked): string => new TextDecoder().decode(body.string())
const directory: Attributes = { type: 'directory' }

/** Answers what is needed to remove the directory `/d` with these entries; says what was asked to be removed. */
const removing = async (entries: readonly (string | readonly [string, Attributes])[]): Promise<{ files: Sftp; removed: string[] }> => {
  const { server, files } = await begun()
  const removed: string[] = []
  let left = entries
  server.respond = asked => {
    const { type, id } = asked
    if (type === 'SSH_FXP_LSTAT') server.attributes(id, pathIn(asked).endsWith('file') ? { type: 'file' } : directory)
    else if (type === 'SSH_FXP_OPENDIR') server.handle(id, 'h')
    else if (type === 'SSH_FXP_READDIR') {
      if (left.length === 0) server.status(id, 1)
      else server.names(id, left)
      left = []
    } else {
      if (type === 'SSH_FXP_REMOVE' || type === 'SSH_FXP_RMDIR') removed.push(pathIn(asked))
      server.status(id, 0)
    }
  }
  return { files, removed }
}

describe('removing a tree', () => {
  for (const name of ['../../etc/passwd', '/etc/passwd', '', 'a\0b', 'x/../..'])
    test(`never goes by the name ${JSON.stringify(name)}`, async () => {
      const { files, removed } = await removing([[name, directory], 'fine', [name, { type: 'file' }]])
      assert.equal((await errorOf(files.remove('/d', { recursive: true }), SftpError)).status, 'invalid-filename')
      for (const path of removed) assert.equal(path, '/d/fine')
    })

  test('leaves out itself and what is above', async () => {
    const { files, removed } = await removing([['.', directory], ['..', directory], 'a', ['l', { type: 'symlink' }]])
    await files.remove('/d', { recursive: true })
    assert.deepEqual(removed, ['/d/a', '/d/l', '/d'])
  })

  test('asks what it is where the server does not say', async () => {
    const { files, removed } = await removing([
      ['a file', {}],
      ['sub', {}],
    ])
    await files.remove('/d', { recursive: true })
    assert.deepEqual(removed, ['/d/a file', '/d/sub', '/d'])
  })

  test('looks again when something was skipped, and gives up when nothing helps', async () => {
    const { server, files } = await begun()
    let there = ['a', 'b', 'c']
    let stubborn = false
    let given = false
    server.respond = asked => {
      const { type, id } = asked
      if (type === 'SSH_FXP_LSTAT') server.attributes(id, directory)
      else if (type === 'SSH_FXP_OPENDIR') {
        given = false
        server.handle(id, 'h')
      } else if (type === 'SSH_FXP_READDIR') {
        // One at a time, as if the others had moved behind where it reads.
        if (given || there.length === 0) server.status(id, 1)
        else server.names(id, there.slice(0, 1))
        given = true
      } else if (type === 'SSH_FXP_REMOVE') {
        const path = pathIn(asked)
        there = there.filter(name => !path.endsWith(`/${name}`))
        server.status(id, 0)
      } else if (type === 'SSH_FXP_RMDIR') server.status(id, there.length > 0 || stubborn ? 4 : 0)
      else server.status(id, 0)
    }
    await files.remove('/d', { recursive: true })
    stubborn = true
    assert.match((await errorOf(files.remove('/d', { recursive: true }), SftpError)).message, /perhaps the directory is not empty/)
  })

  test('stops at the first refusal, and tells it', async () => {
    const { server, files } = await begun()
    let asked = 0
    server.respond = each => {
      const { type, id } = each
      if (type === 'SSH_FXP_LSTAT') server.attributes(id, directory)
      else if (type === 'SSH_FXP_OPENDIR') server.handle(id, 'h')
      else if (type === 'SSH_FXP_READDIR')
        server.names(
          id,
          Array.from({ length: 100 }, (_, index) => `${asked}-${index}`),
        )
      else if (type === 'SSH_FXP_REMOVE') server.status(id, asked++ === 70 ? 3 : 0)
      else server.status(id, 0)
    }
    const error = await errorOf(files.remove('/d', { recursive: true }), SftpError)
    assert.deepEqual([error.status, error.operation], ['permission-denied', 'remove'])
    await settled()
    assert.equal(files.calls.requests.underWay, 0)
    assert.ok(asked < 1000, `${asked} removals of an endless directory`)
  })
})

describe('replacing without posix-rename', () => {
  /** A server of three files that refuses the renames a test says. */
  const renaming = async (refuses: (from: string, to: string) => boolean) => {
    const { server, files } = await begun()
    const there = new Map([
      ['/from', 'new'],
      ['/to', 'old'],
    ])
    const directories = new Set(['/dir'])
    server.respond = asked => {
      const { type, id } = asked
      const path = pathIn(asked)
      if (type === 'SSH_FXP_LSTAT') {
        if (directories.has(path)) server.attributes(id, directory)
        else if (there.has(path)) server.attributes(id, { type: 'file' })
        else server.status(id, 2)
      } else if (type === 'SSH_FXP_REMOVE') {
        server.status(id, there.delete(path) ? 0 : 2)
      } else if (type === 'SSH_FXP_RENAME') {
        const to = pathIn(asked)
        const content = there.get(path)
        if (content === undefined || there.has(to) || refuses(path, to)) server.status(id, 4)
        else {
          there.delete(path)
          there.set(to, content)
          server.status(id, 0)
        }
      }
    }
    return { files, there }
  }

  test('keeps what was there until the new one is in its place', async () => {
    const { files, there } = await renaming(() => false)
    assert.deepEqual(await files.rename('/from', '/to', { replace: true }), { atomic: false })
    assert.deepEqual([...there], [['/to', 'new']])
  })

  test('puts it back when the new one does not get there', async () => {
    const { files, there } = await renaming((from, to) => from === '/from' && to === '/to')
    await errorOf(files.rename('/from', '/to', { replace: true }), SftpError)
    assert.deepEqual(Object.fromEntries(there), { '/from': 'new', '/to': 'old' })
  })

  test('says where it is when even that fails', async () => {
    const { files, there } = await renaming((_from, to) => to === '/to')
    const error = await errorOf(files.rename('/from', '/to', { replace: true }), SftpError)
    const aside = [...there.keys()].find(path => path !== '/from')
    assert.ok(aside !== undefined && error.message.includes(aside), error.message)
    assert.equal(there.get(aside), 'old')
  })

  test('moves nothing aside for what is not there, and no directories', async () => {
    const { files, there } = await renaming(() => false)
    assert.equal((await errorOf(files.rename('/none', '/to', { replace: true }), SftpError)).status, 'no-such-file')
    assert.equal((await errorOf(files.rename('/from', '/dir', { replace: true }), SftpError)).status, 'op-unsupported')
    assert.deepEqual([...there.keys()], ['/from', '/to'])
  })
})

describe('a server that answers no more, and a signal', { concurrency: true }, () => {
  const extensions = { 'posix-rename@openssh.com': '1', 'copy-data': '1' }
  const works: Readonly<Record<string, (files: Sftp, signal: AbortSignal) => Promise<unknown>>> = {
    writeFile: (files, signal) => files.writeFile('/f', new Uint8Array(100_000), { signal }),
    'writeFile in place': (files, signal) => files.writeFile('/f', 'x', { signal, atomic: false }),
    'writeFile with wx': (files, signal) => files.writeFile('/f', 'x', { signal, flag: 'wx' }),
    'writeFile with a': (files, signal) => files.writeFile('/f', 'x', { signal, flag: 'a' }),
    writable: (files, signal) => new Blob([new Uint8Array(100_000)]).stream().pipeTo(files.writable('/f', { signal })),
    copy: (files, signal) => files.copy('/f', '/g', { signal }),
    mkdir: (files, signal) => files.mkdir('/a/b', { recursive: true, signal }),
    remove: (files, signal) => files.remove('/d', { recursive: true, signal }),
    rename: (files, signal) => files.rename('/f', '/g', { signal }),
    open: (files, signal) => files.open('/f', { flags: 'w', signal }),
    chmod: (files, signal) => files.chmod('/f', 0o600, { signal }),
    home: (files, signal) => files.home('', { signal }),
  }
  for (const [name, work] of Object.entries(works))
    for (const answered of [0, 1, 2, 3])
      test(`${name} is let go after ${answered} answers`, async () => {
        const { server, files } = await begun(extensions)
        let left = answered
        server.respond = asked => {
          const { type, id } = asked
          if (left-- <= 0) return
          if (type === 'SSH_FXP_OPEN' || type === 'SSH_FXP_OPENDIR') server.handle(id, 'h')
          else if (type === 'SSH_FXP_LSTAT' || type === 'SSH_FXP_STAT' || type === 'SSH_FXP_FSTAT')
            server.attributes(id, name === 'remove' ? directory : { type: 'file', size: 0 })
          else if (type === 'SSH_FXP_REALPATH') server.names(id, ['/home'])
          else if (type === 'SSH_FXP_READDIR') server.names(id, ['a'])
          else server.status(id, 4)
        }
        const controller = new AbortController()
        const outcome = work(files, controller.signal).then(
          () => 'done',
          (error: unknown) => (error instanceof Error ? error.message : 'odd'),
        )
        await settled()
        controller.abort(new Error('long enough'))
        // Timers of the library hold up no process: this one does.
        const holding = setTimeout(() => {}, 10_000)
        const came = await outcome
        clearTimeout(holding)
        // What few requests do may be over by then.
        if (answered === 0) assert.equal(came, 'long enough')
      })
})
