// Owns signatures of files, revocation lists and known_hosts beside ssh-keygen, on the same inputs and in both directions: the
// same verdicts, and the same bytes where they are not left to chance.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { readFileSync, statSync } from 'node:fs'
import { loadSigner } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import {
  addKnownHost,
  certifiedSigner,
  emptyKrl,
  findKnownHost,
  findPrincipals,
  formatKrl,
  hashKnownHosts,
  isRevoked,
  matchPrincipals,
  parseAllowedSigners,
  parseCertificate,
  parseKnownHosts,
  parseKrl,
  parsePublicKeyLine,
  parseRevocations,
  parseRevokedKeys,
  parseSignatureFile,
  removeKnownHost,
  reviseKrl,
  signFile,
  verifyFile,
  verifySignedFile,
  writeKrl,
} from 'nacre/keys'
import { editTextFile } from 'nacre/keys/node'
import { seededRandom, type SeededRandom } from 'nacre/testing'
import { freshFile, freshPath } from './rig/folder.ts'
import { type KeyFile, newKey, soundKinds } from './rig/keys.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'

const crypto = nodeCrypto()
const keygen = (args: readonly string[], stdin: string | Uint8Array = ''): Promise<Finished> => finish(['ssh-keygen', ...args], { stdin })
const quiet = async (args: readonly string[]): Promise<void> => {
  const { code, stderr } = await keygen(['-q', ...args])
  assert.equal(code, 0, stderr)
}
const content = (path: string): string => readFileSync(path, 'utf8')

interface CertifiedKey extends KeyFile {
  readonly certificatePath: string
}
/** A certificate of a new key. */
const certified = async (ca: KeyFile, options: readonly string[]): Promise<CertifiedKey> => {
  const key = newKey('ed25519')
  await quiet(['-s', ca.path, ...options, key.publicPath])
  return { ...key, certificatePath: `${key.path}-cert.pub` }
}

