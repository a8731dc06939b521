// Owns reading the bytes of a key revocation list (PROTOCOL.krl). Knows nothing of what follows for a key.
import { escapeForPeople, RevocationListError, WireError } from '../../errors.ts'
import { decodeProse, Reader } from '../../wire/reader.ts'
import { parsePublicKey } from '../public.ts'
import { KrlDraft, type PartDraft } from './draft.ts'
import { certificateSections, type KeyRevocationList, krlFormat, krlMagic, mostBitmapBits, sections, usualKrlBytes } from './krl.ts'

export interface ReadKrlOptions {
  /** Longer lists are refused. Default 64 MiB. */
  readonly maximumBytes?: number
}

/** True for bytes that begin like a revocation list; a file of revoked keys that does not is a list of public keys. */
export const isKrl = (bytes: Uint8Array): boolean => krlMagic.every((byte, i) => bytes[i] === byte)

/** C text: a zero byte may stand at its end and nowhere else. */
const cText = (reader: Reader, what: string): Uint8Array => {
  const bytes = reader.string()
  const zero = bytes.indexOf(0)
  if (zero >= 0 && zero < bytes.length - 1) throw new WireError(`a ${what} with a zero byte in it`)
  return zero < 0 ? bytes : bytes.subarray(0, zero)
}

/** §2.5 and §5: what must be understood is refused, since we understand none; the rest is passed over. */
const passExtension = (section: Reader): void => {
  const name = decodeProse(cText(section, 'name of an extension'))
  const critical = section.boolean()
  section.string()
  section.finish()
  if (critical) {
    throw new RevocationListError(
      'KRL_UNSUPPORTED',
      `The revocation list has the extension "${escapeForPeople(name, { limit: 64 })}", which has to be understood and is not known.`,
    )
  }
}

/** §2.3: an mpint, whose bit N stands for the serial N after the first. */
const readBitmap = (section: Reader, part: PartDraft): void => {
  const first = section.uint64()
  let bits = section.string()
  if (bits.length > 0 && (bits[0] & 0x80) !== 0) throw new WireError('a bitmap that is a negative number')
  while (bits.length > 0 && bits[0] === 0) bits = bits.subarray(1)
  if (bits.length * 8 > mostBitmapBits) {
    throw new RevocationListError(
      'KRL_TOO_LARGE',
      `The revocation list has a bitmap of ${bits.length * 8} bits; more than ${mostBitmapBits} are not read.`,
    )
  }
  let run = -1
  const count = bits.length * 8
  for (let bit = 0; bit <= count; bit++) {
    const set = bit < count && ((bits[bits.length - 1 - (bit >> 3)] >> (bit & 7)) & 1) === 1
    if (set && run < 0) run = bit
    if (set || run < 0) continue
    const to = first + BigInt(bit - 1)
    if (to > 0xffffffffffffffffn) throw new WireError('a bitmap with serials of more than 64 bits')
    part.serials(first + BigInt(run), to)
    run = -1
  }
}

const certificateReaders = new Map<number, (section: Reader, part: PartDraft) => void>([
  [
    certificateSections.serialList,
    (section, part) => {
      while (section.remaining > 0) {
        const serial = section.uint64()
        part.serials(serial, serial)
      }
    },
  ],
  [certificateSections.serialRange, (section, part) => part.serials(section.uint64(), section.uint64())],
  [certificateSections.serialBitmap, readBitmap],
  [
    certificateSections.keyId,
    (section, part) => {
      while (section.remaining > 0) part.keyId(cText(section, 'key ID'))
    },
  ],
  [certificateSections.extension, section => passExtension(section)],
])

const readCertificates = (section: Reader, draft: KrlDraft): void => {
  const authority = section.string()
  section.string()
  const key = authority.length === 0 ? undefined : parsePublicKey(authority)
  while (section.remaining > 0) {
    const number = section.byte()
    const inner = new Reader(section.string())
    const read = certificateReaders.get(number)
    if (read === undefined) {
      throw new RevocationListError(
        'KRL_UNSUPPORTED',
        `The revocation list has a section of certificates of type ${number}, which is not known.`,
      )
    }
    read(inner, draft.of(key))
    inner.finish()
  }
}

const eachString = (section: Reader, take: (bytes: Uint8Array) => void): void => {
  while (section.remaining > 0) take(section.string())
}

const readSection = (number: number, section: Reader, draft: KrlDraft): void => {
  switch (number) {
    case sections.certificates:
      return readCertificates(section, draft)
    case sections.key:
      return eachString(section, blob => draft.key(blob))
    case sections.sha1:
      return eachString(section, hash => draft.sha1(hash))
    case sections.sha256:
      return eachString(section, hash => draft.sha256(hash))
    case sections.extension:
      return passExtension(section)
    case sections.signature:
      // §6. Nothing here would say whose signature is enough, so one that stands there must not look as if it were checked.
      throw new RevocationListError(
        'KRL_UNSUPPORTED',
        'The revocation list is signed within, which is not supported. Sign the file instead: ssh-keygen -Y sign',
      )
    default:
      throw new RevocationListError('KRL_UNSUPPORTED', `The revocation list has a section of type ${number}, which is not known.`)
  }
}

/**
 * Reads a key revocation list. Throws `RevocationListError`: KRL_MALFORMED for bytes that are none, KRL_UNSUPPORTED for a
 * version, a section or a critical extension that is not known, and for signatures within the list; KRL_TOO_LARGE above the
 * ceilings; KRL_ENTRY for the serial 0 and ranges that end before they begin. PROTOCOL.krl
 */
export const parseKrl = (bytes: Uint8Array, options: ReadKrlOptions = {}): KeyRevocationList => {
  const maximum = options.maximumBytes ?? usualKrlBytes
  if (bytes.length > maximum) {
    throw new RevocationListError('KRL_TOO_LARGE', `The revocation list has ${bytes.length} bytes; more than ${maximum} are not read.`)
  }
  if (!isKrl(bytes)) throw new RevocationListError('KRL_MALFORMED', 'The revocation list does not begin like one.')
  // A copy of its own, because the entries are views of it.
  const reader = new Reader(new Uint8Array(bytes), krlMagic.length)
  try {
    const format = reader.uint32()
    if (format !== krlFormat) {
      throw new RevocationListError('KRL_UNSUPPORTED', `The revocation list is of format ${format}; only ${krlFormat} is known.`)
    }
    const version = reader.uint64()
    const generated = reader.uint64()
    const flags = reader.uint64()
    // Reserved, and ignored.
    reader.string()
    const comment = decodeProse(cText(reader, 'comment'))
    const draft = new KrlDraft()
    while (reader.remaining > 0) {
      const number = reader.byte()
      const section = new Reader(reader.string())
      readSection(number, section, draft)
      section.finish()
    }
    return draft.finish({ version, generated, flags, comment })
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause
    throw new RevocationListError('KRL_MALFORMED', `The revocation list is damaged: ${cause.message}.`, { cause })
  }
}
