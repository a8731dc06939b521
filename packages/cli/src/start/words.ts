// Owns the text `npm start` prints. Everything in it can be copied into a shell as it stands. Knows nothing of serving.
import { isAbsolute, relative, sep } from 'node:path'
import { quote } from 'nacre'
import type { Signer } from 'nacre/keys'
import { keyForLog } from '../sshd/connection-log.ts'

export interface Facts {
  readonly user: string
  readonly uid: number
  readonly home: string
  readonly host: string
  readonly port: number
  readonly folder: string
  readonly knownHosts: string
  readonly authorizedKeys: string
  readonly hostKeys: readonly Signer[]
  readonly knownHostsLines: readonly number[]
  /** Paths of the person's own public keys. */
  readonly ownKeys: readonly string[]
  readonly password: string
}

/** A path as short as it can be said from here. */
export const shortPath = (path: string, from: string, home: string): string => {
  const inside = relative(from, path)
  if (inside !== '' && !inside.startsWith('..') && !isAbsolute(inside)) return inside
  const inHome = relative(home, path)
  return inHome !== '' && !inHome.startsWith('..') && !isAbsolute(inHome) ? `~${sep}${inHome}` : path
}

/** A new password, alone on its line so that it is easily copied. */
export const passwordLine = (password: string): string => `One-time password:  ${password}`

export const welcome = (facts: Facts, from: string): string => {
  const short = (path: string): string => shortPath(path, from, facts.home)
  const options = `-p ${facts.port} -o UserKnownHostsFile=${quote([short(facts.knownHosts)])} ${quote([`${facts.user}@${facts.host}`])}`
  const keys = facts.hostKeys.map((signer, index) => {
    const { type } = signer.publicKey
    return `  ${keyForLog(type, signer.publicKey.fingerprint())}  (${short(facts.knownHosts)} line ${facts.knownHostsLines[index]})`
  })
  const own = facts.ownKeys.map(short).join(', ')
  return [
    `nacre: an SSH server on ${facts.host} port ${facts.port}, for this machine only.`,
    `Whoever logs in gets shells and commands as ${facts.user}, in ${facts.home}${facts.uid === 0 ? ', and may do everything on this machine' : ''}.`,
    `Its state is in ${short(facts.folder)}; delete that folder and the next start makes new keys. Ctrl-C ends the server.`,
    '',
    'Host keys:',
    ...keys,
    '',
    'To log in, in another terminal, in this folder:',
    `  ssh ${options}`,
    `  npx nacre ssh ${options}`,
    'To run one command:',
    `  ssh ${options} 'echo hello from $(hostname)'`,
    '',
    `It takes the keys listed in ${short(facts.authorizedKeys)}${own === '' ? '.' : `, and your own: ${own}.`}`,
    'Without one of those keys, type this when ssh asks for a password. It works once; then another is printed here.',
    passwordLine(facts.password),
    '',
  ].join('\n')
}