describe('revocation lists', () => {
  const ca = newKey('ed25519')
  const otherCa = newKey('ecdsa256')
  /** Our list from the same text, with the date of theirs. */
  const ours = (text: string, authority: KeyFile | 'any', theirs: Uint8Array, version: bigint): Uint8Array =>
    writeKrl(
      reviseKrl(emptyKrl, {
        add: parseRevocations(text, { authority: authority === 'any' ? 'any' : parsePublicKeyLine(authority.line) }),
        generated: parseKrl(theirs).generated,
        version,
      }),
    )

  const serials = (random: SeededRandom): string[] => {
    const lines: string[] = []
    let serial = 1
    const count = 1 + random.below(200)
    for (let i = 0; i < count; i++) {
      serial += random.pick([1, 2, 3, 10, 70, 100, 500, 5000])
      const length = random.pick([0, 0, 0, 1, 2, 10, 100, 300])
      lines.push(length === 0 ? `serial: ${serial}` : `serial: ${serial}-${serial + length}`)
      serial += length
    }
    // In any order, some of them twice and overlapping.
    return lines.flatMap(line => (random.oneIn(5) ? [line, line] : [line])).toSorted(() => (random.oneIn(2) ? 1 : -1))
  }

  test('lists of serials by chance: the same bytes, whichever section is the shortest', { seconds: 120 }, async () => {
    for (let seed = 1; seed <= 25; seed++) {
      const text = `${serials(seededRandom(seed)).join('\n')}\n`
      const path = freshPath('krl')
      await quiet(['-k', '-f', path, '-s', ca.publicPath, '-z', '7', freshFile('spec', text)])
      const theirs = readFileSync(path)
      assert.deepEqual(Buffer.from(ours(text, ca, theirs, 7n)), theirs, `seed ${seed}`)
      assert.deepEqual(Buffer.from(writeKrl(parseKrl(theirs))), theirs, `seed ${seed}`)
    }
  })

  test('every kind of line, for one authority and for any: the same bytes, and the same text of the list', {}, async () => {
    const keys = soundKinds.map(kind => newKey(kind))
    const byId = await certified(ca, ['-I', 'no serial', '-n', 'ada'])
    const bySerial = await certified(otherCa, ['-I', 'has a serial', '-n', 'ada', '-z', '4711'])
    const text = [
      '# a list',
      'serial: 5   # five',
      'Serial:  0x10-0x20',
      'serial: 021',
      'id: somebody',
      'ID: with blanks within',
      'serial: 18446744073709551615',
      `key: ${keys[0].line}`,
      `sha1: ${keys[1].line}`,
      `sha256: ${keys[2].line} a comment`,
      `hash: ${keys[3].fingerprint}`,
      keys[4].line,
      content(byId.certificatePath).trim(),
      content(bySerial.certificatePath).trim(),
      '',
    ].join('\n')
    for (const authority of [ca, 'any'] as const) {
      const path = freshPath('krl')
      const of = authority === 'any' ? 'NONE' : authority.publicPath
      await quiet(['-k', '-f', path, '-s', of, '-z', '99', freshFile('spec', text)])
      const theirs = readFileSync(path)
      assert.deepEqual(Buffer.from(ours(text, authority, theirs, 99n)), theirs)
      const shown = await keygen(['-Q', '-l', '-f', path])
      assert.equal(formatKrl(parseKrl(theirs)), shown.stdout.toString('utf8'))

      // And theirs, asked by both, of ours.
      const mine = freshFile('krl', ours(text, authority, theirs, 99n))
      for (const each of [
        ...keys.map(key => key.publicPath),
        byId.certificatePath,
        bySerial.certificatePath,
        ca.publicPath,
        byId.publicPath,
      ]) {
        const { code } = await keygen(['-Q', '-f', mine, each])
        const revoked = isRevoked(parseKrl(readFileSync(mine)), parsePublicKeyLine(content(each)))
        assert.equal(revoked !== undefined, code === 1, `${each}: ${revoked?.reason}`)
      }
    }
  })

  test('a list that is added to', {}, async () => {
    const path = freshPath('krl')
    const [one, two] = [newKey('ed25519'), newKey('ed25519')]
    await quiet(['-k', '-f', path, '-s', ca.publicPath, '-z', '1', freshFile('spec', `serial: 1-10\n${one.line}\n`)])
    const first = readFileSync(path)
    const more = `serial: 12\nserial: 11\nid: x\n${two.line}\n`
    await quiet(['-k', '-u', '-f', path, '-s', otherCa.publicPath, '-z', '2', freshFile('spec', more)])
    const revised = reviseKrl(parseKrl(first), { add: parseRevocations(more, { authority: parsePublicKeyLine(otherCa.line) }) })
    assert.equal(revised.version, 2n)
    assert.deepEqual(Buffer.from(writeKrl(revised)), readFileSync(path))
  })

  test('certificates around the ends of a range', {}, async () => {
    const krl = freshPath('krl')
    await quiet([
      '-k',
      '-f',
      krl,
      '-s',
      ca.publicPath,
      freshFile('spec', 'serial: 10-20\nserial: 22\nserial: 24\nserial: 26\nserial: 4294967297\n'),
    ])
    const list = parseKrl(readFileSync(krl))
    for (const serial of [0, 1, 9, 10, 15, 20, 21, 22, 23, 24, 25, 26, 27, 4294967296, 4294967297, 4294967298]) {
      for (const authority of [ca, otherCa]) {
        const { certificatePath } = await certified(authority, ['-I', 'me', '-n', 'ada', '-z', String(serial)])
        const { code } = await keygen(['-Q', '-f', krl, certificatePath])
        const revoked = isRevoked(list, parsePublicKeyLine(content(certificatePath)))
        assert.equal(revoked !== undefined, code === 1, `serial ${serial}`)
      }
    }
  })

  test('what is not written right is refused by both', {}, async () => {
    const bad = [
      'serial: 0',
      'serial: x',
      'serial: 5-4',
      'serial: 5-5',
      'serial: 1-2-3',
      'serial: 18446744073709551616',
      'serial:',
      'hash: MD5:aa',
      'hash: SHA256:aa',
      'key: nothing',
      'sha256: SHA256:abc',
      'ssh-ed25519 AAAA',
    ]
    for (const line of bad) {
      const { code } = await keygen(['-q', '-k', '-f', freshPath('krl'), '-s', ca.publicPath, freshFile('spec', `${line}\n`)])
      assert.notEqual(code, 0, line)
      assert.throws(
        () => parseRevocations(line, { authority: parsePublicKeyLine(ca.line), path: 'spec' }),
        { code: 'KRL_ENTRY', message: /^spec line 1: / },
        line,
      )
    }
    for (const line of ['serial: 1', 'id: x']) {
      const { code } = await keygen(['-q', '-k', '-f', freshPath('krl'), freshFile('spec', `${line}\n`)])
      assert.notEqual(code, 0, line)
      assert.throws(() => parseRevocations(line), { code: 'KRL_ENTRY', message: /whose certificates are meant/ }, line)
    }
  })
})

