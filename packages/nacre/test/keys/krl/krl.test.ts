// Key revocation lists: those of ssh-keygen read, made again from the same text to the byte, and asked; and what is refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  emptyKrl,
  formatKrl,
  isKrl,
  isRevoked,
  type KeyRevocationList,
  parseKrl,
  parseRevocations,
  parseRevokedKeys,
  revocationByHash,
  revocationOf,
  reviseKrl,
  writeKrl,
} from '../../../src/keys/krl/index.ts'
import { parsePublicKeyLine, type PublicKey } from '../../../src/keys/public.ts'
import { Writer } from '../../../src/wire/writer.ts'
import { publicKey } from '../fixtures.ts'
import { krlVectors } from '../lists.ts'

const authorityOf = (line: string | null): PublicKey | 'any' => (line === null ? 'any' : parsePublicKeyLine(line))
const utf8 = new TextEncoder()

/** In local time, and the vectors are in UTC. */
const madeAt = /^# Generated at \d{8}T\d{6}$/m

test('the time a list was made is shown in local time', () => {
  const at = new Date(2031, 1, 3, 4, 5, 6)
  const shown = formatKrl({ ...emptyKrl, generated: BigInt(at.getTime() / 1000), comment: 'a\nb' })
  assert.equal(shown, '# KRL version 0\n# Generated at 20310203T040506\n# Comment: a\\x0ab\n\n')
  assert.match(formatKrl({ ...emptyKrl, generated: 2n ** 63n }), /^# Generated at <INVALID>$/m)
})

describe("ssh-keygen's lists", () => {
  for (const { title, authority, spec, generated, bytes, shown, asked } of krlVectors) {
    test(title, () => {
      const list = parseKrl(bytes)
      assert.deepEqual([list.version, list.generated, list.flags, list.comment], [7n, generated, 0n, ''])
      assert.equal(formatKrl(list).replace(madeAt, ''), shown.replace(madeAt, ''))
      assert.deepEqual(writeKrl(list), bytes, 'written again')
      const made = reviseKrl(emptyKrl, { add: parseRevocations(spec, { authority: authorityOf(authority) }), generated, version: 7n })
      assert.deepEqual(writeKrl(made), bytes, 'made from the same text')
      for (const { line, revoked } of asked) {
        const found = isRevoked(list, parsePublicKeyLine(line))
        assert.equal(found !== undefined, revoked, `${line.slice(0, 40)}… ${found?.reason}`)
      }
    })
  }
})

const ca = publicKey('ecdsa256')
const key = publicKey('ed25519')
/** Certificates of `key` by `ca`, by their serial; and one by another authority. */
const certificates = new Map(
  krlVectors[0].asked.slice(0, 6).map(({ line }, i) => [[0n, 9n, 10n, 20n, 21n, 'other'][i], parsePublicKeyLine(line)] as const),
)
const certificate = (serial: bigint | 'other'): PublicKey => {
  const found = certificates.get(serial)
  if (found === undefined) throw new Error(`no certificate ${serial}`)
  return found
}
const listOf = (text: string, authority: PublicKey | 'any' = ca): KeyRevocationList =>
  reviseKrl(emptyKrl, { add: parseRevocations(text, { authority }) })

describe('the entry that revokes', () => {
  test('a range, with its ends', () => {
    const list = listOf('serial: 10-20')
    assert.equal(isRevoked(list, certificate(9n)), undefined)
    for (const serial of [10n, 20n] as const) {
      const found = isRevoked(list, certificate(serial))
      assert.ok(found?.by === 'serial')
      assert.deepEqual(found.range, { from: 10n, to: 20n })
      assert.equal(found.reason, `The certificate "id ${serial}" (serial ${serial}) is revoked by its serial, which is among 10-20.`)
    }
    assert.equal(isRevoked(list, certificate(21n)), undefined)
    assert.equal(isRevoked(list, certificate('other')), undefined, 'another authority has a serial 10 too')
    assert.equal(isRevoked(list, key), undefined)
  })

  test('a key ID, of one authority or of any', () => {
    assert.equal(isRevoked(listOf('id: id 10'), certificate(10n))?.by, 'key-id')
    assert.equal(isRevoked(listOf('id: id 10'), certificate('other')), undefined)
    const any = isRevoked(listOf('id: id 10', 'any'), certificate('other'))
    assert.ok(any?.by === 'key-id' && any.authority === undefined)
    assert.equal(isRevoked(listOf('id: id 1', 'any'), certificate(10n)), undefined)
  })

  test('a plain key, and with it its certificates; an authority, and with it all it signed', () => {
    for (const [text, by] of [
      [`key: ${key}`, 'key'],
      [`${key}`, 'key'],
      [`sha1: ${key}`, 'sha1'],
      [`sha256: ${key}`, 'sha256'],
      [`hash: ${key.fingerprint()}`, 'sha256'],
    ] as const) {
      for (const each of [key, certificate(9n), certificate('other')])
        assert.deepEqual([isRevoked(listOf(text), each)?.by, isRevoked(listOf(text), each)?.what], [by, 'key'], text)
      assert.equal(isRevoked(listOf(text), ca), undefined)
    }
    const found = isRevoked(listOf(`sha256: ${ca}`), certificate(9n))
    assert.equal(found?.what, 'authority')
    assert.match(found.reason, /^The key of the authority that signed the certificate \(SHA256:\S+\) is revoked by its SHA-256 hash\.$/)
    assert.equal(isRevoked(listOf(`sha256: ${ca}`), certificate('other')), undefined)
  })

  test('a serial of zero is nobody’s, and cannot be revoked', () => {
    assert.equal(isRevoked(listOf('serial: 1-18446744073709551615'), certificate(0n)), undefined)
    assert.deepEqual(revocationOf(certificate(0n)), { is: 'key-id', authority: ca.withComment(''), keyId: 'id 0' })
    assert.throws(() => reviseKrl(emptyKrl, { add: [{ is: 'serials', authority: ca, from: 0n, to: 5n }] }), {
      code: 'KRL_ENTRY',
      message: /serial 0/,
    })
    assert.throws(() => reviseKrl(emptyKrl, { add: [{ is: 'serials', authority: ca, from: 6n, to: 5n }] }), {
      code: 'KRL_ENTRY',
      message: /6-5 ends before/,
    })
    assert.throws(() => reviseKrl(emptyKrl, { add: [{ is: 'sha256', hash: new Uint8Array(20) }] }), {
      code: 'KRL_MALFORMED',
      message: /20 bytes instead of 32/,
    })
    assert.throws(() => reviseKrl(emptyKrl, { add: [{ is: 'sha1', hash: new Uint8Array(32) }] }), {
      code: 'KRL_MALFORMED',
      message: /32 bytes instead of 20/,
    })
  })
})

test('a zero byte would cut a key ID or a comment short', () => {
  for (const change of [{ add: [{ is: 'key-id', authority: ca, keyId: 'a\0b' }] }, { comment: 'a\0' }] as const)
    assert.throws(() => reviseKrl(emptyKrl, change), { code: 'KRL_ENTRY', message: /cannot have a zero byte/ })
})

describe('adding to a list', () => {
  test('keeps what is there and counts the version up, and leaves the old value alone', () => {
    const first = reviseKrl(emptyKrl, { add: [revocationOf(key)], generated: 1000n, comment: 'ours' })
    const second = reviseKrl(first, { add: [revocationByHash(ca, 'sha256'), revocationOf(key)] })
    assert.deepEqual([first.version, second.version, second.generated, second.comment], [1n, 2n, 1000n, 'ours'])
    assert.deepEqual([first.sha256.length, second.sha256.length, second.keys.length], [0, 1, 1])
    assert.ok(isRevoked(second, key) !== undefined && isRevoked(second, ca) !== undefined)
    assert.deepEqual(parseKrl(writeKrl(second)), second)
  })

  test('a bitmap that nobody could read is written as several', () => {
    const many = Array.from(
      { length: 30_000 },
      (_, i) => ({ is: 'serials', authority: ca, from: BigInt(2 * i + 2), to: BigInt(2 * i + 2) }) as const,
    )
    const list = reviseKrl(emptyKrl, { add: many })
    const again = parseKrl(writeKrl(list))
    assert.equal(again.certificates[0].serials.size, 30_000)
    assert.deepEqual(Array.from(again.certificates[0].serials), Array.from(list.certificates[0].serials))
    assert.ok(writeKrl(list).length < 9000)
  })
})

describe('the text a list is made from', () => {
  test('comments, blanks, any case, hexadecimal and octal', () => {
    assert.deepEqual(parseRevocations('# x\n\n  SERIAL: 0x10 # y\r\nserial: 010\nId:\ta b \n', { authority: 'any' }), [
      { is: 'serials', authority: undefined, from: 16n, to: 16n },
      { is: 'serials', authority: undefined, from: 8n, to: 8n },
      { is: 'key-id', authority: undefined, keyId: 'a b' },
    ])
  })

  for (const [line, message] of [
    ['serial: 0', /serial 0 cannot be revoked/],
    ['serial: -5', /no serial from 1/],
    ['serial: 5-5', /5-5 ends before/],
    ['serial: 18446744073709551616', /no serial from 1/],
    ['serial: 1\u001b', /"1\\\\x1b" is no serial/],
    ['hash: SHA1:aaaa', /of the form SHA256:/],
    ['hash: SHA256:aaaa', /not that of 32 bytes/],
    ['key: x', /not a line of the form/],
    ['what is this', /says otherwise|not base64/],
  ] as const)
    test(`refused: ${JSON.stringify(line)}`, () => {
      assert.throws(
        () => parseRevocations(`\n${line}`, { authority: ca, path: 'spec' }),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'KRL_ENTRY')
          assert.match(error.message, /^spec line 2: /)
          assert.match(error.message, message)
          return true
        },
      )
    })

  test('serials and key IDs say nothing without an authority', () => {
    assert.throws(() => parseRevocations('serial: 5'), { message: 'line 1: to revoke by serial, say whose certificates are meant' })
    assert.throws(() => parseRevocations('id: 5'), { message: 'line 1: to revoke by key ID, say whose certificates are meant' })
  })
})

