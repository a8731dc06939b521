// A race with somebody who swaps folders for links, links for folders and names for others while every operation runs in
// files that are not to be left. A careless reader of the same files does get out: the attack is a real one.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import type { RootedFilesOptions } from '../../../src/sftp/files/rooted-node.ts'
import { folderFor, quickDisk } from './on-disk.ts'
import { race } from './race.ts'

/** Rounds of all operations on all paths, and how many more the attack gets to prove that it is one. */
const least = 3
const most = 60

const settings: Readonly<Record<string, RootedFilesOptions>> = {
  'calls at once': {},
  'calls in the thread pool': { blocking: 'never' },
}

for (const [setting, options] of Object.entries(settings)) {
  test(`under attack nothing outside is read or changed: ${setting}`, async t => {
    const seed = randomInt(2 ** 31)
    const result = await race(
      folderFor(t, quickDisk),
      seed,
      options,
      ({ rounds, carelessEscapes }) => rounds >= least && (carelessEscapes > 0 || rounds >= most),
    )
    const told = `seed ${seed}: ${result.done} done, ${result.refused} refused, ${result.carelessEscapes} of ${result.carelessReads} careless reads got out`
    t.diagnostic(told)
    assert.deepEqual(result.escapes, [], told)
    assert.ok(result.done > 0 && result.refused > 0, told)
    // On one processor the two take turns, and an attack seldom falls between a look and the next step.
    if (result.carelessEscapes === 0 && availableParallelism() < 2) t.skip(`the attack was too weak here: ${told}`)
    else assert.ok(result.carelessEscapes > 0, `the attack was too weak: ${told}`)
  })
}
