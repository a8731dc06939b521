// Files of keys on disk: the old text or the new one and nothing between, and no line of another program lost.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { appendLine, editTextFile } from '../../src/keys/edit-file-node.ts'
import { notIn } from '../runtime.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-edit-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let count = 0
const place = (): string => {
  const path = join(folder, String(++count))
  return join(path, 'file')
}
const made = (text: string | Uint8Array, mode = 0o600): string => {
  const path = join(mkdtempSync(join(folder, 'made-')), 'file')
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const content = (path: string): string => readFileSync(path, 'utf8')
const beside = (path: string): readonly string[] => readdirSync(join(path, '..')).toSorted()

describe('an edit', () => {
  test('replaces the file, keeps its mode, and leaves nothing beside it', async () => {
    const path = made('old\n', 0o640)
    const before = statSync(path).ino
    assert.deepEqual(await editTextFile(path, text => `${text}new\n`), { changed: true, backup: undefined })
    assert.equal(content(path), 'old\nnew\n')
    assert.equal(statSync(path).mode & 0o777, 0o640)
    assert.notEqual(statSync(path).ino, before)
    assert.deepEqual(beside(path), ['file'])
  })

  test('keeps what was there as .old, if told so, in place of an older one', async () => {
    const path = made('one\n')
    writeFileSync(`${path}.old`, 'older\n')
    assert.deepEqual(await editTextFile(path, () => 'two\n', { backup: true }), { changed: true, backup: `${path}.old` })
    assert.deepEqual([content(path), content(`${path}.old`)], ['two\n', 'one\n'])
    assert.deepEqual(beside(path), ['file', 'file.old'])
  })

  test('keeps it too where .old is the file itself already', async () => {
    const path = made('one\n')
    linkSync(path, `${path}.old`)
    await editTextFile(path, () => 'two\n', { backup: true })
    assert.deepEqual([content(path), content(`${path}.old`)], ['two\n', 'one\n'])
    assert.deepEqual(beside(path), ['file', 'file.old'])
  })

  test('that changes nothing writes nothing', async () => {
    const path = made('same\n')
    const before = statSync(path)
    assert.deepEqual(await editTextFile(path, text => text, { backup: true }), { changed: false, backup: undefined })
    assert.equal(statSync(path).ino, before.ino)
    assert.deepEqual(beside(path), ['file'])
  })

  test('that throws leaves the file as it was', async () => {
    const path = made('old\n')
    await assert.rejects(
      editTextFile(path, () => {
        throw new Error('no')
      }),
      /^Error: no$/,
    )
    assert.equal(content(path), 'old\n')
    assert.deepEqual(beside(path), ['file'])
  })

  test('follows a link to the file it leads to', async () => {
    const path = made('old\n')
    const link = join(path, '..', 'link')
    symlinkSync(path, link)
    await editTextFile(link, () => 'new\n', { backup: true })
    assert.ok(lstatSync(link).isSymbolicLink())
    assert.deepEqual([content(path), content(`${path}.old`)], ['new\n', 'old\n'])
  })

  test('makes a file only if told so', async () => {
    const path = place()
    await assert.rejects(
      editTextFile(path, () => 'new\n'),
      { code: 'ENOENT' },
    )
    assert.deepEqual(await editTextFile(path, () => '', { create: true }), { changed: false, backup: undefined })
    assert.deepEqual(await editTextFile(path, () => 'new\n', { create: true }), { changed: true, backup: undefined })
    assert.equal(content(path), 'new\n')
    assert.deepEqual([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777], [0o600, 0o700])
  })

  test('of a file that is no UTF-8 keeps every byte', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const path = made(bytes)
    await editTextFile(path, text => `${text}end`)
    assert.deepEqual(new Uint8Array(readFileSync(path)), Uint8Array.of(...bytes, 0x65, 0x6e, 0x64))
    const utf8 = made('ü\n')
    await editTextFile(utf8, text => `${text}${text.length}ß`)
    assert.equal(content(utf8), 'ü\n2ß')
  })

  test('begins again when another program adds a line or replaces the file meanwhile', async () => {
    const path = made('one\n')
    let calls = 0
    await editTextFile(path, text => {
      calls++
      if (calls === 1) appendFileSync(path, 'theirs\n')
      if (calls === 2) {
        writeFileSync(`${path}.new`, `${content(path)}another\n`)
        renameSync(`${path}.new`, path)
      }
      return `${text}ours\n`
    })
    assert.equal(calls, 3)
    assert.equal(content(path), 'one\ntheirs\nanother\nours\n')
    assert.deepEqual(beside(path), ['file'])
  })

  test('one of many at once in one process each sees what the others did', async () => {
    const path = made('')
    const names = Array.from({ length: 12 }, (_, i) => `line ${i}`)
    await Promise.all(names.map(name => editTextFile(path, text => `${text}${name}\n`)))
    assert.deepEqual(content(path).trimEnd().split('\n').toSorted(), names.toSorted())
    assert.deepEqual(beside(path), ['file'])
  })

  /** The name by which an edit of this version of the file says that it is about to take effect. */
  const claimOf = (path: string): string => {
    const { dev, ino } = statSync(path)
    return join(path, '..', `.file.${dev.toString(36)}-${ino.toString(36)}.next`)
  }

  test('waits while another is about to take effect', async () => {
    const path = made('one\n')
    const claim = claimOf(path)
    writeFileSync(claim, 'one\ntheirs\n')
    const texts: string[] = []
    await editTextFile(path, text => {
      texts.push(text)
      // The second time we come the other edit is done.
      if (texts.length === 2) renameSync(claim, path)
      return `${text}ours\n`
    })
    assert.deepEqual(texts.slice(0, 2), ['one\n', 'one\n'])
    assert.equal(content(path), 'one\ntheirs\nours\n')
    assert.deepEqual(beside(path), ['file'])
  })

  test('goes on when another ended before it took effect', async () => {
    const path = made('one\n')
    writeFileSync(claimOf(path), 'one\nhalf of some')
    await editTextFile(path, text => `${text}ours\n`)
    assert.equal(content(path), 'one\nours\n')
    assert.deepEqual(beside(path), ['file'])
  })

  test('gives up on a file that never rests', async () => {
    const path = made('')
    await assert.rejects(
      editTextFile(path, text => {
        appendFileSync(path, 'x\n')
        return `${text}ours\n`
      }),
      /changed by others all the time/,
    )
    assert.deepEqual(beside(path), ['file'])
  })
})