/** A list with these sections. */
const built = (...parts: readonly (readonly [number, Uint8Array])[]): Uint8Array => {
  const writer = new Writer()
  writer.fixed(writeKrl(emptyKrl))
  for (const [number, content] of parts) {
    writer.byte(number)
    writer.string(content)
  }
  return writer.written().slice()
}
const strings = (...each: readonly (Uint8Array | string)[]): Uint8Array => {
  const writer = new Writer()
  for (const one of each) writer.string(typeof one === 'string' ? utf8.encode(one) : one)
  return writer.written().slice()
}
const joined = (...each: readonly (Uint8Array | readonly number[])[]): Uint8Array => Uint8Array.from(each.flatMap(one => [...one]))
/** A section of certificates with one section in it. */
const ofCertificates = (number: number, content: Uint8Array): [number, Uint8Array] => [
  1,
  joined(strings(ca.blob, ''), [number], strings(content)),
]
const uint64 = (...values: readonly bigint[]): Uint8Array => {
  const writer = new Writer()
  for (const value of values) writer.uint64(value)
  return writer.written().slice()
}

describe('what a list may have', () => {
  test('extensions that need not be understood, empty sections, and a key of a type nobody knows', () => {
    const extension = joined(strings('x@example.org'), [0], strings('anything'))
    const list = parseKrl(
      built(
        [255, extension],
        ofCertificates(0x39, extension),
        [2, strings(strings('future@example.org'))],
        [1, strings(strings('future@example.org'), '')],
      ),
    )
    assert.deepEqual([list.certificates, list.keys.length], [[], 1])
  })

  test('a zero at the end of a key ID, as C has it', () => {
    assert.deepEqual(parseKrl(built(ofCertificates(0x23, strings('a\0')))).certificates[0].keyIds, [utf8.encode('a')])
  })

  const top = 0xffffffffffffffffn
  for (const [title, bytes, code, message] of [
    ['nothing', new Uint8Array(0), 'KRL_MALFORMED', /does not begin like one/],
    ['another magic', utf8.encode('SSHKRM\n\0'), 'KRL_MALFORMED', /does not begin like one/],
    ['a cut header', writeKrl(emptyKrl).subarray(0, 20), 'KRL_MALFORMED', /damaged/],
    ['format 2', writeKrl(emptyKrl).map((byte, i) => (i === 11 ? 2 : byte)), 'KRL_UNSUPPORTED', /format 2/],
    ['a section of an unknown type', built([7, new Uint8Array(0)]), 'KRL_UNSUPPORTED', /section of type 7/],
    [
      'a section of certificates of an unknown type',
      built(ofCertificates(0x24, new Uint8Array(0))),
      'KRL_UNSUPPORTED',
      /certificates of type 36/,
    ],
    [
      'a critical extension',
      built([255, joined(strings('x\u202e'), [1], strings(''))]),
      'KRL_UNSUPPORTED',
      /"x\\u\{202e\}", which has to be understood/,
    ],
    [
      'a critical extension of certificates',
      built(ofCertificates(0x39, joined(strings('x'), [1], strings('')))),
      'KRL_UNSUPPORTED',
      /has to be understood/,
    ],
    ['an extension with more behind it', built([255, joined(strings('x'), [0], strings(''), [1])]), 'KRL_MALFORMED', /left over/],
    ['a signature', built([4, strings('key')]), 'KRL_UNSUPPORTED', /signed within, which is not supported/],
    ['a serial 0', built(ofCertificates(0x20, uint64(0n))), 'KRL_ENTRY', /serial 0/],
    ['half a serial', built(ofCertificates(0x20, new Uint8Array(7))), 'KRL_MALFORMED', /damaged/],
    ['a range the wrong way', built(ofCertificates(0x21, uint64(5n, 4n))), 'KRL_ENTRY', /5-4/],
    ['two ranges in one section', built(ofCertificates(0x21, uint64(1n, 2n, 3n, 4n))), 'KRL_MALFORMED', /left over/],
    [
      'a bitmap that is negative',
      built(ofCertificates(0x22, joined(uint64(1n), strings(Uint8Array.of(0x80))))),
      'KRL_MALFORMED',
      /negative/,
    ],
    [
      'a bitmap above the highest serial',
      built(ofCertificates(0x22, joined(uint64(top), strings(Uint8Array.of(2))))),
      'KRL_MALFORMED',
      /more than 64 bits/,
    ],
    ['a bitmap with the serial 0', built(ofCertificates(0x22, joined(uint64(0n), strings(Uint8Array.of(1))))), 'KRL_ENTRY', /serial 0/],
    [
      'a huge bitmap',
      built(ofCertificates(0x22, joined(uint64(1n), strings(new Uint8Array(2049).fill(1))))),
      'KRL_TOO_LARGE',
      /16392 bits/,
    ],
    ['a zero byte in a key ID', built(ofCertificates(0x23, strings('a\0b'))), 'KRL_MALFORMED', /zero byte/],
    ['a SHA-1 hash of 19 bytes', built([3, strings(new Uint8Array(19))]), 'KRL_MALFORMED', /19 bytes instead of 20/],
    ['a SHA-256 hash of 20 bytes', built([5, strings(new Uint8Array(20))]), 'KRL_MALFORMED', /20 bytes instead of 32/],
    ['an authority that is no key', built([1, joined(strings('x', ''), [0x20], strings(uint64(1n)))]), 'KRL_MALFORMED', /damaged/],
    ['a string longer than its section', built([2, Uint8Array.of(0, 0, 0, 9, 1)]), 'KRL_MALFORMED', /damaged/],
  ] as const)
    test(`not ${title}`, () => {
      assert.throws(() => parseKrl(bytes), { name: 'RevocationListError', code, message })
    })

  test('the highest serial, in each form', () => {
    for (const section of [
      ofCertificates(0x20, uint64(top)),
      ofCertificates(0x21, uint64(top, top)),
      ofCertificates(0x22, joined(uint64(top), strings(Uint8Array.of(1)))),
    ]) {
      assert.deepEqual(Array.from(parseKrl(built(section)).certificates[0].serials), [{ from: top, to: top }])
    }
  })

  test('sizes: bytes are bounded, and the whole of all serials is one range', () => {
    assert.throws(() => parseKrl(built(), { maximumBytes: 40 }), { code: 'KRL_TOO_LARGE', message: /more than 40/ })
    const all = parseKrl(built(ofCertificates(0x21, uint64(1n, top))))
    assert.equal(all.certificates[0].serials.size, 1)
  })

  test('more entries than the ceiling', () => {
    // Four bytes an entry: empty keys.
    const content = new Uint8Array((4 * 1024 * 1024 + 1) * 4)
    assert.throws(() => parseKrl(built([2, content])), { code: 'KRL_TOO_LARGE', message: /more than 4194304 entries/ })
  })
})

