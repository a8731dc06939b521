// Files that need no disk do what a model of OpenSSH's sftp-server does: the same answers, numbers and attributes to random
// operations, and the same tree in the end. That the model does what OpenSSH does is proved in `interop/sftp-model.test.ts`.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Files } from '../../../src/sftp/files.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { overlayFiles } from '../../../src/sftp/files/overlay.ts'
import { readOnlyFiles } from '../../../src/sftp/files/read-only.ts'
import { type Exception, exceptions, exceptionsOf } from './exceptions.ts'
import { FilesSubject } from './files-subject.ts'
import { Model } from './model.ts'
import { type Operation, printed, randomFrom, seldom, someOperations, somePopulation, type Taste } from './operations.ts'
import { virtualBase } from './places.ts'
import { explained } from './run.ts'
import { seed, sequences, tastes, user } from './sequences.ts'

const memory = (): Files => {
  const files = memoryFiles({ user })
  let path = ''
  for (const name of virtualBase.split('/').slice(1)) files.makeDirectory((path += `/${name}`), {})
  return files
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
  const model = new Model({ base: virtualBase, user, exceptions: exceptionsOf.overlay, first: below })
  const difference = await explained(model, subject, above, seed)
  if (difference !== undefined) assert.fail(`${difference}\nBelow there was:\n${printed(below)}`)
}

describe('random operations, as OpenSSH answers them', () => {
  for (const [often, taste] of tastes) {
    describe(often, () => {
      test('files in memory', () =>
        sequences({
          subject: new FilesSubject('memory', () => ({ files: memory(), base: virtualBase })),
          count: 100,
          taste,
          exceptions: exceptionsOf.memory,
        }))

      test('an overlay over nothing', () => {
        const over = new FilesSubject('an overlay', () => ({ files: overlayFiles(memory(), memoryFiles({ user })), base: virtualBase }))
        return sequences({ subject: over, count: 30, taste, exceptions: exceptionsOf.overlay })
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

test('every exception is one that makes a difference', async () => {
  const met = new Set<Exception>()
  const every = new Set(Object.keys(exceptions) as Exception[])
  const model = new Model({ base: virtualBase, user, exceptions: every, met: exception => met.add(exception) })
  const random = randomFrom(seed)
  const taste: Taste = { oddness: 30, root: true, links: true }
  for (const operations of [...seldom, ...Array.from({ length: 100 }, () => someOperations(random, 100, taste))]) {
    await model.reset()
    for (const operation of operations) await model.perform(operation)
  }
  assert.deepEqual([...met].toSorted(), [...every].toSorted())
})
