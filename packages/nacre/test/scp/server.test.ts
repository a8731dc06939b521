// Owns scp served without shell or process: whole copies between our two sides over files in memory, and what a session's
// command line means.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../../src/errors.ts'
import { receiveByScp, sendByScp } from '../../src/scp/client.ts'
import { parseScpCommand } from '../../src/scp/command.ts'
import { scpServer, type ScpSession, serveScp } from '../../src/scp/server.ts'
import type { MemoryFiles } from '../../src/sftp/files/memory.ts'
import { nameFromBytes } from '../../src/sftp/names.ts'
import { pipePair } from './pipes.ts'
import { contentOf, namesIn, put, treeOf } from './trees.ts'

const serve = (line: string, files: MemoryFiles) => {
  const command = parseScpCommand(line)
  assert.ok(command !== undefined, line)
  const [client, server] = pipePair()
  const code = serveScp(server, files, command)
  // The server's exit is the end of its output.
  void code.finally(() => server.end())
  return { client, code }
}

const down = async (line: string, files: MemoryFiles, to: MemoryFiles, recursive = false) => {
  const { client, code } = serve(line, files)
  const reports: string[] = []
  const { errors } = await receiveByScp(client, to, { path: '/', shown: '.' }, { recursive, report: message => void reports.push(message) })
  return { code: await code, errors, reports }
}

describe('a source', () => {
  const home = (): MemoryFiles =>
    treeOf({
      '/home': undefined,
      '/home/wanda': undefined,
      '/home/wanda/a.txt': 'a',
      '/home/wanda/b.txt': 'b',
      '/home/wanda/[x]': 'x',
      '/top': 't',
    })

  test('finds patterns, homes and plain names', async () => {
    for (const [line, names] of [
      ['scp -f /home/wanda/*.txt', ['/a.txt', '/b.txt']],
      ['scp -f ~wanda/a.txt', ['/a.txt']],
      ['scp -f ~/top', ['/top']],
      ['scp -f top ./top', ['/top']],
      ["scp -f '/home/wanda/[x]'", ['/[x]']],
      ['scp -f /home/wanda/[x]', ['/[x]']],
      ['scp -r -f /home/wanda', ['/wanda/', '/wanda/[x]', '/wanda/a.txt', '/wanda/b.txt']],
    ] as const) {
      const to = treeOf({})
      const { code, errors } = await down(line, home(), to, line.includes('-r'))
      assert.deepEqual([code, errors], [0, 0], line)
      assert.deepEqual(namesIn(to, '/'), names, line)
    }
  })
  test('says what it cannot find, and ends with 1', async () => {
    const { code, errors, reports } = await down('scp -f nothing* top', home(), treeOf({}))
    assert.deepEqual([code, errors], [1, 1])
    assert.deepEqual(reports, ['scp: nothing*: No such file or directory'])
  })
})

describe('a sink', () => {
  test('takes into a directory, or as a name', async () => {
    const files = treeOf({ '/d': undefined })
    const from = treeOf({ '/one': '1', '/two': '2' })
    const up = async (line: string, ...names: readonly string[]): Promise<number> => {
      const { client, code } = serve(line, files)
      await sendByScp(
        client,
        from,
        names.map(name => ({ path: `/${name}`, shown: name })),
        { report: () => {} },
      )
      return code
    }
    assert.equal(await up('scp -d -t d', 'one', 'two'), 0)
    assert.equal(await up('scp -t renamed', 'one'), 0)
    assert.deepEqual(namesIn(files, '/'), ['/d/', '/d/one', '/d/two', '/renamed'])
  })
  test('takes one target only', async () => {
    const { client, code } = serve('scp -t *', treeOf({ '/a': '', '/b': '' }))
    await assert.rejects(sendByScp(client, treeOf({}), [], { report: () => {} }), /does not take files|ambiguous/)
    assert.equal(await code, 1)
  })
  test('that loses its client ends with 1', async () => {
    const { client, code } = serve('scp -t a', treeOf({}))
    client.abort()
    assert.equal(await code, 1)
  })
})

test('trees of any names and contents arrive as they are', async () => {
  const name = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map(bytes => nameFromBytes(bytes.map(byte => (byte === 0 || byte === 0x2f || byte === 0x0a ? 0x78 : byte))))
    .filter(each => each !== '.' && each !== '..')
  const tree = fc.uniqueArray(fc.record({ name, size: fc.integer({ min: 0, max: 600_000 }), mode: fc.integer({ min: 0, max: 0o777 }) }), {
    maxLength: 6,
    selector: each => each.name,
  })
  await fc.assert(
    fc.asyncProperty(tree, async entries => {
      const from = treeOf({ '/d': undefined })
      for (const [index, each] of entries.entries())
        put(from, `/d/${each.name}`, String.fromCharCode(index + 65).repeat(each.size), each.mode)
      const to = treeOf({})
      const { code } = await down('scp -r -f d', from, to, true)
      assert.equal(code, 0)
      assert.deepEqual(namesIn(to, '/d'), namesIn(from, '/d'))
      for (const path of namesIn(from, '/d')) assert.equal(contentOf(to, path), contentOf(from, path))
    }),
    { numRuns: 30 },
  )
})

describe('a session', () => {
  const session = (command: string | undefined): ScpSession & { readonly written: string[] } => {
    const written: string[] = []
    return {
      command,
      signal: new AbortController().signal,
      tap: tap => tap.end(),
      write: (bytes, type = 0) => void written.push(`${type}${Buffer.from(bytes).toString('latin1')}`),
      written,
    }
  }
  test('that asks for something else is told', async () => {
    const asked = session('rm -r /')
    assert.equal(await scpServer(treeOf({}))(asked), 1)
    assert.deepEqual(asked.written, ['1This service allows scp only.\n'])
  })
  test('is told what happens by -v, on standard error', async () => {
    const asked = session('scp -v -t /x')
    asked.tap = tap => {
      void tap.stdin(Buffer.from('C0644 1 x\nx\0'), false)
      tap.end()
    }
    const files = treeOf({})
    assert.equal(await scpServer(() => files)(asked), 0)
    assert.deepEqual(asked.written, ['0\0', '1Sink: C0644 1 x\n', '0\0', '0\0'])
    assert.equal(contentOf(files, '/x'), 'x')
  })
  test('cannot begin in a relative directory', async () => {
    await assert.rejects(scpServer(treeOf({}), { directory: 'x' })(session('scp -t a')), ConfigError)
  })
})
