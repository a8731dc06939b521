// Owns completion at the prompt of `sftp`: commands, names here, names on the server, quotes and backslashes.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { commonStart, complete, typedName } from '../../src/sftp/complete.ts'
import { world, type World } from './world.ts'

const furnished = async (): Promise<World> => {
  const at = await world('-q')
  const { sftp } = at.session
  await sftp.mkdir('/far dir/deep', { recursive: true })
  for (const name of ['one.txt', 'only', '.hidden', "it's", 'a*b']) await sftp.writeFile(`/${name}`, '')
  await sftp.symlink('far dir', '/zlink')
  mkdirSync(`${at.folder}/near`)
  writeFileSync(`${at.folder}/note #1`, '')
  return at
}

describe('what is typed goes on', () => {
  for (const [typed, insert, choices] of [
    ['pw', 'd ', []],
    ['PW', 'd ', []],
    ['lm', 'kdir ', []],
    ['re', '', ['reget', 'rename', 'reput']],
    ['-@pw', 'd ', []],
    ['xyz', '', []],
    ['ls fa', 'r\\ dir/', []],
    ['ls far\\ dir/', 'deep/', []],
    ['ls "fa', 'r dir/', []],
    ['get "far dir/de', 'ep/', []],
    ['ls o', 'n', ['one.txt', 'only']],
    ['ls one', '.txt ', []],
    ['get "one', '.txt" ', []],
    ['ls -l one', '.txt ', []],
    ['ls .h', 'idden ', []],
    ['ls it', "\\'s ", []],
    ['ls a', '\\*b ', []],
    ['ls zl', 'ink/', []],
    ['ls on*', '', ['/one.txt', '/only']],
    ['get one.txt ne', 'ar/', []],
    ['put no', 'te\\ \\#1 ', []],
    ['put near o', 'n', ['one.txt', 'only']],
    ['lcd n', '', ['near/', 'note #1']],
    ['pwd ', '', []],
    ['get one.txt x y', '', []],
    ['ls nowhere/', '', []],
  ] as const)
    test(JSON.stringify(typed), async () => {
      await using at = await furnished()
      assert.deepEqual(await complete(at.session, typed), { insert, choices })
    })
  test('an empty line offers every command, once', async () => {
    await using at = await furnished()
    const { choices } = await complete(at.session, '')
    assert.ok(choices.includes('chown') && choices.includes('!'))
    assert.equal(new Set(choices).size, choices.length)
  })
})

test('what is inserted means the name again', () => {
  assert.equal(typedName(`a b"c'd#e*f[g\\h`, undefined), String.raw`a\ b\"c\'d\#e\*f\[g\\h`)
  assert.equal(typedName(`a b"c'd`, '"'), String.raw`a b\"c'd`)
  assert.equal(typedName(`a b"c'd`, "'"), String.raw`a b"c\'d`)
})

test('common beginnings cut no character in two', () => {
  assert.equal(commonStart(['ab😀', 'ab😁']), 'ab')
  assert.equal(commonStart(['same', 'same']), 'same')
  assert.equal(commonStart([]), '')
})
