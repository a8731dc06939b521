// Owns the accounts of a system behind OpenSSH's sshd and ours: nologin(5), passwords that have expired and are changed on the way in,
// and a command of the administrator's that knows passwords instead of shadow(5). OpenSSH's client does the logging in.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe } from 'node:test'
import { openSshClient, sshdServer } from './peers/openssh.ts'
import type { Login, PeerServer } from './peers/peer.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { hostKey, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

const skip = needsPrivilege()
const key = userKey()
const old = 'the old password 1'
const next = 'Quite-another-0ne!'
const hash = skip === false ? execFileSync('openssl', ['passwd', '-6', old], { encoding: 'utf8' }).trim() : '*'

interface Etc {
  readonly files?: Readonly<Record<string, string>>
  /** The fields of shadow after the name. */
  readonly users?: Readonly<Record<string, string>>
}

const uidOf = (index: number): number => 47_300 + index
const pam =
  'auth required pam_unix.so\naccount required pam_unix.so\nsession required pam_permit.so\npassword required pam_unix.so sha512\n'

/** Words of a shell that give a server an /etc of its own, in which files can be replaced. */
const ownEtc = ({ files = {}, users = {} }: Etc): string => {
  const folder = freshFolder('etc', 0o755)
  const names = Object.keys(users)
  const rows: Readonly<Record<string, string>> = {
    passwd: names.map((name, index) => `${name}:x:${uidOf(index)}:${uidOf(index)}::/:/bin/sh\n`).join(''),
    shadow: names.map(name => `${name}:${users[name]}\n`).join(''),
  }
  for (const [name, text] of Object.entries({ ...rows, ...files })) writeFileSync(join(folder, name), text)
  const added = Object.keys(files).map(name => `install -m 0755 ${folder}/${name} ${folder}/etc/${name}`)
  const more = Object.keys(rows).map(name => `cat ${folder}/${name} >>${folder}/etc/${name}`)
  const rules = `printf '${pam.replaceAll('\n', '\\n')}' >${folder}/etc/pam.d/passwd`
  return [`cp -a /etc ${folder}/etc`, ...more, ...added, rules, `mount --bind ${folder}/etc /etc`].join(' && ')
}

const serving = (program: readonly string[], name: string, etc: Etc, config: readonly string[] = []): Promise<PeerServer> =>
  sshdServer(name, program, {
    accepts: { keys: [key], password: 'any' },
    hostKeys: [hostKey()],
    config: ['KbdInteractiveAuthentication yes', ...config],
    before: ownEtc(etc),
  })
const theirs = (etc: Etc): Promise<PeerServer> => serving(['/usr/sbin/sshd'], 'OpenSSH sshd', etc)
const ours = (etc: Etc, config: readonly string[] = []): Promise<PeerServer> =>
  serving(nacre('sshd'), 'nacre sshd', etc, ['PerSourcePenalties no', ...config])

const asked = async (server: PeerServer, login: Login, user = world().user, options: readonly string[] = []) => {
  const { code, stdout, stderr } = await openSshClient.run({ to: { ...server.to, user }, login, command: 'echo inside', options })
  return { code, stdout: stdout.toString(), stderr }
}

void describe('nologin', () => {
  const etc: Etc = { files: { nologin: 'Closed for repairs.\n' } }
  for (const [name, begin] of [
    ['OpenSSH sshd', theirs],
    ['nacre sshd', ours],
  ] as const)
    test(`keeps people out with its text at ${name}`, { skip, seconds: 60 }, async () => {
      await using server = await begin(etc)
      const { code, stdout, stderr } = await asked(server, { key })
      assert.notEqual(code, 0)
      assert.equal(stdout, '')
      assert.match(stderr, /Closed for repairs\./)
    })
})

