// Signatures of files (PROTOCOL.sshsig): ssh-keygen's are right, ours are the same where chance has no part, and what does not
// fit is said.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { certifiedSigner } from '../../src/keys/certified-signer.ts'
import { parseCertificate } from '../../src/keys/certificate.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import {
  formatSignatureFile,
  parseSignatureBlob,
  parseSignatureFile,
  type RightSignature,
  signFile,
  type SignFileOptions,
  type SignatureFile,
  verifyFile,
} from '../../src/keys/signature-file.ts'
import { createSigner, type Signer } from '../../src/keys/signer.ts'
import { signatureBlob } from '../../src/keys/verify.ts'
import { encode } from '../../src/wire/codec.ts'
import { crypto, privateKey, publicKey, vector } from './fixtures.ts'
import { krlVectors, signatureFileVectors, signedMessage } from './lists.ts'

const signer = (name: string): Signer => createSigner(crypto, privateKey(name), name, { minimumRsaBits: 1024 })
const right = (verdict: Awaited<ReturnType<typeof verifyFile>>): RightSignature => {
  if (verdict.is === 'right') return verdict
  throw new Error(verdict.message)
}
const file = { namespace: 'file' }
const sign = (options: Partial<SignFileOptions> = {}, key = 'ed25519'): Promise<string> =>
  signFile(crypto, signer(key), signedMessage, { ...file, ...options })
const altered = async (change: Partial<SignatureFile>): Promise<SignatureFile> => ({ ...parseSignatureFile(await sign()), ...change })

