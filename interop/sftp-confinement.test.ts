// The race of `packages/nacre/test/sftp/files`, run for longer and with several attackers' orders: files in a folder are not left
// while somebody swaps what is in it, and a careless reader beside them is.
import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { folderFor, quickDisk } from '../packages/nacre/test/sftp/files/on-disk.ts'
import { race } from '../packages/nacre/test/sftp/files/race.ts'

const seconds = 5

for (const options of [{}, { blocking: 'never' }, { symlinks: 'refuse' }] as const) {
  test(`under attack for ${seconds} seconds nothing outside is read or changed: ${JSON.stringify(options)}`, async t => {
    const seed = randomInt(2 ** 31)
    const end = performance.now() + seconds * 1000
    const result = await race(
      folderFor(t, quickDisk),
      seed,
      options,
      // However slow the machine is, the attack gets the time to show that it is one.
      ({ rounds, carelessEscapes }) => performance.now() > end && (carelessEscapes > 0 || rounds > 500),
    )
    const told = `seed ${seed}: ${result.done} done, ${result.refused} refused, ${result.carelessEscapes} of ${result.carelessReads} careless reads got out`
    t.diagnostic(told)
    assert.deepEqual(result.escapes, [], told)
    assert.ok(result.carelessEscapes > 0, `the attack was too weak: ${told}`)
  })
}
