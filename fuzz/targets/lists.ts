// Owns the targets for what says whom to trust no more, or with what: revocation lists, signatures of files, allowed signers, and
// edits of known_hosts and authorized_keys. Errors are typed, what was read is written and read as the same, and an edit leaves
// all lines it is not about as they are.
import assert from 'node:assert/strict'
import { nodeCrypto } from '../../packages/nacre/src/crypto/node/provider.ts'
import { checkSigner, findPrincipals, matchPrincipals, parseAllowedSigners } from '../../packages/nacre/src/keys/allowed-signers.ts'
import {
  addAuthorizedKey,
  formatAuthorizedKey,
  parseAuthorizedKeys,
  removeAuthorizedKey,
} from '../../packages/nacre/src/keys/authorized-keys.ts'
import { addKnownHost, findKnownHost, hashKnownHosts, removeKnownHost } from '../../packages/nacre/src/keys/known-hosts-edit.ts'
import {
  emptyKrl,
  formatKrl,
  isRevoked,
  type KeyRevocationList,
  parseKrl,
  parseRevocations,
  parseRevokedKeys,
  type RevokedKeyList,
  reviseKrl,
  writeKrl,
} from '../../packages/nacre/src/keys/krl/index.ts'
import { parsePublicKeyLine } from '../../packages/nacre/src/keys/public.ts'
import { formatSignatureFile, parseSignatureBlob, parseSignatureFile, verifyFile } from '../../packages/nacre/src/keys/signature-file.ts'
import { eachLine } from '../../packages/nacre/src/keys/text-lines.ts'
import { seededRandom } from '../../packages/nacre/src/testing/random.ts'
import { decodeBase64 } from '../../packages/nacre/src/keys/base64.ts'
import { type Target, textOf, unlessRefused, unseen, utf8Bytes } from '../rig/target.ts'
import { knownHostsFiles, listVectors, publicKeyLines } from '../rig/vectors.ts'

const crypto = nodeCrypto()
const { lists, signatures } = listVectors()
const line =
  publicKeyLines()
    .find(each => each.startsWith('ssh-ed25519'))
    ?.trim() ?? ''
const key = parsePublicKeyLine(line)
const certificates = lists[0].asked.map(each => parsePublicKeyLine(each.line)).filter(each => each.type.includes('-cert-'))
const [keyType, keyBase64] = line.split(' ')

const sentence = (text: string): void =>
  assert.ok(text !== '' && !unseen.test(text), `a text that garbles a terminal: ${JSON.stringify(text)}`)

const ask = (list: KeyRevocationList | RevokedKeyList): void => {
  for (const each of [key, ...certificates]) {
    const revoked = isRevoked(list, each)
    if (revoked !== undefined) sentence(revoked.reason)
  }
}

const krl: Target = {
  name: 'krl',
  about: 'revocation lists, and lists of keys: refused, or the same after they were written and read again, and an answer for any key',
  words: ['SSHKRL\n\0', '\0\0\0\0', keyType],
  seeds: () => [...lists.map(each => decodeBase64(each.krl) ?? new Uint8Array(0)), utf8Bytes(`# list\n${line}\n`)],
  run: (input, note) => {
    const list = unlessRefused(() => parseKrl(input), note)
    const either = unlessRefused(() => parseRevokedKeys(input), note)
    if (either !== undefined) ask(either)
    if (list === undefined) return
    for (const part of list.certificates)
      note(`${part.authority === undefined} ${part.keyIds.length > 0} ${Math.min(part.serials.size, 3)}`)
    const written = writeKrl(list)
    const again = parseKrl(written)
    assert.deepEqual(writeKrl(again), written)
    // A comment that is no UTF-8 is shown with marks in its place.
    assert.equal(formatKrl(again), formatKrl(list))
    for (const each of formatKrl(list).split('\n')) if (each !== '') sentence(each)
    assert.deepEqual(writeKrl(reviseKrl(emptyKrl, { add: [], version: 0n })), writeKrl(emptyKrl))
  },
}

