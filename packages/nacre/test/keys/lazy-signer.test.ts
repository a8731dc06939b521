// A signer whose key is fetched when it has to sign: once, only then, and what is known of it before.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { KeyFormatError } from '../../src/errors.ts'
import { lazySigner } from '../../src/keys/lazy-signer.ts'
import { parsePublicKey, parsePublicKeyLine } from '../../src/keys/public.ts'
import { createSigner, type Signer } from '../../src/keys/signer.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { encode, struct, text } from '../../src/wire/codec.ts'
import { crypto, privateKey, publicKey } from './fixtures.ts'
import { securityKeys } from './key-types.ts'

const data = new TextEncoder().encode('what is signed')
const tables = { signatures: signatureAlgorithms, keyTypes }

/** How often it was opened, and what comes of it. */
const counted = (make: () => Signer) => {
  let times = 0
  return {
    times: () => times,
    open: async () => {
      times++
      return make()
    },
  }
}
const opened = (name: string) => () => createSigner(crypto, privateKey(name), name)

test('it shows the same key and algorithms as the signer it becomes, and is slow', () => {
  for (const name of ['ed25519', 'ecdsa384', 'rsa2048']) {
    const lazy = lazySigner(publicKey(name), '/home/ada/.ssh/id', () => assert.fail('nobody has to sign'))
    const real = opened(name)()
    assert.deepEqual([lazy.algorithms, lazy.publicKey.blob], [real.algorithms, real.publicKey.blob])
    assert.deepEqual([lazy.slow, lazy.source], [true, '/home/ada/.ssh/id'])
  }
  const safe = signatureAlgorithms.filter(row => row.standing !== 'insecure')
  const lazy = lazySigner(publicKey('rsa2048'), '', () => assert.fail('nobody has to sign'), { algorithms: safe })
  assert.deepEqual(lazy.algorithms, ['rsa-sha2-512', 'rsa-sha2-256'])
})

test('it is opened by the first signature, and once, however many there are', async () => {
  const key = counted(opened('rsa2048'))
  const lazy = lazySigner(publicKey('rsa2048'), 'id', key.open)
  assert.equal(key.times(), 0)
  const signatures = await Promise.all(['rsa-sha2-512', 'rsa-sha2-256', 'rsa-sha2-512'].map(algorithm => lazy.sign(data, algorithm)))
  assert.equal(key.times(), 1)
  for (const [index, algorithm] of ['rsa-sha2-512', 'rsa-sha2-256', 'rsa-sha2-512'].entries()) {
    const claim = { publicKey: lazy.publicKey.blob, algorithm, data, signature: signatures[index] }
    assert.ok(verifySignature(crypto, tables, claim))
  }
})

test('a key that does not open rejects every signature, and is not tried again', async () => {
  const key = counted(() => {
    throw new KeyFormatError('KEY_PASSPHRASE_WRONG', 'no', 'id')
  })
  const lazy = lazySigner(publicKey('ed25519'), 'id', key.open)
  for (let i = 0; i < 3; i++) await assert.rejects(async () => lazy.sign(data, 'ssh-ed25519'), { code: 'KEY_PASSPHRASE_WRONG' })
  assert.equal(key.times(), 1)
})

test('another key than the one shown is refused, with both', async () => {
  const lazy = lazySigner(publicKey('ed25519'), 'id', counted(opened('ecdsa256')).open)
  const [shown, real] = [publicKey('ed25519'), publicKey('ecdsa256')].map(key => key.fingerprint())
  await assert.rejects(async () => lazy.sign(data, 'ssh-ed25519'), {
    code: 'KEY_MALFORMED',
    message: `The key of id is ${real}, and its public half beside it ${shown}.`,
  })
})

test('an algorithm of another kind of key is a mistake of the caller, for which nothing is opened', async () => {
  const key = counted(opened('ed25519'))
  const lazy = lazySigner(publicKey('ed25519'), 'id', key.open)
  await assert.rejects(async () => lazy.sign(data, 'rsa-sha2-512'), TypeError)
  assert.equal(key.times(), 0)
})

test('what could never sign is refused before it is opened', () => {
  const never = () => assert.fail('it was opened')
  assert.throws(() => lazySigner(publicKey('rsa1024'), 'old', never), {
    code: 'KEY_TOO_WEAK',
    message: 'The key of old has 1024 bits, and RSA keys need at least 2048, so it is not used. Make a new one: ssh-keygen -t ed25519',
  })
  assert.ok(lazySigner(publicKey('rsa1024'), 'old', never, { minimumRsaBits: 1024 }))
  assert.throws(() => lazySigner(parsePublicKeyLine(securityKeys.keys[0].public), 'token', never), {
    code: 'KEY_UNSUPPORTED',
    message: /^The key of token lies in a security key/,
  })
  const strange = parsePublicKey(encode(struct({ type: text }), { type: 'ssh-later' }))
  assert.throws(() => lazySigner(strange, 'later', never), {
    code: 'KEY_UNSUPPORTED',
    message: 'The key of later is of a type that is not known.',
  })
})
