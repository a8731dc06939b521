// Owns the broken set-ups that a server's policy makes: who may log in, how, from where, and accounts that let nobody in. Asked of
// OpenSSH's sshd and of `nacre sshd`, whose log must name the cause that the client cannot know.
import { openSshServer } from '../peers/openssh.ts'
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { freshFile, freshFolder } from '../rig/folder.ts'
import { hostKey, strangerKey, userKey } from '../rig/keys.ts'
import { firstExtraUid } from '../rig/users.ts'
import { needsPrivilege, world } from '../rig/world.ts'
import { nacre } from '../sites/commands.ts'
import { catalogue, logged, shared, type SshRun, type Told, toldBySsh } from './catalogue.ts'
import { manyPorts } from './sites.ts'

const login = { key: userKey() }
const password = world().password ?? ''
const skip = needsPrivilege()
const line = userKey().line
const keysFile = (text: string): string => `AuthorizedKeysFile ${freshFile('authorized_keys', `${text}\n`, 0o644)}`

/** A home with keys, made wrong by `spoil`. */
const home = (spoil: (home: string) => void): string => {
  const folder = freshFolder('home', 0o755)
  mkdirSync(`${folder}/.ssh`, { mode: 0o700 })
  writeFileSync(`${folder}/.ssh/authorized_keys`, `${line}\n`, { mode: 0o600 })
  for (const each of ['', '/.ssh', '/.ssh/authorized_keys']) if (skip === false) chownSync(`${folder}${each}`, firstExtraUid, firstExtraUid)
  spoil(folder)
  return folder
}
const everybodysFile = home(folder => chmodSync(`${folder}/.ssh/authorized_keys`, 0o666))
const everybodysHome = home(folder => chmodSync(folder, 0o777))
const othersFile = home(folder => {
  chmodSync(`${folder}/.ssh/authorized_keys`, 0o644)
  if (skip === false) chownSync(`${folder}/.ssh/authorized_keys`, 47_999, 47_999)
})

const policies = {
  allowUsers: ['AllowUsers somebody else'],
  denyUsers: [`DenyUsers ${world().user}`],
  allowGroups: ['AllowGroups nobody-in-it'],
  noRoot: ['PermitRootLogin no'],
  rootByKeyOnly: ['PermitRootLogin prohibit-password', 'PubkeyAuthentication no', 'PasswordAuthentication yes'],
  noPassword: ['PasswordAuthentication no'],
  passwordOnly: ['PubkeyAuthentication no', 'PasswordAuthentication yes'],
  both: ['AuthenticationMethods publickey,password', 'PasswordAuthentication yes'],
  from: [keysFile(`from="192.0.2.0/24" ${line}`)],
  expiredKey: [keysFile(`expiry-time="20200101" ${line}`)],
  badOption: [keysFile(`no-such-option ${line}`)],
  noFile: ['AuthorizedKeysFile /no/such/authorized_keys'],
  revoked: [`RevokedKeys ${freshFile('revoked', `${line}\n`, 0o644)}`],
} as const

const users = [
  { name: 'gone', shadow: '*:19000:0:99999:7::100:' },
  { name: 'shellless', shell: '/no/such/shell' },
  { name: 'nologin', shell: '/usr/sbin/nologin' },
  { name: 'locked', shadow: '!*:19000:0:99999:7:::' },
] as const
const options = { accepts: { keys: [userKey()] }, hostKeys: [hostKey()], users: skip === false ? users : [] }
/** Our address fails again and again here, and is not to be shut out for it. */
const patient = ['PerSourcePenalties no']
const theirs = shared(() => manyPorts('OpenSSH sshd', ['/usr/sbin/sshd'], policies, options))
const ours = shared(() => manyPorts('nacre sshd', nacre('sshd'), policies, { ...options, config: patient }))

type Policy = keyof typeof policies
const failed = 'AUTHENTICATION_FAILED'

const atTheirs = async (policy: Policy, run: SshRun = {}): Promise<Told> => {
  const server = await theirs()
  return await toldBySsh(server.to, { login, port: server.port(policy), ...run })
}
/** At our server, whose log must then say this. */
const atOurs = async (policy: Policy | undefined, log: readonly RegExp[], run: SshRun = {}): Promise<Told> => {
  const server = await ours()
  const told = await toldBySsh(server.to, { login, ...(policy === undefined ? {} : { port: server.port(policy) }), ...run })
  await logged(server, log)
  return told
}
const strict = (folder: string) => async (): Promise<Told> => {
  await using server = await manyPorts(
    'nacre sshd',
    nacre('sshd'),
    {},
    {
      ...options,
      config: [...patient, 'StrictModes yes', 'AuthorizedKeysFile .ssh/authorized_keys'],
      users: [{ name: 'careless', home: folder }],
    },
  )
  const told = await toldBySsh(server.to, { login, user: 'careless' })
  await logged(server, [/Authentication refused: bad ownership or modes/, new RegExp(folder)])
  return told
}

