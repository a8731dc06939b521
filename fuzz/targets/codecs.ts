// Owns the targets for everything that is declared as a codec: messages, details of requests and channels, keys, signatures,
// agent messages, terminal modes. What is read is written the same again, and nothing but WireError is thrown.
import assert from 'node:assert/strict'
import { agentMessages as allAgentMessages } from '../../packages/nacre/src/agent/messages.ts'
import { keyTypes, signatureAlgorithms } from '../../packages/nacre/src/algorithms/signature/table.ts'
import { channelTypes } from '../../packages/nacre/src/connection/channel-types/table.ts'
import { globalRequests } from '../../packages/nacre/src/connection/global-requests/table.ts'
import { channelRequests } from '../../packages/nacre/src/connection/requests/table.ts'
import { terminalModes } from '../../packages/nacre/src/connection/terminal-modes.ts'
import type { PublicKeyNumbers } from '../../packages/nacre/src/crypto/provider.ts'
import { WireError } from '../../packages/nacre/src/errors.ts'
import { parsePublicKey, sameBlob } from '../../packages/nacre/src/keys/public.ts'
import { PrivateKey } from '../../packages/nacre/src/keys/private.ts'
import { readExtensionInfo } from '../../packages/nacre/src/transport/extension-info.ts'
import { type Codec, decode, encode, text } from '../../packages/nacre/src/wire/codec.ts'
import type { Message } from '../../packages/nacre/src/wire/message.ts'
import { messages } from '../rig/messages.ts'
import { invented, spansOf, withOtherField } from '../rig/shape.ts'
import { choose, type Note, type Target, unlessRefused } from '../rig/target.ts'
import { algorithmNames, wireNames } from '../rig/words.ts'
import { keyBlobs } from '../rig/vectors.ts'

const validUtf8 = (bytes: Uint8Array): boolean =>
  sameBlob(bytes, new TextEncoder().encode(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)))

/** Some values can be written in several ways: true as any number but 0, text for people that was no UTF-8, lists that end in a comma. */
const isCanonical = (codec: Codec<unknown>, bytes: Uint8Array): boolean =>
  spansOf(codec, bytes).every(({ kind, from, to }) => {
    if (kind === 'boolean') return bytes[from] <= 1
    if (kind === 'text') return bytes[to - 1] !== 0x2c
    return kind !== 'string' || validUtf8(bytes.subarray(from + 4, to))
  })

