// Owns how the outcome of a request is said: which number stands for which status in which version, and what a number from a
// peer means. Knows no packets.
import { type SftpStatus, sftpStatuses } from '../errors.ts'

/** The highest number each version knows (draft-ietf-secsh-filexfer-02 §7, -04 §7.1, -05 §7.1, -13 §9.1). */
const highest: Readonly<Record<number, number>> = { 3: 8, 4: 13, 5: 17, 6: 31 }

/**
 * What an older version says instead; `failure` for all that do not stand here. As OpenSSH's server has it for version 3, but
 * that it says "no such file" of a handle that is none, which would mislead, and only "failure" of what is mounted for reading.
 */
const instead: Partial<Readonly<Record<SftpStatus, SftpStatus>>> = {
  'no-such-path': 'no-such-file',
  'not-a-directory': 'no-such-file',
  'link-loop': 'no-such-file',
  'write-protect': 'permission-denied',
  'cannot-delete': 'permission-denied',
  'invalid-filename': 'bad-message',
  'invalid-parameter': 'bad-message',
}

/** The number for `status` in `version`: the nearest that it knows, else `failure`. */
export const codeOfStatus = (status: SftpStatus, version: number): number => {
  const code = sftpStatuses[status]
  return code <= (highest[version] ?? 8) ? code : sftpStatuses[instead[status] ?? 'failure']
}

const byCode: readonly SftpStatus[] = (Object.keys(sftpStatuses) as SftpStatus[]).toSorted((a, b) => sftpStatuses[a] - sftpStatuses[b])

/** The status a number stands for; `failure` for one that nobody knows. */
export const statusOfCode = (code: number): SftpStatus => byCode[code] ?? 'failure'

/** What is said when whoever failed said nothing. Ends without a full stop, as the texts of the system do. */
export const statusTexts: Readonly<Record<SftpStatus, string>> = {
  ok: 'Success',
  eof: 'End of file',
  'no-such-file': 'No such file',
  'permission-denied': 'Permission denied',
  failure: 'Failure',
  'bad-message': 'Bad message',
  'no-connection': 'No connection',
  'connection-lost': 'Connection lost',
  'op-unsupported': 'Operation unsupported',
  'invalid-handle': 'Invalid handle',
  'no-such-path': 'No such path',
  'file-already-exists': 'File already exists',
  'write-protect': 'Read-only file system',
  'no-media': 'No media',
  'no-space-on-filesystem': 'No space left on device',
  'quota-exceeded': 'Disk quota exceeded',
  'unknown-principal': 'Unknown user or group',
  'lock-conflict': 'The file is locked',
  'dir-not-empty': 'Directory not empty',
  'not-a-directory': 'Not a directory',
  'invalid-filename': 'Invalid file name',
  'link-loop': 'Too many levels of symbolic links',
  'cannot-delete': 'The file cannot be deleted',
  'invalid-parameter': 'Invalid parameter',
  'file-is-a-directory': 'Is a directory',
  'byte-range-lock-conflict': 'The range is locked',
  'byte-range-lock-refused': 'The range cannot be locked',
  'delete-pending': 'The file is being deleted',
  'file-corrupt': 'The file is corrupt',
  'owner-invalid': 'No such user',
  'group-invalid': 'No such group',
  'no-matching-byte-range-lock': 'No such lock',
}
