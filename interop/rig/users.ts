// Owns users that exist only where one server runs: lines of passwd and shadow put over those of the world. Knows nothing of SSH.
import { writeFileSync } from 'node:fs'
import { freshFile, freshFolder } from './folder.ts'
import { world } from './world.ts'

/** Lines of passwd and shadow that exist only where the server runs. `{home}` is a folder of the user's own. */
export interface ExtraUser {
  readonly name: string
  readonly shell?: string
  readonly home?: string
  /** Its number; otherwise one of its own. */
  readonly uid?: number
  /** The fields of shadow after the name. */
  readonly shadow?: string
}

/** The first of them has this number, the others those that follow. */
export const firstExtraUid = 47_100
const uidOf = (index: number): number => firstExtraUid + index

/** The words of a command that runs what follows where these users exist too. */
export const withUsers = (users: readonly ExtraUser[]): readonly string[] => {
  if (users.length === 0) return []
  const passwd = users.map(
    ({ name, shell, home, uid }, index) =>
      `${name}:x:${uid ?? uidOf(index)}:${uid ?? uidOf(index)}::${home ?? world().home}:${shell ?? '/bin/sh'}\n`,
  )
  const shadow = users.map(({ name, shadow: fields }) => `${name}:${fields ?? '*:19000:0:99999:7:::'}\n`)
  const folder = freshFolder('users')
  writeFileSync(`${folder}/passwd.more`, passwd.join(''))
  writeFileSync(`${folder}/shadow.more`, shadow.join(''))
  const script = freshFile(
    'with-users',
    `#!/bin/sh
set -e
for each in passwd shadow; do
  cat /etc/$each ${folder}/$each.more > ${folder}/$each
  chmod 644 ${folder}/$each
  mount --bind ${folder}/$each /etc/$each
done
exec "$@"
`,
    0o755,
  )
  return [script]
}