void describe('a password that has expired', () => {
  const etc: Etc = { users: { stale: `${hash}:19000:0:30:7:::`, gone: `${hash}:19000:0:30:7:5::` } }
  const ways: readonly (readonly [string, Login, readonly string[]])[] = [
    ['keyboard-interactive', { answers: [old, next, next] }, []],
    ['password', { password: old, answers: [old, next, next] }, ['PreferredAuthentications=password']],
  ]
  for (const [method, login, options] of ways)
    test(`is changed by ${method}, and only the new one lets in then`, { skip, seconds: 90 }, async () => {
      await using server = await ours(etc)
      const first = await asked(server, login, 'stale', options)
      assert.deepEqual([first.code, first.stdout], [0, 'inside\n'], first.stderr)
      assert.equal((await asked(server, { password: old }, 'stale')).code, 255)
      const again = await asked(server, { password: next }, 'stale')
      assert.deepEqual([again.code, again.stdout], [0, 'inside\n'], again.stderr)
      assert.match(server.process.log(), /Password changed for stale/)
      assert.ok(![old, next].some(each => server.process.log().includes(each)), 'the log has a password')
    })
  test('stays when the two new ones differ, or the system does not like it', { skip, seconds: 90 }, async () => {
    await using server = await ours(etc)
    const differ = await asked(server, { answers: [old, next, `${next}x`] }, 'stale')
    assert.deepEqual([differ.code, differ.stdout], [255, ''])
    const short = await asked(server, { answers: [old, 'a', 'a'] }, 'stale')
    assert.deepEqual([short.code, short.stdout], [255, ''])
    assert.match(server.process.log(), /The password of stale was not changed: the two new passwords differ/)
    assert.match(server.process.log(), /The password of stale was not changed: (?!the two)/)
  })
  test('runs nothing at OpenSSH sshd, which has it changed in a session', { skip, seconds: 60 }, async () => {
    await using server = await theirs(etc)
    const { code, stdout } = await asked(server, { password: old }, 'stale')
    assert.deepEqual([code === 0, stdout], [false, ''])
  })
  for (const [name, begin] of [
    ['OpenSSH sshd', theirs],
    ['nacre sshd', ours],
  ] as const)
    test(`does not matter to a key at ${name}`, { skip, seconds: 60 }, async () => {
      await using server = await begin(etc)
      assert.equal((await asked(server, { key }, 'stale')).stdout, 'inside\n')
    })
  test('too long ago lets nobody in', { skip, seconds: 60 }, async () => {
    await using server = await ours(etc)
    const { code, stderr } = await asked(server, { answers: [old, next, next] }, 'gone')
    assert.equal(code, 255)
    assert.match(stderr, /expired too long ago/)
  })
})

void describe('accounts by a command', () => {
  const script = `#!/bin/sh
read -r question
case "$question" in
  *'"phase":"authenticate"'*)
    echo '{"ask":[{"is":"hidden","text":"Word of the day: "}]}'
    read -r answer
    case "$answer" in '{"answers":["mother of pearl"]}') echo '{"verdict":"accepted"}';; *) echo '{"verdict":"refused"}';; esac;;
  *'"phase":"account"'*)
    case "$question" in
      *'"user":"banned"'*) echo '{"verdict":"refused","text":"Not you."}';;
      *) echo '{"verdict":"accepted"}';;
    esac;;
  *open-session*) printf '{"verdict":"accepted","environment":{"WHO":"%s"}}\\n' "$(id -un)";;
  *) echo '{"verdict":"ignored"}';;
esac
`
  const etc: Etc = { files: { 'accounts.sh': script }, users: { plain: '*:19000:0:99999:7:::', banned: '*:19000:0:99999:7:::' } }
  const config = ['AuthenticationCommand /etc/accounts.sh', 'AuthenticationCommandUser nobody']
  test('ask what they like, by either method, and no hash of shadow(5) counts', { skip, seconds: 90 }, async () => {
    await using server = await ours(etc, config)
    for (const login of [{ password: 'mother of pearl' }, { answers: ['mother of pearl'] }] satisfies readonly Login[]) {
      const { code, stdout, stderr } = await asked(server, login, 'plain')
      assert.deepEqual([code, stdout], [0, 'inside\n'], stderr)
    }
    assert.equal((await asked(server, { password: world().password ?? '' })).code, 255)
    assert.match(server.process.log(), /Failed password for wanda/)
  })
  test('have their say after a key, run as the user named, and give sessions variables', { skip, seconds: 90 }, async () => {
    await using server = await ours(etc, config)
    const banned = await asked(server, { key }, 'banned')
    assert.equal(banned.code, 255)
    assert.match(banned.stderr, /Not you\./)
    const { stdout } = await openSshClient.run({ to: { ...server.to, user: 'plain' }, login: { key }, command: 'echo $WHO' })
    assert.equal(stdout.toString(), 'nobody\n')
  })
  test('let nobody in when others could have changed the command', { skip, seconds: 60 }, async () => {
    // Somewhere below /tmp, which everybody can write to.
    const path = freshFile('accounts', script, 0o755)
    await using server = await ours(etc, [`AuthenticationCommand ${path}`, 'AuthenticationCommandUser nobody'])
    assert.equal((await asked(server, { password: 'mother of pearl' }, 'plain')).code, 255)
    assert.match(
      server.process.log(),
      /AuthenticationCommand \S+ \(authenticate\) lets nobody in: (bad ownership or modes for directory|EACCES)/,
    )
  })
})
