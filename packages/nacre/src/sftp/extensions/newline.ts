// Owns newline: how lines end in files opened as text (draft-ietf-secsh-filexfer-13 §4.3). As on POSIX systems, so that
// such files are what they are.
import { asBytes, type ExtensionRow, onlyAnnounced } from './row.ts'

export const newline: ExtensionRow<'newline', undefined, void> = {
  name: 'newline',
  about: 'how lines end in files opened as text',
  versions: [4, 6],
  announced: () => asBytes('\n'),
  ...onlyAnnounced,
}
