// Requests as OpenSSH's ssh-add sends them: read as what they mean, and written the same to the byte.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { type Destination, keyConstraints } from '../../src/agent/constraints.ts'
import {
  AddIdConstrained,
  AddIdentity,
  AddSmartcardKey,
  AddSmartcardKeyConstrained,
  type AgentMessage,
  agentMessages,
  decodeAgentMessage,
  encodeAgentMessage,
  Lock,
  RemoveIdentity,
} from '../../src/agent/messages.ts'
import { WireError } from '../../src/errors.ts'
import { decode, encode } from '../../src/wire/codec.ts'
import { Writer } from '../../src/wire/writer.ts'
import { base64, privateKey, publicKey } from '../keys/fixtures.ts'
import { certified, here, host, identity, way } from './rig.ts'

const rows = (
  JSON.parse(readFileSync(new URL('../vectors/agent/requests.json', import.meta.url), 'utf8')) as { what: string; request: string }[]
).map(({ what, request }) => ({ what, payload: base64(request) }))
const named = (what: string): Uint8Array[] => rows.filter(row => row.what === what).map(row => row.payload)

describe('requests of ssh-add', () => {
  for (const { what, payload } of rows)
    test(`${what}, ${payload.length} bytes, is written as it was read`, () => {
      const message = agentMessages.find(each => each.number === payload[0]) as AgentMessage<unknown> | undefined
      assert.ok(message !== undefined)
      const written = encodeAgentMessage(message, decodeAgentMessage(message, payload))
      assert.deepEqual(written.subarray(4), payload)
    })

  test('keys come with their certificates', () => {
    for (const what of ['ed25519', 'ecdsa256', 'ecdsa521', 'rsa2048']) {
      const [plain, certificate] = named(what).map(payload => decodeAgentMessage(AddIdentity, payload))
      assert.equal(plain.comment, `${what} key`)
      assert.equal(plain.identity.certificate, undefined)
      assert.equal(certificate.identity.certificate?.keyId, what)
      assert.ok(certificate.identity.key.publicKey.equals(plain.identity.key.publicKey))
    }
  })

  test('constraints are what was asked for', () => {
    const constraints = (what: string) => decodeAgentMessage(AddIdConstrained, named(what)[0]).constraints
    assert.deepEqual(constraints('lifetime'), { lifetime: 3600 })
    assert.deepEqual(constraints('confirm'), { confirm: true })
    const { destinations = [] } = constraints('destinations')
    const places = destinations.map(({ from, to }) => `${from.host}(${from.keys.length})>${to.user}@${to.host}(${to.keys.length})`)
    assert.deepEqual(places, ['(0)>@hop(1)', 'hop(1)>user@far(2)'])
    assert.deepEqual(
      destinations[1].to.keys.map(each => each.authority),
      [false, true],
    )
    assert.deepEqual(Object.keys(constraints('all')).toSorted(), ['confirm', 'destinations', 'lifetime'])
  })

  test('other requests, too', () => {
    assert.equal(decodeAgentMessage(RemoveIdentity, named('remove')[0]).publicKey.length, 51)
    assert.deepEqual(decodeAgentMessage(Lock, named('lock')[0]).passphrase, new TextEncoder().encode('secret'))
    assert.deepEqual(decodeAgentMessage(AddSmartcardKey, named('card')[0]), { reader: '/usr/lib/library.so', pin: '1234' })
    assert.equal(decodeAgentMessage(AddSmartcardKeyConstrained, named('card with constraints')[0]).constraints.lifetime, 60)
  })
})

