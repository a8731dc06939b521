// Owns `ssh -Q`: the names of algorithms, one a line. Knows nothing of connections.
import { ciphers, compressions, keyExchanges, keyTypes, macs, signatureAlgorithms } from 'nacre/algorithms'
import { certificateTypeOf } from 'nacre/keys'
import { UsageError } from '../getopt.ts'

const plainTypes = (): readonly string[] => keyTypes.map(row => row.name)
const signatures = (): readonly string[] => signatureAlgorithms.map(row => row.name)
/** DSA has no certificates here. */
const certified = (names: readonly string[]): readonly string[] => names.filter(name => name !== 'ssh-dss').map(certificateTypeOf)

const lists: Readonly<Record<string, () => readonly string[]>> = {
  kex: () => keyExchanges.map(row => row.name),
  cipher: () => ciphers.map(row => row.name),
  'cipher-auth': () => ciphers.filter(row => row.integrity === 'built-in').map(row => row.name),
  mac: () => macs.map(row => row.name),
  key: () => [...plainTypes(), ...certified(plainTypes())],
  'key-plain': plainTypes,
  'key-cert': () => certified(plainTypes()),
  'key-sig': () => [...signatures(), ...certified(signatures())],
  'key-ca-sign': signatures,
  sig: signatures,
  'protocol-version': () => ['2'],
  compression: () => compressions.map(row => row.name),
}

/** Keywords of ssh_config stand for the lists they choose from. */
const synonyms: Readonly<Record<string, string>> = {
  kexalgorithms: 'kex',
  ciphers: 'cipher',
  macs: 'mac',
  hostkeyalgorithms: 'key-sig',
  hostbasedacceptedalgorithms: 'key-sig',
  hostbasedacceptedkeytypes: 'key-sig',
  hostbasedkeytypes: 'key-sig',
  pubkeyacceptedkeytypes: 'key-sig',
  pubkeyacceptedalgorithms: 'key-sig',
  casignaturealgorithms: 'key-ca-sign',
}

/** Throws `UsageError` for a kind there is not. */
export const listAlgorithms = (kind: string): string => {
  const name = kind.toLowerCase()
  if (name === 'help')
    return Object.keys(lists)
      .map(each => `${each}\n`)
      .join('')
  const wanted = synonyms[name] ?? name
  if (!Object.hasOwn(lists, wanted)) throw new UsageError(`-Q ${kind}: there is no such list; there are ${Object.keys(lists).join(', ')}`)
  return lists[wanted]()
    .map(each => `${each}\n`)
    .join('')
}
