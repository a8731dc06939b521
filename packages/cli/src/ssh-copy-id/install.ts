// Owns adding lines to authorized_keys on the other side: by a command of its shell, or by SFTP. What is there already stays as
// it is, byte for byte. Knows nothing of where the lines come from.
import { type ClientConnection, quote } from 'nacre'
import type { Environment } from '../environment.ts'
import { FatalError } from '../fatal.ts'

const usualPath = '.ssh/authorized_keys'

/**
 * The words of a shell script, on one line, since some shells take no line break in quotes. `$1` is the path, or empty for
 * the usual one: OpenWrt's root and Haiku have theirs elsewhere. A last line without an end gets one first.
 */
const script = [
  'cd && umask 077 || exit 1',
  `file=\${1:-${usualPath}}`,
  'if [ -z "$1" ] && [ -f /etc/openwrt_release ] && [ "`id -u`" = 0 ]; then file=/etc/dropbear/authorized_keys; fi',
  'if [ -z "$1" ] && [ "`uname -s`" = Haiku ]; then file=config/settings/ssh/authorized_keys; fi',
  'folder=`dirname "$file"`',
  'mkdir -p "$folder" || exit 1',
  'if [ -n "`tail -c 1 "$file" 2>/dev/null`" ]; then echo >> "$file" || exit 1; fi',
  'cat >> "$file" || exit 1',
  'if type restorecon >/dev/null 2>&1; then restorecon -F "$folder" "$file"; fi',
].join('; ')

/** What the other side is asked to run; whatever shell reads it, `sh` does the work. */
export const installCommand = (path: string | undefined, explain: boolean): string =>
  `exec ${quote(['sh', '-c', `${explain ? 'set -x; ' : ''}${script}`, 'sh', path ?? ''])}`

/** By a command. Throws `FatalError` when it fails; what it says goes to standard error. */
export const installByShell = async (
  connection: ClientConnection,
  lines: string,
  options: { readonly path: string | undefined; readonly explain: boolean; readonly signal: AbortSignal },
  environment: Environment,
): Promise<void> => {
  const result = await connection.run(installCommand(options.path, options.explain), { input: lines, signal: options.signal })
  environment.stderr.write(result.stderrBytes)
  environment.stdout.write(result.stdoutBytes)
  if (result.code !== 0) throw new FatalError('', 1)
}

const folderOf = (path: string): string => (path.includes('/') ? path.replace(/\/+[^/]*$/, '') || '/' : '.')
const newline = 0x0a

/** By SFTP: the folder 0700, the file 0600, lines behind what is there. */
export const installBySftp = async (
  connection: ClientConnection,
  lines: string,
  options: { readonly path: string | undefined; readonly signal: AbortSignal },
): Promise<void> => {
  const path = options.path ?? usualPath
  const folder = folderOf(path)
  const given = { signal: options.signal }
  await using sftp = await connection.sftp(given)
  // The home and the root are not ours to close.
  if (folder !== '.' && folder !== '/') {
    await sftp.mkdir(folder, { recursive: true, mode: 0o700, ...given })
    await sftp.chmod(folder, 0o700, given)
  }
  await using file = await sftp.open(path, { read: true, write: true, create: true, mode: 0o600, ...given })
  const { size = 0 } = await file.stat(given)
  const last = size === 0 ? undefined : (await file.read(size - 1, 1, given)).at(0)
  const cut = last !== undefined && last !== newline
  await file.write(size, new TextEncoder().encode(`${cut ? '\n' : ''}${lines}`), given)
  await file.chmod(0o600, given)
}
