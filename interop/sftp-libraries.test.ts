// Owns the libraries of JavaScript and Go at our server of files: npm's ssh2 and ssh2-sftp-client, Go's pkg/sftp.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { type Files, localFiles, memoryFiles, rootedFiles } from 'nacre/sftp/server'
import { goSftp, lacksGo } from './peers/go.ts'
import { node } from './peers/scripted.ts'
import { bytesOf, MiB } from './rig/bytes.ts'
import { freshFolder, freshPath } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { makeTree, treeOf } from './rig/tree.ts'
import { fileSite } from './sites/files.ts'

/** Where the peers work; `/far` where the files are not those of the disk. */
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
  {
    name: 'a folder as the root',
    make: () => {
      const root = freshFolder('root')
      mkdirSync(`${root}/far`)
      return { files: rootedFiles(root), base: '/far' }
    },
  },
]

const findings = async (
  command: readonly string[],
  files: Files,
  more: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> => {
  await using site = await fileSite(files)
  const { code, stdout, stderr } = await finish([...command, JSON.stringify({ ...site.to, key: userKey().path, ...more })], { seconds: 50 })
  assert.equal(code, 0, stderr)
  assert.deepEqual([site.faults, site.errors], [[], []])
  assert.deepEqual(
    site.endings.filter(each => each.includes('RFC')),
    [],
  )
  return JSON.parse(stdout.toString()) as Record<string, unknown>
}

describe("npm's ssh2 and ssh2-sftp-client", () => {
  for (const { name, make } of kinds)
    test(`do all they can over ${name}`, {}, async () => {
      const { files, base } = make()
      const [near, back] = [freshFolder('near'), freshPath('back')]
      mkdirSync(back)
      makeTree(near, { names: 'text' })
      writeFileSync(`${near}/big`, bytesOf(8 * MiB + 123))
      const found = await findings(node('ssh2-sftp-client.ts'), files, { base, near, back })
      assert.deepEqual(found, {
        fast: true,
        streamed: true,
        part: true,
        small: 'small and more',
        stat: ['100640', 8 * MiB + 123],
        times: 1_100_000_000,
        soft: 'small',
        rename: 'Something with that name is there already.',
        fstatvfs: true,
        statvfs: true,
        names: ['fast', 'renamed', 'small', 'streamed'],
        missing: 'There is no such file or folder.',
        realpath: `${base}/small`,
        exists: ['d', '-', false],
        list: ['-0.bin', '-1.bin', '-1500000.bin', '-262145.bin', '-32768.bin', 'ddeep'],
        put: 'buffer appended',
        stream: 'of a stream',
        'put stat': [0o604, 15],
        left: ['fast', 'renamed', 'small', 'soft', 'stream', 'streamed'],
      })
      assert.deepEqual(treeOf(`${back}/dir`), treeOf(`${near}/inner`))
    })
})

describe("Go's pkg/sftp", { skip: lacksGo() }, () => {
  for (const { name, make } of kinds)
    test(`does all it can over ${name}`, {}, async () => {
      const { files, base } = make()
      const { sum, ...found } = await findings([goSftp(), 'client'], files, { base })
      assert.deepEqual(found, {
        whole: true,
        piece: true,
        tail: [10, true],
        entries: 161,
        far: 5 * 2 ** 30 + 3,
        stat: [100, '-rw-r-----', 1_100_000_000],
        soft: 'whole',
        refused: true,
        space: true,
        missing: true,
        glob: 10,
        walked: ['', '/a', '/soft', '/whole'],
        removed: true,
      })
      assert.match(String(sum), /^[0-9a-f]{8}$/)
    })
})