describe('a file of revoked keys', () => {
  test('is a revocation list, or else public keys, one a line', () => {
    assert.ok(isKrl(writeKrl(emptyKrl)) && !isKrl(utf8.encode('ssh-ed25519 AAAA')))
    const list = parseRevokedKeys(utf8.encode(`# gone\n\n ${key} who\r\n${certificate('other')}\n`))
    assert.equal(isRevoked(list, key)?.by, 'listed')
    assert.equal(isRevoked(list, certificate(9n))?.what, 'key')
    assert.equal(isRevoked(list, ca), undefined)
    const authority = parseRevokedKeys(utf8.encode(`${ca}`))
    assert.equal(isRevoked(authority, certificate(9n))?.what, 'authority')
    assert.equal(isRevoked(authority, certificate('other')), undefined)
    assert.deepEqual(parseRevokedKeys(new Uint8Array(0)), { listed: [] })
    assert.equal(isRevoked(parseRevokedKeys(writeKrl(listOf(`${key}`))), key)?.by, 'key')
  })

  test('a line that is no key is refused: a typing error lets nobody in', () => {
    assert.throws(() => parseRevokedKeys(utf8.encode(`${key}\nssh-ed25519 AAAA!\n`), 'revoked'), {
      code: 'KRL_MALFORMED',
      message: /^revoked line 2: /,
    })
    assert.throws(() => parseRevokedKeys(writeKrl(emptyKrl).subarray(0, 12)), { code: 'KRL_MALFORMED' })
  })
})
