// Owns versions: the versions a server speaks, for clients that choose one by version-select
// (draft-ietf-secsh-filexfer-13 §4.6).
import { asBytes, type ExtensionRow, onlyAnnounced } from './row.ts'

export const versions: ExtensionRow<'versions', undefined, void> = {
  name: 'versions',
  about: 'the versions that may be chosen',
  announced: ({ maximumVersion }) =>
    maximumVersion === 3 ? undefined : asBytes([3, 4, 5, 6].filter(each => each <= maximumVersion).join(',')),
  ...onlyAnnounced,
}
