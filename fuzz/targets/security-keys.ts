// Owns the target for signatures of security keys and browsers: what is taken from them is what stands in them, whatever the
// arithmetic says, and with real arithmetic only what a token signed is right.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { defaultTables } from '../../packages/nacre/src/algorithms/tables.ts'
import { nodeCrypto } from '../../packages/nacre/src/crypto/node/provider.ts'
import type { CryptoProvider } from '../../packages/nacre/src/crypto/provider.ts'
import { parsePublicKeyLine } from '../../packages/nacre/src/keys/public.ts'
import { proveSignature } from '../../packages/nacre/src/keys/verify.ts'
import { byte, bytes, rest, struct, text, uint32 } from '../../packages/nacre/src/wire/codec.ts'
import { Reader } from '../../packages/nacre/src/wire/reader.ts'
import { invented, withOtherField } from '../rig/shape.ts'
import { choose, type Target } from '../rig/target.ts'
import { securityKeys } from '../rig/vectors.ts'
import { algorithmNames } from '../rig/words.ts'

const stored = securityKeys()
const data = Uint8Array.from(Buffer.from(stored.data, 'base64'))
const keys = stored.keys.map(each => ({ name: each.name, blob: parsePublicKeyLine(each.public).blob }))
const right = new Set(
  stored.signatures.filter(each => each.accepted).map(each => `${keys.findIndex(key => key.name === each.key)} ${each.signature}`),
)

const real = nodeCrypto()
/** Every signature is right: what is left to refuse is what surrounds it. */
const credulous: CryptoProvider = { ...real, verifyKey: () => ({ verify: () => true }) }

const shape = struct({ key: byte, algorithm: text, signature: bytes, flags: byte, counter: uint32, more: rest })
const pageShape = struct({
  key: byte,
  algorithm: text,
  signature: bytes,
  flags: byte,
  counter: uint32,
  origin: text,
  client: bytes,
  extensions: bytes,
})
const shapeOf = (input: Uint8Array) => (input[5] === 0x77 ? pageShape : shape)

/** The blob read once more, by other words. */
const reread = (blob: Uint8Array) => {
  const reader = new Reader(blob)
  const algorithm = reader.text()
  reader.string()
  const [flags, counter] = [reader.byte(), reader.uint32()]
  if (!algorithm.startsWith('webauthn-')) return { algorithm, flags, counter, origin: undefined, remaining: reader.remaining }
  const origin = reader.text()
  const client = Buffer.from(reader.string()).toString('latin1')
  const extensions = reader.string()
  const begin = `{"type":"webauthn.get","challenge":"${Buffer.from(data).toString('base64url')}","origin":"${Buffer.from(origin).toString('latin1')}"`
  assert.ok(client.startsWith(begin), 'a page that did not ask for this')
  assert.ok(!origin.includes('"'))
  assert.equal((flags & 0x80) !== 0, extensions.length > 0)
  assert.equal(flags & 0x40, 0)
  return { algorithm, flags, counter, origin, remaining: reader.remaining }
}

const securityKeySignatures: Target = {
  name: 'security-key-signatures',
  about: 'signatures of tokens and browsers: nothing is proven, or just what stands in them; by real arithmetic only what a token signed',
  words: [...algorithmNames, '{"type":"webauthn.get","challenge":"', 'https://ssh.example.org', '","origin":"'],
  // Of the spoilt ones some would be right again by one change.
  seeds: () =>
    stored.signatures
      .filter(each => each.accepted)
      .map(each =>
        Uint8Array.of(
          keys.findIndex(key => key.name === each.key),
          ...Buffer.from(each.signature, 'base64'),
        ),
      ),
  generate: random => Uint8Array.of(...invented(random.below(2) === 0 ? shape : pageShape, random, algorithmNames)),
  mutate: (input, random) => withOtherField(shapeOf(input), input, random, algorithmNames),
  run: (input, note) => {
    const { chosen: key, rest: signature } = choose(input, keys)
    for (const { name: algorithm } of defaultTables.signatures.filter(row => row.sign === undefined)) {
      const claim = { publicKey: key.blob, algorithm, data, signature }
      const proof = proveSignature(credulous, defaultTables, claim)
      if (proof !== undefined) {
        const { remaining, algorithm: named, ...said } = reread(signature)
        const { userPresent, userVerified, ...proven } = proof.securityKey ?? assert.fail('no word of a token')
        assert.deepEqual([remaining, named], [0, algorithm])
        assert.deepEqual(proven, said)
        assert.deepEqual([userPresent, userVerified], [said.flags % 2 === 1, said.flags % 8 >= 4])
        note(`${algorithm} ${said.flags & 0xc5}`)
      }
      const known = right.has(`${keys.indexOf(key)} ${Buffer.from(signature).toString('base64')}`)
      const truly = proveSignature(real, defaultTables, claim)
      if (truly !== undefined) assert.ok(known && proof !== undefined, 'right, and no token signed it')
    }
  },
}

export const securityKeyTargets: readonly Target[] = [securityKeySignatures]
