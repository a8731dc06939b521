// Owns what the tests use of Node's other modules, for a browser: hashes, files that were put into the bundle, inflating.
// Only tests see these: the library in a browser has no need of them.
import { hmac } from '@noble/hashes/hmac.js'
import { md5, sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { Buffer } from 'buffer/'
import { deflate } from 'pako'

const hashes = { md5, sha1, sha256, sha384, sha512 }
type Name = keyof typeof hashes
type Data = string | Uint8Array

const bytesOf = (data: Data): Uint8Array => (typeof data === 'string' ? new TextEncoder().encode(data) : data)

interface Running {
  update(data: Data): Running
  digest(encoding?: 'hex' | 'base64'): unknown
}

const running = (hash: { update(bytes: Uint8Array): unknown; digest(): Uint8Array }): Running => {
  const self: Running = {
    update(data) {
      hash.update(bytesOf(data))
      return self
    },
    digest(encoding) {
      const bytes = Buffer.from(hash.digest())
      return encoding === undefined ? bytes : bytes.toString(encoding)
    },
  }
  return self
}

export const createHash = (name: Name | 'shake256', options: { readonly outputLength?: number } = {}): Running =>
  running(name === 'shake256' ? shake256.create({ dkLen: options.outputLength ?? 32 }) : hashes[name].create())
export const createHmac = (name: Name, key: Uint8Array): Running => running(hmac.create(hashes[name], key))
export const randomFillSync = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => crypto.getRandomValues(bytes)

/** `file:` addresses of the files in the bundle, and their contents in base64. */
declare const filesOfTheTests: Readonly<Record<string, string>>

const addressOf = (path: string | URL): string => {
  const text = path instanceof URL ? path.href : path
  return decodeURI(`file://${text.replace(/^file:\/\//, '').replaceAll(/\/\/+/g, '/')}`)
}

export const readFileSync = (path: string | URL, encoding?: 'utf8' | { readonly encoding: 'utf8' }): unknown => {
  const content = filesOfTheTests[addressOf(path)]
  if (content === undefined) throw new Error(`${addressOf(path)} is not in the bundle`)
  const bytes = Buffer.from(content, 'base64')
  return encoding === undefined ? bytes : bytes.toString('utf8')
}

export const readdirSync = (path: string | URL): readonly string[] => {
  const folder = addressOf(path).replace(/\/?$/, '/')
  const below = Object.keys(filesOfTheTests).filter(each => each.startsWith(folder))
  return [...new Set(below.map(each => each.slice(folder.length).split('/')[0]))].sort()
}

export const fileURLToPath = (url: string | URL): string => new URL(url).pathname
export const deflateSync = (bytes: Uint8Array): Uint8Array => Buffer.from(deflate(bytes))

const custom = Symbol.for('nodejs.util.inspect.custom')

/** What a person would see: the value's own words, else its public fields. */
export const inspect = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value)
  const own = (value as Record<symbol, unknown>)[custom]
  if (typeof own === 'function') return String(own.call(value))
  const fields = Object.entries(value).map(([key, field]) => `${key}: ${inspect(field)}`)
  return `${value.constructor?.name ?? ''} { ${fields.join(', ')} }`
}
