// Owns starting PuTTY's plink. Knows nothing of what the tests want from it.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { freshFile, freshFolder, freshPath } from '../rig/folder.ts'
import type { KeyFile } from '../rig/keys.ts'
import { finish } from '../rig/process.ts'
import type { ClientPeer } from './peer.ts'

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

/** PuTTY's command line client. It answers a password and a hidden prompt alike. */
export const plink: ClientPeer = {
  name: 'PuTTY plink',
  run: request => {
    const { to, login } = request
    const secret = login.password ?? login.answers?.[0]
    return finish(
      [
        'plink',
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
        ...(request.options ?? []),
        `${to.user}@${to.host}`,
        ...(request.command === undefined ? [] : [request.command]),
      ],
      {
        name: 'plink',
        env: { HOME: freshFolder('putty-home') },
        stdin: request.stdin ?? '',
        ...(request.seconds === undefined ? {} : { seconds: request.seconds }),
      },
    )
  },
}
