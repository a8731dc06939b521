// Owns the lines that begin a file or a directory, and the times before them, as OpenSSH's scp writes and reads them. The
// protocol has no standard: it is that of rcp. Knows nothing of files and of what is done with the fields.
import { bytesOfName, nameFromBytes } from '../sftp/names.ts'

export interface EntryRecord {
  readonly kind: 'file' | 'directory'
  /** Permissions, twelve bits. */
  readonly mode: number
  /** Bytes; 0 for a directory. */
  readonly size: number
  readonly name: string
}

/** Whole seconds since 1970. */
export interface TimesRecord {
  readonly modified: number
  readonly accessed: number
}

const entryLine = /^([0-7]{4}) (\d{1,16}) ([\s\S]*)$/
const timesLine = /^(\d{1,16}) (\d{1,6}) (\d{1,16}) (\d{1,6})$/

/** Reads what follows `C` or `D`. A text says what is wrong. */
export const readEntry = (kind: EntryRecord['kind'], line: Uint8Array): EntryRecord | string => {
  const found = entryLine.exec(nameFromBytes(line))
  if (found === null) return 'the mode, size or name of a file is malformed'
  const size = Number(found[2])
  if (!Number.isSafeInteger(size)) return 'the size of a file is out of range'
  return { kind, mode: Number.parseInt(found[1], 8), size, name: found[3] }
}

/** Reads what follows `T`. */
export const readTimes = (line: Uint8Array): TimesRecord | undefined => {
  const found = timesLine.exec(nameFromBytes(line))
  if (found === null) return undefined
  const [modified, accessed] = [Number(found[1]), Number(found[3])]
  return Number.isSafeInteger(modified) && Number.isSafeInteger(accessed) ? { modified, accessed } : undefined
}

/** As vis(3) shows one byte: what would steer a terminal or end a line becomes `\^J`, `\M-i` and the like. */
const visible = (byte: number): string => {
  const low = byte & 0x7f
  const meta = byte >= 0x80
  if (byte === 0x5c) return '\\\\'
  if (!meta && ((low > 0x20 && low < 0x7f) || low === 0x20 || low === 0x09)) return String.fromCharCode(low)
  if (byte === 0xa0) return '\\240'
  if (low < 0x20 || low === 0x7f) return `\\${meta ? 'M' : ''}^${String.fromCharCode(low === 0x7f ? 0x3f : low + 0x40)}`
  return `\\M-${String.fromCharCode(low)}`
}

/** A line feed would end the record: a name with one is shown instead of told, as OpenSSH does it. */
const nameInLine = (name: string): string => (name.includes('\n') ? Array.from(bytesOfName(name), visible).join('') : name)

export const entryLineOf = ({ kind, mode, size, name }: EntryRecord): Uint8Array =>
  bytesOfName(`${kind === 'file' ? 'C' : 'D'}${(mode & 0o7777).toString(8).padStart(4, '0')} ${size} ${nameInLine(name)}\n`)

/** Times before 1970 cannot be told; they become its first second. */
export const timesLineOf = ({ modified, accessed }: TimesRecord): Uint8Array =>
  bytesOfName(`T${Math.max(0, modified)} 0 ${Math.max(0, accessed)} 0\n`)

export const endLine: Uint8Array = Uint8Array.of(0x45, 0x0a)

/** Whether a name may become part of a path: never one that leads out of the directory it belongs in. */
export const isPlainName = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
