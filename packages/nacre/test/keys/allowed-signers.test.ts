// allowed_signers: lines as they are read, who a key is, and why a key may not sign.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type AllowedSignersFile,
  checkSigner,
  findPrincipals,
  matchPrincipals,
  parseAllowedSigners,
  type SignerDemands,
} from '../../src/keys/allowed-signers.ts'
import { issueCertificate, type IssueOptions } from '../../src/keys/authority.ts'
import { parsePublicKey, type PublicKey } from '../../src/keys/public.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { verifySignedFile } from '../../src/keys/signed-file.ts'
import { signFile } from '../../src/keys/signature-file.ts'
import { parseRevokedKeys } from '../../src/keys/krl/index.ts'
import { crypto, privateKey, publicKey } from './fixtures.ts'

const key = publicKey('ed25519')
const ca = publicKey('ecdsa256')
const parse = (...lines: readonly string[]): AllowedSignersFile => parseAllowedSigners(lines.join('\n'), 'allowed')
const time = Date.UTC(2026, 5, 1, 12)
const check = (file: AllowedSignersFile, demands: Partial<SignerDemands> = {}, who: PublicKey = key): string => {
  const verdict = checkSigner(crypto, file, who, { principal: 'ada', namespace: 'file', time, ...demands })
  return verdict.is === 'allowed' ? 'allowed' : verdict.problems.map(each => `${each.line}: ${each.problem}`).join('; ')
}

describe('lines', () => {
  test('are typed values', () => {
    const file = parse(
      '# who',
      '',
      `ada,*@example.org cert-authority,namespaces="git,file",valid-after="20260101Z",valid-before="20270101000000UTC" ${ca} ours`,
      `"a b" ${key}\r`,
    )
    assert.deepEqual(file.problems, [])
    const [first, second] = file.entries
    assert.deepEqual([first.line, first.principals, first.certAuthority, first.namespaces], [3, 'ada,*@example.org', true, ['git', 'file']])
    assert.deepEqual([first.validAfter, first.validBefore], [Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)])
    assert.ok(first.key.equals(ca))
    assert.deepEqual([second.line, second.principals, second.namespaces, second.validAfter], [4, 'a b', undefined, undefined])
  })

  test('that cannot be used say why, and let nobody sign', () => {
    for (const [line, problem] of [
      ['ada', /not of the form/],
      [`"ada ${key}`, /not of the form/],
      ['ada ', /not of the form|no key/],
      [`ada strange ${key}`, /has the option "strange", which is not known/],
      [`ada cert-authority="x" ${key}`, /"cert-authority", which is not known or not of that form/],
      [`ada namespaces ${key}`, /"namespaces", which is not known or not of that form/],
      [`ada namespaces="a",namespaces="b" ${key}`, /"namespaces" twice/],
      [`ada valid-after="20260101",valid-after="20260101" ${key}`, /"valid-after" twice/],
      [`ada valid-before="soon" ${key}`, /"valid-before" without a time/],
      [`ada valid-before="19700101Z" ${key}`, /"valid-before" without a time/],
      [`ada valid-after="20260102Z",valid-before="20260102Z" ${key}`, /not valid before it begins/],
      [`ada cert-authority, ${key}`, /end in a comma/],
      [`ada cert-authorityx ${key}`, /"cert-authorityx"/],
      [`ada cert-authority;x ${key}`, /cannot be read/],
      ['ada ssh-ed25519 AAAAC3Nz', /says otherwise/],
      ['ada namespaces="x" nothing', /form|base64|says otherwise/],
    ] as const) {
      const file = parse(line)
      assert.deepEqual(file.entries, [], line)
      assert.match(file.problems[0].problem, problem, line)
    }
  })
})

describe('who may sign', () => {
  test('the first line that fits', () => {
    assert.equal(check(parse(`ada ${key}`)), 'allowed')
    assert.equal(check(parse(`a* ${key}`)), 'allowed')
    assert.equal(check(parse(`bob ${key}`, `ada ${key}`)), 'allowed')
    assert.equal(check(parse(`ada ${ca}`)), '', 'no line has the key')
    assert.equal(check(parse(`bob ${key}`)), '1: the line is not for "ada"')
    assert.equal(check(parse(`*,!ada ${key}`)), '1: the line is not for "ada"')
    assert.equal(check(parse(`ada cert-authority ${key}`)), '', 'an authority does not sign itself')
  })

  test('for the namespaces of the line only', () => {
    const file = parse(`ada namespaces="git,mail*" ${key}`)
    assert.equal(check(file), '1: the key may not sign for the namespace "file"')
    for (const namespace of ['git', 'mail', 'mail-x']) assert.equal(check(file, { namespace }), 'allowed')
    assert.equal(check(parse(`ada namespaces="*,!file" ${key}`)), '1: the key may not sign for the namespace "file"')
  })

  test('in its time, both ends included', () => {
    const file = parse(`ada valid-after="20260601100000Z",valid-before="20260601110000Z" ${key}`)
    const at = (hour: number, second: number): string => check(file, { time: Date.UTC(2026, 5, 1, hour, 0, second) + 999 })
    assert.equal(check(file, { time: Date.UTC(2026, 5, 1, 10) - 1 }), '1: the key is not valid before 2026-06-01T10:00:00Z')
    assert.equal(at(10, 0), 'allowed')
    assert.equal(at(11, 0), 'allowed')
    assert.equal(at(11, 1), '1: the key was valid until 2026-06-01T11:00:00Z')
  })

  test('all that did not fit is told', () => {
    assert.equal(
      check(parse(`bob ${key}`, `ada namespaces="git" ${key}`, `ada valid-before="20200101Z" ${key}`)),
      '1: the line is not for "ada"; 2: the key may not sign for the namespace "file"; 3: the key was valid until 2020-01-01T00:00:00Z',
    )
  })
})

