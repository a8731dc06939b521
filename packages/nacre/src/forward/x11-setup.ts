// Owns the first bytes of an X11 connection (X Window System Protocol, "Connection Setup"): in either order of bytes, who the
// client says it is. Reads them, writes them with another authentication, and says no in the way X clients understand. No I/O.
import { WireError } from '../errors.ts'

export interface X11Authentication {
  /** E.g. `MIT-MAGIC-COOKIE-1`; empty for none. */
  readonly protocol: string
  readonly data: Uint8Array
}

export interface X11Setup extends X11Authentication {
  readonly bigEndian: boolean
  readonly majorVersion: number
  readonly minorVersion: number
  /** Bytes it took, padding included. */
  readonly length: number
}

const headerLength = 12
/** Names of protocols are short; data are cookies, or tickets of a few hundred bytes. */
const longestProtocol = 256
const longestData = 4096
const [bigMark, littleMark] = [0x42, 0x6c]
const padded = (length: number): number => (length + 3) & ~3

/** All bytes that may come before it is known whether they are a setup. */
export const longestX11Setup = headerLength + longestProtocol + longestData

/** Bytes as characters of one byte each. */
const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
const unlatin = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

/**
 * Reads the setup that `bytes` begin with; `undefined` when it is not whole yet. Throws `WireError` for what is none, as soon as
 * that is clear. The result owns its bytes.
 */
export const readX11Setup = (bytes: Uint8Array): X11Setup | undefined => {
  if (bytes.length === 0) return undefined
  const bigEndian = bytes[0] === bigMark
  if (!bigEndian && bytes[0] !== littleMark) throw new WireError(`a first byte of ${bytes[0]}, which tells no order of bytes`)
  if (bytes.length < headerLength) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const number = (at: number): number => view.getUint16(at, !bigEndian)
  const [protocolLength, dataLength] = [number(6), number(8)]
  if (protocolLength > longestProtocol) throw new WireError(`a name of ${protocolLength} bytes; at most ${longestProtocol} are taken`)
  if (dataLength > longestData) throw new WireError(`authentication data of ${dataLength} bytes; at most ${longestData} are taken`)
  const dataAt = headerLength + padded(protocolLength)
  const length = dataAt + padded(dataLength)
  if (bytes.length < length) return undefined
  return {
    bigEndian,
    majorVersion: number(2),
    minorVersion: number(4),
    protocol: latin(bytes.subarray(headerLength, headerLength + protocolLength)),
    data: bytes.slice(dataAt, dataAt + dataLength),
    length,
  }
}

/** The same setup with another authentication. */
export const writeX11Setup = ({ bigEndian, majorVersion, minorVersion }: X11Setup, { protocol, data }: X11Authentication): Uint8Array => {
  const bytes = new Uint8Array(headerLength + padded(protocol.length) + padded(data.length))
  const view = new DataView(bytes.buffer)
  bytes[0] = bigEndian ? bigMark : littleMark
  view.setUint16(2, majorVersion, !bigEndian)
  view.setUint16(4, minorVersion, !bigEndian)
  view.setUint16(6, protocol.length, !bigEndian)
  view.setUint16(8, data.length, !bigEndian)
  bytes.set(unlatin(protocol), headerLength)
  bytes.set(data, headerLength + padded(protocol.length))
  return bytes
}

const longestReason = 255

/** What an X server says to a client it does not let in; the client prints the reason. ASCII. */
export const x11Refusal = ({ bigEndian }: Pick<X11Setup, 'bigEndian'>, reason: string): Uint8Array => {
  const text = unlatin(reason.slice(0, longestReason))
  const bytes = new Uint8Array(8 + padded(text.length))
  const view = new DataView(bytes.buffer)
  bytes[1] = text.length
  view.setUint16(2, 11, !bigEndian)
  view.setUint16(6, padded(text.length) / 4, !bigEndian)
  bytes.set(text, 8)
  return bytes
}
