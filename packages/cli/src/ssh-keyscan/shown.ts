// Owns how `ssh-keyscan` writes a key: a line of known_hosts, names hashed or not, a certificate alone, SSHFP records. Knows
// nothing of where it came from.
import { randomFillSync } from 'node:crypto'
import { formatKnownHostsLine, formatPublicKeyLine, type PublicKey } from 'nacre/keys'
import type { Environment } from '../environment.ts'
import { recordLines } from '../sshfp.ts'
import type { KeyscanCall } from './options.ts'

type Form = Pick<KeyscanCall, 'certificates' | 'hash' | 'port' | 'records' | 'recordHash'>

/** `host`, or `[host]:port` where the port is not the usual one; in lower case, as known_hosts has names. */
const placeOf = (name: string, port: number): string => (port === 22 ? name : `[${name}]:${port}`).toLowerCase()

const oneLine = (key: PublicKey, name: string, form: Form): string => {
  const plain = formatPublicKeyLine(key, '')
  if (form.certificates) return `${plain}\n`
  if (!form.hash) return `${placeOf(name, form.port)} ${plain}\n`
  return `${formatKnownHostsLine(name, form.port, key.blob, { hash: bytes => void randomFillSync(bytes) })}\n`
}

/** The lines of a key under `names`, which may be several with commas between: apart where known_hosts demands that. */
export const shownKey = (key: PublicKey, names: string, form: Form, environment: Pick<Environment, 'stderr'>): string => {
  const together = form.certificates || (!form.hash && form.port === 22)
  const line = (name: string): string =>
    form.records ? recordLines(key, name, { hash: form.recordHash }, environment) : oneLine(key, name, form)
  return (together ? [names] : names.split(',')).map(line).join('')
}