describe('certificates', () => {
  const issue = async (change: Partial<IssueOptions> = {}): Promise<PublicKey> => {
    const certificate = await issueCertificate({
      signer: createSigner(crypto, privateKey('ecdsa256'), 'ca'),
      kind: 'user',
      key,
      serial: 7n,
      keyId: 'hers',
      principals: ['ada', 'root'],
      validAfter: BigInt(Date.UTC(2026, 0, 1) / 1000),
      validBefore: BigInt(Date.UTC(2027, 0, 1) / 1000),
      random: crypto.random,
      ...change,
    })
    return parsePublicKey(certificate.blob)
  }
  const file = parse(`* cert-authority ${ca}`)

  test('are taken from an authority, for their principals, in their time', async () => {
    const hers = await issue()
    assert.equal(check(file, {}, hers), 'allowed')
    assert.equal(check(parse(`* ${ca}`), {}, hers), '', 'the key is no authority')
    assert.equal(check(parse(`* cert-authority ${publicKey('rsa2048')}`), {}, hers), '', 'another authority')
    assert.match(check(file, { principal: 'bob' }, hers), /is for "ada", "root", not for "bob"/)
    assert.equal(check(parse(`bob cert-authority ${ca}`), {}, hers), '1: the line is not for "ada"')
    assert.match(check(file, { time: Date.UTC(2025, 0, 1) }, hers), /not valid before 2026-01-01/)
    assert.match(check(file, { time: Date.UTC(2027, 0, 1) }, hers), /expired at 2027-01-01/)
    assert.match(check(file, {}, await issue({ principals: [] })), /lists no principals/)
    assert.match(check(file, {}, await issue({ kind: 'host' })), /is that of a host/)
    // The plain key is not the certificate.
    assert.equal(check(file), '')
    // A line with the certified key is not for its certificate.
    assert.equal(check(parse(`ada ${key}`), {}, hers), '')
  })

  test('find-principals: those of the certificate that the line is for, in the order of its patterns', async () => {
    const hers = await issue({ principals: ['ada', 'root', 'ann'] })
    assert.deepEqual(findPrincipals(crypto, parse(`r*,a* cert-authority ${ca}`), hers, { time }), ['root', 'ada', 'ann'])
    assert.deepEqual(findPrincipals(crypto, parse(`bob cert-authority ${ca}`), hers, { time }), [])
    assert.deepEqual(findPrincipals(crypto, file, hers, { time: 0 }), [])
  })
})

test('find-principals: of the first line with the key that is valid, whatever its namespaces', () => {
  const file = parse(`old valid-before="20200101Z" ${key}`, `ada,ann namespaces="git" ${key}`, `other ${key}`)
  assert.deepEqual(findPrincipals(crypto, file, key, { time }), ['ada', 'ann'])
  assert.deepEqual(findPrincipals(crypto, file, ca, { time }), [])
})

test('match-principals: the first field of every line for somebody; a damaged one among them spoils all', () => {
  assert.deepEqual(matchPrincipals(parse(`ada,bob ${key}`, `c* ${key}`, `*a ${ca}`), 'ada'), ['ada,bob', '*a'])
  assert.deepEqual(matchPrincipals(parse(`ada ${key}`, 'c strange nothing'), 'ada'), ['ada'])
  assert.deepEqual(matchPrincipals(parse(`ada ${key}`, 'ada strange nothing'), 'ada'), [])
})

describe('a signed file', () => {
  const data = new TextEncoder().encode('data')
  const signed = signFile(crypto, createSigner(crypto, privateKey('ed25519'), 'key'), data, { namespace: 'file' })
  const verify = async (change: Partial<Parameters<typeof verifySignedFile>[3]>): Promise<string> => {
    const verdict = await verifySignedFile(crypto, data, await signed, {
      namespace: 'file',
      principal: 'ada',
      allowedSigners: parse(`ada ${key}`),
      time,
      ...change,
    })
    return verdict.is === 'right' ? `line ${verdict.entry.line}` : `${verdict.reason}: ${verdict.message}`
  }

  test('is right by a key that may sign', async () => {
    assert.equal(await verify({}), 'line 1')
  })

  test('or else it says what is wrong', async () => {
    assert.equal(await verify({ namespace: 'git' }), 'namespace: The signature is for "file", not for "git".')
    assert.equal(
      await verify({ principal: 'bob' }),
      'signer: The signature is right, but allowed does not allow it: line 1: the line is not for "bob".',
    )
    assert.equal(
      await verify({ allowedSigners: parse('') }),
      `signer: The signature is right, but by the key ${key.fingerprint()}, which allowed does not have.`,
    )
    const revoked = parseRevokedKeys(new TextEncoder().encode(`${key}\n`))
    assert.equal(await verify({ revoked }), `revoked: The key (${key.fingerprint()}) is in the list of revoked keys.`)
    const others = parseRevokedKeys(new TextEncoder().encode(`${ca}\n`))
    assert.equal(await verify({ revoked: others }), 'line 1')
  })
})
