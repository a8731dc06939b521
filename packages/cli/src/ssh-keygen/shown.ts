// Owns how `ssh-keygen` shows a key: its line with size, fingerprint, comment and type, and its picture. Knows nothing of files.
import { bubbleBabble, type PublicKey, randomArt, shortTypeName } from 'nacre/keys'
import type { KeygenCall } from './call.ts'

/** Text from a file, so that it does nothing to a terminal: control characters in octal, as ssh-keygen writes them. */
export const visible = (text: string): string =>
  text.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, character => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)

/** The fingerprint of -l, or of -B in words. */
export const fingerprintOf = (key: PublicKey, call: Pick<KeygenCall, 'has' | 'fingerprintHash'>): string =>
  call.has('B') ? bubbleBabble(key.plainBlob) : key.fingerprint(call.fingerprintHash)

/** With -v, the picture behind a fingerprint. */
export const pictureOf = (key: PublicKey, call: Pick<KeygenCall, 'verbose' | 'fingerprintHash'>): string =>
  call.verbose > 0 ? `${randomArt(key, call.fingerprintHash)}\n` : ''

/** `256 SHA256:… comment (ED25519)`, and the picture. */
export const describedKey = (key: PublicKey, comment: string | undefined, call: KeygenCall): string =>
  `${visible(`${key.bits} ${fingerprintOf(key, call)} ${comment ?? 'no comment'} (${shortTypeName(key.type)})`)}\n${pictureOf(key, call)}`
