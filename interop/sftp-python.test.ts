// Owns the SFTP clients of Python at our server: paramiko, and AsyncSSH in every version of SFTP it speaks, over the disk, memory
// and a folder as the root.
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Files, localFiles, memoryFiles, rootedFiles } from 'nacre/sftp/server'
import { freshFolder, freshPath } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { makeTree, treeOf } from './rig/tree.ts'
import { type FileSite, fileSite } from './sites/files.ts'

const kinds: readonly { readonly name: string; readonly make: () => { readonly files: Files; readonly base: string } }[] = [
  { name: 'the disk', make: () => ({ files: localFiles(), base: freshFolder('far') }) },
  {
    name: 'memory',
    make: () => {
      const files = memoryFiles()
      files.makeDirectory('/far', {})
      return { files, base: '/far' }
    },
  },
  { name: 'a folder as the root', make: () => ({ files: rootedFiles(freshFolder('root')), base: '' }) },
]

const run = async (script: string, site: FileSite, options: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> => {
  const path = fileURLToPath(new URL(`peers/${script}`, import.meta.url))
  const argument = JSON.stringify({ ...site.to, key: userKey().path, ...options })
  const { code, stdout, stderr } = await finish(['/usr/bin/python3', '-W', 'ignore', path, argument], { name: script, seconds: 60 })
  assert.equal(code, 0, stderr)
  assert.deepEqual([site.faults, site.endings.filter(each => /RFC|violat/.test(each))], [[], []])
  return JSON.parse(stdout.toString()) as Record<string, unknown>
}

describe('paramiko', () => {
  for (const { name, make } of kinds)
    test(`does all it can over ${name}`, {}, async () => {
      const { files, base } = make()
      await using site = await fileSite(files)
      const found = await run('sftp_paramiko.py', site, { base, local: freshPath('local') })
      assert.deepEqual(found, {
        cwd: `${base}/d`,
        pipelined: true,
        readv: [10, 11, 200_000],
        tail: true,
        got: true,
        callback: true,
        local: true,
        middle: '012abc6789',
        truncated: 5,
        appended: '012ab++',
        exclusive: 'refused',
        stat: [3, 0o640, 1_200_000_000, 1_300_000_000],
        check: true,
        blocks: true,
        link: ['middle', true, true],
        rename: 'refused',
        listing: ['big', 'middle', 'soft'],
        iterated: ['big', 'middle', 'soft'],
        attributes: ['big 3000001 -rw-r--r--', 'middle 3 -rw-r-----', 'soft 6 lrwxrwxrwx'],
        normalized: `${base}/d/middle`,
        // No such file; not empty, for which version 3 has no word; no such file.
        errors: [2, null, 2],
        far: [5 * 2 ** 30 + 6, '00006265796f6e64'],
      })
    })
})

/** What differs between versions: what is said of a name that is taken, and of a directory that is not empty. */
const words = {
  3: { taken: 'SFTPFailure', full: 'SFTPFailure' },
  4: { taken: 'SFTPFileAlreadyExists', full: 'SFTPFailure' },
  5: { taken: 'SFTPFileAlreadyExists', full: 'SFTPFailure' },
  6: { taken: 'SFTPFileAlreadyExists', full: 'SFTPDirNotEmpty' },
} as const

describe('AsyncSSH', () => {
  const near = freshFolder('near')
  makeTree(near, { names: 'text' })
  for (const { name, make } of kinds)
    for (const version of [3, 4, 5, 6] as const)
      // The disk in all versions; the others in the usual one and the last.
      if (name === 'the disk' || version === 3 || version === 6)
        test(`in version ${version} over ${name}`, {}, async () => {
          const { files, base } = make()
          await using site = await fileSite(files)
          const back = freshPath('back')
          const many = name === 'the disk' && version === 3 ? 2000 : 150
          const found = await run('sftp_asyncssh.py', site, { base, near, back, version, many })
          const { ns, owner, ...others } = found as { ns?: readonly number[]; owner: readonly unknown[] }
          const { taken, full } = words[version]
          assert.deepEqual(others, {
            version,
            glob: ['0', '1', '1500000', '262145', '32768'].map(each => `${base}/a/${each}.bin`),
            deep: 5,
            many,
            readdir: many,
            read: true,
            middle: true,
            fstat: 5000,
            fstatvfs: true,
            appended: 5003,
            exclusive: taken,
            stat: [5003, 0o640, 1_000_000_000, 1_100_000_000],
            size: 10,
            soft: ['f', true, true],
            hard: 10,
            rename: taken,
            realpath: `${base}/a/b`,
            statvfs: true,
            errors: ['SFTPNoSuchFile', full, taken, 'SFTPNoSuchFile'],
            far: [5 * 2 ** 30 + 6, '00006265796f6e64'],
            listing: ['a', 'copy', 'f', 'far', 'many', 'renamed', 'soft', 'tree'],
            left: [],
          })
          assert.equal(typeof owner[0], version === 3 ? 'number' : 'string')
          // Node sets times in seconds of 53 bits, which is a quarter of a microsecond today.
          const wanted = [1_000_000_000_123_456_000n, 1_100_000_000_654_321_000n]
          for (const [index, each] of (ns ?? []).entries()) {
            const off = BigInt(each) - (wanted[index] ?? 0n)
            assert.ok(off < 500n && off > -500n, `${off} ns`)
          }
          assert.equal(ns === undefined, version === 3)
          const times = (folder: string): readonly string[] =>
            treeOf(folder, { modes: true, times: true }).filter(line => !/ directory /.test(line))
          assert.deepEqual(times(back), times(near))
          assert.ok(readFileSync(`${back}/inner/1.bin`).length === 1)
          rmSync(back, { recursive: true })
        })
})
