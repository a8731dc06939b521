// Owns reading IP addresses and ranges and comparing them. Knows nothing of sockets, names or who is behind one.

/** An address as 4 or 16 bytes, or `undefined`. IPv4 inside IPv6 (`::ffff:10.0.0.1`) is IPv4; a zone is left out. */
export const parseAddress = (text: string): Uint8Array | undefined => {
  const address = text.split('%', 1)[0]
  const bytes = address.includes(':') ? parseV6(address) : parseV4(address)
  return bytes?.length === 16 && isMapped(bytes) ? bytes.subarray(12) : bytes
}

/** Every connection's address is read, so this looks at each character once. */
const parseV4 = (text: string): Uint8Array | undefined => {
  const bytes = new Uint8Array(4)
  let at = 0
  let number: number | undefined
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x30 && code <= 0x39) {
      // Leading zeros are refused: some readers take them for octal.
      if (number === 0) return undefined
      number = (number ?? 0) * 10 + code - 0x30
      if (number > 255) return undefined
    } else if (code === 0x2e && number !== undefined && at < 3) {
      bytes[at++] = number
      number = undefined
    } else return undefined
  }
  if (at !== 3 || number === undefined) return undefined
  bytes[3] = number
  return bytes
}

const parseV6 = (text: string): Uint8Array | undefined => {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const tail = dotted ? parseV4(dotted[2]) : new Uint8Array(0)
  if (tail === undefined) return undefined
  // RFC 4291 §2.2: at most one "::" stands for the zeros that are missing.
  const halves = (dotted ? `${dotted[1]}0:0` : text).split('::')
  if (halves.length > 2) return undefined
  const [head, rest] = halves.map(half => (half === '' ? [] : half.split(':')))
  const missing = 8 - head.length - (rest?.length ?? 0)
  if (rest === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = rest === undefined ? head : [...head, ...Array.from({ length: missing }, () => '0'), ...rest]
  if (!groups.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  const bytes = Uint8Array.from(groups.flatMap(group => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]))
  bytes.set(tail, 16 - tail.length)
  return bytes
}

const isMapped = (bytes: Uint8Array): boolean => bytes.subarray(0, 10).every(each => each === 0) && bytes[10] === 0xff && bytes[11] === 0xff

interface Range {
  readonly bytes: Uint8Array
  readonly bits: number
}

/** `10.0.0.0/8`, `::1`, `fe80::/10`. Throws `TypeError` for what is no range, or has bits behind its length. */
const parseRange = (text: string): Range => {
  const [address, length, ...more] = text.split('/')
  const bytes = parseAddress(address)
  if (bytes === undefined || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)))
    throw new TypeError(`"${text}" is not an IP address or range.`)
  // A length written for the IPv6 form of an IPv4 address counts the 96 bits before it.
  const outer = address.includes(':') && bytes.length === 4 ? 96 : 0
  const bits = length === undefined ? bytes.length * 8 : Number(length) - outer
  if (bits < 0 || bits > bytes.length * 8) throw new TypeError(`"${text}" has a length that its address does not have.`)
  if (!equalBits(bytes, masked(bytes, bits), bytes.length * 8))
    throw new TypeError(`"${text}" has address bits behind its length of ${length}.`)
  return { bytes, bits }
}

/** The first `bits` of an address, then zeros. */
const masked = (bytes: Uint8Array, bits: number): Uint8Array =>
  bytes.map((each, index) => each & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))))

const equalBits = (left: Uint8Array, right: Uint8Array, bits: number): boolean => {
  const [a, b] = [masked(left, bits), masked(right, bits)]
  return a.length === b.length && a.every((each, index) => each === b[index])
}

/** A test for being in one of the ranges. What is no address is in none. */
export const addressRanges = (ranges: readonly string[]): ((address: string) => boolean) => {
  const parsed = ranges.map(parseRange)
  return text => {
    const address = parseAddress(text)
    return (
      address !== undefined && parsed.some(range => range.bytes.length === address.length && equalBits(range.bytes, address, range.bits))
    )
  }
}

/** What one customer of a network can be expected to hold: an IPv4 address, or the /64 of an IPv6 one; or as `bits` say. */
export const sourceOf = (text: string | undefined, bits: { readonly v4: number; readonly v6: number } = { v4: 32, v6: 64 }): string => {
  if (text === undefined) return 'unknown'
  // A whole IPv4 address stands for itself, and so does what is no address.
  if (bits.v4 === 32 && !/[:%]/.test(text)) return text
  const address = parseAddress(text)
  return address === undefined ? text : masked(address, address.length === 4 ? bits.v4 : bits.v6).join('.')
}
