// Renaming on the disk: without replacing, nothing that is there is ever lost, whatever it is; replacing does what rename(2)
// does. Also where a file can have no second name.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { describe, test } from 'node:test'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { rootedFiles } from '../../../src/sftp/files/rooted-node.ts'
import type { Files } from '../../../src/sftp/files.ts'
import { folderFor, refusal, refused } from './on-disk.ts'

const things: Readonly<Record<string, (path: string) => void>> = {
  file: path => fs.writeFileSync(path, 'a file'),
  'empty folder': path => fs.mkdirSync(path),
  folder: path => {
    fs.mkdirSync(path)
    fs.writeFileSync(`${path}/in`, 'in the folder')
  },
  link: path => fs.symlinkSync('.', path),
  'dangling link': path => fs.symlinkSync('nowhere', path),
  pipe: path => execFileSync('mkfifo', [path]),
}

/** What is at `path`, told by number and content. */
const identity = (path: string): string => {
  const stats = fs.lstatSync(path)
  return `${stats.ino} ${stats.mode} ${stats.isFile() ? fs.readFileSync(path, 'latin1') : ''}`
}

const kinds: readonly (readonly [name: string, make: (folder: string) => readonly [Files, string]])[] = [
  ['local files', folder => [localFiles(), folder]],
  ['files in a folder', folder => [rootedFiles(folder), '']],
]

/** Every name below `folder`. No link is followed: what Bun's recursive `readdir` does with one is not asked here. */
const namesBelow = (folder: string): readonly string[] =>
  fs
    .readdirSync(folder, { withFileTypes: true })
    .flatMap(each => [each.name, ...(each.isDirectory() ? namesBelow(`${folder}/${each.name}`).map(name => `${each.name}/${name}`) : [])])
    .toSorted()

for (const [kind, make] of kinds) {
  describe(kind, () => {
    for (const [from, makeFrom] of Object.entries(things)) {
      test(`a ${from} takes a free name, and no other is left`, async t => {
        const folder = folderFor(t)
        const [files, at] = make(folder)
        makeFrom(`${folder}/from`)
        const before = identity(`${folder}/from`)
        await files.rename(`${at}/from`, `${at}/to`, false)
        assert.equal(identity(`${folder}/to`), before)
        assert.deepEqual(fs.readdirSync(folder), ['to'])
      })

      for (const [to, makeTo] of Object.entries(things)) {
        test(`a ${from} does not take the name of a ${to}`, async t => {
          const folder = folderFor(t)
          const [files, at] = make(folder)
          makeFrom(`${folder}/from`)
          makeTo(`${folder}/to`)
          const before = [identity(`${folder}/from`), identity(`${folder}/to`)]
          await refused(() => files.rename(`${at}/from`, `${at}/to`, false), 'EEXIST', 'file-already-exists')
          assert.deepEqual([identity(`${folder}/from`), identity(`${folder}/to`)], before)
          assert.equal(fs.readdirSync(folder).length, 2)
        })

        test(`replacing, a ${from} and a ${to} are for rename(2) to judge`, async t => {
          const folder = folderFor(t)
          const [files, at] = make(folder)
          for (const side of ['ours', 'theirs']) {
            fs.mkdirSync(`${folder}/${side}`)
            makeFrom(`${folder}/${side}/from`)
            makeTo(`${folder}/${side}/to`)
          }
          let expected = 'done'
          try {
            fs.renameSync(`${folder}/theirs/from`, `${folder}/theirs/to`)
          } catch (error) {
            expected = (error as NodeJS.ErrnoException).code ?? ''
          }
          const ours =
            expected === 'done'
              ? files.rename(`${at}/ours/from`, `${at}/ours/to`, true)
              : assert.equal((await refusal(() => files.rename(`${at}/ours/from`, `${at}/ours/to`, true))).errno, expected)
          await ours
          assert.deepEqual(namesBelow(`${folder}/ours`), namesBelow(`${folder}/theirs`))
        })
      }
    }

    test('a folder does not go into itself, nor under a name that cannot be, and nothing is left of the attempt', async t => {
      const folder = folderFor(t)
      const [files, at] = make(folder)
      fs.mkdirSync(`${folder}/d`)
      await refused(() => files.rename(`${at}/d`, `${at}/d/e`, false), 'EINVAL', 'invalid-parameter')
      await refused(() => files.rename(`${at}/d`, `${at}/none/e`, false), 'ENOENT', 'no-such-file')
      await refused(() => files.rename(`${at}/none`, `${at}/e`, false), 'ENOENT', 'no-such-file')
      await refused(() => files.rename(`${at}/d`, `${at}/${'n'.repeat(256)}`, false), 'ENAMETOOLONG', 'invalid-filename')
      assert.deepEqual(fs.readdirSync(folder, { recursive: true }), ['d'])
    })

    test('to its own name, or to another name of the same file, is an error without replacing', async t => {
      const folder = folderFor(t)
      const [files, at] = make(folder)
      fs.writeFileSync(`${folder}/a`, 'a')
      fs.linkSync(`${folder}/a`, `${folder}/b`)
      await refused(() => files.rename(`${at}/a`, `${at}/a`, false), 'EEXIST', 'file-already-exists')
      await refused(() => files.rename(`${at}/a`, `${at}/b`, false), 'EEXIST', 'file-already-exists')
      assert.deepEqual(fs.readdirSync(folder).toSorted(), ['a', 'b'])
    })
  })
}
