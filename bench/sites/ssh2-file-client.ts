// Owns the file work of a client made of npm's ssh2: its own `fastGet` and `fastPut`, and what programs build on them for
// trees: several files at once. Knows nothing of which server it talks to.
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client, RemoteFiles } from './ssh2.ts'
import type { FileArgs } from './types.ts'

const filesOf = (client: Client): Promise<RemoteFiles> =>
  new Promise((resolve, reject) => client.sftp((error, files) => (error === undefined ? resolve(files) : reject(error))))

type Then<T> = (error: Error | undefined | null, value: T) => void
const done = <T>(start: (then: Then<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => start((error, value) => (error === undefined || error === null ? resolve(value) : reject(error))))

const inLanes = async (names: readonly string[], lanes: number, work: (name: string) => Promise<unknown>): Promise<void> => {
  const left = [...names]
  const lane = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) await work(name)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

const down = (files: RemoteFiles, remote: string, local: string): Promise<void> => done(then => files.fastGet(remote, local, then))
const up = (files: RemoteFiles, local: string, remote: string): Promise<void> => done(then => files.fastPut(local, remote, then))

type Work = (files: RemoteFiles, args: FileArgs) => Promise<unknown>

export const fileWork: Readonly<Record<string, Work>> = {
  visit: async () => {},
  get: (files, { remote, local }) => down(files, remote, local),
  put: (files, { remote, local }) => up(files, local, remote),
  async getTree(files, { remote, local, lanes }) {
    await mkdir(local, { recursive: true })
    const names = (await done<readonly { readonly filename: string }[]>(then => files.readdir(remote, then))).map(each => each.filename)
    await inLanes(names, lanes, name => down(files, `${remote}/${name}`, join(local, name)))
  },
  async putTree(files, { remote, local, lanes }) {
    await done(then => files.mkdir(remote, then)).catch(() => {})
    await inLanes(await readdir(local), lanes, name => up(files, join(local, name), `${remote}/${name}`))
  },
  async list(files, { remote, count }) {
    const { length } = await done<readonly unknown[]>(then => files.readdir(remote, then))
    if (length !== count) throw new Error(`${length} entries of ${count}`)
  },
  async stats(files, { remote, count, lanes }) {
    await inLanes(
      Array.from({ length: count }, () => remote),
      lanes,
      path => done(then => files.stat(path, then)),
    )
  },
}

/** Does `work` on an SFTP session of `client`. */
export const workWithFiles = async (client: Client, work: Work, args: FileArgs): Promise<void> => {
  await work(await filesOf(client), args)
}
