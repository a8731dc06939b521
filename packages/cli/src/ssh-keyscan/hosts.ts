// Owns which hosts to ask: lines of files, `address,name name,name`, ranges of addresses. One after the other, so that a range
// of millions costs no memory. Knows nothing of connections.
import { createReadStream } from 'node:fs'
import { isIP } from 'node:net'
import { createInterface } from 'node:readline'
import type { Environment } from '../environment.ts'
import { FatalError, systemText } from '../fatal.ts'

/** A host to ask: addresses or names to try, in order, and the names its keys are written under. */
export interface ScannedHost {
  readonly addresses: readonly string[]
  readonly names: string
}

const bitsOf = { 4: 32, 6: 128 } as const

const addressBits = (text: string, version: 4 | 6): bigint => {
  if (version === 4) return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const whole = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...quad: string[]) => {
    const [a, b, c, d] = quad.slice(0, 4).map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail] = whole.split('::')
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n)
}

const textOfAddress = (bits: bigint, version: 4 | 6): string => {
  const step = version === 4 ? 8n : 16n
  const parts = Array.from(
    { length: version === 4 ? 4 : 8 },
    (_, index) => (bits >> (step * BigInt(index))) & ((1n << step) - 1n),
  ).reverse()
  if (version === 4) return parts.join('.')
  // The address in a URL has RFC 5952's form.
  return new URL(`http://[${parts.map(part => part.toString(16)).join(':')}]`).hostname.slice(1, -1)
}

/** The addresses of `10.0.0.0/24`, first and last included; a plain address is a range of one. `undefined` for anything else. */
export const addressesOf = (text: string): Iterable<string> | undefined => {
  const [address, mask, ...more] = text.split('/')
  const version = isIP(address)
  if (more.length > 0 || (version !== 4 && version !== 6) || address.includes('%')) return undefined
  const width = bitsOf[version]
  if (mask !== undefined && (!/^\d{1,3}$/.test(mask) || Number(mask) > width)) return undefined
  const free = BigInt(width - Number(mask ?? width))
  const first = addressBits(address, version)
  // An address inside a network is not that network.
  if ((first & ((1n << free) - 1n)) !== 0n) return undefined
  return (function* () {
    for (let at = first; at < first + (1n << free); at++) yield textOfAddress(at, version)
  })()
}

/** What an argument or a line says. */
export function* hostsOf(text: string): Generator<ScannedHost, void, undefined> {
  const range = addressesOf(text)
  if (range !== undefined) {
    for (const address of range) yield { addresses: [address], names: address }
    return
  }
  const words = /^[ \t\n]*([^ \t\n]+)(?:[ \t\n]+(.*))?$/s.exec(text)
  if (words === null) return
  const [, addresses, names = ''] = words
  yield { addresses: addresses.split(',').filter(each => each !== ''), names: names === '' ? addresses : names }
}

/** Without comment and blanks at the end. */
const strip = (line: string): string => line.replace(/#.*$/s, '').replace(/[ \t\n]+$/, '')

async function* linesOf(file: string | undefined, environment: Environment): AsyncGenerator<string, void, undefined> {
  const input: NodeJS.ReadableStream = file === undefined ? environment.stdin : createReadStream(file)
  const failed = Promise.withResolvers<never>()
  input.once('error', (error: unknown) => failed.reject(new FatalError(`ssh-keyscan: ${file ?? '<stdin>'}: ${systemText(error)}`)))
  failed.promise.catch(() => {})
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]()
  for (;;) {
    const { done, value } = await Promise.race([lines.next(), failed.promise])
    if (done === true) return
    yield value
  }
}

/** All hosts of a call, files first. */
export async function* allHosts(
  call: { readonly files: readonly (string | undefined)[]; readonly hosts: readonly string[] },
  environment: Environment,
): AsyncGenerator<ScannedHost, void, undefined> {
  for (const file of call.files) {
    for await (const raw of linesOf(file, environment)) {
      const line = strip(raw)
      if (line !== '') yield* hostsOf(line)
    }
  }
  for (const host of call.hosts) yield* hostsOf(host)
}
