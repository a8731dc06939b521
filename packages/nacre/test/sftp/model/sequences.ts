// Runs the same seldom and random operations on the model and on files of one kind. For tests; each prints its seed.
import assert from 'node:assert/strict'
import type { Exception } from './exceptions.ts'
import { Model } from './model.ts'
import { type Operation, randomFrom, seldom, someOperations, somePopulation, type Subject, type Taste } from './operations.ts'
import { virtualBase } from './places.ts'
import { explained } from './run.ts'

export const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const root = user.uid === 0
/** Another one is another few hundred sequences. */
export const seed = Number(process.env.NACRE_MODEL_SEED ?? 1)

export const tastes: readonly (readonly [often: string, taste: Taste])[] = [
  ['now and then something is odd', { oddness: 12, root, links: true }],
  ['everything is odd', { oddness: 50, root, links: true }],
]

export interface Run {
  readonly base?: string
  readonly subject: Subject
  readonly count: number
  readonly taste: Taste
  readonly exceptions: ReadonlySet<Exception>
}

export const sequences = async ({ base = virtualBase, subject, count, taste, exceptions: allowed }: Run): Promise<void> => {
  const model = new Model({ base, user, exceptions: allowed })
  try {
    for (const operations of seldom) {
      const difference = await explained(model, subject, operations, 0)
      if (difference !== undefined) assert.fail(difference)
    }
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
