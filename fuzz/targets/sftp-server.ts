// Owns the targets of the SFTP server: every packet of every version and every extension as codecs, and a whole session over
// files in memory. However the bytes are cut the answers are the same, and nothing a client opened stays open.
import assert from 'node:assert/strict'
import { SftpError } from '../../packages/nacre/src/errors.ts'
import { extensions } from '../../packages/nacre/src/sftp/extensions/table.ts'
import { memoryFiles } from '../../packages/nacre/src/sftp/files/memory.ts'
import { Close, type Packet, packetTypes, Read, Readdir, Remove, Rmdir, Version, Write } from '../../packages/nacre/src/sftp/messages.ts'
import type { PipeTap } from '../../packages/nacre/src/sftp/pipe.ts'
import { serveSftp } from '../../packages/nacre/src/sftp/server/index.ts'
import { sftpVersions } from '../../packages/nacre/src/sftp/versions/table.ts'
import type { SftpVersionNumber } from '../../packages/nacre/src/sftp/versions/version.ts'
import type { SeededRandom } from '../../packages/nacre/src/testing/random.ts'
import type { Codec } from '../../packages/nacre/src/wire/codec.ts'
import { Writer } from '../../packages/nacre/src/wire/writer.ts'
import { invented } from '../rig/shape.ts'
import { type Note, type Target, utf8Bytes } from '../rig/target.ts'
import { type Choice, chosenCodec } from './codecs.ts'

const versions = [3, 4, 5, 6] as const

const packetsOf = (version: SftpVersionNumber): readonly Packet<unknown>[] => {
  const { Open, Rename, Realpath, Stat, Lstat, Fstat, Setstat, Fsetstat, Mkdir, Link, Name, Attrs, Status } = sftpVersions[version]
  const all = [Open, Rename, Realpath, Stat, Lstat, Fstat, Setstat, Fsetstat, Mkdir, Link, Name, Attrs, Status, Version]
  return all as unknown as readonly Packet<unknown>[]
}

/** Flags, hints and optional fields are read in more ways than they are written in. */
const choices: readonly Choice[] = [
  ...versions.flatMap(version =>
    packetsOf(version).map(packet => ({ name: `${packet.name} ${version}`, codec: packet as Codec<unknown>, canonical: false })),
  ),
  ...extensions.flatMap(row => [
    ...(row.request === undefined ? [] : [{ name: `${row.name} request`, codec: row.request, canonical: false }]),
    ...(row.answer.as === 'fields' ? [{ name: `${row.name} answer`, codec: row.answer.fields, canonical: false }] : []),
  ]),
]

const paths = ['/', '.', '..', '/f', '/d', '/d/g', '/l', '/new', '~', 'f\0', '/d/../f', '//f']
const words = [...paths, ...extensions.map(row => row.name), 'md5', 'sha256', 'root', '6', '3']

const at = { seconds: 1_700_000_000, nanoseconds: 0 }

/** A few files, the same for each run. */
const someFiles = (): ReturnType<typeof memoryFiles> => {
  const files = memoryFiles({ now: () => at.seconds * 1000, capacity: 1024 * 1024 })
  const options = { read: false, write: true, append: false, create: true, exclusive: true, truncate: false, noFollow: false }
  files.makeDirectory('/d', {})
  for (const path of ['/f', '/d/g']) {
    const file = files.open(path, options, {})
    file.write(0, utf8Bytes('one\ntwo\nthree\n'.repeat(200)))
    file.close()
  }
  files.symlink('d/g', '/l')
  return files
}

/** Handles begin so: the place, and how often it was used. */
const handleOf = (place: number): Uint8Array => Uint8Array.of(0, 0, 0, place, 0, 0, 0, 0)

const frame = (type: number, id: number, body: Uint8Array): Uint8Array => {
  const writer = new Writer(16 + body.length)
  writer.uint32(5 + body.length)
  writer.byte(type)
  writer.uint32(id)
  writer.fixed(body)
  return writer.written().slice()
}

const written = <T>(codec: Codec<T>, value: T): Uint8Array => {
  const writer = new Writer()
  codec.write(writer, value)
  return writer.written().slice()
}

const options = { read: true, write: true, append: false, create: true, exclusive: false, truncate: false, noFollow: false }
const openRequest = (version: SftpVersionNumber, filename: string): Uint8Array =>
  frame(packetTypes.SSH_FXP_OPEN, 1, written(sftpVersions[version].Open, { filename, options, text: false, further: 0, attributes: {} }))

const joined = (parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap(part => [...part]))

