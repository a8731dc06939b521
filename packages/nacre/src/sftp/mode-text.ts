// Owns how kind and permissions of a file are shown in ten letters, as `ls -l` does. Knows neither packets nor lines.
import type { Attributes, FileType } from './attributes.ts'

const letters: Readonly<Record<FileType, string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  special: '?',
  unknown: '?',
  socket: 's',
  'character-device': 'c',
  'block-device': 'b',
  fifo: 'p',
}

/** Three letters for three bits; the last one tells of `special` too. */
const triple = (bits: number, special: boolean, both: string, alone: string): string =>
  `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${special ? (bits & 1 ? both : alone) : bits & 1 ? 'x' : '-'}`

/** `drwxr-xr-x`; what is not known is `?` and `---------`. */
export const modeText = ({ type = 'unknown', permissions = 0 }: Pick<Attributes, 'type' | 'permissions'>): string =>
  letters[type] +
  triple(permissions >> 6, (permissions & 0o4000) !== 0, 's', 'S') +
  triple(permissions >> 3, (permissions & 0o2000) !== 0, 's', 'S') +
  triple(permissions, (permissions & 0o1000) !== 0, 't', 'T')