const krlText: Target = {
  name: 'krl-text',
  about: 'the text of what to revoke: refused with its line, or a list that says the same after it was written and read',
  words: ['serial: ', 'id: ', 'key: ', 'sha1: ', 'sha256: ', 'hash: SHA256:', '-', '#', '\n', '0x', '18446744073709551615', line],
  seeds: () => [
    ...lists.map(each => utf8Bytes(each.spec.slice(0, 4000))),
    utf8Bytes(`serial: 1-5\nid: x\nkey: ${line}\nhash: ${key.fingerprint()}\n`),
  ],
  run: (input, note) => {
    const entries = unlessRefused(() => parseRevocations(textOf(input), { authority: 'any', path: 'spec' }), note)
    if (entries === undefined) return
    const list = unlessRefused(() => reviseKrl(emptyKrl, { add: entries }), note)
    if (list === undefined) return
    const again = parseKrl(writeKrl(list))
    assert.equal(formatKrl(again), formatKrl(list))
    for (const entry of entries) {
      note(entry.is)
      if (entry.is !== 'serials') continue
      const serials = again.certificates.find(each => each.authority?.fingerprint() === entry.authority?.fingerprint())?.serials
      assert.ok(serials?.find(entry.from) !== undefined && serials.find(entry.to) !== undefined)
    }
  },
}

const signatureFile: Target = {
  name: 'signature-file',
  about: 'signature files in their armour: refused, or the same signature again after writing',
  words: ['-----BEGIN SSH SIGNATURE-----\n', '\n-----END SSH SIGNATURE-----\n', '\r\n', 'U1NIU0lH'],
  seeds: () => signatures.map(each => utf8Bytes(each.file)),
  run: (input, note) => {
    const read = unlessRefused(() => parseSignatureFile(input), note)
    if (read === undefined) return
    note(`${read.hash} ${read.publicKey.type}`)
    assert.deepEqual(parseSignatureFile(formatSignatureFile(read)), read)
  },
}

const signatureBytes: Target = {
  name: 'signature-blob',
  about: 'the bytes of a signature of a file, verified: refused or wrong, in words, and right only as they were made',
  words: ['SSHSIG', 'sha256', 'sha512', 'ssh-rsa', 'rsa-sha2-512', 'file'],
  seeds: () => signatures.map(each => decodeBase64(each.file.replaceAll(/-----.*-----|\s/g, '')) ?? new Uint8Array(0)),
  run: async (input, note) => {
    const read = unlessRefused(() => parseSignatureBlob(input), note)
    if (read === undefined) return
    const verdict = await verifyFile(crypto, utf8Bytes('other data'), read, { namespace: 'file' })
    assert.equal(verdict.is, 'wrong', 'a signature over other data')
    if (verdict.is === 'wrong') {
      sentence(verdict.message)
      note(verdict.reason)
    }
  },
}

const allowedSigners: Target = {
  name: 'allowed-signers',
  about: 'allowed_signers: entries, problems in words, and an answer for any key',
  words: [
    'cert-authority',
    'namespaces="',
    'valid-after="20260101Z"',
    'valid-before="',
    '",',
    ',',
    '"',
    '*',
    '!',
    'ada',
    ' ',
    '\n',
    keyType,
    keyBase64,
  ],
  seeds: () => [
    utf8Bytes(`ada,*@example.org cert-authority,namespaces="git,file",valid-after="20260101Z",valid-before="20270101Z" ${line}`),
    utf8Bytes(`# who\n"a b" ${line}\nada namespaces="file" ${line}\n* cert-authority ${lists[0].authority ?? ''}`),
  ],
  run: (input, note) => {
    const file = parseAllowedSigners(textOf(input), 'allowed')
    for (const { problem } of file.problems) {
      sentence(problem)
      note(problem.slice(0, 16))
    }
    for (const each of [key, certificates[2]]) {
      const verdict = checkSigner(crypto, file, each, { principal: 'ada', namespace: 'file', time: 1.8e12 })
      note(verdict.is)
      if (verdict.is === 'refused') for (const { problem } of verdict.problems) sentence(problem)
      else assert.ok(!verdict.entry.certAuthority === each.equals(key))
      findPrincipals(crypto, file, each, { time: 1.8e12 })
    }
    matchPrincipals(file, 'ada')
  },
}

