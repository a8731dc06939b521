// The ways of -h: hosts by the keys known of them.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { readWays } from '../../src/ssh-add/ways.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-ways-'))
after(() => rmSync(folder, { recursive: true }))
const key = (fill: string): string => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${fill.repeat(43)}`
const known = join(folder, 'known')
writeFileSync(
  known,
  [
    `hop,other ${key('A')}`,
    `hop ${key('B')}`,
    `@revoked hop ${key('C')}`,
    `@cert-authority *.example ${key('D')}`,
    `[far]:2222 ${key('E')}`,
    `hop ssh-unknown AAAA`,
  ].join('\n'),
)
const ways = (...texts: string[]) => readWays(texts, [known])
const shape = ({ user, host, keys }: { user: string; host: string; keys: readonly { authority: boolean }[] }): string =>
  `${user}@${host}:${keys.map(each => (each.authority ? 'authority' : 'key')).join(',')}`

describe('a way', () => {
  for (const [text, from, to] of [
    ['hop', '@:', '@hop:key,key'],
    ['HOP', '@:', '@HOP:key,key'],
    ['ann@hop', '@:', 'ann@hop:key,key'],
    ['ann@corp@hop', '@:', 'ann@corp@hop:key,key'],
    ['hop>ann*@web.example', '@hop:key,key', 'ann*@web.example:authority'],
    ['[far]:2222', '@:', '@[far]:2222:key'],
    ['[hop]', '@:', '@hop:key,key'],
  ] as const)
    test(text, () => {
      const [found] = ways(text)
      assert.deepEqual([shape(found.from), shape(found.to)], [from, to])
    })
  test('several keep their order; none is none', () => {
    assert.deepEqual(
      ways('other', 'hop').map(each => each.to.host),
      ['other', 'hop'],
    )
    assert.deepEqual(ways(), [])
  })
})

describe('refused are', () => {
  for (const [text, message] of [
    ['nowhere', /^No host keys found for destination "nowhere"$/],
    ['', /does not specify user or host/],
    ['hop>', /does not specify user or host/],
    ['ann@hop>other', /cannot specify user on 'from' host/],
  ] as const)
    test(`"${text}"`, () => {
      assert.throws(() => ways(text), { name: 'FatalError', message, exitCode: 255 })
    })
  test('all, where no file of known hosts is there', () => {
    assert.throws(() => readWays(['hop'], [join(folder, 'missing')]), /No host keys found/)
  })
})