/** What `codec` makes of the bytes, after all that must hold for it has been checked. */
const checkCodec = <T>(codec: Codec<T>, bytes: Uint8Array, canonical: boolean): { readonly value: T } | undefined => {
  let value: T
  try {
    value = decode(codec, bytes)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
  const written = encode(codec, value)
  const again = decode(codec, written)
  assert.deepEqual(again, value, 'what was written is read as something else')
  assert.ok(sameBlob(encode(codec, again), written), 'the same value is written in two ways')
  if (canonical && !sameBlob(written, bytes) && isCanonical(codec, bytes))
    assert.fail(`written in another way than it was read: ${Buffer.from(written).toString('hex')}`)
  return { value }
}

export interface Choice<T = unknown> {
  readonly name: string
  readonly codec: Codec<T>
  /** False where one value can be written in several ways. */
  readonly canonical?: boolean
  readonly more?: (value: T, note: Note) => void
}
const choice = <T>(each: Choice<T>): Choice => each as Choice

/** A target that chooses one of several codecs by its first byte. */
export const chosenCodec = (
  name: string,
  about: string,
  choices: readonly Choice[],
  words: readonly string[],
  seeds: () => readonly Uint8Array[] = () => [],
): Target => ({
  name,
  about,
  words,
  seeds: () => [...seeds(), ...choices.map((_, index) => Uint8Array.of(index))],
  generate: random => {
    const index = random.below(choices.length)
    return Uint8Array.of(index, ...invented(choices[index].codec, random, words))
  },
  mutate: (input, random) =>
    Uint8Array.of(input[0] ?? 0, ...withOtherField(choose(input, choices).chosen.codec, input.subarray(1), random, words)),
  run: (input, note) => {
    const { chosen, rest } = choose(input, choices)
    const read = checkCodec(chosen.codec, rest, chosen.canonical ?? true)
    if (read === undefined) return
    note(chosen.name)
    chosen.more?.(read.value, note)
  },
})

const byNumber = new Map<number, Message[]>()
for (const each of messages) byNumber.set(each.number, [...(byNumber.get(each.number) ?? []), each])

const messageCodecs: Target = {
  name: 'messages',
  about: 'payloads, read by every declaration with their number: read and written the same',
  words: wireNames,
  seeds: () => messages.map(each => Uint8Array.of(each.number)),
  generate: random => {
    const message = random.pick(messages)
    return Uint8Array.of(message.number, ...invented(message, random, wireNames))
  },
  mutate: (input, random) => {
    const fitting = byNumber.get(input[0])
    if (fitting === undefined) return Uint8Array.of(random.pick(messages).number, ...input.subarray(1))
    return Uint8Array.of(input[0], ...withOtherField(random.pick(fitting), input.subarray(1), random, wireNames))
  },
  run: (input, note) => {
    for (const message of byNumber.get(input[0]) ?? []) if (checkCodec(message, input.subarray(1), true) !== undefined) note(message.name)
  },
}

const details: readonly Choice[] = [...channelRequests, ...globalRequests, ...channelTypes].map(row => ({
  name: row.name,
  codec: row.codec as Codec<unknown>,
  canonical: row.name !== 'pty-req',
}))

const keyFields: readonly Choice[] = keyTypes.flatMap(row => [
  { name: `${row.name} public`, codec: row.publicFields as Codec<unknown> },
  choice({ name: `${row.name} private`, codec: row.privateFields, more: numbers => void new PrivateKey(numbers).publicKey.fingerprint() }),
])

/** Constraints come in any order, and are written in one. */
const agentMessages: readonly Choice[] = allAgentMessages.map(each => ({
  name: each.name,
  codec: each as Codec<unknown>,
  canonical: !each.name.endsWith('CONSTRAINED'),
}))

const publicKeyBlob: Target = {
  name: 'public-key-blob',
  about: 'key blobs as peers send them: refused by WireError, or kept byte for byte',
  words: algorithmNames,
  seeds: keyBlobs,
  generate: random => {
    const row = random.pick(keyTypes)
    return encode({ read: row.publicFields.read, write: writer => writer.text(row.name) }, undefined as unknown as PublicKeyNumbers)
  },
  run: (input, note) => {
    const key = unlessRefused(() => parsePublicKey(input), note)
    if (key === undefined) return
    note(`${key.numbers?.kind ?? 'unknown'} ${key.bits > 0}`)
    assert.ok(sameBlob(key.blob, input))
    const name = encode(text, key.type)
    assert.ok(sameBlob(key.blob.subarray(0, name.length), name), 'a type that does not stand in the blob')
    assert.ok(key.equals(parsePublicKey(key.blob)))
    assert.match(key.fingerprint(), /^SHA256:[A-Za-z0-9+/]{43}$/)
  },
}

const numbersByKeyType = new Map<string, PublicKeyNumbers>()
for (const blob of keyBlobs()) {
  const key = parsePublicKey(blob)
  if (key.numbers !== undefined) numbersByKeyType.set(key.type, key.numbers)
}

const plainSignatures = signatureAlgorithms.filter(row => 'decodeSignature' in row)

const signatures: Target = {
  name: 'signatures',
  about: 'the inner part of signature blobs: refused by WireError, or the same again after a round through the raw form',
  seeds: () => plainSignatures.map((_, index) => Uint8Array.of(index, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1)),
  run: (input, note) => {
    const { chosen: row, rest } = choose(input, plainSignatures)
    const numbers = numbersByKeyType.get(row.keyType)
    assert.ok(numbers !== undefined)
    const raw = unlessRefused(() => row.decodeSignature(rest, numbers), note)
    if (raw === undefined) return
    note(row.name)
    assert.ok(sameBlob(row.decodeSignature(row.encodeSignature(raw), numbers), raw))
  },
}

const extensionInfo: Target = {
  name: 'extension-info',
  about: 'the content of EXT_INFO: refused, or what we know of it',
  words: [
    'server-sig-algs',
    'ping@openssh.com',
    'publickey-hostbound@openssh.com',
    'ext-info-in-auth@openssh.com',
    'ssh-ed25519,rsa-sha2-256',
  ],
  seeds: () => [Uint8Array.of(0, 0, 0, 0), Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0x61, 0, 0, 0, 1, 0x62)],
  run: (input, note) => {
    const read = unlessRefused(() => readExtensionInfo(input), note)
    if (read !== undefined)
      note(`${read.ping} ${read.hostBound} ${read.duringAuthentication} ${read.serverSignatureAlgorithms !== undefined}`)
  },
}

export const codecTargets: readonly Target[] = [
  messageCodecs,
  chosenCodec('details', 'details of requests and channels, by the row the first byte says', details, wireNames),
  chosenCodec('key-fields', 'public and private fields of every key type', keyFields, ['nistp256', 'nistp384', 'nistp521']),
  chosenCodec('agent-messages', 'every message between an agent and its clients', agentMessages, algorithmNames),
  chosenCodec(
    'terminal-modes',
    'encoded terminal modes',
    [{ name: 'modes', codec: terminalModes as Codec<unknown>, canonical: false }],
    [],
    () => [Uint8Array.of(0, 0, 0, 0, 11, 3, 0, 0, 0, 3, 128, 0, 0, 150, 0, 0)],
  ),
  publicKeyBlob,
  signatures,
  extensionInfo,
]