describe('a key in a request', () => {
  const written = (value: Parameters<typeof AddIdentity.write>[1]): Uint8Array => encodeAgentMessage(AddIdentity, value).subarray(4)

  test('of every type comes back as itself, alone and certified', async () => {
    for (const name of ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048', 'dsa']) {
      const plain = decodeAgentMessage(AddIdentity, written({ identity: identity(name), comment: name }))
      assert.deepEqual(plain.identity.key.revealNumbers(), privateKey(name).revealNumbers())
      if (name === 'dsa') continue
      const certificate = await certified(name)
      const both = decodeAgentMessage(AddIdentity, written({ identity: { key: privateKey(name), certificate }, comment: name }))
      assert.deepEqual(both.identity.key.revealNumbers(), privateKey(name).revealNumbers())
      assert.deepEqual(both.identity.certificate?.blob, certificate.blob)
    }
  })

  test('beside a certificate of another key, or of another type than it says, is refused', async () => {
    const certificate = await certified('ed25519')
    const other = await certified('ecdsa256')
    const request = written({ identity: { key: privateKey('ed25519'), certificate }, comment: '' })
    const writer = new Writer()
    writer.byte(AddIdentity.number)
    writer.text(other.type)
    writer.string(certificate.blob)
    writer.fixed(request.subarray(request.length - 4 - 68 - 36))
    assert.throws(() => decodeAgentMessage(AddIdentity, writer.written()), WireError)
    const wrong = new Writer()
    wrong.byte(AddIdentity.number)
    wrong.text(certificate.type)
    wrong.string((await certified('ed25519')).blob)
    const fields = encodeAgentMessage(AddIdentity, { identity: identity('ed25519'), comment: '' }).slice(4 + 1 + 4 + 11)
    fields[4] ^= 1
    fields[4 + 32 + 4 + 32] ^= 1
    wrong.fixed(fields)
    assert.throws(() => decodeAgentMessage(AddIdentity, wrong.written()), WireError)
  })
})

describe('constraints', () => {
  const read = (bytes: Uint8Array) => decode(keyConstraints, bytes)
  const ext = (name: string, ...rest: readonly number[]): Uint8Array => {
    const writer = new Writer()
    writer.byte(255)
    writer.text(name)
    writer.fixed(Uint8Array.from(rest))
    return writer.written().slice()
  }

  test('all at once come back as they were', () => {
    const all = {
      lifetime: 7,
      confirm: true,
      skProvider: 'internal',
      destinations: [way(here, host('hop', 'ecdsa256', 'ann')), way(host('hop', 'ecdsa256'), host('far', 'ed25519'))],
      associatedCertificates: { certificatesOnly: true, certificates: [publicKey('ed25519').blob] },
    }
    assert.deepEqual(read(encode(keyConstraints, all)), all)
  })

  test('that are not known, or there twice, are refused: nobody would keep to them', () => {
    assert.throws(() => read(Uint8Array.of(3)), WireError)
    assert.throws(() => read(ext('stay-at-home@example.org')), WireError)
    assert.throws(() => read(Uint8Array.of(2, 2)), WireError)
    assert.throws(() => read(Uint8Array.of(1, 0, 0, 0, 1, 1, 0, 0, 0, 2)), WireError)
    assert.throws(() => read(Uint8Array.of(...ext('sk-provider@openssh.com', 0, 0, 0, 0), ...ext('sk-provider@openssh.com', 0, 0, 0, 0))))
  })

  const refusedWay = (what: string, value: Destination): void =>
    void test(`${what} is no way`, () => {
      assert.throws(() => read(encode(keyConstraints, { destinations: [value] })), WireError)
    })
  refusedWay('one to nowhere', way(here, here))
  refusedWay('one to a host without keys', way(here, { ...here, host: 'hop' }))
  refusedWay('one from a host without keys', way({ ...here, host: 'hop' }, host('far', 'ed25519')))
  refusedWay('one from keys without a host', way({ ...host('hop', 'ed25519'), host: '' }, host('far', 'ed25519')))
  refusedWay('one from a user', way({ ...host('hop', 'ed25519'), user: 'ann' }, host('far', 'ed25519')))
  refusedWay('one to a pattern of users without end', way(here, host('hop', 'ed25519', 'a'.repeat(257))))

  test('more than a thousand ways are too many', () => {
    const one = way(here, host('hop', 'ed25519'))
    const many = (count: number) => encode(keyConstraints, { destinations: Array.from({ length: count }, () => one) })
    assert.equal(read(many(1024)).destinations?.length, 1024)
    assert.throws(() => read(many(1025)), WireError)
  })
})
