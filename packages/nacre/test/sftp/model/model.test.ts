// Files of every kind do what a model of OpenSSH's sftp-server does: the same answers, numbers and attributes to random
// operations, and the same tree in the end. That the model does what OpenSSH does is proved in `interop/sftp-model.test.ts`.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Files } from '../../../src/sftp/files.ts'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { overlayFiles } from '../../../src/sftp/files/overlay.ts'
import { readOnlyFiles } from '../../../src/sftp/files/read-only.ts'
import { rootedFiles } from '../../../src/sftp/files/rooted-node.ts'
import { type Exception, oursAlways } from './exceptions.ts'
import { FilesSubject } from './files-subject.ts'
import { Model } from './model.ts'
import { type Operation, printed, randomFrom, someOperations, somePopulation, type Subject, type Taste } from './operations.ts'
import { clearPlace, deepBase, makePlace, virtualBase } from './places.ts'
import { explained } from './run.ts'

const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const root = user.uid === 0
/** What all files of ours do otherwise; some do more. */
const usual: ReadonlySet<Exception> = new Set(oursAlways)
const ofTheSystem: ReadonlySet<Exception> = new Set([...usual, 'real-path-of-the-system'])
const underARoot: ReadonlySet<Exception> = new Set([...ofTheSystem, 'another-reason'])
/** Another one is another few hundred sequences. */
const seed = Number(process.env.NACRE_MODEL_SEED ?? 1)

const memory = (): Files => {
  const files = memoryFiles({ user })
  let path = ''
  for (const name of virtualBase.split('/').slice(1)) files.makeDirectory((path += `/${name}`), {})
  return files
}

const local = (): FilesSubject =>
  new FilesSubject('the disk', () => {
    const place = makePlace()
    return { files: localFiles(), base: place.base, clear: () => clearPlace(place) }
  })

const rooted = (): FilesSubject =>
  new FilesSubject('a folder as the root', () => {
    const place = makePlace()
    const files = rootedFiles(place.top)
    const clear = (): void => {
      files[Symbol.dispose]()
      clearPlace(place)
    }
    // Their own names are shorter, but the links that are compared by length lead through the same.
    mkdirSync(place.top + deepBase, { recursive: true, mode: 0o755 })
    return { files, base: deepBase, clear }
  })

interface Run {
  readonly base?: string
  readonly subject: Subject
  readonly count: number
  readonly taste: Taste
  readonly exceptions?: ReadonlySet<Exception>
}

const sequences = async ({ base = virtualBase, subject, count, taste, exceptions: allowed = usual }: Run): Promise<void> => {
  const model = new Model({ base, user, exceptions: allowed })
  try {
    for (let at = 0; at < count; at++) {
      const random = randomFrom(seed + at)
      const operations: Operation[] = [...somePopulation(random, 12, taste), ...someOperations(random, 60, taste)]
      const difference = await explained(model, subject, operations, seed + at)
      if (difference !== undefined) assert.fail(difference)
    }
  } finally {
    await subject.end()
  }
}

/** `below` happens before the overlay is there. */
const overlaid = async (below: readonly Operation[], above: readonly Operation[], seed: number): Promise<void> => {
  const subject = new FilesSubject('an overlay', async () => {
    const files = memory()
    const population = new FilesSubject('below', () => ({ files, base: virtualBase }))
    await population.reset()
    for (const operation of below) await population.perform(operation)
    return { files: overlayFiles(readOnlyFiles(files), memoryFiles({ user })), base: virtualBase }
  })
  const model = new Model({ base: virtualBase, user, exceptions: usual, first: below })
  const difference = await explained(model, subject, above, seed)
  if (difference !== undefined) assert.fail(`${difference}\nBelow there was:\n${printed(below)}`)
}

describe('random operations, as OpenSSH answers them', () => {
  for (const [often, oddness] of [
    ['now and then something is odd', 12],
    ['everything is odd', 50],
  ] as const) {
    const taste: Taste = { oddness, root, links: true }
    describe(often, () => {
      test('files in memory', () =>
        sequences({ subject: new FilesSubject('memory', () => ({ files: memory(), base: virtualBase })), count: 100, taste }))

      test('files of the machine', () => sequences({ base: deepBase, subject: local(), count: 20, taste, exceptions: ofTheSystem }))

      test('a folder of the machine as the root', () =>
        sequences({ base: deepBase, subject: rooted(), count: 20, taste, exceptions: underARoot }))

      test('an overlay over nothing', () => {
        const over = new FilesSubject('an overlay', () => ({ files: overlayFiles(memory(), memoryFiles({ user })), base: virtualBase }))
        return sequences({ subject: over, count: 30, taste })
      })

      test('an overlay over what is there', async () => {
        for (let at = 0; at < 60; at++) {
          const random = randomFrom(seed + at)
          const below = somePopulation(random, 30, taste)
          const above = someOperations(random, 60, taste)
          await overlaid(below, above, seed + at)
        }
      })
    })
  }
})
