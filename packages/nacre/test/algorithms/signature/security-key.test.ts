// The blobs of keys in security keys (PROTOCOL.u2f): fields there and back, and what is no such key.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  skEcdsaNistp256,
  skEcdsaNistp256Key,
  skEd25519,
  skEd25519Key,
  webauthnSkEcdsaNistp256,
} from '../../../src/algorithms/signature/security-key.ts'
import { algorithmsOfKeyType } from '../../../src/algorithms/signature/table.ts'
import { WireError } from '../../../src/errors.ts'
import { bytes, decode, encode, struct, text } from '../../../src/wire/codec.ts'

const point = Uint8Array.of(4, ...new Uint8Array(64).fill(9))
const ed = { kind: 'sk-ed25519', publicKey: new Uint8Array(32).fill(7), application: 'ssh:' } as const
const ec = { kind: 'sk-ecdsa', point, application: 'ssh:Käthe' } as const
const handle = { flags: 0x25, keyHandle: Uint8Array.of(1, 2, 3), reserved: Uint8Array.of(4) }

test('public and private fields go there and back', () => {
  assert.deepEqual(decode(skEd25519Key.publicFields, encode(skEd25519Key.publicFields, ed)), ed)
  assert.deepEqual(decode(skEcdsaNistp256Key.publicFields, encode(skEcdsaNistp256Key.publicFields, ec)), ec)
  assert.deepEqual(decode(skEd25519Key.privateFields, encode(skEd25519Key.privateFields, { ...ed, ...handle })), { ...ed, ...handle })
  assert.deepEqual(decode(skEcdsaNistp256Key.privateFields, encode(skEcdsaNistp256Key.privateFields, { ...ec, ...handle })), {
    ...ec,
    ...handle,
  })
})

test('a key of another size, another curve, or an application with a zero byte is none', () => {
  const edFields = struct({ key: bytes, application: text })
  for (const bad of [
    { key: new Uint8Array(31), application: 'ssh:' },
    { key: new Uint8Array(32), application: 'ssh:\0x' },
  ])
    assert.throws(() => decode(skEd25519Key.publicFields, encode(edFields, bad)), WireError)
  const ecFields = struct({ curve: text, point: bytes, application: text })
  for (const bad of [
    { curve: 'nistp384', point, application: 'ssh:' },
    { curve: 'nistp256', point: point.subarray(1), application: 'ssh:' },
    { curve: 'nistp256', point: Uint8Array.of(2, ...point.subarray(1)), application: 'ssh:' },
  ])
    assert.throws(() => decode(skEcdsaNistp256Key.publicFields, encode(ecFields, bad)), WireError)
})

test('numbers of another kind are not written', () => {
  assert.throws(() => encode(skEd25519Key.publicFields, ec), TypeError)
  assert.throws(() => encode(skEcdsaNistp256Key.publicFields, ed), TypeError)
})

test('they are in the default lists, no key here signs with them, and only browsers make the third', () => {
  for (const row of [skEd25519, skEcdsaNistp256, webauthnSkEcdsaNistp256]) {
    assert.equal(row.standing, 'default')
    assert.equal(row.sign, undefined)
  }
  for (const row of [skEd25519Key, skEcdsaNistp256Key]) assert.deepEqual([row.signingKey, row.generate], [undefined, undefined])
  assert.deepEqual(algorithmsOfKeyType('sk-ecdsa-sha2-nistp256@openssh.com'), ['sk-ecdsa-sha2-nistp256@openssh.com'])
})
