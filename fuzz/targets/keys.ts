// Owns the targets for private key files in every form, and for signatures and agents: bytes below the armour, so that a
// search is not stopped by base64. Errors are typed, and a key that was read is written and read as the same key.
import assert from 'node:assert/strict'
import { AgentClient } from '../../packages/nacre/src/agent/client.ts'
import { agentSigners } from '../../packages/nacre/src/agent/signers.ts'
import { defaultTables } from '../../packages/nacre/src/algorithms/tables.ts'
import { nodeCrypto } from '../../packages/nacre/src/crypto/node/provider.ts'
import { encodeBase64, decodeBase64 } from '../../packages/nacre/src/keys/base64.ts'
import { DerReader } from '../../packages/nacre/src/keys/formats/der.ts'
import { writeOpensshPrivateKey } from '../../packages/nacre/src/keys/formats/openssh.ts'
import type { PrivateKey } from '../../packages/nacre/src/keys/private.ts'
import { readPrivateKey, readPublicPart } from '../../packages/nacre/src/keys/private-file.ts'
import { sameBlob } from '../../packages/nacre/src/keys/public.ts'
import { verifySignature } from '../../packages/nacre/src/keys/verify.ts'
import { nullCrypto } from '../../packages/nacre/src/testing/null-crypto.ts'
import { bytes, decode, encode, struct, text } from '../../packages/nacre/src/wire/codec.ts'
import { WireError } from '../../packages/nacre/src/errors.ts'
import { invented, withOtherField } from '../rig/shape.ts'
import { choose, isRefusal, type Note, type Target, textOf, unlessRefused, utf8Bytes } from '../rig/target.ts'
import { keyBlobs, opensshKeyFiles, pemFiles, publicKeyLines } from '../rig/vectors.ts'
import { algorithmNames } from '../rig/words.ts'

