// Owns showing keys in other forms: the public half of a private key (`ssh-keygen -y`), export (`-e`) and import (`-i`). Knows
// nothing of the formats themselves.
import { readFileSync } from 'node:fs'
import { hostname, userInfo } from 'node:os'
import { formatPublicKeyLine, plainTypeOf, type PublicKey, readPublicKeys, shortTypeName, writePublicKey } from 'nacre/keys'
import { KeyFormatError } from 'nacre'
import { FatalError } from '../fatal.ts'
import type { ConvertFormat } from './call.ts'
import { existingFile, keyErrorText, loadIdentity, loadPublic } from './key-files.ts'
import type { Operation } from './operation.ts'
import { readSsh2PrivateKey } from './ssh2-private.ts'

export const printPublic: Operation = {
  name: 'print the public half',
  wanted: call => call.has('y'),
  async run(call, environment) {
    const path = await existingFile(call, environment)
    const { key } = await loadIdentity(path, call, environment)
    environment.stdout.write(`${formatPublicKeyLine(key.publicKey)}\n`)
    return 0
  },
}

/** RFC 4716 has room for 72 characters: ssh-keygen keeps 60 of this one. */
const longestComment = 60

const exported = (key: PublicKey, format: ConvertFormat): string => {
  if (format === 'RFC4716') {
    const comment = `${key.bits}-bit ${shortTypeName(key.type)}, converted by ${userInfo().username}@${hostname()} from OpenSSH`
    return writePublicKey(key.withComment(comment.slice(0, longestComment)), 'rfc4716')
  }
  const plain = plainTypeOf(key.type)
  // OpenSSL has a form for others too; ssh-keygen has not, and scripts count on it.
  if (plain !== 'ssh-rsa' && !plain.startsWith('ecdsa-'))
    throw new FatalError(`do_convert_to_${format.toLowerCase()}: unsupported key type ${shortTypeName(key.type)}`)
  return writePublicKey(key, format === 'PEM' ? 'pem' : 'pkcs8')
}

export const exportKey: Operation = {
  name: 'export a public key',
  wanted: call => call.has('e'),
  async run(call, environment) {
    const path = await existingFile(call, environment, 'ssh-keygen: ')
    const key = loadPublic(path) ?? (await loadIdentity(path, call, environment)).key.publicKey
    environment.stdout.write(exported(key, call.format ?? 'RFC4716'))
    return 0
  },
}

/** The label a file of the format must have, and ssh-keygen's words when it has not. */
const imports: Readonly<Record<ConvertFormat, { readonly label: string; readonly refusal: (path: string) => string }>> = {
  RFC4716: { label: '---- BEGIN SSH2 PUBLIC KEY ----', refusal: () => 'do_convert_from_ssh2: parse key: invalid format' },
  PKCS8: {
    label: '-----BEGIN PUBLIC KEY-----',
    refusal: path => `do_convert_from_pkcs8: ${path} is not a recognised public key format`,
  },
  PEM: { label: '-----BEGIN RSA PUBLIC KEY-----', refusal: () => 'do_convert_from_pem: unrecognised raw private key format' },
}

export const importKey: Operation = {
  name: 'import a key',
  wanted: call => call.has('i') || call.has('X'),
  async run(call, environment) {
    const path = await existingFile(call, environment, 'ssh-keygen: ')
    const text = readFileSync(path, 'latin1')
    const format = call.format ?? 'RFC4716'
    if (format === 'RFC4716' && text.includes('---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----')) {
      environment.stdout.write(await readSsh2PrivateKey(text))
      return 0
    }
    const { label, refusal } = imports[format]
    if (!text.includes(label)) throw new FatalError(refusal(path))
    try {
      const [key] = readPublicKeys(text, { path })
      environment.stdout.write(`${formatPublicKeyLine(key, '')}\n`)
      return 0
    } catch (error) {
      if (!(error instanceof KeyFormatError)) throw error
      throw new FatalError(format === 'RFC4716' ? `do_convert_from_ssh2: parse key: ${keyErrorText(error)}` : refusal(path))
    }
  },
}