const knownHostsEdits: Target = {
  name: 'edit-known-hosts',
  about: 'edits of known_hosts: lines they are not about stay as they are, and what was hashed is found as before',
  words: [
    '@revoked ',
    '@cert-authority ',
    '|1|',
    'a.example',
    '[a.example]:2222',
    '*',
    '!',
    ',',
    '\r\n',
    '\n',
    ' ',
    '\t',
    '#',
    keyType,
    keyBase64,
  ],
  seeds: () => [...knownHostsFiles(), `a.example,b ${line}\r\n# c\n\n@revoked * ${line}\n[a.example]:22 ${line}`].map(utf8Bytes),
  run: (input, note) => {
    const text = textOf(input)
    const before = eachLine(text)
    assert.equal(before.join(''), text)
    const found = findKnownHost(text, 'a.example')
    const removal = removeKnownHost(text, 'a.example')
    assert.deepEqual(
      removal.removed,
      found.filter(each => each.marker === 'none').map(each => each.line),
    )
    const left = before.filter((_, i) => !removal.removed.includes(i + 1)).join('')
    assert.ok(removal.text === left || (removal.removed.length > 0 && removal.text === `${left}\n`))
    for (const { problem } of removal.problems) sentence(problem)

    const hashing = hashKnownHosts(text, seededRandom(1).bytes)
    note(`${found.length > 0} ${hashing.hashed > 0} ${hashing.wildcards.length > 0} ${removal.problems.length > 0}`)
    const types = (all: ReturnType<typeof findKnownHost>): readonly string[] =>
      all.map(each => `${each.marker} ${each.entry?.key.fingerprint() ?? ''}`)
    // A name twice in one line has two lines then.
    assert.deepEqual(new Set(types(findKnownHost(hashing.text, 'a.example'))), new Set(types(found)))
    assert.equal(hashKnownHosts(hashing.text, seededRandom(2).bytes).text, hashing.text)

    const added = addKnownHost(text, { host: 'new.example', port: 22 }, key.blob)
    assert.ok(added.text.startsWith(text))
    assert.ok(!added.added || findKnownHost(added.text, 'new.example').length > 0)
  },
}

const authorizedKeysEdits: Target = {
  name: 'edit-authorized-keys',
  about: 'edits of authorized_keys: a line that was read is written and read as the same, and others stay as they are',
  words: [
    'command="',
    'from="',
    'restrict',
    'environment="A=',
    'permitopen="[::1]:22"',
    '\\"',
    '\\\\"',
    '",',
    ',',
    '\r\n',
    '\n',
    keyType,
    keyBase64,
  ],
  seeds: () => [utf8Bytes(`restrict,command="echo \\"a\\\\\\"" ${line}\n# c\r\n${line}`)],
  run: (input, note) => {
    const text = textOf(input)
    const { entries } = parseAuthorizedKeys(text, '')
    for (const entry of entries) {
      let written: string
      try {
        written = formatAuthorizedKey(entry)
      } catch (error) {
        // What stands between quotes in a file may have a carriage return, which we do not write.
        if (!(error instanceof TypeError)) throw error
        note('cannot be written')
        continue
      }
      const [again] = parseAuthorizedKeys(written, '').entries
      assert.deepEqual(again.options, entry.options)
      assert.ok(again.key.equals(entry.key))
    }
    const removal = removeAuthorizedKey(text, key)
    assert.equal(
      removal.text,
      eachLine(text)
        .filter((_, i) => !removal.removed.includes(i + 1))
        .join(''),
    )
    const added = addAuthorizedKey(removal.text, { key })
    assert.ok(added.added && added.text.startsWith(removal.text))
    assert.equal(addAuthorizedKey(added.text, { key }).added, false)
    note(`${entries.length > 0} ${removal.removed.length > 0}`)
  },
}

export const listTargets: readonly Target[] = [
  krl,
  krlText,
  signatureFile,
  signatureBytes,
  allowedSigners,
  knownHostsEdits,
  authorizedKeysEdits,
]
