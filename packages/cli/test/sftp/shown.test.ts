// Owns how names, numbers and lines of `ls -l` look.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Stat } from 'nacre/sftp'
import { spaceLines } from '../../src/sftp/list-commands.ts'
import { longLine } from '../../src/sftp/long-line.ts'
import { inColumns, inMessage, scaled, visible } from '../../src/sftp/shown.ts'
import { helpLines } from '../../src/sftp/table.ts'

describe('names', () => {
  for (const [name, shown] of [
    ['plain 珍珠', 'plain 珍珠'],
    ['a\u0001z', String.raw`a\001z`],
    ['\u001b[2Jx\r\n', String.raw`\033[2Jx\015\012`],
    ['\u009b1m', String.raw`\302\2331m`],
    ['a\u202eb', String.raw`a\342\200\256b`],
    ['\udcff', String.raw`\377`],
    ['a\\b', 'a\\b'],
  ] as const)
    test(JSON.stringify(name), () => assert.equal(visible(name), shown))
  test('in messages have their backslashes doubled', () => assert.equal(inMessage('a\\b\u0007'), String.raw`a\\b\007`))
})

test('sizes have at most four characters and a unit', () => {
  const sizes = [0, 1, 1023, 1024, 1536, 10_239, 102_400, 1_048_575, 1_048_576, 5 * 1024 ** 3, 2 ** 52]
  assert.deepEqual(sizes.map(scaled), ['0B', '1B', '1023B', '1.0K', '1.5K', '10.0K', '100K', '1024K', '1.0M', '5.0G', '4.0P'])
})

describe('columns', () => {
  test('are as many as fit', () => {
    assert.equal(inColumns(['a', 'bb', 'ccc'], 3, 12), 'a     bb    \nccc   \n')
    assert.equal(inColumns(['a', 'b'], 1, 6), 'a  b  \n')
    assert.equal(inColumns([], 0, 80), '')
  })
  test('stand below each other whatever the width of characters', () => {
    assert.equal(inColumns(['珍珠', 'x', 'y'], 4, 14), '珍珠   x      \ny      \n')
  })
  test('are one where nothing fits', () => assert.equal(inColumns(['abcdef', 'x'], 6, 3), 'abcdef\nx  \n'))
})

describe('lines of ls -l', () => {
  const now = Date.UTC(2024, 5, 15, 12)
  const at = (date: Date): { seconds: number; nanoseconds: number } => ({ seconds: date.getTime() / 1000, nanoseconds: 0 })
  const line = (facts: Stat, units = false): string => longLine({ name: 'n', facts, owner: 'root', group: 'a long group', units, now })
  test('have the hour of what is new', () => {
    const modified = at(new Date(2024, 5, 3, 9, 7))
    const facts = new Stat({ type: 'file', size: 1234, permissions: 0o644, modified })
    assert.equal(line(facts), '-rw-r--r--    ? root     a long group     1234 Jun  3 09:07 n')
    assert.equal(line(facts, true), '-rw-r--r--    ? root     a long group     1.2K Jun  3 09:07 n')
  })
  test('have the year of what is old or still to come', () => {
    for (const year of [2020, 2030]) {
      const facts = new Stat({ type: 'directory', size: 0, permissions: 0o1777, modified: at(new Date(year, 0, 20)) })
      assert.equal(line(facts), `drwxrwxrwt    ? root     a long group        0 Jan 20  ${year} n`)
    }
  })
  for (const [permissions, shown] of [
    [0o4755, '-rwsr-xr-x'],
    [0o4644, '-rwSr--r--'],
    [0o2755, '-rwxr-sr-x'],
    [0o2640, '-rw-r-S---'],
    [0o1666, '-rw-rw-rwT'],
  ] as const)
    test(`show ${permissions.toString(8)} as ${shown}`, () =>
      assert.equal(line(new Stat({ type: 'file', permissions })).slice(0, 10), shown))
})

test('df says nothing of a division by zero, and counts in kilobytes, units or inodes', () => {
  const space = {
    blockSize: 4096,
    fragmentSize: 4096,
    blocks: 1000,
    freeBlocks: 250,
    availableBlocks: 200,
    files: 0,
    freeFiles: 0,
    availableFiles: 0,
    id: 0n,
    readOnly: false,
    noSetuid: false,
    maximumName: 255,
  }
  assert.deepEqual(
    (['kilobytes', 'units', 'inodes'] as const).map(as => spaceLines(space, as)[1]),
    [
      '        4000         3000          800         1000          75%',
      '   3.9MB    2.9MB    800KB   1000KB          75%',
      '          0           0           0           0         ERR',
    ],
  )
})

test('the help has a line for every call, none too long', () => {
  const lines = helpLines()
  assert.equal(lines[0], 'bye                                Quit sftp')
  assert.equal(lines.at(-1), '?                                  Synonym for help')
  assert.ok(lines.includes('get [-afpR] remote [local]         Download file'))
  for (const line of lines) for (const part of line.split('\n')) assert.ok(part.length <= 80, part)
})