const armoured = (label: string, content: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${encodeBase64(content)}\n-----END ${label}-----\n`
const content = (file: string): Uint8Array =>
  decodeBase64(file.replaceAll(/^.*(-----|:).*$/gm, '').replaceAll(/\s/g, '')) ?? new Uint8Array(0)

/** A key that could be read is one: it has a public half, and survives being written. */
const checkKey = (key: PrivateKey | undefined, note: Note): void => {
  if (key === undefined) return
  note(key.type)
  const again = readPrivateKey(nullCrypto, writeOpensshPrivateKey(nullCrypto, key))
  assert.ok(sameBlob(again.publicBlob, key.publicBlob))
  assert.deepEqual(again.revealNumbers(), key.revealNumbers())
  assert.equal(again.comment, key.comment)
}

const opensshKey: Target = {
  name: 'openssh-private-key',
  about: 'the bytes of openssh-key-v1 files, encrypted ones too (with a cipher that does nothing)',
  words: ['openssh-key-v1\0', 'none', 'bcrypt', 'aes256-ctr', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
  seeds: () => {
    const plain = opensshKeyFiles().map(content)
    // The same with a cipher's name in place of "none", one round and some salt.
    const encrypted = plain.map(file => {
      const head = utf8Bytes('openssh-key-v1\0')
      const sealed = Uint8Array.of(
        ...head,
        0,
        0,
        0,
        10,
        ...utf8Bytes('aes256-ctr'),
        0,
        0,
        0,
        6,
        ...utf8Bytes('bcrypt'),
        0,
        0,
        0,
        9,
        0,
        0,
        0,
        1,
        7,
        0,
        0,
        0,
        1,
      )
      return Uint8Array.of(...sealed, ...file.subarray(head.length + 20))
    })
    return [...plain, ...encrypted.slice(0, 4)]
  },
  run: (input, note) => {
    const file = armoured('OPENSSH PRIVATE KEY', input)
    checkKey(
      unlessRefused(() => readPrivateKey(nullCrypto, file), note),
      note,
    )
    unlessRefused(() => readPublicPart(file), note)
    // An empty passphrase is refused after all else was checked, and before the slow hash.
    unlessRefused(
      () => readPrivateKey(nullCrypto, file, { passphrase: '' }),
      code => note(`with a passphrase ${code}`),
    )
  },
}

const pemLabels = ['RSA PRIVATE KEY', 'EC PRIVATE KEY', 'DSA PRIVATE KEY', 'PRIVATE KEY'] as const

const pemKey: Target = {
  name: 'pem-private-key',
  about: 'the DER of PKCS#1, SEC1, DSA and PKCS#8 keys',
  seeds: () =>
    pemFiles().map(file =>
      Uint8Array.of(
        Math.max(
          0,
          pemLabels.findIndex(label => file.includes(`-----BEGIN ${label}-----`)),
        ),
        ...content(file),
      ),
    ),
  run: (input, note) => {
    const { chosen, rest } = choose(input, pemLabels)
    checkKey(
      unlessRefused(() => readPrivateKey(nullCrypto, armoured(chosen, rest)), note),
      note,
    )
  },
}

const keyFile: Target = {
  name: 'private-key-file',
  about: 'any text as a private key file: which form it has, its armour, its headers',
  words: [
    ...['OPENSSH', 'RSA', 'EC', 'DSA', 'ENCRYPTED'].flatMap(each => [
      `-----BEGIN ${each} PRIVATE KEY-----\n`,
      `\n-----END ${each} PRIVATE KEY-----\n`,
    ]),
    ...[
      'Proc-Type: 4,ENCRYPTED\n',
      'PuTTY-User-Key-File-3: ',
      '---- BEGIN SSH2 PUBLIC KEY ----\n',
      'Comment: "x"\\\n',
      'SSH PRIVATE KEY FILE FORMAT 1.1\n',
    ],
  ],
  seeds: () => [...opensshKeyFiles(), ...pemFiles(), ...publicKeyLines()].map(utf8Bytes),
  run: (input, note) => {
    const file = textOf(input)
    const key = unlessRefused(() => readPrivateKey(nullCrypto, file, { path: 'id' }), note)
    checkKey(key, note)
    const shown = unlessRefused(() => readPublicPart(input, { path: 'id' }), note)
    if (key !== undefined && shown !== undefined) assert.ok(shown.equals(key.publicBlob))
  },
}

const der: Target = {
  name: 'der',
  about: 'DER elements: WireError, or views that lie within the input',
  seeds: () => pemFiles().map(content),
  run: input => {
    const walk = (reader: DerReader, depth: number): void => {
      while (!reader.atEnd) {
        const tag = reader.nextTag
        if (tag === 0x30 && depth < 20) walk(reader.sequence(), depth + 1)
        else if (tag === 0x02) assert.notEqual(reader.integer()[0], 0)
        else if (tag === 0x03) reader.bitString()
        else if (tag === 0x06) assert.match(reader.objectId(), /^[\d.]+$/)
        else assert.equal(reader.take(tag).buffer, input.buffer)
      }
      reader.finish()
    }
    try {
      walk(new DerReader(input), 0)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
    }
  },
}

const claim = struct({ publicKey: bytes, algorithm: text, signature: bytes })
const nodes = nodeCrypto()

const verify: Target = {
  name: 'verify-signature',
  about: "anybody's key and signature, by real cryptography: false, and no other answer",
  words: algorithmNames,
  seeds: () =>
    keyBlobs().flatMap(publicKey =>
      defaultTables.signatures.map(({ name }) =>
        encode(claim, {
          publicKey,
          algorithm: name,
          signature: encode(struct({ name: text, raw: bytes }), { name, raw: new Uint8Array(64).fill(1) }),
        }),
      ),
    ),
  generate: random => invented(claim, random, algorithmNames),
  mutate: (input, random) => withOtherField(claim, input, random, algorithmNames),
  run: (input, note) => {
    const read = unlessRefused(() => decode(claim, input), note)
    if (read !== undefined) assert.equal(verifySignature(nodes, defaultTables, { ...read, data: Uint8Array.of(1, 2, 3) }), false)
  },
}

const agentAnswers: Target = {
  name: 'agent-answers',
  about: 'whatever an agent answers, in pieces: keys, or an AgentError, and the same from then on',
  words: algorithmNames,
  seeds: () =>
    keyBlobs().map(blob => {
      const body = Uint8Array.of(
        12,
        0,
        0,
        0,
        1,
        blob.length >>> 24,
        blob.length >>> 16,
        blob.length >>> 8,
        blob.length,
        ...blob,
        0,
        0,
        0,
        1,
        0x63,
      )
      return Uint8Array.of(0, body.length >>> 24, body.length >>> 16, body.length >>> 8, body.length, ...body)
    }),
  run: async (input, note) => {
    let at = 1
    const size = 1 + ((input[0] ?? 0) % 200)
    let closed = false
    const agent = new AgentClient({
      write: () => {},
      read: () => {
        const piece = at < input.length ? input.slice(at, at + size) : undefined
        at += size
        return Promise.resolve(piece)
      },
      close: () => {
        closed = true
      },
    })
    try {
      const signers = await agentSigners(agent)
      note(`keys ${signers.length > 0}`)
      await agent.sign(new Uint8Array(1), new Uint8Array(1), 'ssh-ed25519')
    } catch (error) {
      if (!isRefusal(error)) throw error
      note(error.code)
      if (error.code !== 'AGENT_REFUSED') assert.ok(closed, 'an agent that talks nonsense is still connected')
    }
  },
}

export const keyTargets: readonly Target[] = [opensshKey, pemKey, keyFile, der, verify, agentAnswers]
