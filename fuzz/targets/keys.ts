// Owns the targets for private key files in every form, and for signatures and agents: bytes below the armour, so that a
// search is not stopped by base64. Errors are typed, and a key that was read is written and read as the same key.
import assert from 'node:assert/strict'
import { AgentClient } from '../../packages/nacre/src/agent/client.ts'
import { agentSigners } from '../../packages/nacre/src/agent/signers.ts'
import type { CryptoProvider } from '../../packages/nacre/src/crypto/provider.ts'
import { defaultTables } from '../../packages/nacre/src/algorithms/tables.ts'
import { nodeCrypto } from '../../packages/nacre/src/crypto/node/provider.ts'
import { encodeBase64, decodeBase64 } from '../../packages/nacre/src/keys/base64.ts'
import { DerReader } from '../../packages/nacre/src/keys/formats/der.ts'
import { writeOpensshPrivateKey } from '../../packages/nacre/src/keys/formats/openssh.ts'
import type { KeyFileFormat } from '../../packages/nacre/src/keys/formats/table.ts'
import type { PrivateKey } from '../../packages/nacre/src/keys/private.ts'
import {
  loadPrivateKey,
  type PassphraseQuestion,
  readPrivateKey,
  readPublicPart,
  writePrivateKey,
} from '../../packages/nacre/src/keys/private-file.ts'
import { parsePublicKeyLine, type PublicKey, sameBlob } from '../../packages/nacre/src/keys/public.ts'
import { readPublicKeys, writePublicKey } from '../../packages/nacre/src/keys/public-file.ts'
import { verifySignature } from '../../packages/nacre/src/keys/verify.ts'
import { nullCrypto } from '../../packages/nacre/src/testing/null-crypto.ts'
import { bytes, decode, encode, struct, text } from '../../packages/nacre/src/wire/codec.ts'
import { WireError } from '../../packages/nacre/src/errors.ts'
import { invented, withOtherField } from '../rig/shape.ts'
import { choose, isRefusal, type Note, type Target, unlessRefused, utf8Bytes } from '../rig/target.ts'
import { keyBlobs, opensshKeyFiles, pemFiles, publicKeyLines } from '../rig/vectors.ts'
import { algorithmNames } from '../rig/words.ts'

/** Ciphers that do nothing, passphrases that all fit, and the real public half of a number. */
const openCrypto: CryptoProvider = { ...nullCrypto, publicHalf: nodeCrypto().publicHalf }
const passphrase = 'x'

