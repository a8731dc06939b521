// Keys of passphrases, over each provider: vectors that other programs made, and that the event loop goes on meanwhile.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Derivation } from '../../../src/crypto/derivation.ts'
import { providers } from './providers.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Made by Python's `hashlib` and its `bcrypt.kdf`; those of Argon2 stand in the tests of its reference implementation. */
const vectors: readonly [Derivation, string, string, number, string][] = [
  [{ kind: 'pbkdf2', hash: 'sha1', iterations: 4096 }, 'password', 'salt', 20, '4b007901b765489abead49d926f721d065a429c1'],
  [{ kind: 'pbkdf2', hash: 'sha224', iterations: 3 }, 'password', 'salt', 28, '947cf079cfc7f2016dcd7ec418840443edaabb90c496f98cabeec4bf'],
  [
    { kind: 'pbkdf2', hash: 'sha256', iterations: 3 },
    'password',
    'salt',
    32,
    'ad35240ac683febfaf3cd49d845473fbbbaa2437f5f82d5a415ae00ac76c6bfc',
  ],
  [
    { kind: 'pbkdf2', hash: 'sha384', iterations: 3 },
    'password',
    'salt',
    70,
    '1bfb451b6087e5d24eeffb57d7284448da95b581d35a1887d9a6e756af559b1fb4798a4529502f87cdf71f435d66d25e344483fb1f24ab37be82ed35c43762d01520cd6457ab',
  ],
  [
    { kind: 'pbkdf2', hash: 'sha512', iterations: 3 },
    'password',
    'salt',
    32,
    'b6b07cb2cebf4ad84468391a543824fccffe0e0769dbe6bddf10a65673c4b648',
  ],
  [
    { kind: 'scrypt', cost: 1024, blockSize: 8, parallelism: 16 },
    'password',
    'NaCl',
    64,
    'fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640',
  ],
  [
    { kind: 'scrypt', cost: 2, blockSize: 1, parallelism: 1 },
    'p',
    'salty',
    32,
    'cff7d2cef7438687d5d0e1a508bd3541502fa59ab9369113044f514afa52821f',
  ],
  [
    { kind: 'bcrypt', rounds: 1 },
    'correct horse',
    'sixteen bytes...',
    48,
    'dd5b8996fb0ed198205efa7c0dabbe5daeda67cb67f400f67c9c386358fdbfd288bbb0d0eb20d3e77168adf0e320fab4',
  ],
  [
    { kind: 'bcrypt', rounds: 3 },
    'correct horse',
    'sixteen bytes...',
    32,
    'ef6d8274e8f532e6d52a898f81493ce09ca33233ca1a747b17de06f95139ba9f',
  ],
  [
    { kind: 'bcrypt', rounds: 2 },
    'correct horse',
    'sixteen bytes...',
    100,
    '94d2d14eae81292ad1e6a14d77f57fcf2cf834e88d4c4daf7cd6339d76e9ea49f1531211d1e8b61838d05e820bb086a60c9ed74c472a966b584a336fe87801c9949859f8bebb467e9a10da9647950aba2b206569bbd3867bd5f5c9f8524ba6f3fb79f31e',
  ],
  [
    { kind: 'argon2i', memory: 256, passes: 2, parallelism: 1 },
    'password',
    'somesalt',
    32,
    '89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f',
  ],
  [
    { kind: 'argon2id', memory: 256, passes: 2, parallelism: 1 },
    'password',
    'somesalt',
    32,
    '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe',
  ],
]

/** Enough work for some slices or a thread. */
const long: readonly Derivation[] = [
  { kind: 'bcrypt', rounds: 8 },
  { kind: 'pbkdf2', hash: 'sha512', iterations: 60_000 },
  { kind: 'scrypt', cost: 8192, blockSize: 8, parallelism: 1 },
  { kind: 'argon2id', memory: 4096, passes: 2, parallelism: 1 },
]

for (const { crypto } of providers) {
  describe(`the ${crypto.name} provider`, () => {
    for (const [by, passphrase, salt, size, expected] of vectors)
      test(JSON.stringify(by), async () => {
        assert.equal(hex(await crypto.derive(by, utf8(passphrase), utf8(salt), size)), expected)
      })

    for (const by of long)
      test(`timers go off during ${by.kind}`, async () => {
        let turns = 0
        const ticking = setInterval(() => turns++, 0)
        await crypto.derive(by, utf8('passphrase'), utf8('some salt'), 48)
        clearInterval(ticking)
        assert.ok(turns > 1, `${turns} turns`)
      })

    test('bcrypt refuses what there is nothing to hash of', async () => {
      const by = { kind: 'bcrypt', rounds: 1 } as const
      for (const [passphrase, salt, size] of [
        ['', 'salt', 32],
        ['pass', '', 32],
        ['pass', 'salt', 0],
        ['pass', 'salt', 1025],
      ] as const)
        await assert.rejects(crypto.derive(by, utf8(passphrase), utf8(salt), size), RangeError)
      await assert.rejects(crypto.derive({ kind: 'bcrypt', rounds: 0 }, utf8('pass'), utf8('salt'), 32), RangeError)
    })
  })
}
