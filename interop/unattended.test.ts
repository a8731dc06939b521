// Owns runs of `nacre ssh` with nobody there: whatever might be asked, in every way that there is nobody to ask, the command ends by
// itself and says why; and with BatchMode not even a program that would answer is asked.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, describe } from 'node:test'
import { openSshServer, type OpenSshServerOptions } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { newKey } from './rig/keys.ts'
import { finish, type Running, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

const { password = '' } = world()
const key = newKey('ed25519')
const locked = newKey('ed25519', 'a passphrase')
const asked = freshPath('asked')
/** Would say yes to anything, and leaves a trace. */
const eager = freshFile('eager.sh', `#!/bin/sh\ntouch ${asked}\necho yes\n`, 0o700)
const failing = freshFile('failing.sh', '#!/bin/sh\nexit 1\n', 0o700)

interface Absence {
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly options?: readonly string[]
}

/** Every way that there is nobody: these programs have no terminal, and a standard input that never says anything. */
const absences: readonly Absence[] = [
  { name: 'nothing to ask with', env: {} },
  { name: 'a display, and no program', env: { DISPLAY: ':0', SSH_ASKPASS: '/does/not/exist' } },
  { name: 'a display, and a program that fails', env: { DISPLAY: ':0', SSH_ASKPASS: failing } },
  { name: 'a program, and no display', env: { SSH_ASKPASS: eager } },
  { name: 'SSH_ASKPASS_REQUIRE=never', env: { DISPLAY: ':0', SSH_ASKPASS: eager, SSH_ASKPASS_REQUIRE: 'never' } },
  { name: 'SSH_ASKPASS_REQUIRE=prefer without a display', env: { SSH_ASKPASS: eager, SSH_ASKPASS_REQUIRE: 'prefer' } },
  {
    name: 'SSH_ASKPASS_REQUIRE=prefer, and a program that fails',
    env: { DISPLAY: ':0', SSH_ASKPASS: failing, SSH_ASKPASS_REQUIRE: 'prefer' },
  },
  { name: 'SSH_ASKPASS_REQUIRE=force, and a program that fails', env: { SSH_ASKPASS: failing, SSH_ASKPASS_REQUIRE: 'force' } },
  { name: 'SSH_ASKPASS_REQUIRE=force, and no program', env: { SSH_ASKPASS: '/does/not/exist', SSH_ASKPASS_REQUIRE: 'force' } },
  {
    name: 'BatchMode, though a program would answer',
    env: { DISPLAY: ':0', SSH_ASKPASS: eager, SSH_ASKPASS_REQUIRE: 'force' },
    options: ['BatchMode=yes'],
  },
]

interface Question {
  readonly name: string
  readonly server: OpenSshServerOptions
  readonly options: readonly string[]
  /** The login needs no answer. */
  readonly getsIn?: true
  /** What is said of what was not asked. */
  readonly says?: RegExp
  readonly privileged?: true
}

const questions: readonly Question[] = [
  {
    name: 'the key of an unknown host',
    server: { accepts: { keys: [key] } },
    options: [`IdentityFile=${key.path}`, 'StrictHostKeyChecking=ask'],
    says: /nobody|not known|unknown|was not accepted/i,
  },
  {
    name: 'a password',
    server: { accepts: { password } },
    options: ['IdentityFile=none'],
    says: /Not tried, though the server accepts.*password/,
    privileged: true,
  },
  {
    name: 'prompts',
    server: { accepts: { prompts: [] }, pam: true },
    options: ['IdentityFile=none'],
    says: /Not tried, though the server accepts.*keyboard-interactive/,
    privileged: true,
  },
  {
    name: 'the passphrase of a key',
    server: { accepts: { keys: [locked] } },
    options: [`IdentityFile=${locked.path}`],
    says: /passphrase|no signature could be made/,
  },
  {
    name: 'whether a key goes to the agent',
    server: { accepts: { keys: [key] } },
    options: [`IdentityFile=${key.path}`, 'AddKeysToAgent=ask'],
    getsIn: true,
  },
  {
    name: 'whether new host keys are learned',
    server: { accepts: { keys: [key] } },
    options: [`IdentityFile=${key.path}`, 'UpdateHostKeys=ask'],
    getsIn: true,
  },
]

let agent: Running | undefined
const socket = freshPath('agent')
before(async () => {
  agent = await start(['ssh-agent', '-D', '-a', socket], { name: 'ssh-agent' })
  for (let turn = 0; !existsSync(socket) && turn < 500; turn++) await new Promise(resolve => setTimeout(resolve, 20))
})
after(async () => {
  await agent?.[Symbol.asyncDispose]()
})

for (const { name, server: how, options, getsIn, says, privileged } of questions)
  describe(`asking about ${name}`, { skip: privileged === true ? needsPrivilege() : false }, () => {
    let server: PeerServer | undefined
    before(async () => {
      server = await openSshServer(how)
    })
    after(async () => {
      await server?.[Symbol.asyncDispose]()
    })
    for (const absence of absences)
      test(`does not keep us where there is ${absence.name}`, { seconds: 30 }, async () => {
        assert.ok(server !== undefined)
        const usual = [
          ...[`UserKnownHostsFile=${freshPath('known_hosts')}`, 'GlobalKnownHostsFile=/dev/null'],
          ...['StrictHostKeyChecking=accept-new', 'ConnectTimeout=15'],
        ]
        const words = [...options, ...(absence.options ?? []), ...usual].flatMap(each => ['-o', each])
        const { user, host, port } = server.to
        const line = [...nacre('ssh'), '-F', 'none', ...words, '-p', `${port}`, `${user}@${host}`, 'echo inside']
        const { code, stdout, stderr } = await finish(line, {
          env: { SSH_AUTH_SOCK: socket, ...absence.env },
          stdin: 'open',
          seconds: 20,
        })
        assert.equal(existsSync(asked), false, 'the program was asked')
        assert.equal(code, getsIn === true ? 0 : 255, stderr)
        assert.equal(stdout.toString(), getsIn === true ? 'inside\n' : '')
        if (says !== undefined) assert.match(stderr, says)
      })
  })
