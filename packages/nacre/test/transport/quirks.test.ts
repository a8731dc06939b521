// What is done differently for particular peers, and that all others are spared it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { awaitsAcknowledgement, habitsOf, mostDataFor, type Quirk, withoutExtensions } from '../../src/transport/quirks.ts'

const rows: readonly Quirk[] = [
  { matches: version => version.startsWith('Old_'), mostData: 500, withoutExtensions: ['ping@example.com'] },
  { matches: version => version === 'Old_1', mostData: 200, withoutExtensions: ['hostkeys@example.com'] },
  { matches: version => version === 'Old_2', mostData: 900 },
]

describe('a quirk', () => {
  it('keeps OpenSSH, of any version, to data of 32 KiB', () => {
    for (const version of ['OpenSSH_9.2p1', 'OpenSSH_10.5', 'OpenSSH_for_Windows_9.5']) assert.equal(mostDataFor(version), 32 * 1024)
  })

  it('is not held against others', () => {
    for (const version of ['nacre_0.1', 'Go', 'AsyncSSH_2.10.1', 'dropbear_2022.83', 'NotOpenSSH', ''])
      assert.equal(mostDataFor(version), Number.POSITIVE_INFINITY)
  })

  it('says of OpenSSH, and of nobody else, that it waits for acknowledgements', () => {
    assert.equal(awaitsAcknowledgement('OpenSSH_9.2p1'), true)
    for (const version of ['nacre_0.1', 'Go', 'NotOpenSSH', '']) assert.equal(awaitsAcknowledgement(version), false)
  })

  it('holds from the moment the version is known', () => {
    let version = ''
    const { maxIncoming, awaitsAcknowledgement: awaits } = habitsOf(() => version)
    assert.deepEqual([maxIncoming(), awaits()], [Number.POSITIVE_INFINITY, false])
    version = 'OpenSSH_10.5'
    assert.deepEqual([maxIncoming(), awaits()], [32 * 1024, true])
  })

  it('counts with all others of the same peer: the smallest size, and every extension', () => {
    assert.equal(mostDataFor('Old_1', rows), 200)
    assert.equal(mostDataFor('Old_2', rows), 500)
    assert.equal(mostDataFor('New_1', rows), Number.POSITIVE_INFINITY)
    assert.deepEqual([...withoutExtensions('Old_1', rows)], ['ping@example.com', 'hostkeys@example.com'])
    assert.equal(withoutExtensions('New_1', rows).size, 0)
  })
})