describe('signatures of files', () => {
  const message = 'a message\nof two lines\n'

  test(
    'ours are right for ssh-keygen, theirs for us, of every kind of key and both hashes; those of ed25519 and RSA are the same',
    { seconds: 120 },
    async () => {
      for (const kind of soundKinds) {
        const key = newKey(kind)
        const allowed = freshFile('allowed', `ada@example.org ${key.line}\n`)
        const file = parseAllowedSigners(content(allowed), allowed)
        const signer = await loadSigner(key.path)
        for (const hash of ['sha512', 'sha256'] as const) {
          const mine = await signFile(crypto, signer, Buffer.from(message), {
            namespace: 'file',
            hash,
            ...(kind === 'rsa' ? { algorithm: 'rsa-sha2-512' } : {}),
          })
          const path = freshFile('mine.sig', mine)
          const verified = await keygen(['-Y', 'verify', '-f', allowed, '-I', 'ada@example.org', '-n', 'file', '-s', path], message)
          assert.equal(verified.code, 0, `${kind} ${hash}: ${verified.stderr}`)
          const named = await keygen(['-Y', 'find-principals', '-f', allowed, '-s', path])
          assert.equal(named.stdout.toString(), 'ada@example.org\n')

          const data = freshFile('data', message)
          await quiet(['-Y', 'sign', '-f', key.path, '-n', 'file', '-O', `hashalg=${hash}`, data])
          const theirs = content(`${data}.sig`)
          const verdict = await verifySignedFile(crypto, [Buffer.from(message)], theirs, {
            namespace: 'file',
            principal: 'ada@example.org',
            allowedSigners: file,
            time: Date.now(),
          })
          assert.equal(verdict.is, 'right', `${kind} ${hash}`)
          assert.deepEqual(findPrincipals(crypto, file, parseSignatureFile(theirs).publicKey, { time: Date.now() }), ['ada@example.org'])
          const algorithm = verdict.is === 'right' ? verdict.algorithm : ''
          // Before 10.1 ssh-keygen took SHA-512 for RSA whatever the hash.
          if (kind === 'ed25519' || (kind === 'rsa' && algorithm === 'rsa-sha2-512')) assert.equal(mine, theirs, `${kind} ${hash}`)
        }
      }
    },
  )

  /** The verdicts on one signature, by both. */
  const agree = async (
    about: string,
    allowedText: string,
    signaturePath: string,
    wants: {
      readonly principal?: string
      readonly namespace?: string
      readonly time?: string
      readonly data?: string
      readonly revoked?: string
    },
  ): Promise<boolean> => {
    const { principal = 'ada@example.org', namespace = 'file', time = '20260601120000Z', data = message } = wants
    const allowed = freshFile('allowed', allowedText)
    const args = ['-Y', 'verify', '-f', allowed, '-I', principal, '-n', namespace, '-s', signaturePath, '-O', `verify-time=${time}`]
    const theirs = await keygen([...args, ...(wants.revoked === undefined ? [] : ['-r', wants.revoked])], data)
    const at = Date.UTC(
      Number(time.slice(0, 4)),
      Number(time.slice(4, 6)) - 1,
      Number(time.slice(6, 8)),
      Number(time.slice(8, 10)),
      Number(time.slice(10, 12)),
      Number(time.slice(12, 14)),
    )
    const file = parseAllowedSigners(allowedText, allowed)
    const ours = await verifySignedFile(crypto, Buffer.from(data), content(signaturePath), {
      principal,
      namespace,
      time: at,
      allowedSigners: file,
      ...(wants.revoked === undefined ? {} : { revoked: parseRevokedKeys(readFileSync(wants.revoked)) }),
    })
    assert.equal(
      ours.is === 'right',
      theirs.code === 0,
      `${about}\n${allowedText}\nwe: ${ours.is === 'right' ? 'right' : ours.message}\nthey: ${theirs.stderr}`,
    )
    const found = await keygen(['-Y', 'find-principals', '-f', allowed, '-s', signaturePath, '-O', `verify-time=${time}`])
    const key = parseSignatureFile(content(signaturePath)).publicKey
    assert.equal(
      findPrincipals(crypto, file, key, { time: at })
        .map(each => `${each}\n`)
        .join(''),
      found.stdout.toString(),
      `${about}\n${allowedText}\n${found.stderr}`,
    )
    const matched = await keygen(['-Y', 'match-principals', '-f', allowed, '-I', principal])
    assert.equal(
      matchPrincipals(file, principal)
        .map(each => `${each}\n`)
        .join(''),
      matched.stdout.toString(),
      `${about}\n${allowedText}\n${matched.stderr}`,
    )
    return ours.is === 'right'
  }

  const signed = async (key: string, namespace = 'file'): Promise<string> => {
    const data = freshFile('data', message)
    await quiet(['-Y', 'sign', '-f', key, '-n', namespace, data])
    return `${data}.sig`
  }

  test('allowed_signers: the same verdicts on lines of every kind', { seconds: 180 }, async () => {
    const key = newKey('ed25519')
    const other = newKey('ed25519')
    const signature = await signed(key.path)
    const right: readonly string[] = [
      `ada@example.org ${key.line}`,
      `  ada@example.org ${key.line} comment`,
      `*@example.org ${key.line}`,
      `bob,a??@example.org\t${key.line}`,
      `ada@example.org,!bob ${key.line}\r`,
      `"ada@example.org" ${key.line}`,
      `"with blank,ada@example.org" ${key.line}`,
      `ada@"example.org" ${key.line}`,
      `ada@example.org namespaces="file" ${key.line}`,
      `ada@example.org namespaces="git,fi*" ${key.line}`,
      `ada@example.org NAMESPACES="file",Valid-After="20260101" ${key.line}`,
      `ada@example.org valid-after="20260601120000Z" ${key.line}`,
      `ada@example.org valid-before="20260601120000Z" ${key.line}`,
      `ada@example.org valid-after="202601010000Z",valid-before="20261231Z" ${key.line}`,
      `ada@example.org ,namespaces="file" ${key.line}`,
      `ada@example.org namespaces="file",,valid-after="20260101" ${key.line}`,
      `ada@example.org ${other.line}\nada@example.org ${key.line}`,
      `nonsense\nada@example.org ${key.line}`,
      `ada@example.org namespaces="git" ${key.line}\nada@example.org ${key.line}`,
      `# comment\n\nada@example.org ${key.line}`,
    ]
    for (const text of right) assert.ok(await agree('lets her sign', `${text}\n`, signature, {}), text)
    const wrong: readonly string[] = [
      `bob@example.org ${key.line}`,
      `ADA@example.org ${key.line}`,
      `*,!ada@example.org ${key.line}`,
      `!bob ${key.line}`,
      `ada@example.org ${other.line}`,
      `#ada@example.org ${key.line}`,
      key.line,
      `"ada@example.org ${key.line}`,
      `ada@example.org`,
      `ada@example.org namespaces="git" ${key.line}`,
      `ada@example.org namespaces="*,!file" ${key.line}`,
      `ada@example.org namespaces=file ${key.line}`,
      `ada@example.org namespaces="file",namespaces="file" ${key.line}`,
      `ada@example.org namespaces="file", ${key.line}`,
      `ada@example.org namespaces="file ${key.line}`,
      `ada@example.org valid-after="20260601120001Z" ${key.line}`,
      `ada@example.org valid-before="20260601115959Z" ${key.line}`,
      `ada@example.org valid-after="20261231Z",valid-before="20260101Z" ${key.line}`,
      `ada@example.org valid-after="2026" ${key.line}`,
      `ada@example.org valid-after="" ${key.line}`,
      `ada@example.org strange ${key.line}`,
      `ada@example.org strange="x" ${key.line}`,
      `ada@example.org cert-authority ${key.line}`,
      `ada@example.org cert-authority="x" ${key.line}`,
      `ada@example.org no-cert-authority ${key.line}`,
      '',
    ]
    for (const text of wrong) assert.ok(!(await agree('does not', `${text}\n`, signature, {})), text)
    assert.ok(!(await agree('another namespace', `ada@example.org ${key.line}\n`, signature, { namespace: 'git' })))
    assert.ok(!(await agree('other data', `ada@example.org ${key.line}\n`, signature, { data: 'other' })))
    const revoked = freshFile('revoked', `# gone\n${key.line}\n`)
    assert.ok(!(await agree('revoked by a list of keys', `ada@example.org ${key.line}\n`, signature, { revoked })))
    const krl = freshPath('krl')
    await quiet(['-k', '-f', krl, freshFile('spec', `sha256: ${key.line}\n`)])
    assert.ok(!(await agree('revoked by a revocation list', `ada@example.org ${key.line}\n`, signature, { revoked: krl })))
    assert.ok(
      await agree('others are revoked', `ada@example.org ${key.line}\n`, signature, { revoked: freshFile('revoked', `${other.line}\n`) }),
    )
  })

  test('certificates sign, and authorities are allowed to say for whom', { seconds: 120 }, async () => {
    const ca = newKey('ecdsa256')
    const valid = ['-V', '20260101000000:20261231000000']
    const cert = await certified(ca, ['-I', 'ada', '-n', 'ada@example.org,root', '-z', '7', ...valid])
    const line = `ssh-ed25519-cert ${content(cert.certificatePath)}`
    assert.match(line, /cert-v01/)
    const signer = certifiedSigner(await loadSigner(cert.path), parseCertificate(parsePublicKeyLine(content(cert.certificatePath)).blob))
    const ours = freshFile('ours.sig', await signFile(crypto, signer, Buffer.from(message), { namespace: 'file' }))
    const data = freshFile('data', message)
    // The certificate's file leads ssh-keygen to the private key beside it.
    const agentless = await keygen(['-q', '-Y', 'sign', '-f', cert.certificatePath, '-n', 'file', data])
    const paths = agentless.code === 0 ? [ours, `${data}.sig`] : [ours]
    for (const path of paths) {
      assert.ok(await agree('the authority, for everybody', `* cert-authority ${ca.line}\n`, path, {}))
      assert.ok(await agree('the authority, for her', `ada@example.org cert-authority,namespaces="file" ${ca.line}\n`, path, {}))
      assert.ok(await agree('by pattern', `*@example.org CERT-AUTHORITY ${ca.line}\n`, path, {}))
      assert.ok(await agree('for root too', `r*,ada* cert-authority ${ca.line}\n`, path, { principal: 'root' }))
      assert.ok(!(await agree('the authority without being one', `* ${ca.line}\n`, path, {})))
      assert.ok(!(await agree('another authority', `* cert-authority ${newKey('ed25519').line}\n`, path, {})))
      assert.ok(!(await agree('not named', `* cert-authority ${ca.line}\n`, path, { principal: 'bob' })))
      assert.ok(!(await agree('too early', `* cert-authority ${ca.line}\n`, path, { time: '20250101000000Z' })))
      assert.ok(!(await agree('too late', `* cert-authority ${ca.line}\n`, path, { time: '20270101000000Z' })))
      assert.ok(!(await agree('only for git', `* cert-authority,namespaces="git" ${ca.line}\n`, path, {})))
      const spec = freshFile('spec', 'serial: 7\n')
      const krl = freshPath('krl')
      await quiet(['-k', '-f', krl, '-s', ca.publicPath, spec])
      assert.ok(!(await agree('revoked by serial', `* cert-authority ${ca.line}\n`, path, { revoked: krl })))
      assert.ok(!(await agree('its authority is revoked', `* cert-authority ${ca.line}\n`, path, { revoked: ca.publicPath })))
    }
  })

  test('damaged signature files are refused by both', {}, async () => {
    const key = newKey('ed25519')
    const path = await signed(key.path)
    const text = content(path)
    const variants: readonly (readonly [string, string])[] = [
      ['as it is', text],
      ['with more behind it', `${text}and more\n`],
      ['without the last line break', text.trimEnd()],
      ['in one line', text.replaceAll(/(?<!-)\n(?!-)/g, '')],
      ['with blanks within', text.replace(/(.{20})/, '$1').replace('U1NI', 'U1 NI')],
      ['with a line before it', `\n${text}`],
      ['without its header', text.replace(/^.*\n/, '')],
      ['without its footer', text.replace(/-----END.*/s, '')],
      ['cut', text.slice(0, 100)],
      ['another version', text.replace('U1NIU0lHAAAAAQ', 'U1NIU0lHAAAAAg')],
      ['an older version', text.replace('U1NIU0lHAAAAAQ', 'U1NIU0lHAAAAAA')],
      ['another magic', text.replace('U1NI', 'U1NJ')],
      ['one bit of the signature', text.replace(/.(?=[^\n]{8}\n-----END)/, c => (c === 'A' ? 'B' : 'A'))],
    ]
    for (const [about, variant] of variants) {
      const theirs = await keygen(['-Y', 'check-novalidate', '-n', 'file', '-s', freshFile('sig', variant)], message)
      const ours = await verifyFile(crypto, Buffer.from(message), variant, { namespace: 'file' }).then(
        verdict => verdict.is === 'right',
        (error: unknown) => {
          assert.match(String((error as { code?: unknown }).code), /^SIGNATURE_/)
          return false
        },
      )
      assert.equal(ours, theirs.code === 0, `${about}: ${theirs.stderr}`)
    }
  })
})

