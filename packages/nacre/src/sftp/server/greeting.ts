// Owns the greeting: which version is agreed on, and what is announced with it. Knows no requests.
import { WireError } from '../../errors.ts'
import { Reader } from '../../wire/reader.ts'
import { Writer } from '../../wire/writer.ts'
import { isOf, type Serving } from '../extensions/row.ts'
import { packetTypes, Version } from '../messages.ts'
import type { SftpVersionNumber } from '../versions/version.ts'

/** The version a client named in INIT; `undefined` for a packet that names none. What stands behind it is not looked at. */
export const clientVersion = (bytes: Uint8Array, start: number, end: number): number | undefined => {
  try {
    return new Reader(bytes, start + 1, end).uint32()
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

/** The highest that both speak. A client of version 1 or 2 is told 3, as OpenSSH's server does, and may leave. */
export const agreed = (client: number, maximum: SftpVersionNumber): SftpVersionNumber =>
  Math.max(3, Math.min(client, maximum)) as SftpVersionNumber

/** VERSION with its length, and with all that is announced to the version agreed on. */
export const versionPacket = (serving: Serving): Uint8Array => {
  const writer = new Writer(1024)
  writer.uint32(0)
  writer.byte(packetTypes.SSH_FXP_VERSION)
  const extensions: { name: string; data: Uint8Array }[] = []
  for (const row of serving.extensions) {
    if (!isOf(row, serving.version)) continue
    const data = row.announced(serving)
    if (data !== undefined) extensions.push({ name: row.name, data })
  }
  Version.write(writer, { version: serving.version, extensions })
  const end = writer.offset
  writer.offset = 0
  writer.uint32(end - 4)
  writer.offset = end
  return writer.written()
}
