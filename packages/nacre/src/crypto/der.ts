// Owns writing the few DER shapes (X.690) that keys stand in: integers, sequences, bit and octet strings. Knows nothing of
// what the keys are for. It only writes; reading key files is done elsewhere.

const headed = (tag: number, content: Uint8Array): Uint8Array => {
  const size = content.length
  const header =
    size < 0x80
      ? [tag, size]
      : size < 0x100
        ? [tag, 0x81, size]
        : size < 0x10000
          ? [tag, 0x82, size >> 8, size & 0xff]
          : [tag, 0x83, size >> 16, (size >> 8) & 0xff, size & 0xff]
  const out = new Uint8Array(header.length + size)
  out.set(header)
  out.set(content, header.length)
  return out
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  let total = 0
  for (const part of parts) total += part.length
  const out = new Uint8Array(total)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** An INTEGER from an unsigned big-endian magnitude; leading zeros are dropped. */
export const integer = (magnitude: Uint8Array): Uint8Array => {
  let start = 0
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++
  const digits = magnitude.subarray(start)
  if (digits.length > 0 && digits[0] < 0x80) return headed(0x02, digits)
  const padded = new Uint8Array(digits.length + 1)
  padded.set(digits, 1)
  return headed(0x02, padded)
}

export const sequence = (...parts: readonly Uint8Array[]): Uint8Array => headed(0x30, joined(parts))
export const octetString = (content: Uint8Array): Uint8Array => headed(0x04, content)

/** A BIT STRING of whole bytes. */
export const bitString = (content: Uint8Array): Uint8Array => headed(0x03, joined([Uint8Array.of(0), content]))

/** `[number]`, explicit. */
export const tagged = (number: number, content: Uint8Array): Uint8Array => headed(0xa0 | number, content)

/** An OBJECT IDENTIFIER from its encoded content in hexadecimal. */
export const identifier = (hex: string): Uint8Array =>
  headed(
    0x06,
    Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)),
  )

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). `algorithm` is the content of AlgorithmIdentifier. */
export const publicKeyInfo = (algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array =>
  sequence(sequence(...algorithm), bitString(key))

/** PrivateKeyInfo, version 0 (RFC 5208 §5). */
export const privateKeyInfo = (algorithm: readonly Uint8Array[], key: Uint8Array): Uint8Array =>
  sequence(integer(Uint8Array.of(0)), sequence(...algorithm), octetString(key))
