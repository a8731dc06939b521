// The model of a server of files is OpenSSH's sftp-server: both answer thousands of random requests alike, and have the same
// tree in the end. Our server over each kind of files answers like the model, but for the exceptions it knows by name.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type Exception, oursAlways } from '../packages/nacre/test/sftp/model/exceptions.ts'
import { Model } from '../packages/nacre/test/sftp/model/model.ts'
import { randomFrom, someOperations, somePopulation, type Subject, type Taste } from '../packages/nacre/test/sftp/model/operations.ts'
import { clearPlace, deepBase, makePlace, virtualBase } from '../packages/nacre/test/sftp/model/places.ts'
import { explained } from '../packages/nacre/test/sftp/model/run.ts'
import { localFiles, memoryFiles, overlayFiles, readOnlyFiles, rootedFiles, type Files } from '../packages/nacre/src/sftp/server/index.ts'
import { pipeToOurs } from './sftp/our-server.ts'
import { pipeTo, sftpServer } from './sftp/openssh-server.ts'
import { WireSubject } from './sftp/wire-subject.ts'

const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const root = user.uid === 0
const seed = Number(process.env.NACRE_MODEL_SEED ?? 1)
const none: ReadonlySet<Exception> = new Set()

const sequences = async (
  subject: Subject,
  count: number,
  taste: Taste,
  allowed: ReadonlySet<Exception>,
  base = deepBase,
): Promise<void> => {
  const model = new Model({ base, user, exceptions: allowed })
  try {
    for (let at = 0; at < count; at++) {
      const random = randomFrom(seed + at)
      const operations = [...somePopulation(random, 12, taste), ...someOperations(random, 60, taste)]
      const difference = await explained(model, subject, operations, seed + at)
      if (difference !== undefined) assert.fail(difference)
    }
  } finally {
    await subject.end()
  }
}

const tastes = [
  ['now and then something is odd', { oddness: 12, root, links: true }],
  ['everything is odd', { oddness: 50, root, links: true }],
] as const satisfies readonly (readonly [string, Taste])[]

describe('the model is OpenSSH', { skip: sftpServer === undefined && 'no sftp-server on this machine' }, () => {
  for (const [often, taste] of tastes)
    test(often, async () => {
      const openssh = new WireSubject('OpenSSH', async () => {
        const place = makePlace()
        return { pipe: pipeTo(sftpServer ?? '', [], place.base), base: place.base, clear: () => clearPlace(place) }
      })
      await sequences(openssh, 200, taste, none)
    })
})

const usual: ReadonlySet<Exception> = new Set(oursAlways)

/** A kind of files, empty but for the folder all happens in. */
interface Kind {
  readonly name: string
  readonly allowed: ReadonlySet<Exception>
  /** As the model calls it. */
  readonly base: string
  readonly sequences: number
  make(): { readonly files: Files; readonly base: string; clear(): void }
}

const memory = (): Files => {
  const files = memoryFiles({ user })
  let path = ''
  for (const name of virtualBase.split('/').slice(1)) files.makeDirectory((path += `/${name}`), {})
  return files
}

const kinds: readonly Kind[] = [
  {
    name: 'memory',
    sequences: 100,
    base: virtualBase,
    allowed: usual,
    make: () => ({ files: memory(), base: virtualBase, clear: () => undefined }),
  },
  {
    name: 'an overlay',
    sequences: 50,
    base: virtualBase,
    allowed: usual,
    make: () => ({ files: overlayFiles(readOnlyFiles(memory()), memoryFiles({ user })), base: virtualBase, clear: () => undefined }),
  },
  {
    name: 'the disk',
    sequences: 75,
    base: deepBase,
    allowed: new Set([...usual, 'real-path-of-the-system']),
    make: () => {
      const place = makePlace()
      return { files: localFiles(), base: place.base, clear: () => clearPlace(place) }
    },
  },
  {
    name: 'a folder as the root',
    sequences: 40,
    base: deepBase,
    allowed: new Set([...usual, 'real-path-of-the-system', 'reasons-under-a-root']),
    make: () => {
      const place = makePlace()
      mkdirSync(place.top + deepBase, { recursive: true, mode: 0o755 })
      const files = rootedFiles(place.top)
      const clear = (): void => {
        files[Symbol.dispose]()
        clearPlace(place)
      }
      return { files, base: deepBase, clear }
    },
  },
]

describe('our server', () => {
  for (const kind of kinds)
    for (const [often, taste] of tastes)
      test(`over ${kind.name}, when ${often}`, async () => {
        const ours = new WireSubject(`our server over ${kind.name}`, async () => {
          const { files, base, clear } = kind.make()
          return { pipe: pipeToOurs(files, { start: base }), base, clear }
        })
        await sequences(ours, kind.sequences, taste, kind.allowed, kind.base)
      })
})
