// Owns `ssh-keygen -l` and `-B`: the fingerprints of all keys of a file, which may be a key file, authorized_keys or known_hosts.
// Knows nothing of formats of private keys.
import { readFileSync } from 'node:fs'
import type { PublicKey } from 'nacre/keys'
import { readPrivateKey } from 'nacre/keys'
import { nodeCrypto } from 'nacre/crypto/node'
import type { Environment } from '../environment.ts'
import { FatalError, systemText } from '../fatal.ts'
import type { KeygenCall } from './call.ts'
import { askFile, keyAt, loadPublic, usualName } from './key-files.ts'
import type { Operation } from './operation.ts'
import { describedKey } from './shown.ts'
import { textOf } from './standard-input.ts'

/** Where the first word of a line ends: blanks in quotes are of it (options of authorized_keys). */
const endOfWord = (text: string): number => {
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    if (!quoted && (text[at] === ' ' || text[at] === '\t')) return at
    if (text[at] === '\\' && text[at + 1] === '"') at++
    else if (text[at] === '"') quoted = !quoted
  }
  return -1
}

/**
 * The key of a line, behind options or host names if it has any; they are its comment when it has no other. A comment that
 * begins with # is none.
 */
const keyOfLine = (line: string): { readonly key: PublicKey; readonly comment: string | undefined } | undefined => {
  const text = line.replace(/^[ \t]+/, '')
  const comment = (rest: string): string | undefined => (rest === '' || rest.startsWith('#') ? undefined : rest)
  const plain = keyAt(text)
  if (plain !== undefined) return { key: plain.key, comment: comment(plain.rest) }
  const end = /^[+-]?0*[1-9]\d*[ \t]/.test(text) ? -1 : endOfWord(text)
  const behind = end < 0 ? undefined : keyAt(text.slice(end))
  return behind === undefined ? undefined : { key: behind.key, comment: comment(behind.rest) ?? text.slice(0, end) }
}

/** The comment of a private key file, when it shows it without a passphrase. */
const privateComment = (path: string): string | undefined => {
  try {
    return readPrivateKey(nodeCrypto(), readFileSync(path), { path }).comment
  } catch {
    return undefined
  }
}

const privateFile = (path: string, call: KeygenCall, environment: Environment): number => {
  const key = loadPublic(path)
  if (key === undefined) {
    try {
      const opened = readPrivateKey(nodeCrypto(), readFileSync(path), { path })
      environment.stdout.write(describedKey(opened.publicKey, undefined, call))
      return 0
    } catch {
      throw new FatalError(`${path} is not a key file.`)
    }
  }
  environment.stdout.write(describedKey(key, key.comment === '' ? privateComment(path) : key.comment, call))
  return 0
}

const textAt = async (path: string, environment: Environment): Promise<string> => {
  if (path === '-') return await textOf(environment)
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new FatalError(`ssh-keygen: ${path}: ${systemText(error)}`)
  }
}

export const fingerprints: Operation = {
  name: 'print fingerprints',
  wanted: call => call.has('l') || call.has('B'),
  async run(call, environment) {
    const path = await askFile('Enter file in which the key is', usualName(call.line.last('t')?.toUpperCase() ?? ''), call, environment)
    const text = await textAt(path, environment)
    const lines = text.split('\n')
    if (path !== '-' && lines[0].includes('PRIVATE KEY')) return privateFile(path, call, environment)
    let found = false
    for (const raw of lines) {
      const line = raw.replace(/\r.*$/s, '')
      const key = /^[ \t]*(#|$)/.test(line) ? undefined : keyOfLine(line)
      if (key === undefined) continue
      environment.stdout.write(describedKey(key.key, key.comment, call))
      found = true
    }
    if (!found) throw new FatalError(`${path === '-' ? '(stdin)' : path} is not a public key file.`)
    return 0
  },
}
