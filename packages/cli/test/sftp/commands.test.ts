// Owns what commands of `sftp` do and say, against our server over files in memory.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Readable } from 'node:stream'
import { type Files, type Listing, memoryFiles } from 'nacre/sftp/server'
import { linesOf, runBatch } from '../../src/sftp/batch.ts'
import { world, worldOf } from './world.ts'

describe('what cannot be read is refused in the words of OpenSSH', () => {
  for (const [line, message] of [
    ['nonsense', 'Invalid command.'],
    ['get', 'You must specify at least one path after a get command.'],
    ['MPUT', 'You must specify at least one path after a mput command.'],
    ['get -z a', 'get: Invalid flag -z'],
    ['ls -q', 'ls: Invalid flag -q'],
    ['df -k', 'df: Invalid flag -k'],
    ['pwd -x', 'pwd: Invalid flag -x'],
    ['rename a', 'You must specify two paths after a rename command.'],
    ['ln -f a b', 'ln: Invalid flag -f'],
    ['symlink a', 'You must specify two paths after a symlink command.'],
    ['cp a', 'You must specify two paths after a cp command.'],
    ['mkdir', 'You must specify a path after a mkdir command.'],
    ['lmkdir', 'You must specify a path after a lmkdir command.'],
    ['chmod 999 a', 'You must supply a numeric argument to the chmod command.'],
    ['chmod u+x a', 'You must supply a numeric argument to the chmod command.'],
    ['chmod 644', 'You must specify a path after a chmod command.'],
    ['chown 4294967296 a', 'You must supply a numeric argument to the chown command.'],
    ['chgrp -x 1 a', 'chgrp: Invalid flag -x'],
    ['lumask 9', 'You must supply a numeric argument to the lumask command.'],
    ['get "a', 'Unterminated quoted argument'],
  ] as const)
    test(line, async () => {
      await using at = await world()
      assert.deepEqual(await at.run(line), { out: `sftp> ${line}\n`, err: `${message}\n`, end: 'next' })
    })
})

