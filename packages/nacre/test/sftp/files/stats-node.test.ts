// What Node says of a file as attributes: times to the nanosecond, on either side of 1970.
import assert from 'node:assert/strict'
import type { BigIntStats } from 'node:fs'
import { it } from 'node:test'
import { attributesOf } from '../../../src/sftp/files/stats-node.ts'

const at = (nanoseconds: bigint) =>
  attributesOf({
    mode: 0o100644n,
    size: 0n,
    uid: 0n,
    gid: 0n,
    nlink: 1n,
    blocks: 0n,
    atimeNs: 0n,
    mtimeNs: nanoseconds,
    ctimeNs: 0n,
    birthtimeNs: 0n,
  } as BigIntStats).modified

it('times are exact to the nanosecond, before 1970 and beyond 2038 too', () => {
  for (const seconds of [
    0,
    1,
    59,
    1_700_000_000,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    9_000_000_000,
    -1,
    -59,
    -(2 ** 31),
    -(2 ** 33),
  ])
    for (const nanoseconds of [0, 1, 128, 499_999_999, 999_999_872, 999_999_998, 999_999_999])
      assert.deepEqual(at(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)), { seconds, nanoseconds })
})
