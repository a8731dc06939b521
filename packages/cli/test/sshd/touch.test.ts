// Security keys at sshd: a touch is needed unless the line of the key says otherwise, a PIN where it is asked for, and the log
// says what was missing.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nodeCrypto } from 'nacre/crypto/node'
import { AuthenticationError } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import { createTestSecurityKey } from 'nacre/testing'
import { accountAt, authorize, configOf, temporaryFolder, world } from './world.ts'

interface Case {
  /** In front of the key. */
  readonly options?: string
  readonly config?: string
  readonly flags: number
  /** What the log says; nobody is let in then. */
  readonly refusal?: RegExp
}

const untouched = /refusing \S+-SK SHA256:\S+: nobody touched the security key, and no-touch-required does not stand with it/
const unverified = /the security key did not verify who used it \(PIN, finger\), and verify-required stands with it/

const cases: readonly Case[] = [
  { flags: 1 },
  { flags: 5 },
  { flags: 0, refusal: untouched },
  { flags: 4, refusal: untouched },
  { options: 'no-touch-required', flags: 0 },
  { options: 'no-touch-required,touch-required', flags: 0, refusal: untouched },
  { options: 'verify-required', flags: 5 },
  { options: 'verify-required', flags: 1, refusal: unverified },
  { options: 'verify-required,no-touch-required', flags: 4 },
  { config: 'PubkeyAuthOptions none', options: 'no-touch-required', flags: 0 },
  {
    config: 'PubkeyAuthOptions touch-required',
    options: 'no-touch-required',
    flags: 0,
    refusal: /nobody touched the security key, and PubkeyAuthOptions asks for it/,
  },
  {
    config: 'PubkeyAuthOptions verify-required',
    flags: 1,
    refusal: /did not verify who used it \(PIN, finger\), and PubkeyAuthOptions asks for it/,
  },
  { config: 'PubkeyAuthOptions verify-required touch-required', flags: 5 },
]

for (const kind of ['ed25519', 'ecdsa'] as const) {
  describe(`a security key with ${kind}`, () => {
    for (const { options = '', config = '', flags, refusal } of cases) {
      test(`${[options, config].join(' ').trim() || 'as usual'}, flags ${flags}: ${refusal === undefined ? 'let in' : 'refused'}`, async () => {
        using folder = temporaryFolder()
        const account = accountAt(folder.path)
        const token = await createTestSecurityKey(nodeCrypto(), { kind })
        token.flags = flags
        authorize(account, [`${options} ${formatPublicKeyLine(token.publicKey)}`.trim()])
        await using it = await world(account, { config })
        const login = it.logIn({ signers: [token] })
        if (refusal === undefined) {
          void (await login).close()
          assert.match(it.lines.join('\n'), /Accepted publickey for .* ssh2: (ED25519|ECDSA)-SK SHA256:/)
        } else {
          await assert.rejects(login, AuthenticationError)
          assert.match(it.lines.join('\n'), refusal)
        }
        assert.deepEqual(it.errors, [])
      })
    }
  })
}

test('a signature as browsers make it logs in too', async () => {
  using folder = temporaryFolder()
  const account = accountAt(folder.path)
  const token = await createTestSecurityKey(nodeCrypto(), { kind: 'ecdsa' })
  authorize(account, [formatPublicKeyLine(token.publicKey)])
  await using it = await world(account)
  const [, webauthn] = token.algorithms
  const page = { ...named(token), algorithms: [webauthn] }
  void (await it.logIn({ signers: [page] })).close()
  assert.match(it.lines.join('\n'), /Accepted publickey for .* ssh2: ECDSA-SK SHA256:/)

  function named({ publicKey, source, slow }: typeof token) {
    return { publicKey, source, slow, sign: (data: Uint8Array, algorithm: string) => token.sign(data, algorithm) }
  }
})

test('PubkeyAuthOptions takes its two words in any case and order, and no others', () => {
  const read = (value: string) => configOf(`PubkeyAuthOptions ${value}`).config.pubkeyAuthOptions
  assert.deepEqual(read('verify-required TOUCH-required'), ['touch-required', 'verify-required'])
  assert.deepEqual(read('none'), [])
  assert.deepEqual(configOf('').config.pubkeyAuthOptions, [])
  assert.throws(() => read('touch'), /PubkeyAuthOptions must be none, or touch-required and verify-required, not "touch"/)
})