catalogue('who may log in', [
  {
    broken: 'a user that does not exist',
    run: () => atOurs(undefined, [/Invalid user nobody-by-that-name from 127\.0\.0\.1/], { user: 'nobody-by-that-name' }),
    says: [/"nobody-by-that-name"/, /authorized_keys/],
    code: failed,
  },
  {
    broken: 'AllowUsers leaves the user out',
    run: () => atOurs('allowUsers', [/not allowed because not listed in AllowUsers/]),
    says: [/AllowUsers/, /Its log says/],
    code: failed,
  },
  {
    broken: 'DenyUsers names the user',
    run: () => atOurs('denyUsers', [/not allowed because listed in DenyUsers/]),
    says: [/this user at all/],
    code: failed,
  },
  {
    broken: 'AllowGroups leaves the user out',
    run: () => atOurs('allowGroups', [/none of user's groups are listed in AllowGroups/]),
    says: [/this user at all/],
    code: failed,
  },
  {
    broken: 'root may not log in',
    run: () => atOurs('noRoot', [/ROOT LOGIN REFUSED|root.*not allowed|PermitRootLogin/i], { user: 'root' }),
    says: [/"root"/, /PermitRootLogin/],
    code: failed,
    skip,
  },
  {
    broken: 'root may not log in by password',
    run: () => atTheirs('rootByKeyOnly', { user: 'root', login: { password: 'a guess' } }),
    says: [/"root"/, /PermitRootLogin/],
    never: [/a guess/],
    code: failed,
    skip,
  },
  {
    broken: 'the account has expired',
    run: () => atOurs(undefined, [/gone.*expired|expired.*gone/], { user: 'gone' }),
    says: [/expired/],
    code: failed,
    skip,
  },
  {
    broken: 'the account is locked',
    run: () => atOurs(undefined, [/locked.*locked/], { user: 'locked' }),
    says: [/locked/],
    code: failed,
    skip,
  },
  {
    broken: 'the shell of the account is not there',
    run: () => atOurs(undefined, [/shellless.*\/no\/such\/shell/], { user: 'shellless' }),
    says: [/this user at all/],
    code: failed,
    skip,
  },
  {
    broken: 'the shell of the account lets nobody in',
    async run() {
      const told = await toldBySsh((await theirs()).to, { login, user: 'nologin' })
      return { ...told, message: `${told.output}${told.message}` }
    },
    says: [/not available/],
    exit: 1,
    skip,
  },
])

catalogue('how one may log in', [
  {
    broken: 'the password is wrong',
    run: () => atTheirs('passwordOnly', { login: { password: 'not that one' }, options: ['NumberOfPasswordPrompts=3'] }),
    says: [/password.*refused/, /password or the user name is wrong/],
    never: [/not that one/],
    code: failed,
    skip,
  },
  {
    broken: 'the server takes no passwords',
    run: () => atTheirs('noPassword', { login: { password } }),
    says: [/Not tried, though the server accepts it: publickey|offers no password/],
    never: [/correct horse/],
    code: failed,
  },
  {
    broken: 'the server takes passwords only, and we show keys',
    run: () => atTheirs('passwordOnly'),
    says: [/accepts it: password|still accepts password/],
    code: failed,
  },
  {
    broken: 'a second factor is wanted',
    run: () => atTheirs('both'),
    says: [/publickey.*accepted, but the server wants more: password/, /Not tried, though the server accepts it: password/],
    code: failed,
  },
  {
    broken: 'batch mode, where a password is wanted',
    run: () => atTheirs('passwordOnly', { login: { password }, options: ['BatchMode=yes'] }),
    says: [/accepts it: password/, /BatchMode/],
    code: failed,
  },
])

catalogue('what authorized_keys and its options say', [
  {
    broken: 'from= names other addresses',
    run: () => atOurs('from', [/127\.0\.0\.1.*(?:from|not permitted)|from.*127\.0\.0\.1/]),
    says: [/authorized_keys/],
    code: failed,
  },
  {
    broken: 'the line of the key has expired',
    run: () => atOurs('expiredKey', [/expired/]),
    says: [/authorized_keys/],
    code: failed,
  },
  {
    broken: 'the line of the key has an option nobody knows',
    run: () => atOurs('badOption', [/authorized_keys:1|authorized_keys line 1/, /option/]),
    says: [/authorized_keys/],
    code: failed,
  },
  {
    broken: 'there is no authorized_keys',
    run: () => atOurs('noFile', [/Failed publickey for/]),
    says: [/authorized_keys/],
    code: failed,
  },
  {
    broken: 'the server has the key in its list of revoked ones',
    run: () => atOurs('revoked', [/revoked/]),
    says: [/refused the key/],
    code: failed,
  },
  {
    broken: 'a stranger’s key',
    run: () =>
      atOurs(undefined, [/Failed publickey for .* from 127\.0\.0\.1 port \d+ ssh2: ED25519 SHA256:/], { login: { key: strangerKey() } }),
    says: [/authorized_keys/],
    code: failed,
  },
  { broken: 'everybody can write to authorized_keys', run: strict(everybodysFile), says: [/permissions strict/], code: failed, skip },
  { broken: 'everybody can write to the home', run: strict(everybodysHome), says: [/as are its folders/], code: failed, skip },
  { broken: 'authorized_keys is another user’s', run: strict(othersFile), says: [/permissions strict/], code: failed, skip },
])

catalogue('time to log in', [
  {
    broken: 'nobody answers the prompt before LoginGraceTime is over',
    async run() {
      await using server = await openSshServer({
        accepts: { password, prompts: [] },
        hostKeys: [hostKey()],
        config: ['LoginGraceTime 1', 'PasswordAuthentication yes'],
      })
      const slow = freshFile('askpass', '#!/bin/sh\nexec sleep 4 2> /dev/null\n', 0o700)
      return await toldBySsh(server.to, { login: { password }, env: { SSH_ASKPASS: slow } })
    },
    says: [/before authentication was complete|LoginGraceTime/, /LoginGraceTime/],
    code: failed,
    skip,
  },
])
