// Owns writing a key revocation list as bytes (PROTOCOL.krl), and which of the forms for serials is the shortest. Knows nothing
// of where the entries come from.
import { Writer } from '../../wire/writer.ts'
import {
  certificateSections,
  type KeyRevocationList,
  krlFormat,
  krlMagic,
  mostBitmapBits,
  type RevokedCertificates,
  sections,
} from './krl.ts'
import type { SerialRange } from './serials.ts'

type Form = 'serialList' | 'serialRange' | 'serialBitmap'

const nothing = new Uint8Array(0)
const smaller = (value: bigint, limit: number): number => (value < BigInt(limit) ? Number(value) : limit)
const inBytes = (bits: number): number => Math.ceil(bits / 8)

/**
 * The form that makes the list shortest, by the estimate OpenSSH's ssh-keygen makes, so that its bytes and ours are the same.
 * In bits: a section costs 8 and its first serial 64, a serial in a list 64, a range 128, in a bitmap one for each number.
 */
const choose = (
  form: Form | undefined,
  length: bigint,
  last: boolean,
  gapBefore: bigint,
  gapAfter: bigint,
): { form: Form; anew: boolean } => {
  const count = smaller(length, 2 ** 31)
  const before = smaller(gapBefore, 2 ** 31)
  const after = smaller(gapAfter, 2 ** 31)
  const newSection = 8 + 64
  const next = last ? 0 : newSection
  const nextBit = last ? 0 : Math.min(after, newSection)
  const list = inBytes((form === 'serialList' ? 0 : 8) + 64 * count + next)
  const range = inBytes(8 + 2 * 64 + next)
  const bitmap = inBytes((form === 'serialBitmap' ? 0 : newSection) + before + count + nextBit)
  const anew = inBytes(newSection + count + nextBit)
  let best: { form: Form; anew: boolean; cost: number } = { form: 'serialBitmap', anew: false, cost: bitmap }
  if (range < best.cost) best = { form: 'serialRange', anew: false, cost: range }
  if (list < best.cost) best = { form: 'serialList', anew: false, cost: list }
  if (anew < best.cost) best = { form: 'serialBitmap', anew: true, cost: anew }
  return best
}

/** Bits as they are set, in a form to write as an mpint. */
class Bitmap {
  readonly first: bigint
  readonly #bits = new Uint8Array(mostBitmapBits / 8)
  #last = -1

  constructor(first: bigint) {
    this.first = first
  }

  /** Whether a serial as far as this one can be in it. */
  reaches(serial: bigint): boolean {
    return serial - this.first < BigInt(mostBitmapBits)
  }

  add({ from, to }: SerialRange): void {
    const end = Number(to - this.first)
    for (let bit = Number(from - this.first); bit <= end; bit++) this.#bits[bit >> 3] |= 1 << (bit & 7)
    this.#last = end
  }

  write(writer: Writer): void {
    const used = this.#bits.subarray(0, (this.#last >> 3) + 1).toReversed()
    writer.uint64(this.first)
    writer.uint32(used.length + (used[0] >> 7))
    if (used[0] >> 7 === 1) writer.byte(0)
    writer.fixed(used)
  }
}

const writeSection = (writer: Writer, number: number, content: Uint8Array): void => {
  writer.byte(number)
  writer.string(content)
}

const writeSerials = (writer: Writer, serials: Iterable<SerialRange>): void => {
  const ranges = [...serials]
  const section = new Writer(1024)
  let form: Form | undefined
  let bitmap: Bitmap | undefined
  const finish = (): void => {
    if (form === undefined) return
    bitmap?.write(section)
    bitmap = undefined
    writeSection(writer, certificateSections[form], section.written())
    section.offset = 0
  }
  ranges.forEach((range, i) => {
    const before = i === 0 ? 0n : range.from - ranges[i - 1].to
    const next = i + 1 < ranges.length ? ranges[i + 1].from - range.to : undefined
    const length = range.to - range.from + 1n
    const best = choose(form, length, next === undefined, before, next ?? 0n)
    // A bitmap that nobody could read ends here.
    const full = best.form === 'serialBitmap' && bitmap !== undefined && !bitmap.reaches(range.to)
    if (form !== best.form || best.anew || full || form === 'serialRange') finish()
    form = best.form
    if (form === 'serialList') for (let serial = range.from; serial <= range.to; serial++) section.uint64(serial)
    else if (form === 'serialRange') {
      section.uint64(range.from)
      section.uint64(range.to)
    } else {
      bitmap ??= new Bitmap(range.from)
      bitmap.add(range)
    }
  })
  finish()
}

const strings = (blobs: readonly Uint8Array[]): Uint8Array => {
  const writer = new Writer(1024)
  for (const blob of blobs) writer.string(blob)
  return writer.written()
}

const certificateSection = ({ authority, serials, keyIds }: RevokedCertificates): Uint8Array => {
  const writer = new Writer(1024)
  writer.string(authority === undefined ? nothing : authority.blob)
  writer.string(nothing)
  writeSerials(writer, serials)
  if (keyIds.length > 0) writeSection(writer, certificateSections.keyId, strings(keyIds))
  return writer.written()
}

/**
 * The bytes of a revocation list; the same that ssh-keygen writes for the same list, version and date, as long as nobody needs
 * a bitmap that it could not read itself. PROTOCOL.krl
 */
export const writeKrl = (list: KeyRevocationList): Uint8Array => {
  const writer = new Writer(4096)
  writer.fixed(krlMagic)
  writer.uint32(krlFormat)
  writer.uint64(list.version)
  writer.uint64(list.generated)
  writer.uint64(list.flags)
  writer.string(nothing)
  writer.text(list.comment)
  for (const part of list.certificates) writeSection(writer, sections.certificates, certificateSection(part))
  if (list.keys.length > 0) writeSection(writer, sections.key, strings(list.keys))
  if (list.sha1.length > 0) writeSection(writer, sections.sha1, strings(list.sha1))
  if (list.sha256.length > 0) writeSection(writer, sections.sha256, strings(list.sha256))
  return writer.written().slice()
}