describe("ssh-keygen's signatures", () => {
  for (const { by, kind, namespace, hash, file: text, flags, counter } of signatureFileVectors)
    test(`${kind}, ${hash}, for ${namespace} (${by})`, async () => {
      const verdict = right(await verifyFile(crypto, signedMessage, text, { namespace }))
      assert.equal(verdict.hash, hash)
      assert.equal(formatSignatureFile(parseSignatureFile(text)), text)
      if (flags === undefined) {
        assert.ok(verdict.key.equals(publicKey(kind)))
        assert.equal(verdict.securityKey, undefined)
      } else {
        assert.equal(verdict.algorithm, 'sk-ssh-ed25519@openssh.com')
        assert.equal(verdict.securityKey?.counter, counter)
      }
      // ed25519 and RSA leave nothing to chance; 9.2 takes SHA-512 for RSA whatever the hash.
      if (kind === 'ed25519' || kind === 'rsa2048') {
        const made = await signFile(crypto, signer(kind), signedMessage, {
          namespace,
          hash,
          ...(by === '9.2' && kind === 'rsa2048' ? { algorithm: 'rsa-sha2-512' } : {}),
        })
        assert.equal(made, text)
      }
      const other = await verifyFile(crypto, signedMessage, text, { namespace: `${namespace}x` })
      assert.ok(other.is === 'wrong' && other.reason === 'namespace', 'another namespace')
      const changed = await verifyFile(
        crypto,
        signedMessage.map(byte => byte ^ 1),
        text,
        { namespace },
      )
      assert.ok(changed.is === 'wrong' && changed.reason === 'signature', 'other data')
    })

  test('those of agents and files made elsewhere', async () => {
    const { namespace } = parseSignatureFile(vector('ed25519.sig'))
    for (const name of ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048'])
      right(await verifyFile(crypto, new TextEncoder().encode(vector('message.txt')), vector(`${name}.sig`), { namespace }))
  })
})

describe('signing', () => {
  test('SHA-512 unless SHA-256 is wanted, with RSA the same hash, and never SHA-1', async () => {
    assert.equal(right(await verifyFile(crypto, signedMessage, await sign(), file)).hash, 'sha512')
    assert.equal(right(await verifyFile(crypto, signedMessage, await sign({}, 'rsa2048'), file)).algorithm, 'rsa-sha2-512')
    const small = right(await verifyFile(crypto, signedMessage, await sign({ hash: 'sha256' }, 'rsa2048'), file))
    assert.deepEqual([small.hash, small.algorithm], ['sha256', 'rsa-sha2-256'])
    await assert.rejects(sign({ algorithm: 'ssh-rsa' }, 'rsa2048'), { name: 'TypeError', message: /ssh-rsa, which is insecure/ })
    const old: Signer = { ...signer('rsa2048'), algorithms: ['ssh-rsa'] }
    await assert.rejects(signFile(crypto, old, signedMessage, file), { code: 'KEY_UNSUPPORTED', message: /can sign by ssh-rsa only/ })
    const dsa: Signer = { ...signer('ed25519'), algorithms: ['ssh-dss'] }
    await assert.rejects(signFile(crypto, dsa, signedMessage, file), { code: 'KEY_UNSUPPORTED', message: /can sign by ssh-dss only/ })
  })

  test('data may come in pieces, at once or by and by', async () => {
    const whole = await sign()
    const pieces = [signedMessage.subarray(0, 3), new Uint8Array(0), signedMessage.subarray(3)]
    assert.equal(await signFile(crypto, signer('ed25519'), pieces, file), whole)
    const slowly = (async function* () {
      for (const piece of pieces) yield await Promise.resolve(piece)
    })()
    right(await verifyFile(crypto, slowly, whole, file))
    const failing = (async function* () {
      yield signedMessage
      await Promise.reject(new Error('the disk is gone'))
    })()
    await assert.rejects(verifyFile(crypto, failing, whole, file), /the disk is gone/)
  })

  test('an empty file, and a namespace in any script', async () => {
    const text = await signFile(crypto, signer('ed25519'), new Uint8Array(0), { namespace: 'Dateien für später' })
    right(await verifyFile(crypto, [], text, { namespace: 'Dateien für später' }))
  })

  test('without a namespace nothing is signed or verified', async () => {
    for (const namespace of ['', 'a\0']) {
      await assert.rejects(sign({ namespace }), { name: 'TypeError', message: /needs a namespace/ })
      await assert.rejects(verifyFile(crypto, signedMessage, await sign(), { namespace }), { name: 'TypeError' })
    }
  })

  test('with a certificate: it is shown, and its authority must have signed it', async () => {
    const certificate = parseCertificate(parsePublicKeyLine(krlVectors[0].asked[0].line).blob)
    const text = await signFile(crypto, certifiedSigner(signer('ed25519'), certificate), signedMessage, file)
    const verdict = right(await verifyFile(crypto, signedMessage, text, file))
    assert.deepEqual([verdict.algorithm, verdict.certificate?.keyId], ['ssh-ed25519', certificate.keyId])
    const forged = Uint8Array.from(certificate.blob)
    forged[forged.length - 1] ^= 1
    const read = parseSignatureFile(text)
    const wrong = await verifyFile(
      crypto,
      signedMessage,
      { ...read, publicKey: { ...read.publicKey, type: read.publicKey.type, blob: forged } as typeof read.publicKey },
      file,
    )
    assert.ok(wrong.is === 'wrong' && wrong.reason === 'certificate', 'a certificate nobody signed')
  })
})

describe('what is refused', () => {
  const verdict = async (change: Partial<SignatureFile>): Promise<readonly [string, string]> => {
    const found = await verifyFile(crypto, signedMessage, await altered(change), file)
    return found.is === 'wrong' ? [found.reason, found.message] : ['right', '']
  }

  test('each part that was changed', async () => {
    assert.deepEqual(await verdict({}), ['right', ''])
    assert.deepEqual(await verdict({ namespace: 'gi\u001bt' }), ['namespace', 'The signature is for "gi\\x1bt", not for "file".'])
    assert.equal((await verdict({ hash: 'sha256' }))[0], 'signature')
    assert.equal((await verdict({ publicKey: publicKey('rsa2048') }))[0], 'algorithm')
    assert.equal((await verdict({ publicKey: publicKey('dsa') }))[0], 'algorithm')
    assert.equal((await verdict({ signature: new Uint8Array(3) }))[0], 'algorithm')
    assert.equal(
      (await verdict({ signature: encode(signatureBlob, { algorithm: 'ssh-ed25519', signature: new Uint8Array(64) }) }))[0],
      'signature',
    )
    // What is reserved is no part of what is signed.
    assert.equal((await verdict({ reserved: new Uint8Array(5) }))[0], 'right')
  })

  test('SHA-1, however right it is', async () => {
    const key = signer('rsa2048')
    let signed: Uint8Array | undefined
    const spy: Signer = { ...key, sign: data => key.sign((signed = data), 'ssh-rsa') }
    const text = await signFile(crypto, spy, signedMessage, file)
    assert.ok(signed !== undefined)
    const found = await verifyFile(crypto, signedMessage, text, file)
    assert.ok(found.is === 'wrong' && found.reason === 'algorithm')
    assert.equal(found.message, 'The signature is made by ssh-rsa, which is not accepted of a ssh-rsa key.')
  })

  test('keys that are too weak, unless they may be', async () => {
    const text = await signFile(crypto, signer('rsa1024'), signedMessage, file)
    const found = await verifyFile(crypto, signedMessage, text, file)
    assert.ok(found.is === 'wrong' && found.reason === 'weak-key')
    right(await verifyFile(crypto, signedMessage, text, { ...file, minimumRsaBits: 1024 }))
  })
})

describe('the armour', () => {
  test('carriage returns, lines of any length, and text behind it', async () => {
    const text = await sign()
    const read = parseSignatureFile(text)
    for (const variant of [
      text.replaceAll('\n', '\r\n'),
      `${text}more`,
      text.trimEnd(),
      text.replaceAll(/(?<!-)\n(?!-)/g, ''),
      text.replaceAll(/(?<!-)\n(?!-)/g, ' \t\n\n'),
    ])
      assert.deepEqual(parseSignatureFile(variant), read)
    assert.deepEqual(parseSignatureFile(new TextEncoder().encode(text)), read)
    assert.ok(text.split('\n').every(line => line.length <= 70))
  })

  test('a blob of whole lines has no empty line behind it', async () => {
    for (let length = 1; length < 80; length++) {
      const text = await sign({ namespace: 'n'.repeat(length) })
      assert.doesNotMatch(text, /\n\n/)
      right(await verifyFile(crypto, signedMessage, text, { namespace: 'n'.repeat(length) }))
    }
  })

  test('what is none says so', async () => {
    const text = await sign()
    const malformed = { name: 'SignatureFileError', code: 'SIGNATURE_MALFORMED' }
    for (const [variant, message] of [
      ['', /does not begin/],
      [` ${text}`, /does not begin/],
      [text.replace('\n', ' \n'), /does not begin/],
      [text.slice(0, -20), /does not end/],
      [text.replace('U1NI', 'U1N!'), /not base64/],
      [text.replace('U1NI', 'U1NJ'), /does not begin like one of a file/],
      ['-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAA\n-----END SSH SIGNATURE-----\n', /damaged/],
      ['x'.repeat(1024 * 1024 + 1), /more than 1048576 bytes/],
    ] as const)
      assert.throws(() => parseSignatureFile(variant), { ...malformed, message })
  })

  test('versions and hashes from elsewhere', () => {
    const blob = (version: number, hash: string): Uint8Array => {
      const string = (value: string | Uint8Array): readonly number[] => {
        const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
        return [0, 0, 0, bytes.length, ...bytes]
      }
      return Uint8Array.from([
        ...new TextEncoder().encode('SSHSIG'),
        0,
        0,
        0,
        version,
        ...string(publicKey('ed25519').blob),
        ...string('file'),
        ...string(''),
        ...string(hash),
        ...string('x'),
      ])
    }
    assert.equal(parseSignatureBlob(blob(1, 'sha512')).hash, 'sha512')
    assert.equal(parseSignatureBlob(blob(0, 'sha256\0')).hash, 'sha256')
    assert.throws(() => parseSignatureBlob(blob(2, 'sha512')), { code: 'SIGNATURE_UNSUPPORTED', message: /version 2/ })
    assert.throws(() => parseSignatureBlob(blob(1, 'md5\u202e')), { code: 'SIGNATURE_UNSUPPORTED', message: /"md5\\u\{202e\}"/ })
    assert.throws(() => parseSignatureBlob(blob(1, 'sha512\0x')), { code: 'SIGNATURE_MALFORMED', message: /zero byte/ })
    assert.throws(() => parseSignatureBlob(Uint8Array.of(...blob(1, 'sha512'), 0)), { code: 'SIGNATURE_MALFORMED', message: /left over/ })
  })
})
