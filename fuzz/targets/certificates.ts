// Owns the targets for certificates and for the lines of known_hosts and authorized_keys around them: what is read stands in the
// bytes, a verdict of "valid" holds when it is asked again in other words, and only what an authority signed is right.
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { addressRanges } from '../../packages/nacre/src/addresses.ts'
import { nodeCrypto } from '../../packages/nacre/src/crypto/node/provider.ts'
import type { CryptoProvider } from '../../packages/nacre/src/crypto/provider.ts'
import { type Certificate, parseCertificate, plainTypeOf } from '../../packages/nacre/src/keys/certificate.ts'
import { type CertificateDemands, checkCertificate } from '../../packages/nacre/src/keys/certificate-check.ts'
import { describeCertificate } from '../../packages/nacre/src/keys/certificate-describe.ts'
import { fingerprintOfKey } from '../../packages/nacre/src/keys/certified-signer.ts'
import { parsePublicKey, parsePublicKeyLine, sameBlob } from '../../packages/nacre/src/keys/public.ts'
import { bytes, nested, repeated, rest, struct, text, uint32, uint64 } from '../../packages/nacre/src/wire/codec.ts'
import { Reader } from '../../packages/nacre/src/wire/reader.ts'
import { withOtherField } from '../rig/shape.ts'
import { type Note, type Target, unlessRefused, unseen } from '../rig/target.ts'
import { certificateLines } from '../rig/vectors.ts'
import { algorithmNames } from '../rig/words.ts'

const real = nodeCrypto()
/** Every signature is right: what is left to refuse is what it covers. */
const credulous: CryptoProvider = { ...real, verifyKey: () => ({ verify: () => true }) }

const seeds = certificateLines().map(line => parsePublicKeyLine(line).blob)
const issued = new Set(seeds.map(blob => Buffer.from(blob).toString('base64')))

const options = nested(repeated(struct({ name: text, data: bytes }), 1000))
const body = {
  serial: uint64,
  kind: uint32,
  keyId: text,
  principals: nested(repeated(text, 1000)),
  validAfter: uint64,
  validBefore: uint64,
  criticalOptions: options,
  extensions: options,
  reserved: bytes,
  signatureKey: bytes,
  signature: bytes,
  more: rest,
}
const head = { type: text, nonce: bytes }
/** By how many fields the key has. */
const shapes = new Map([
  ['ssh-ed25519', struct({ ...head, one: bytes, ...body })],
  ['ssh-rsa', struct({ ...head, one: bytes, two: bytes, ...body })],
  ['sk-ecdsa-sha2-nistp256@openssh.com', struct({ ...head, one: bytes, two: bytes, three: bytes, ...body })],
])
const shapeOf = (input: Uint8Array) => {
  const type = plainTypeOf(Buffer.from(input.subarray(4, 4 + (input[3] ?? 0))).toString('latin1'))
  const like = type.startsWith('ecdsa-') || type === 'sk-ssh-ed25519@openssh.com' ? 'ssh-rsa' : type
  return shapes.get(like) ?? struct({ ...head, one: bytes, ...body })
}

const words = [
  ...algorithmNames,
  'force-command',
  'source-address',
  'verify-required',
  'permit-pty',
  'no-touch-required',
  'permit-X11-forwarding',
  'ada',
  '*.example',
  '192.0.2.0/24,::1/128',
]

const demands: readonly CertificateDemands[] = [
  { kind: 'user', name: 'ada', time: Date.UTC(2026, 0, 1), address: '192.0.2.1' },
  { kind: 'user', name: undefined, time: 0 },
  { kind: 'host', name: 'host.example', time: Date.UTC(2020, 5, 1) },
]

/** Why a certificate should not be valid, told apart from how that is decided. */
const objection = (certificate: Certificate, { kind, name, time = 0, address }: CertificateDemands): string | undefined => {
  const seconds = BigInt(time) / 1000n
  const critical = certificate.criticalOptions.map(each => each.name)
  if (certificate.kind !== kind) return 'kind'
  if (seconds < certificate.validAfter || seconds >= certificate.validBefore) return 'time'
  if (certificate.principals.length === 0) return 'nobody'
  if (typeof name === 'string' && kind === 'user' && !certificate.principals.includes(name)) return 'name'
  if (kind === 'host' ? critical.length > 0 : critical.some(each => !['force-command', 'source-address', 'verify-required'].includes(each)))
    return 'critical option'
  const sources = certificate.criticalOptions.find(each => each.name === 'source-address')
  if (sources === undefined) return undefined
  const list = new Reader(sources.data).text().split(',')
  return address !== undefined && addressRanges(list)(address) ? undefined : 'address'
}

const checkRead = (input: Uint8Array, certificate: Certificate): void => {
  assert.ok(sameBlob(certificate.blob, input))
  const { signed, signature, key } = certificate
  assert.equal(signed.length + 4 + signature.length, input.length)
  assert.ok(sameBlob(signed, input.subarray(0, signed.length)))
  assert.equal(key.type, plainTypeOf(certificate.type))
  const shown = parsePublicKey(input)
  assert.deepEqual([shown.bits, shown.fingerprint(), fingerprintOfKey(input)], [key.bits, key.fingerprint(), key.fingerprint()])
  for (const name of certificate.principals) assert.ok(!name.includes('\0'))
  for (const line of describeCertificate(certificate)) assert.ok(!unseen.test(line), JSON.stringify(line))
}

const checkVerdicts = (input: Uint8Array, certificate: Certificate, note: Note): void => {
  for (const demand of demands) {
    const verdict = checkCertificate(credulous, certificate, demand)
    note(verdict.is === 'valid' ? `valid ${demand.kind}` : verdict.reason)
    if (verdict.is === 'refused') assert.ok(!unseen.test(verdict.message), JSON.stringify(verdict.message))
    else {
      assert.equal(objection(certificate, demand), undefined)
      const names = new Set(certificate.extensions.map(each => each.name))
      if (verdict.limits !== undefined) assert.equal(verdict.limits.options.may.pty, names.has('permit-pty'))
    }
    const truly = checkCertificate(real, certificate, demand)
    if (truly.is === 'valid') assert.ok(issued.has(Buffer.from(input).toString('base64')), 'valid, and no authority signed it')
  }
}

const certificates: Target = {
  name: 'certificates',
  about: 'certificates: what is read stands there, nothing unseen is said, valid is what nobody can object to and an authority signed',
  words,
  seeds: () => seeds,
  mutate: (input, random) => withOtherField(shapeOf(input), input, random, words),
  run: (input, note) => {
    const certificate = unlessRefused(() => parseCertificate(input), note)
    if (certificate === undefined) return
    note(`${certificate.type} ${certificate.kind}`)
    checkRead(input, certificate)
    checkVerdicts(input, certificate, note)
  },
}

export const certificateTargets: readonly Target[] = [certificates]
