// Owns version-select: another version from here on, as the first request of a client (draft-ietf-secsh-filexfer-13 §4.6).
import { type Infer, struct, text } from '../../wire/codec.ts'
import { asStatus, type ExtensionRow } from './row.ts'

const request = struct({ version: text })

export const versionSelect: ExtensionRow<'version-select', Infer<typeof request>, void> = {
  name: 'version-select',
  about: 'choose another version, as the first request',
  announced: () => undefined,
  request,
  answer: asStatus,
  changes: false,
  serve: (serving, { version }) => serving.selectVersion(version),
}
