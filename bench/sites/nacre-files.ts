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
}

/** `body` behind its length. */
const framed = (...body: readonly number[]): Uint8Array => {
  const packet = new Uint8Array(4 + body.length)
  new DataView(packet.buffer).setUint32(0, body.length)
  packet.set(body, 4)
  return packet
}
const initType = 1
const statType = 17
const attrsType = 105

/**
 * Asks for attributes without a client's own work, so that it is the server that is measured: packets made before, `lanes` of
 * them under way, of the answers only length and type looked at. Gives the wall seconds it took.
 */
export const askAttributes = async (connection: ClientConnection, { remote, count, lanes }: FileArgs): Promise<number> => {
  const server = await connection.subsystem('sftp')
  const path = new TextEncoder().encode(remote)
  const stat = framed(statType, 0, 0, 0, 0, path.length >>> 24, path.length >>> 16, path.length >>> 8, path.length, ...path)
  const several = (many: number): Uint8Array => {
    const all = new Uint8Array(many * stat.length)
    for (let i = 0; i < many; i++) all.set(stat, i * stat.length)
    return all
  }
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let began = 0
  let asked = 0
  let answered = -1
  let held = new Uint8Array(0)
  const ask = (many: number): void => {
    asked += many
    void server.write(several(many))
  }
  const take = (bytes: Uint8Array): void => {
    const whole = new Uint8Array(held.length + bytes.length)
    whole.set(held)
    whole.set(bytes, held.length)
    const view = new DataView(whole.buffer)
    let at = 0
    let more = 0
    for (; at + 5 <= whole.length; at += 4 + view.getUint32(at)) {
      if (at + 4 + view.getUint32(at) > whole.length) break
      if (answered >= 0 && whole[at + 4] !== attrsType) reject(new Error(`an answer of type ${whole[at + 4]}`))
      if (++answered > 0) more++
    }
    held = whole.slice(at)
    if (asked === 0) {
      began = performance.now()
      ask(Math.min(lanes, count))
    } else if (answered === count) resolve((performance.now() - began) / 1000)
    else if (more > 0 && asked < count) ask(Math.min(more, count - asked))
  }
  server.tap({ stdout: take, stderr: () => {} })
  void server.write(framed(initType, 0, 0, 0, 3))
  return await promise
}