/** An ordinary little session, which is where the search begins. */
const ordinary = (version: SftpVersionNumber): Uint8Array =>
  joined([
    Uint8Array.of(version),
    openRequest(version, '/f'),
    frame(packetTypes.SSH_FXP_OPENDIR, 2, written(sftpVersions[3].Stat, { path: '/' })),
    frame(packetTypes.SSH_FXP_WRITE, 3, written(Write, { handle: handleOf(0), offset: 3n, data: utf8Bytes('hello') })),
    frame(packetTypes.SSH_FXP_READ, 4, written(Read, { handle: handleOf(0), offset: 0n, length: 100 })),
    frame(packetTypes.SSH_FXP_READ, 5, written(Read, { handle: handleOf(0), offset: 100n, length: 100 })),
    frame(packetTypes.SSH_FXP_READDIR, 6, written(Readdir, { handle: handleOf(1) })),
    frame(packetTypes.SSH_FXP_STAT, 7, written(sftpVersions[version].Stat, { path: '/l' })),
    frame(packetTypes.SSH_FXP_RENAME, 8, written(sftpVersions[version].Rename, { from: '/f', to: '/new', replace: false })),
    frame(packetTypes.SSH_FXP_CLOSE, 9, written(Close, { handle: handleOf(0) })),
  ])

const handled = [Close, Readdir, Read, Write]

/** One request that holds together, about a handle or a path that may be there. */
const request = (random: SeededRandom, version: SftpVersionNumber): Uint8Array => {
  const id = random.below(4)
  const kind = random.below(10)
  if (kind < 2) return openRequest(version, random.pick(paths))
  if (kind < 6) {
    const packet = random.pick(handled)
    const value = {
      handle: handleOf(random.below(3)),
      offset: BigInt(random.below(4000)),
      length: random.below(3000),
      data: new Uint8Array(random.below(2000)),
    }
    return frame(packet.number, id, written(packet as unknown as Codec<typeof value>, value))
  }
  if (kind < 8) {
    const packet = random.pick([...packetsOf(version).slice(0, 10), Remove, Rmdir]) as Packet<unknown>
    return frame(packet.number, id, invented(packet, random, paths))
  }
  const row = random.pick(extensions.filter(each => each.request !== undefined))
  const body = new Writer()
  body.text(row.name)
  if (row.request !== undefined) body.fixed(invented(row.request, random, words))
  return frame(packetTypes.SSH_FXP_EXTENDED, id, body.written().slice())
}

interface Outcome {
  readonly answers: readonly string[]
  readonly fault: string | undefined
}

/** What was answered to `bytes` in pieces of `size`, and how it ended. */
const outcomeOf = async (version: number, bytes: Uint8Array, size: number, note: Note): Promise<Outcome> => {
  let tap: PipeTap | undefined
  const answers: string[] = []
  let [opened, closed] = [0, 0]
  const pipe = {
    write: (each: Uint8Array) => {
      for (let from = 0; from < each.length;) {
        const length = new DataView(each.buffer, each.byteOffset).getUint32(from)
        answers.push(Buffer.from(each.subarray(from, from + 4 + length)).toString('latin1'))
        note(`answer ${each[from + 4]} ${each[from + 4] === packetTypes.SSH_FXP_STATUS ? each[from + 12] : ''}`)
        from += 4 + length
      }
      return undefined
    },
    tap: (given: PipeTap) => void (tap = given),
    end: () => {},
    abort: () => {},
  }
  const serving = serveSftp(pipe, someFiles(), { start: '/', log: { opened: () => opened++, closed: () => closed++, failed } })
  await new Promise(resolve => setImmediate(resolve))
  tap?.data(Uint8Array.of(0, 0, 0, 5, packetTypes.SSH_FXP_INIT, 0, 0, 0, version), false)
  let stalled: void | Promise<void> = undefined
  for (let from = 0; from < bytes.length; from += size) {
    const piece = bytes.slice(from, from + size)
    stalled = tap?.data(piece, false)
    piece.fill(0xee)
  }
  await stalled
  tap?.end()
  let fault: string | undefined
  try {
    await serving
  } catch (error) {
    if (!(error instanceof SftpError) || error.message === '') throw error
    fault = error.message
  }
  assert.equal(closed, opened, 'something stays open')
  return { answers: answers.toSorted(), fault }
}

const failed = (error: unknown): never => {
  throw new Error('the server failed where it should have refused', { cause: error })
}

const session: Target = {
  name: 'sftp-server',
  about: 'the version and all requests of a client: the same answers in whatever pieces they come, everything closed at the end',
  words,
  seeds: () => versions.map(ordinary),
  generate: random => {
    const version = random.pick(versions)
    return joined([Uint8Array.of(version), ...Array.from({ length: 1 + random.below(12) }, () => request(random, version))])
  },
  run: async (input, note) => {
    const [version, bytes] = [input[0] ?? 3, input.subarray(1)]
    const whole = await outcomeOf(version, bytes, Math.max(1, bytes.length), note)
    const pieces = await outcomeOf(version, bytes, 1 + (bytes.length % 13), note)
    assert.deepEqual(pieces, whole)
    note(whole.fault ?? 'ended well')
  },
}

export const sftpServerTargets: readonly Target[] = [
  chosenCodec('sftp-packets', 'every packet of every version and every extension of SFTP', choices, words),
  session,
]
