// Whether single operations on a disk are done at once or by another thread.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPace } from '../../../src/sftp/files/pace-node.ts'
import { Haste } from '../../../src/sftp/transfer/haste-node.ts'

const which = (haste: Haste): string | Promise<string> =>
  haste.do(
    () => 'now',
    async () => 'later',
  )

test('a disk of this machine is asked at once, one that may be far away never', async () => {
  assert.equal(await which(new Haste(true)), 'now')
  assert.equal(await which(new Haste(false)), 'later')
})

test('a disk that keeps somebody waiting is left to another thread for a while', () => {
  const pace = createPace(() => 0)
  const haste = new Haste(true, pace)
  assert.equal(haste.hasty(1000), true)
  pace.took(1000, 1200)
  assert.equal(haste.hasty(1201), false)
  assert.equal(haste.hasty(1200 + 60_000), true)
})

test('one operation that took long because the machine is busy changes nothing', () => {
  let waited = 0
  const pace = createPace(() => waited)
  const haste = new Haste(true, pace)
  waited = 200
  pace.took(1000, 1200)
  assert.equal(haste.hasty(1201), true)
})
