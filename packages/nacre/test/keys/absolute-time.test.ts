// Times as people write them in key files.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAbsoluteTime, parseAbsoluteTime } from '../../src/keys/absolute-time.ts'

test('local time, or UTC with Z or UTC behind it', () => {
  assert.equal(parseAbsoluteTime('20300102'), new Date(2030, 0, 2).getTime())
  assert.equal(parseAbsoluteTime('203001021530'), new Date(2030, 0, 2, 15, 30).getTime())
  assert.equal(parseAbsoluteTime('20300102153059'), new Date(2030, 0, 2, 15, 30, 59).getTime())
  for (const zone of ['Z', 'z', 'UTC', 'utc']) assert.equal(parseAbsoluteTime(`20300102153059${zone}`), Date.UTC(2030, 0, 2, 15, 30, 59))
  assert.equal(parseAbsoluteTime('20240229Z'), Date.UTC(2024, 1, 29))
})

test('no other form, and no date or hour that is none', () => {
  for (const text of [
    '',
    '2030',
    '2030010',
    '2030010215',
    '2030010215305',
    '2030-01-02',
    ' 20300102',
    '20300102 ',
    '20300102UT',
    '20300102+01',
  ])
    assert.equal(parseAbsoluteTime(text), undefined, text)
  for (const text of ['20301301', '20300001', '20300100', '20300132', '20230229', '203001022400', '203001022360', '20300102235960'])
    assert.equal(parseAbsoluteTime(text), undefined, text)
})

test('written in UTC, and read as the same', () => {
  const time = Date.UTC(2030, 11, 31, 23, 59, 58)
  assert.equal(formatAbsoluteTime(time), '20301231235958Z')
  assert.equal(parseAbsoluteTime(formatAbsoluteTime(time)), time)
})
