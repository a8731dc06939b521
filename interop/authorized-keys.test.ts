// Owns authorized_keys as sshd reads it beside `nacre sshd` and the library: the same lines let the same keys in.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { writeFileSync } from 'node:fs'
import { formatAuthorizedKey, parseAuthorizedKeys, parsePublicKeyLine, type Signer } from 'nacre/keys'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile } from './rig/folder.ts'
import { type KeyFile, newKey, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreSshd } from './sites/commands.ts'

/** Whether a server would take a key: it is asked, and then gets a signature that is wrong. */
const wouldTakeOne = async (server: PeerServer, key: KeyFile): Promise<boolean> => {
  let taken = false
  const wrong = Uint8Array.from([0, 0, 0, 11, ...Buffer.from('ssh-ed25519'), 0, 0, 0, 64, ...new Uint8Array(64)])
  const signer: Signer = {
    publicKey: parsePublicKeyLine(key.line),
    algorithms: ['ssh-ed25519'],
    source: key.path,
    slow: true,
    sign: () => {
      taken = true
      return wrong
    },
  }
  await assert.rejects(nacreConnect(server.to, {}, { auth: { signers: [signer] } }))
  return taken
}

/** Each key has a connection of its own, because options of two lines do not mix; ten at a time. */
const wouldTake = async (server: PeerServer, keys: readonly KeyFile[]): Promise<readonly boolean[]> => {
  const taken: boolean[] = []
  for (let i = 0; i < keys.length; i += 10) taken.push(...(await Promise.all(keys.slice(i, i + 10).map(key => wouldTakeOne(server, key)))))
  return taken
}

/** `KEY` is where the key stands. Lines that sshd and we take. */
const good: readonly string[] = [
  'KEY',
  '  \tKEY comment with blanks',
  'KEY\r',
  'no-pty KEY',
  'NO-PTY,Restrict,X11-Forwarding KEY',
  'restrict,pty,no-agent-forwarding,no-port-forwarding,no-user-rc,no-X11-forwarding,user-rc,port-forwarding,agent-forwarding KEY',
  'command="echo \\"a b\\" # no comment" KEY',
  'command="a\\\\b" KEY',
  'command="with \\\\\\" both" KEY',
  'command="" KEY',
  'command="#" \t KEY',
  'environment="A=b",environment="2_x=",environment="A=c" KEY',
  'from="127.0.0.1" KEY',
  'from="127.0.0.0/8,!10.0.0.1" KEY',
  'from="127.*" KEY',
  'from="10.0.0.1,127.0.0.?" KEY',
  'expiry-time="20990101" KEY',
  'expiry-time="209901011200Z",expiry-time="20990202" KEY',
  'permitopen="localhost:80",permitopen="[::1]:443",permitopen="*:*" KEY',
  'permitlisten="8080",permitlisten="localhost:8081",permitlisten="*:*" KEY',
  'tunnel="0",tunnel="any" KEY',
  'TUNNEL="ANY" KEY',
  'no-touch-required,verify-required,touch-required,no-verify-required KEY',
  ',no-pty KEY',
  'no-pty, KEY',
  ', KEY',
  'no-pty,,no-user-rc KEY',
  `command="${'x'.repeat(20_000)}" KEY`,
  `${' '.repeat(5000)}KEY ${'y'.repeat(100_000)}`,
]

/** Lines that let nobody in. */
const bad: readonly string[] = [
  '#KEY',
  ' # KEY',
  'no-pty KEY'.replace(' ', ' , '),
  'no-ptyx KEY',
  'pty="yes" KEY',
  'strange KEY',
  'strange="x" KEY',
  'no-restrict KEY',
  'no-cert-authority KEY',
  'no-command="x" KEY',
  'command KEY',
  'command=ls KEY',
  'command="ls KEY',
  'command="ls\\" KEY',
  'command="a"b KEY',
  'command="a" ,no-pty KEY',
  'command="a",command="b" KEY',
  'command= "a" KEY',
  'from="10.0.0.1" KEY',
  'from="*,!127.0.0.1" KEY',
  'from="" KEY',
  'from="127.0.0.1," KEY',
  'from=" 127.0.0.1" KEY',
  'from="127.0.0.1/8" KEY',
  'from="127.0.0.1",from="127.0.0.1" KEY',
  'expiry-time="20200101" KEY',
  'expiry-time="20990101",expiry-time="202001011200" KEY',
  'expiry-time="" KEY',
  'expiry-time="2099" KEY',
  'expiry-time="2099-01-01" KEY',
  'environment="A" KEY',
  'environment="=x" KEY',
  'environment="A B=x" KEY',
  'environment="A-B=x" KEY',
  'permitopen="80" KEY',
  'permitopen="a:" KEY',
  'permitopen="a:0" KEY',
  'permitopen="a:65536" KEY',
  'permitopen="::1:80" KEY',
  'permitlisten="" KEY',
  'permitlisten="a:b:c" KEY',
  'tunnel="x" KEY',
  'tunnel="" KEY',
  'tunnel="-1" KEY',
  'principals="a" KEY',
  'cert-authority KEY',
  'cert-authority,principals="a" KEY',
  '\u00a0KEY',
  '\ufeffKEY',
  '\fKEY',
  '"KEY"',
  'no-pty not-a-type KEY',
]

/** Lines that sshd takes and we do not (docs/known-hosts.md): a port by its name, other ways to write a place, and a 31st of February. */
const strict: readonly string[] = [
  'permitopen="host:ssh" KEY',
  'permitopen="host/80" KEY',
  'permitopen=":80" KEY',
  'expiry-time="20990231" KEY',
]

describe('lines of authorized_keys', () => {
  const lines = [...good, ...bad, ...strict].map(form => {
    const key = newKey('ed25519')
    return { form, key, text: form.replace('KEY', key.line) }
  })
  const path = freshFile('authorized_keys', `${lines.map(each => each.text).join('\n')}\n`, 0o644)
  const config = [`AuthorizedKeysFile ${path}`]
  const accepts = { keys: [userKey()] }
  const differing = (taken: readonly boolean[], by: 'us' | 'sshd'): readonly string[] =>
    lines.flatMap(({ form }, i) =>
      taken[i] === (good.includes(form) || (by === 'sshd' && strict.includes(form)))
        ? []
        : [`${taken[i] ? 'takes' : 'does not take'} ${form.slice(0, 80)}`],
    )

  test('OpenSSH takes those we say', { seconds: 60 }, async () => {
    await using server = await openSshServer({ accepts, config })
    assert.deepEqual(
      differing(
        await wouldTake(
          server,
          lines.map(each => each.key),
        ),
        'sshd',
      ),
      [],
    )
  })

  test('nacre sshd takes the same', { seconds: 60 }, async () => {
    await using server = await nacreSshd({ accepts, config: [...config, 'PerSourcePenalties no'] })
    assert.deepEqual(
      differing(
        await wouldTake(
          server,
          lines.map(each => each.key),
        ),
        'us',
      ),
      [],
    )
  })

  test('written again by us, the lines are taken by OpenSSH as they were', { seconds: 60 }, async () => {
    const { entries } = parseAuthorizedKeys(lines.map(each => each.text).join('\n'), path)
    const again = freshFile('authorized_keys', '', 0o644)
    writeFileSync(again, entries.map(each => `${formatAuthorizedKey(each)}\n`).join(''))
    await using server = await openSshServer({ accepts, config: [`AuthorizedKeysFile ${again}`] })
    assert.deepEqual(
      differing(
        await wouldTake(
          server,
          lines.map(each => each.key),
        ),
        'us',
      ),
      [],
    )
  })
})
