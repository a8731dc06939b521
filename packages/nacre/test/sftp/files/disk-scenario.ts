// Owns what `full-disk-node.test.ts` does in a process of its own: one scenario by name, in a folder, a line for each step.
import fs from 'node:fs'
import { SftpError } from '../../../src/errors.ts'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { rootedFiles } from '../../../src/sftp/files/rooted-node.ts'
import type { OpenFile } from '../../../src/sftp/files.ts'
import { how, readAll, writeAll } from './on-disk.ts'

const [scenario, folder] = process.argv.slice(2)
const files = localFiles()

const step = async (name: string, act: () => unknown): Promise<void> => {
  try {
    const said = await act()
    console.log(`${name}: ${typeof said === 'string' ? said : 'done'}`)
  } catch (error) {
    if (!(error instanceof SftpError)) throw error
    console.log(`${name}: ${error.status} ${error.errno}`)
  }
}

const piece = new Uint8Array(64 * 1024).fill(0x78)
const fill = async (path: string): Promise<void> => {
  const file = await files.open(path, how('write', 'create'), {})
  try {
    for (let position = 0; position < 2 ** 20; position += piece.length) await file.write(position, piece)
  } finally {
    await file.close()
  }
}

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  async full() {
    await writeAll(files, `${folder}/before`, 'whole')
    await step('write', () => fill(`${folder}/big`))
    await step('what was there', () => readAll(files, `${folder}/before`))
    await step('another file', () => fill(`${folder}/another`))
    await files.remove(`${folder}/big`)
    await step('after removing', () => writeAll(files, `${folder}/after`, 'text'))
  },
  async names() {
    const kept = await files.open(`${folder}/1`, how('write', 'create'), {})
    console.log('file 1: done')
    for (const index of [2, 3, 4]) await step(`file ${index}`, () => writeAll(files, `${folder}/${index}`, ''))
    await step('folder', () => files.makeDirectory(`${folder}/d`, {}))
    await step('link', () => files.symlink('x', `${folder}/l`))
    await step('write to an open one', () => kept.write(0, piece))
  },
  async 'read-only'() {
    await step('open', () => files.open(`${folder}/a`, how('write'), {}))
    await step('create', () => files.open(`${folder}/b`, how('write', 'create'), {}))
    await step('remove', () => files.remove(`${folder}/a`))
    await step('make a folder', () => files.makeDirectory(`${folder}/d`, {}))
    await step('mode', () => files.setAttributes(`${folder}/a`, { permissions: 0o600 }, true))
    await step('read', async () => (await readAll(files, `${folder}/a`)).trim())
    const { readOnly, noSetuid } = await files.statvfs(folder)
    console.log(`space: ${readOnly ? 'read-only' : 'writable'}, ${noSetuid ? 'no setuid' : 'setuid'}`)
  },
  async large() {
    await step('write', () => fill(`${folder}/big`))
    await step('size', () => files.setAttributes(`${folder}/big`, { size: 2 ** 30 }, true))
    await step('below the limit', () => writeAll(files, `${folder}/small`, 'text'))
  },
  async two() {
    await writeAll(files, `${folder}/a`, 'text')
    await files.makeDirectory(`${folder}/d`, {})
    await step('rename', () => files.rename(`${folder}/a`, `${folder}/other/a`, false))
    await step('rename, replacing', () => files.rename(`${folder}/a`, `${folder}/other/a`, true))
    await step('rename a folder', () => files.rename(`${folder}/d`, `${folder}/other/d`, false))
    await step('link', () => files.link(`${folder}/a`, `${folder}/other/a`))
    await step('left', () => fs.readdirSync(folder).toSorted().join(' '))
    await step('there', () => fs.readdirSync(`${folder}/other`).join(' '))
  },
  async descriptors() {
    const confined = rootedFiles(folder)
    await writeAll(files, `${folder}/a`, 'text')
    const open: OpenFile[] = []
    await step('open', async () => {
      for (;;) open.push(await files.open(`${folder}/a`, how('read'), {}))
    })
    await step('open confined', () => readAll(confined, '/a'))
    for (const file of open) await file.close()
    await step('after closing', () => confined.stat('/a', true))
  },
}

await scenarios[scenario]()
