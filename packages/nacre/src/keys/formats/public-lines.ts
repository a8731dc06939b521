// Owns files of lines `type base64 comment`, as `.pub` files are. Knows nothing of options before a key: authorized_keys has
// those.
import { formatPublicKeyLine, parsePublicKeyLine } from '../public.ts'
import type { PublicKeyFormat } from './public-format.ts'

const keyLines = (text: string): readonly string[] => text.split(/\r\n|\r|\n/).filter(line => !/^\s*(#|$)/.test(line))

export const publicLinesFormat: PublicKeyFormat = {
  name: 'OpenSSH',
  recognises: text => keyLines(text).some(line => /^\s*[a-z0-9@.-]{1,64}[ \t]+AAAA/.test(line)),
  read: (text, path) => keyLines(text).map(line => parsePublicKeyLine(line, path)),
  write: key => `${formatPublicKeyLine(key)}\n`,
}
