// Owns the keys of the tests, made by ssh-keygen when first asked for. Knows nothing of who uses them.
import { chmodSync, copyFileSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { freshPath } from './folder.ts'

export interface KeyFile {
  /** Private key, OpenSSH format. */
  readonly path: string
  readonly publicPath: string
  /** `type base64`, as it stands in authorized_keys and known_hosts. */
  readonly line: string
  /** The type name on the wire. */
  readonly type: string
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string
  readonly passphrase: string | undefined
}

const vectors = new URL('../../packages/nacre/test/vectors/key-types/', import.meta.url)

const makers = {
  ed25519: ['-t', 'ed25519'],
  ecdsa256: ['-t', 'ecdsa', '-b', '256'],
  ecdsa384: ['-t', 'ecdsa', '-b', '384'],
  ecdsa521: ['-t', 'ecdsa', '-b', '521'],
  rsa: ['-t', 'rsa', '-b', '2048'],
  weakRsa: ['-t', 'rsa', '-b', '1024'],
  dsa: ['-t', 'dsa'],
  // Younger than the ssh-keygen there is: that of the vectors.
  mldsa44: undefined,
} as const
export type KeyKind = keyof typeof makers

/** The kinds that nobody calls insecure. */
export const soundKinds = ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa'] as const satisfies readonly KeyKind[]

/** A new key. */
export const newKey = (kind: KeyKind, passphrase?: string): KeyFile => {
  const path = freshPath(`key-${kind}`)
  const words = makers[kind]
  if (words === undefined) {
    for (const ending of ['', '.pub'])
      copyFileSync(new URL(`mldsa44-ed25519${ending === '' ? '.key' : ending}`, vectors), `${path}${ending}`)
    chmodSync(path, 0o600)
  } else execFileSync('ssh-keygen', ['-q', ...words, '-N', passphrase ?? '', '-C', `${kind} of the tests`, '-f', path])
  const [type = '', blob = ''] = readFileSync(`${path}.pub`, 'utf8').split(' ')
  const fingerprint = `SHA256:${createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64').replace(/=+$/, '')}`
  return { path, publicPath: `${path}.pub`, line: `${type} ${blob}`, type, fingerprint, passphrase }
}

const made = new Map<string, KeyFile>()
const kept = (name: string, make: () => KeyFile): KeyFile => {
  const key = made.get(name) ?? make()
  made.set(name, key)
  return key
}

/** The user's key of a kind; the same for the whole test process. */
export const userKey = (kind: KeyKind = 'ed25519', passphrase?: string): KeyFile =>
  kept(`user ${kind} ${passphrase ?? ''}`, () => newKey(kind, passphrase))

/** A server's host key of a kind; the same for the whole test process. */
export const hostKey = (kind: KeyKind = 'ed25519'): KeyFile => kept(`host ${kind}`, () => newKey(kind))

/** A key that nobody authorized. */
export const strangerKey = (): KeyFile => kept('stranger', () => newKey('ed25519'))
