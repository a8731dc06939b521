// Owns real key files and transcripts as inputs to begin with. Knows nothing of what reads them.
import { readdirSync, readFileSync } from 'node:fs'
import { parsePublicKeyLine } from '../../packages/nacre/src/keys/public.ts'

const folder = new URL('../../packages/nacre/test/', import.meta.url)
const files = (under: string, ending: string): readonly string[] =>
  readdirSync(new URL(under, folder))
    .filter(name => name.endsWith(ending))
    .sort()
    .map(name => readFileSync(new URL(`${under}/${name}`, folder), 'utf8'))

interface SecurityKeys {
  /** base64, of what is signed. */
  readonly data: string
  readonly keys: readonly { readonly name: string; readonly public: string; readonly file: string }[]
  readonly signatures: readonly { readonly key: string; readonly signature: string; readonly accepted: boolean }[]
}
export const securityKeys = (): SecurityKeys => JSON.parse(files('vectors/key-types', 'security-keys.json')[0]) as SecurityKeys

/** Those of DSA are refused whatever else they are. */
export const certificateLines = (): readonly string[] =>
  (JSON.parse(files('vectors/certificates', '.json')[0]) as readonly { readonly key: string; readonly line: string }[])
    .filter(each => each.key !== 'dsa')
    .map(each => each.line)

export const publicKeyLines = (): readonly string[] => [
  ...files('vectors/keys', '.pub'),
  ...files('vectors/key-types', '.pub'),
  ...securityKeys().keys.map(each => each.public),
]
export const keyBlobs = (): readonly Uint8Array[] => publicKeyLines().map(line => parsePublicKeyLine(line).blob)
export const opensshKeyFiles = (): readonly string[] => [
  ...files('vectors/keys', '.key').filter(text => text.includes('OPENSSH PRIVATE KEY')),
  ...files('vectors/key-types', '.key'),
  ...securityKeys().keys.map(each => each.file),
]
export const pemFiles = (): readonly string[] => files('vectors/keys', '.pem')
export const knownHostsFiles = (): readonly string[] => [...files('vectors/keys', 'known_hosts'), ...files('vectors/keys', '.hashed')]
/** Short ones: a search goes through its inputs many times. */
export const transcripts = (): readonly string[] =>
  files('transcripts', '.jsonl').map(text => text.slice(0, 6000).replace(/\n[^\n]*$/, '\n'))

interface ListVectors {
  readonly lists: readonly {
    readonly authority: string | null
    readonly spec: string
    /** base64 */
    readonly krl: string
    readonly asked: readonly { readonly line: string }[]
  }[]
  readonly signatures: readonly { readonly file: string }[]
}
export const listVectors = (): ListVectors => JSON.parse(files('vectors/lists', '.json')[0]) as ListVectors