// A folder in /proc cannot be made, and the system says of it that the one above is missing.
test('a folder that cannot be made is an error, not a wait', { skip: process.platform !== 'linux' }, async () => {
  await assert.rejects(appendLine('/proc/none/file', 'a line'), { code: 'ENOENT' })
  await assert.rejects(
    editTextFile('/proc/none/deeper/file', () => 'a text', { create: true }),
    { code: 'ENOENT' },
  )
})

describe('a line that is added', () => {
  test('stands behind the last line, whether that ended or not', async () => {
    const path = made('one')
    await appendLine(path, 'two')
    await appendLine(path, 'three')
    assert.equal(content(path), 'one\ntwo\nthree\n')
  })

  test('makes the file and its folder, for nobody else to read', async () => {
    const path = place()
    await appendLine(path, 'one')
    assert.equal(content(path), 'one\n')
    assert.deepEqual([statSync(path).mode & 0o777, statSync(join(path, '..')).mode & 0o777], [0o600, 0o700])
  })

  test('may go where nothing is kept', async () => {
    await appendLine('/dev/null', 'one')
  })

  for (const [kinds, what] of [
    [['append', 'append', 'append', 'edit'], 'is not lost, whoever else adds lines and replaces the file'],
    [['edit', 'edit', 'edit', 'edit'], 'is not lost by edits of which each replaces the file'],
    [['edit', 'append', 'edit', 'append'], 'is not lost by some of each'],
  ] as const)
    test(`${what}: four processes at once`, { skip: notIn(['Bun', 'Deno'], 'processes are started as Node starts them') }, async () => {
      const path = made('first\n')
      const source = fileURLToPath(new URL('../../src/keys/edit-file-node.ts', import.meta.url))
      const program = `
      import { appendLine, editTextFile } from ${JSON.stringify(source)}
      const [path, name, kind] = process.argv.slice(1)
      for (let i = 0; i < 25; i++) {
        if (kind === 'append') await appendLine(path, name + ' ' + i)
        else await editTextFile(path, text => text + name + ' ' + i + '\\n').catch(error => { if (!/all the time/.test(error.message)) throw error; i-- })
      }`
      const runs = kinds.map(async (kind, i) => {
        const child = spawn(
          process.execPath,
          ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning', '-e', program, path, `process${i}`, kind],
          { stdio: ['ignore', 'inherit', 'inherit'] },
        )
        const [code] = (await once(child, 'exit')) as [number]
        assert.equal(code, 0)
      })
      await Promise.all(runs)
      const lines = content(path).split('\n')
      assert.equal(lines[0], 'first')
      const missing = [0, 1, 2, 3]
        .flatMap(i => Array.from({ length: 25 }, (_, n) => `process${i} ${n}`))
        .filter(line => !lines.includes(line))
      assert.deepEqual(missing, [])
      assert.ok(
        lines.every(line => /^(first|process\d \d+|)$/.test(line)),
        'a line that was cut',
      )
      assert.deepEqual(beside(path), ['file'])
    })
})