describe('files', () => {
  test('go up and down, and are told of', async () => {
    await using at = await world()
    writeFileSync(`${at.folder}/a b`, 'pearl', { mode: 0o640 })
    const put = await at.run('put "a b" there')
    assert.deepEqual(put, { out: 'sftp> put "a b" there\nUploading a b to /there\n', err: '', end: 'next' })
    const get = await at.run('@get there back')
    assert.deepEqual(get, { out: 'Fetching /there to back\n', err: '', end: 'next' })
    assert.equal(readFileSync(`${at.folder}/back`, 'utf8'), 'pearl')
    assert.deepEqual(readdirSync(at.folder).toSorted(), ['a b', 'back'])
    assert.equal((await at.session.sftp.stat('/there')).permissions, 0o640)
  })
  test('are gone on with at their own name, whoever left them', async () => {
    await using at = await world('-q')
    writeFileSync(`${at.folder}/whole`, 'abcdefgh')
    await at.session.sftp.writeFile('/whole', 'abcdefgh')
    await at.session.sftp.writeFile('/part', 'abc')
    writeFileSync(`${at.folder}/part`, 'abc')
    writeFileSync(`${at.folder}/wrong`, 'xyz')
    assert.equal((await at.run('@reput whole part', '@reget whole part', '@get -a whole wrong')).err, '')
    assert.equal(await at.session.sftp.readFile('/part', { encoding: 'utf-8' }), 'abcdefgh')
    assert.equal(readFileSync(`${at.folder}/part`, 'utf8'), 'abcdefgh')
    // What is no beginning of the file is not gone on with.
    assert.equal(readFileSync(`${at.folder}/wrong`, 'utf8'), 'abcdefgh')
    const again = await at.run('@reget whole part', '@reput whole part')
    assert.equal(again.err, 'File "part" was not modified\nresume "whole": destination file same size or larger\n')
    writeFileSync(`${at.folder}/part`, 'abcdefghi')
    assert.equal((await at.run('@reget whole part')).err, 'Unable to resume download of "part": local file is larger than remote\n')
  })
  test('that are replaced keep their permissions', async () => {
    await using at = await world('-q')
    writeFileSync(`${at.folder}/a`, 'new', { mode: 0o600 })
    writeFileSync(`${at.folder}/b`, 'old', { mode: 0o644 })
    await at.session.sftp.writeFile('/a', 'far', { mode: 0o604 })
    await at.run('put a', 'get a b')
    assert.equal((await at.session.sftp.stat('/a')).permissions, 0o604)
    assert.deepEqual([statSync(`${at.folder}/b`).mode & 0o777, readFileSync(`${at.folder}/b`, 'utf8')], [0o644, 'new'])
  })
  test('fit patterns, go into folders, and trees go with -r', async () => {
    await using at = await world('-q')
    const { sftp } = at.session
    await sftp.mkdir('/t/in', { recursive: true })
    for (const name of ['a1', 'a2', 'in/c']) await sftp.writeFile(`/t/${name}`, name)
    await sftp.symlink('a1', '/t/link')
    assert.equal((await at.run('get t/a*')).err, '')
    assert.deepEqual(readdirSync(at.folder).toSorted(), ['a1', 'a2'])
    assert.equal((await at.run('get t/a* x')).err, 'Multiple source paths, but destination "x" is not a directory\n')
    assert.equal((await at.run('get t x')).err, 'download /t/: not a regular file\n')
    const tree = await at.run('@get -r t tree')
    assert.deepEqual(tree, { out: 'Retrieving /t\nRetrieving /t/in\n', err: 'download "/t/link": not a regular file\n', end: 'next' })
    assert.equal(readFileSync(`${at.folder}/tree/in/c`, 'utf8'), 'in/c')
    const up = await at.run('@put -r tree up')
    assert.deepEqual(up, { out: 'Entering tree/\nEntering tree/in\n', err: '', end: 'next' })
    assert.equal(await sftp.readFile('/up/in/c', { encoding: 'utf-8' }), 'in/c')
    assert.equal((await at.run('put a* t9')).err, 'Multiple paths match, but destination "/t9" is not a directory\n')
    assert.equal((await at.run('put nope')).err, 'stat nope: No such file or directory\n')
    assert.equal((await at.run('get nope')).err, 'File "/nope" not found.\n')
    assert.equal((await at.run('get t/a1 no/x')).err, 'open local "no/x": No such file or directory\n')
    assert.equal((await at.run('put a1 no/x')).err, 'dest open "/no/x": No such file or directory\n')
  })
})

describe('a transfer that is given up', () => {
  for (const line of ['get -r /t', 'put -r t', 'get /large', 'put large'])
    test(`${line} leaves nothing half, under no name`, async () => {
      await using at = await world('-q', '-l', '800')
      const { session } = at
      mkdirSync(`${at.folder}/t`)
      for (let index = 0; index < 100; index++) {
        const text = 'x'.repeat(2000 + index)
        if (line.startsWith('put')) writeFileSync(`${at.folder}/t/${index}`, text)
        else await session.sftp.writeFile(`/${index}`, text)
      }
      if (line.startsWith('get')) {
        await session.sftp.mkdir('/t')
        for (let index = 0; index < 100; index++) await session.sftp.rename(`/${index}`, `/t/${index}`)
        await session.sftp.writeFile('/large', 'x'.repeat(1_000_000))
      } else writeFileSync(`${at.folder}/large`, 'x'.repeat(1_000_000))
      const controller = new AbortController()
      session.signal = controller.signal
      setTimeout(() => controller.abort(new Error('given up')), 60)
      await assert.rejects(at.run(line), /given up/)
      session.signal = new AbortController().signal
      const far: string[] = []
      for await (const entry of session.sftp.list('/', { recursive: true })) far.push(entry.name)
      const near = readdirSync(at.folder, { recursive: true, encoding: 'utf8' })
      assert.deepEqual(
        [...near, ...far].filter(name => name.includes('.nacre-')),
        [],
      )
      assert.ok(!(line.startsWith('get') ? near : far).includes('large'))
    })
})

