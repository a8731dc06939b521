// Groups of a moduli file: which lines count, and that a client which asks for a group gets one of them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { connectOver, credentials, insecureAcceptAnyHostKey, memoryPair, nodeRuntime } from 'nacre'
import { createServer, password } from 'nacre/server'
import { groupsIn } from '../../src/sshd/moduli.ts'
import { newKey } from './world.ts'

/** The 2048-bit group of RFC 3526 §3 (number 14). */
const p14 = BigInt(
  '0xFFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF',
)
const line = (modulus: bigint, options: { readonly type?: number; readonly tests?: number; readonly generator?: string } = {}): string =>
  `20260101000000 ${options.type ?? 2} ${options.tests ?? 6} 100 2047 ${options.generator ?? '2'} ${modulus.toString(16).toUpperCase()}`

describe('a line counts', () => {
  test('that has a tested safe prime of 2048 to 8192 bits', () => {
    const [group] = groupsIn(`# Time Type Tests Tries Size Generator Modulus\n${line(p14, { generator: '5' })}\n`)
    assert.equal(Buffer.from(group.p).toString('hex'), p14.toString(16))
    assert.deepEqual([...group.g], [5])
  })
  for (const [why, text] of [
    ['too small', line((1n << 1023n) | 1n)],
    ['too large', line((1n << 8192n) | 1n)],
    ['not a safe prime', line(p14, { type: 4 })],
    ['composite', line(p14, { tests: 7 })],
    ['not tested', line(p14, { tests: 0 })],
    ['no line of such a file', 'nonsense'],
  ])
    test(`not when it is ${why}`, () => assert.deepEqual(groupsIn(text), []))
})

test('of several of a size one is picked, and sizes come in order', () => {
  const larger = (1n << 3071n) | 1n
  const text = [line(larger), line(p14, { generator: '2' }), line(p14, { generator: '5' })].join('\n')
  const picked = [0, 1].map(pick => groupsIn(text, below => Math.min(pick, below - 1)).map(({ p, g }) => `${p.length * 8}/${g[0]}`))
  assert.deepEqual(picked, [
    ['2048/2', '3072/2'],
    ['2048/5', '3072/2'],
  ])
})

test('a client that asks for a group gets one of them, and nothing where there is none', async () => {
  const kex = 'diffie-hellman-group-exchange-sha256'
  const logIn = async (text: string): Promise<void> => {
    const server = createServer({
      hostKeys: [await newKey('host')],
      authenticate: password(() => ({})),
      session: {},
      diffieHellmanGroups: groupsIn(text),
      algorithms: { kex },
    })
    const [ours, theirs] = memoryPair()
    server.accept(theirs)
    const identities = credentials({ password: 'x' })
    try {
      const to = { user: 'ada', host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities, algorithms: { kex } }
      await (await connectOver(ours, to, nodeRuntime())).close()
    } finally {
      await server.close()
    }
  }
  // With generator 4 group 14 is another than the one that is there without a file.
  await logIn(line(p14, { generator: '4' }))
  await assert.rejects(logIn('# no groups'))
})