describe('known_hosts', () => {
  const [one, two] = [newKey('ed25519').line, newKey('ecdsa256').line]
  const random = (bytes: Uint8Array): void => void crypto.random(bytes)
  const file = `# hosts of mine

plain.example,10.0.0.1 ${one} a comment
\t[plain.example]:2222   ${two}
*.wild.example,!not.wild.example ${one}
UPPER.example ${two}
@cert-authority *.example ${one}
@revoked plain.example ${two}
other.example\t${two}
`

  const search = [
    'plain.example',
    '10.0.0.1',
    '[plain.example]:2222',
    'a.wild.example',
    'not.wild.example',
    'upper.example',
    'other.example',
    'nobody.org',
  ]

  test('found: the same lines, plain and hashed by them', { seconds: 120 }, async () => {
    const plain = freshFile('known_hosts', file)
    const hashed = freshFile('known_hosts', file)
    await keygen(['-H', '-f', hashed])
    for (const path of [plain, hashed]) {
      for (const name of search) {
        const theirs = await keygen(['-F', name, '-f', path])
        const found = findKnownHost(content(path), name)
        const mark = { none: '', revoked: 'REVOKED', 'cert-authority': 'CA' }
        const shown = found
          .map(each => [`# Host ${name} found: line ${each.line} ${mark[each.marker]}`, ...each.lines, ''].join('\n'))
          .join('')
        assert.equal(shown, theirs.stdout.toString())
        assert.equal(found.length > 0, theirs.code === 0)
      }
    }
  })

  test('removed: the same text', { seconds: 120 }, async () => {
    // A line of nothing but a carriage return is damage to ssh-keygen, and a blank line to us.
    for (const text of [file, file.trimEnd(), file.replaceAll(/\n+/g, '\r\n')]) {
      for (const name of search) {
        const path = freshFile('known_hosts', text)
        const theirs = await keygen(['-R', name, '-f', path])
        assert.equal(theirs.code, 0)
        const ours = removeKnownHost(text, name)
        assert.equal(ours.text, content(path), name)
        assert.deepEqual(
          ours.removed,
          [...theirs.stdout.toString().matchAll(/found: line (\d+)/g)].map(each => Number(each[1])),
        )
        assert.deepEqual(ours.problems, [])
      }
    }
  })

  test('hashed: the same lines but for the salt, and both find in the other’s', { seconds: 120 }, async () => {
    for (const text of [file, file.trimEnd()]) {
      const path = freshFile('known_hosts', text)
      await keygen(['-H', '-f', path])
      const ours = hashKnownHosts(text, random)
      const blind = (each: string): string => each.replaceAll(/\|1\|[^ ]+/g, '|1|')
      assert.equal(blind(ours.text), blind(content(path)))
      assert.equal(ours.hashed, 5)
      assert.deepEqual(
        ours.wildcards.map(each => each.line),
        [5, 7],
      )
      const mine = freshFile('known_hosts', ours.text)
      for (const name of search) {
        assert.deepEqual(
          (await keygen(['-F', name, '-f', mine])).stdout.toString().match(/line \d+/g) ?? [],
          findKnownHost(content(path), name).map(each => `line ${each.line}`),
          name,
        )
      }
    }
  })

  test('lines that cannot be read: both say which, and ssh-keygen leaves the file alone', {}, async () => {
    const lines = [
      'nothing',
      'host ssh-ed25519',
      '@strange host ssh-ed25519 AAAA',
      'host 1024 35 1234567',
      '|1|xx|yy ssh-ed25519 AAAA',
      'host ',
      '@revoked @revoked h ssh-ed25519 AAAA',
      'host # ssh-ed25519 AAAA',
      'host ssh-ed25519 # AAAA',
    ]
    for (const line of lines) {
      const text = `plain.example ${one}\n${line}\n`
      const path = freshFile('known_hosts', text)
      const theirs = await keygen(['-R', 'plain.example', '-f', path])
      assert.notEqual(theirs.code, 0, line)
      assert.equal(content(path), text)
      assert.deepEqual(
        removeKnownHost(text, 'plain.example').problems.map(each => each.line),
        [2],
        line,
      )
      assert.ok(removeKnownHost(text, 'plain.example').text.includes(line))
    }
  })

  test('added and edited on disk: ssh-keygen finds it, the backup and the mode are as it would leave them', {}, async () => {
    const path = freshFile('known_hosts', file, 0o644)
    const key = parsePublicKeyLine(two)
    await editTextFile(path, text => addKnownHost(text, { host: 'new.example', port: 2222 }, key.blob, { hash: random }).text)
    assert.equal((await keygen(['-F', '[new.example]:2222', '-f', path])).code, 0)
    const before = content(path)
    const edited = await editTextFile(path, text => removeKnownHost(text, '[new.example]:2222').text, { backup: true })
    assert.equal(edited.backup, `${path}.old`)
    assert.equal(content(`${path}.old`), before)
    assert.equal(content(path), file)
    assert.equal(statSync(path).mode & 0o777, 0o644)
    assert.deepEqual(parseKnownHosts(content(path), path).problems, [])
  })
})
