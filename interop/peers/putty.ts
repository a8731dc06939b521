// Owns starting PuTTY's plink. Knows nothing of what the tests want from it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freshFile, freshFolder, freshPath } from '../rig/folder.ts'
import type { KeyFile } from '../rig/keys.ts'
import { finish } from '../rig/process.ts'
import type { ClientPeer, ClientRequest, Login, Prepared, Target } from './peer.ts'

/** The key in PuTTY's own format, without a passphrase. */
const converted = (key: KeyFile): string => {
  const path = freshPath('key.ppk')
  execFileSync('puttygen', [key.path, '-O', 'private', '-o', path], { stdio: 'pipe' })
  return path
}

const fingerprint = (line: string): string =>
  `SHA256:${createHash('sha256')
    .update(Buffer.from(line.split(' ')[1] ?? '', 'base64'))
    .digest('base64')
    .replace(/=+$/, '')}`

/** A home with a saved session; what it does not say is as usual. Only there can PuTTY be told when to change keys. */
const homeWith = (settings: readonly string[]): string => {
  const home = freshFolder('putty-home')
  mkdirSync(join(home, '.putty', 'sessions'), { recursive: true })
  writeFileSync(join(home, '.putty', 'sessions', 'saved'), ['Protocol=ssh', ...settings].map(line => `${line}\n`).join(''))
  return home
}

/** The command line of plink for a request, for tests that want to hold the process themselves. */
export const plinkCommand = (request: ClientRequest): Prepared => {
  const { to, login } = request
  const secret = login.password ?? login.answers?.[0]
  return {
    command: [
      'plink',
      '-load',
      'saved',
      '-ssh',
      '-batch',
      '-noagent',
      '-no-antispoof',
      '-P',
      String(to.port),
      ...to.hostKeys.flatMap(line => ['-hostkey', fingerprint(line)]),
      ...(login.key === undefined ? [] : ['-i', converted(login.key)]),
      ...(secret === undefined ? [] : ['-pwfile', freshFile('password', `${secret}\n`)]),
      ...(request.pty === true ? ['-t'] : ['-T']),
      ...(request.compress === true ? ['-C'] : []),
      ...(request.options ?? []),
      `${to.user}@${to.host}`,
      ...(request.command === undefined ? [] : [request.command]),
    ],
    options: { name: 'plink', env: { HOME: homeWith(request.rekeyBytes === undefined ? [] : [`RekeyBytes=${request.rekeyBytes}`]) } },
  }
}

/** PuTTY's command line client. It answers a password and a hidden prompt alike. */
export const plink: ClientPeer = {
  name: 'PuTTY plink',
  run: request => {
    const { command, options } = plinkCommand(request)
    return finish(command, {
      ...options,
      stdin: request.stdin ?? '',
      ...(request.seconds === undefined ? {} : { seconds: request.seconds }),
    })
  },
}

/** One of PuTTY's other programs, up to its own words: logs in by key, asks nothing. */
export const puttyCommand = (program: 'pscp' | 'psftp', to: Target, login: Login): Prepared => ({
  command: [
    program,
    '-batch',
    '-noagent',
    '-P',
    String(to.port),
    ...to.hostKeys.flatMap(line => ['-hostkey', fingerprint(line)]),
    ...(login.key === undefined ? [] : ['-i', converted(login.key)]),
  ],
  options: { name: program, env: { HOME: homeWith([]) } },
})