test('names that are no text go both ways', async () => {
  await using at = await world('-q')
  await at.session.sftp.writeFile('/far\udcff', 'far')
  writeFileSync(Buffer.from(`${at.folder}/near\xfe`, 'latin1'), 'near')
  mkdirSync(Buffer.from(`${at.folder}/d\xfd`, 'latin1'))
  assert.equal((await at.run('get far\udcff', 'put near\udcfe', 'get far\udcff d\udcfd', 'put -r d\udcfd', 'put n* as')).err, '')
  assert.equal(await at.session.sftp.readFile('/near\udcfe', { encoding: 'utf-8' }), 'near')
  assert.equal(await at.session.sftp.readFile('/d\udcfd/far\udcff', { encoding: 'utf-8' }), 'far')
  assert.equal(await at.session.sftp.readFile('/as', { encoding: 'utf-8' }), 'near')
  assert.equal(readFileSync(Buffer.from(`${at.folder}/d\xfd/far\xff`, 'latin1'), 'utf8'), 'far')
})

describe('changes', () => {
  test('are made, and refusals have the reason the server gives', async () => {
    await using at = await world('-q')
    const { sftp } = at.session
    assert.equal((await at.run('mkdir d', 'cd d', 'mkdir ../e', 'symlink target l', 'cd')).err, '')
    assert.equal(await sftp.readLink('/d/l'), 'target')
    await sftp.writeFile('/f', 'x')
    assert.equal((await at.run('cp f g', 'rename g h', 'ln h i', 'chmod 600 h', 'rm f')).err, '')
    assert.equal((await sftp.stat('/i')).permissions, 0o600)
    assert.equal((await at.run('mkdir d')).err, 'remote mkdir "/d": Failure (File exists)\n')
    assert.equal((await at.run('rm no')).err, 'remote delete /no: No such file or directory\n')
    assert.equal((await at.run('rmdir d')).err, 'remote rmdir "/d": Failure (Directory not empty)\n')
    assert.equal((await at.run('cd h')).err, 'Can\'t change directory: "/h" is not a directory\n')
    assert.equal((await at.run('copy d x')).err, 'Cannot copy non-regular file: /d\n')
    assert.equal((await at.run('rm "e*"', 'rm d/*', 'rmdir d')).err, 'remote delete /e*: No such file or directory\n')
  })
})

describe('listings', () => {
  test('name what fits, without what is hidden, directories marked', async () => {
    await using at = await world('-q')
    const { sftp } = at.session
    await sftp.mkdir('/d/sub', { recursive: true })
    for (const [name, text] of [
      ['b', '1'],
      ['a', '22'],
      ['.h', '333'],
    ] as const)
      await sftp.writeFile(`/d/${name}`, text)
    const list = async (line: string): Promise<readonly string[]> => (await at.run(`@${line}`)).out.trimEnd().split(/\s+/)
    assert.deepEqual(await list('ls d'), ['d/a', 'd/b', 'd/sub'])
    assert.deepEqual(await list('ls -1a /d'), ['/d/.', '/d/..', '/d/.h', '/d/a', '/d/b', '/d/sub'])
    assert.deepEqual(await list('ls -1r d/*'), ['d/sub/', 'd/b', 'd/a'])
    assert.deepEqual(await list('ls -1S d/[ab]'), ['d/a', 'd/b'])
    assert.deepEqual(await list('ls -1 d/{b,a}'), ['d/a', 'd/b'])
    assert.equal((await at.run('@ls x*')).err, 'Can\'t ls: "/x*" not found\n')
    assert.match((await at.run('@ls -ln d/a')).out, /^-rw-r--r-- .* 2 \w{3} +\d+ [\d: ]+ d\/a\n$/)
  })
})

