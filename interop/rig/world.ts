// Owns the user that servers log in. As root that is a user who exists only in a mount namespace of the server, with a home,
// a password and PAM rules of its own, so that nothing of the machine is changed. Otherwise it is the user who runs the
// tests, without a password. Knows nothing of SSH.
import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { freshFile, freshFolder } from './folder.ts'

export interface World {
  readonly user: string
  /** `undefined` when the tests have no right to give anyone a password. */
  readonly password: string | undefined
  readonly home: string
  /** True when servers run as root and become the user. */
  readonly privileged: boolean
  readonly uid: number
  readonly gid: number
  /** The command that runs `command` where the user exists. */
  enter(command: readonly string[]): readonly string[]
  /** Makes a file or folder the user's own. */
  give(path: string): void
}

const name = 'wanda'
const uid = 47_011
/** A second group that only supplementary groups can give. */
export const extraGroup = { name: 'nacreous', gid: 47_012 } as const
const password = 'correct horse, battery'

const privateWorld = (): World => {
  const home = freshFolder('home', 0o755)
  chownSync(home, uid, uid)
  const hash = execFileSync('openssl', ['passwd', '-6', password], { encoding: 'utf8' }).trim()
  const passwd = freshFile('passwd', `${readFileSync('/etc/passwd', 'utf8')}${name}:x:${uid}:${uid}:Wanda:${home}:/bin/sh\n`, 0o644)
  const group = freshFile(
    'group',
    `${readFileSync('/etc/group', 'utf8')}${name}:x:${uid}:\n${extraGroup.name}:x:${extraGroup.gid}:${name}\n`,
    0o644,
  )
  const shadow = freshFile('shadow', `${readFileSync('/etc/shadow', 'utf8')}${name}:${hash}:19000:0:99999:7:::\n`)
  const pam = freshFolder('pam.d', 0o755)
  const rules = [
    'auth required pam_unix.so',
    'account required pam_permit.so',
    'session required pam_permit.so',
    'password required pam_permit.so',
  ]
  for (const service of ['sshd', 'other']) writeFileSync(join(pam, service), `${rules.join('\n')}\n`)
  const script = freshFile(
    'enter',
    `#!/bin/sh
set -e
mount --bind ${passwd} /etc/passwd
mount --bind ${group} /etc/group
mount --bind ${shadow} /etc/shadow
mount --bind ${pam} /etc/pam.d
mount -t tmpfs tmpfs /run
mkdir -m 0755 /run/sshd
exec "$@"
`,
    0o755,
  )
  return {
    user: name,
    password,
    home,
    privileged: true,
    uid,
    gid: uid,
    enter: command => ['unshare', '--mount', '--propagation', 'private', script, ...command],
    give: path => chownSync(path, uid, uid),
  }
}

const ownWorld = (): World => {
  const me = userInfo()
  return {
    user: me.username,
    password: undefined,
    home: me.homedir,
    privileged: false,
    uid: me.uid,
    gid: me.gid,
    enter: command => command,
    give: () => {},
  }
}

let made: World | undefined

/** The world of this test process. */
export const world = (): World => {
  const mayUnshare = (): boolean => process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0
  made ??= mayUnshare() ? privateWorld() : ownWorld()
  return made
}

/** Why a test that needs a password or another user cannot run, or `false`. */
export const needsPrivilege = (): string | false =>
  world().privileged ? false : 'needs root and mount namespaces, to have a user with a password'