const armoured = (label: string, content: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${encodeBase64(content)}\n-----END ${label}-----\n`
const content = (file: string): Uint8Array =>
  decodeBase64(file.replaceAll(/^.*(-----|:).*$/gm, '').replaceAll(/\s/g, '')) ?? new Uint8Array(0)

/** A key that could be read is one: it has a public half, and survives being written. */
const checkKey = (key: PrivateKey | undefined, note: Note): void => {
  if (key === undefined) return
  note(key.type)
  const again = readPrivateKey(openCrypto, writeOpensshPrivateKey(openCrypto, key))
  assert.ok(sameBlob(again.publicBlob, key.publicBlob))
  assert.deepEqual(again.revealNumbers(), key.revealNumbers())
  assert.equal(again.comment, key.comment)
}

/** What no passphrase is needed for, and then the same with one. */
const checkFile = async (file: string | Uint8Array, note: Note): Promise<void> => {
  const open = unlessRefused(() => readPrivateKey(openCrypto, file, { path: 'id' }), note)
  checkKey(open, note)
  const shown = unlessRefused(() => readPublicPart(file, { path: 'id' }), note)
  const asked: string[] = []
  const answer = ({ format, attempt }: PassphraseQuestion): string | undefined => {
    asked.push(format)
    return attempt === 1 ? passphrase : undefined
  }
  const key = await loadPrivateKey(openCrypto, file, { path: 'id', passphrase: answer }).catch((error: unknown) =>
    unlessRefused(
      () => {
        throw error
      },
      code => note(`with a passphrase ${code}`),
    ),
  )
  if (asked.length > 0) note(`asks for ${asked[0]}`)
  if (open !== undefined) assert.equal(asked.length, 0, 'a passphrase was asked for that was not needed')
  checkKey(key, note)
  if (key !== undefined && shown !== undefined) assert.ok(shown.equals(key.publicBlob))
}

const someKeys: readonly PrivateKey[] = [...opensshKeyFiles(), ...pemFiles()].flatMap(file => {
  const key = unlessRefused(
    () => readPrivateKey(openCrypto, file),
    () => {},
  )
  return key === undefined || key.revealNumbers().kind === 'dsa' ? [] : [key]
})

/** Files in `format`, as its writer makes them of the keys it has a form for. */
const filesIn = async (format: KeyFileFormat, options: { passphrase?: string; rounds?: number } = {}): Promise<readonly string[]> => {
  const texts = someKeys.map(key => writePrivateKey(openCrypto, key, { format, ...options }).catch(() => ''))
  return (await Promise.all(texts)).filter(text => text !== '')
}
const sealed = { passphrase, rounds: 1 }
const opensshFiles = [...opensshKeyFiles(), ...(await filesIn('openssh', sealed))]
const sealedPkcs8Files = await filesIn('pkcs8', sealed)
const puttyFiles = [...(await filesIn('ppk')), ...(await filesIn('ppk', sealed)), ...(await filesIn('ppk2', sealed))]
const jwkFiles = await filesIn('jwk')

const opensshKey: Target = {
  name: 'openssh-private-key',
  about: 'the bytes of openssh-key-v1 files, encrypted ones too (with a cipher that does nothing)',
  words: ['openssh-key-v1\0', 'none', 'bcrypt', 'aes256-ctr', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
  seeds: () => opensshFiles.map(content),
  run: (input, note) => checkFile(armoured('OPENSSH PRIVATE KEY', input), note),
}

const pemLabels = ['RSA PRIVATE KEY', 'EC PRIVATE KEY', 'DSA PRIVATE KEY', 'PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'] as const

const pemKey: Target = {
  name: 'pem-private-key',
  about: 'the DER of PKCS#1, SEC1, DSA and PKCS#8 keys, PKCS#8 encrypted too (with a cipher that does nothing)',
  seeds: () =>
    [...pemFiles(), ...sealedPkcs8Files].map(file =>
      Uint8Array.of(
        Math.max(
          0,
          pemLabels.findIndex(label => file.includes(`-----BEGIN ${label}-----`)),
        ),
        ...content(file),
      ),
    ),
  run: async (input, note) => {
    const { chosen, rest } = choose(input, pemLabels)
    await checkFile(armoured(chosen, rest), note)
  },
}

const keyFile: Target = {
  name: 'private-key-file',
  about: 'any text as a private key file: which form it has, its armour, its headers, the lines of PuTTY, JSON',
  words: [
    ...['OPENSSH', 'RSA', 'EC', 'DSA', 'ENCRYPTED'].flatMap(each => [
      `-----BEGIN ${each} PRIVATE KEY-----\n`,
      `\n-----END ${each} PRIVATE KEY-----\n`,
    ]),
    ...['Proc-Type: 4,ENCRYPTED\n', 'DEK-Info: AES-128-CBC,', 'DES-EDE3-CBC', '---- BEGIN SSH2 PUBLIC KEY ----\n', 'Comment: "x"\\\n'],
    ...['PuTTY-User-Key-File-2: ', 'PuTTY-User-Key-File-3: ', 'Encryption: none\n', 'Encryption: aes256-cbc\n', 'Comment: \n'],
    ...['Public-Lines: 1\n', 'Private-Lines: 1\n', 'Private-MAC: ', 'Key-Derivation: Argon2id\n', 'Argon2-Memory: 8192\n'],
    ...['Argon2-Passes: 1\n', 'Argon2-Parallelism: 1\n', 'Argon2-Salt: '],
    ...['"kty":"OKP"', '"kty":"EC"', '"kty":"RSA"', '"crv":"P-256"', '"crv":"Ed25519"', '"d":"', '"x":"', '"y":"', '"kid":"', '"keys":['],
    'SSH PRIVATE KEY FILE FORMAT 1.1\n',
  ],
  seeds: () => [...opensshKeyFiles(), ...pemFiles(), ...publicKeyLines(), ...puttyFiles, ...jwkFiles, ...sealedPkcs8Files].map(utf8Bytes),
  run: (input, note) => checkFile(input, note),
}

const puttyFields = struct({ type: text, comment: text, publicBlob: bytes, revealed: bytes })

/** The key that a file shows, and what stands under its Private-Lines. */
const puttyBlobs = (file: string): { readonly publicKey: PublicKey; readonly revealed: Uint8Array } => {
  const [publicKey] = readPublicKeys(file)
  const lines = /^Private-Lines: \d+\n([^:]*)\n/m.exec(file)?.[1] ?? ''
  return { publicKey, revealed: decodeBase64(lines.replaceAll(/\s/g, '')) ?? new Uint8Array(0) }
}

const publicForms = ['openssh', 'rfc4716', 'pem', 'pkcs8', 'jwk'] as const

const putty: Target = {
  name: 'putty-private-key',
  about: 'the two blobs of a PuTTY file, its type and its comment, with a MAC that always fits',
  words: algorithmNames,
  seeds: () =>
    puttyFiles.map(file => {
      const { publicKey, revealed } = puttyBlobs(file)
      return encode(puttyFields, { type: publicKey.type, comment: publicKey.comment, publicBlob: publicKey.blob, revealed })
    }),
  generate: random => invented(puttyFields, random, algorithmNames),
  mutate: (input, random) => withOtherField(puttyFields, input, random, algorithmNames),
  run: async (input, note) => {
    const fields = unlessRefused(() => decode(puttyFields, input), note)
    if (fields === undefined) return
    const { type, comment, publicBlob, revealed } = fields
    const block = (name: string, bytes: Uint8Array): string => `${name}: 1\n${encodeBase64(bytes)}`
    const head = `PuTTY-User-Key-File-3: ${type}\nEncryption: none\nComment: ${comment}\n`
    const lines = [block('Public-Lines', publicBlob), block('Private-Lines', revealed), `Private-MAC: ${'0'.repeat(64)}`]
    await checkFile(head + lines.join('\n'), note)
  },
}

const publicFile: Target = {
  name: 'public-key-file',
  about: 'any text as a file of public keys; those that could be read are written in each format and read as the same',
  words: [
    ...['RSA PUBLIC KEY', 'PUBLIC KEY'].flatMap(each => [`-----BEGIN ${each}-----\n`, `\n-----END ${each}-----\n`]),
    ...['---- BEGIN SSH2 PUBLIC KEY ----\n', '\n---- END SSH2 PUBLIC KEY ----\n', 'Comment: "', '\\\n', 'Subject: x\n'],
    ...['ssh-ed25519 AAAA', 'ssh-rsa AAAA', '{"kty":"OKP","crv":"Ed25519","x":"', '{"keys":['],
  ],
  seeds: () => {
    const keys = publicKeyLines().map(line => parsePublicKeyLine(line))
    const written = keys.flatMap(key =>
      publicForms
        .map(form =>
          unlessRefused(
            () => writePublicKey(key, form),
            () => {},
          ),
        )
        .filter(text => text !== undefined),
    )
    return [...written, ...jwkFiles, ...puttyFiles.slice(0, 2)].map(utf8Bytes)
  },
  run: (input, note) => {
    const keys = unlessRefused(() => readPublicKeys(input, { path: 'id.pub' }), note)
    if (keys === undefined) return
    assert.notEqual(keys.length, 0)
    for (const key of keys) {
      note(key.type)
      for (const form of publicForms) {
        const text = unlessRefused(() => writePublicKey(key, form), note)
        if (text === undefined) continue
        const [again] = readPublicKeys(text)
        assert.ok(again.equals(key), form)
        if (form === 'rfc4716') for (const line of text.split('\n')) assert.ok(utf8Bytes(line).length <= 72, line)
      }
    }
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

export const keyTargets: readonly Target[] = [opensshKey, pemKey, keyFile, putty, publicFile, der, verify, agentAnswers]
