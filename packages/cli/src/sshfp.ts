// Owns SSHFP records as the commands print them, and what they say of a key that has none. Knows nothing of where keys come from.
import { fingerprintHashNamed, type PublicKey, sshfpRecords } from 'nacre/keys'
import { KeyFormatError } from 'nacre'
import type { Environment } from './environment.ts'
import { FatalError, logLine } from './fatal.ts'

/** The hash of `-O hashalg=…`. Throws `FatalError` for a name nobody knows. */
export const readRecordHash = (name: string): string => {
  const hash = fingerprintHashNamed(name)
  if (hash === undefined) throw new FatalError('Unsupported hash algorithm')
  return hash
}

export interface RecordForm {
  readonly generic?: boolean
  /** One hash by its name; both there are when left out. */
  readonly hash: string | undefined
}

/** The records of a key, a line each; a line of the log when there are none. */
export const recordLines = (key: PublicKey, name: string, form: RecordForm, environment: Pick<Environment, 'stderr'>): string => {
  const hashes = (['sha1', 'sha256'] as const).filter(each => form.hash === undefined || form.hash === each)
  try {
    const records = sshfpRecords(key, name, { generic: form.generic ?? false, hashes })
    if (records.length > 0) return records.map(record => `${record}\n`).join('')
  } catch (error) {
    if (!(error instanceof KeyFormatError)) throw error
  }
  logLine(environment, 'export_dns_rr: unsupported algorithm and/or digest_type')
  return ''
}
