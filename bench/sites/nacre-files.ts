// Owns the file work of a client made of nacre, as a program would write it. Knows nothing of which server it talks to.
import type { ClientConnection } from 'nacre'
import type { FileArgs } from './types.ts'

type Files = Awaited<ReturnType<ClientConnection['sftp']>>
type Work = (files: Files, args: FileArgs) => Promise<unknown>

const pourBytes = 256 * 1024

const poured = (total: number): ReadableStream<Uint8Array> => {
  let left = total
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = new Uint8Array(Math.min(left, pourBytes)).fill(1)
        left -= chunk.length
        controller.enqueue(chunk)
        if (left === 0) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

export const fileWork: Readonly<Record<string, Work>> = {
  visit: async () => {},
  get: (files, { remote, local }) => files.download(remote, local),
  put: (files, { remote, local }) => files.upload(local, remote),
  pour: (files, { remote, count, lanes }) => files.upload(poured(count), remote, { requests: lanes, atomic: false }),
  getTree: (files, { remote, local }) => files.download(remote, local, { recursive: true }),
  putTree: (files, { remote, local }) => files.upload(local, remote, { recursive: true }),
  async list(files, { remote, count }) {
    let seen = 0
    for await (const entry of files.list(remote)) if (entry.size === 0) seen++
    if (seen !== count) throw new Error(`${seen} entries of ${count}`)
  },
  async stats(files, { remote, count, lanes }) {
    let left = count
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left--
        await files.stat(remote)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
  },
}