describe('a directory that does not end', () => {
  /** Entries as long as they are asked for, the last names first. */
  const many = (count: number, given: (left: number) => void): Files => {
    const files = memoryFiles()
    const list = (): Listing => {
      let left = count
      return {
        next: () => {
          if (left === 0) return undefined
          const batch = Array.from({ length: Math.min(left, 500) }, () => ({ name: String(left--).padStart(9, '0'), attributes: {} }))
          given(count - left)
          return batch
        },
        close: () => {},
      }
    }
    return Object.assign(Object.create(files) as Files, { list })
  }
  const mostSorted = 3000
  const listed = async (line: string, count: number): Promise<{ names: string[]; err: string; held: number }> => {
    let [out, held, lines] = ['', 0, 0]
    await using at = await worldOf(
      many(count, given => {
        held = Math.max(held, given - lines)
      }),
      '-q',
    )
    at.session.mostSorted = mostSorted
    const { stdout } = at.session.environment
    ;(stdout as unknown as Readable).on('data', (chunk: Buffer) => {
      out += String(chunk)
      lines = out.length / 11
    })
    const { err } = await at.run(`@${line}`)
    await new Promise(resolve => setImmediate(resolve))
    return { names: out.trimEnd().split('\n'), err, held }
  }

  test('is sorted as long as it can be held', async () => {
    const { names, err } = await listed('ls -1 /', mostSorted)
    assert.deepEqual(
      [names.length, names[0], names.at(-1), err],
      [mostSorted, '/000000001', `/${mostSorted.toString().padStart(9, '0')}`, ''],
    )
  })
  test('is shown as it comes when there is more of it, which is said', async () => {
    const count = mostSorted + 40_000
    const { names, err, held } = await listed('ls -1 /', count)
    assert.deepEqual([names.length, names[0], names.at(-1)], [count, `/${String(count).padStart(9, '0')}`, '/000000001'])
    assert.equal(err, '"/" has more than 3000 entries: they are shown as they come, not sorted\n')
    assert.ok(held < mostSorted + 20_000, `${held} entries were held`)
  })
  test('loses nothing by it where no order was asked for', async () => {
    const { names, err } = await listed('ls -1f /', mostSorted + 5000)
    assert.deepEqual([new Set(names).size, err], [mostSorted + 5000, ''])
  })
})

describe('batches', () => {
  const input = (text: string): AsyncIterable<unknown> =>
    (async function* () {
      yield Buffer.from(text)
    })()
  test('stop at the first failure that is not forgiven', async () => {
    for (const [text, code, said] of [
      ['-rm no\npwd\n', 0, 'sftp> -rm no\nsftp> pwd\nRemote working directory: /\n'],
      ['rm no\npwd\n', 1, 'sftp> rm no\n'],
      ['nonsense\npwd', 1, 'sftp> nonsense\n'],
      ['@pwd\nbye\npwd\n', 0, 'Remote working directory: /\nsftp> bye\n'],
      ['# nothing\n\n', 0, 'sftp> # nothing\nsftp> \n'],
    ] as const) {
      await using at = await world('-b', '-')
      assert.equal(await runBatch(at.session, input(text), true), code, text)
      assert.equal((await at.run('@')).out, said)
    }
  })
  test('without -b go on', async () => {
    await using at = await world()
    assert.equal(await runBatch(at.session, input('rm no\npwd\n'), false), 0)
    assert.match((await at.run('@')).out, /Remote working directory: \/\n$/)
  })
  test('come in pieces, with bytes that are no text, and without a last line end', async () => {
    const pieces = async function* (): AsyncGenerator<unknown> {
      for (const piece of [[0x61], [0xff, 0x0a, 0x62], [0x0a, 0x63]]) yield Uint8Array.from(piece)
    }
    const lines: string[] = []
    for await (const line of linesOf(pieces())) lines.push(line)
    assert.deepEqual(lines, ['a\udcff', 'b', 'c'])
  })
})
