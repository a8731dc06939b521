// Owns Poly1305 (RFC 8439 §2.5) over a key file of a few kilobytes. Slow and not constant in time: the input is a local
// file and the key serves once. Packets have their own, in the crypto provider.

const prime = (1n << 130n) - 5n

const littleEndian = (bytes: Uint8Array): bigint => {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i])
  return value
}

/** The tag of `message` under a one-time key of 32 bytes. */
export const poly1305 = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const r = littleEndian(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
  let sum = 0n
  for (let at = 0; at < message.length; at += 16) {
    const block = message.subarray(at, at + 16)
    sum = ((sum + littleEndian(block) + (1n << BigInt(block.length * 8))) * r) % prime
  }
  sum += littleEndian(key.subarray(16, 32))
  return Uint8Array.from({ length: 16 }, (_, i) => Number((sum >> BigInt(i * 8)) & 0xffn))
}
