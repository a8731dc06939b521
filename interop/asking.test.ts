// Being asked without a terminal: SSH_ASKPASS answers for our ssh, sftp, scp and ssh-copy-id as it does for OpenSSH's, and where
// nobody answers nothing waits. Keys that were used go to either agent (AddKeysToAgent) as OpenSSH's ssh gives them.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { type KeyFile, newKey, userKey } from './rig/keys.ts'
import { type Finished, finish, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

const makers = {
  OpenSSH: (name: string): readonly string[] => [name],
  nacre: (name: string): readonly string[] => nacre(name),
} as const
type Maker = keyof typeof makers

/** A program that answers by the words of the question, and writes down what it was asked. */
const answering = (answers: Readonly<Record<string, string>>) => {
  const asked = freshPath('asked')
  const cases = Object.entries(answers).map(([words, answer]) => `  *${JSON.stringify(words)}*) echo ${JSON.stringify(answer)} ;;`)
  const script = `#!/bin/sh\nprintf '%s|%s\\n' "$SSH_ASKPASS_PROMPT" "$1" >> ${asked}\ncase "$1" in\n${cases.join('\n')}\n  *) exit 1 ;;\nesac\n`
  const program = freshFile('askpass.sh', script, 0o700)
  return {
    env: { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' },
    asked: () => (existsSync(asked) ? readFileSync(asked, 'utf8') : ''),
  }
}

const noHosts = (): string => freshPath('known_hosts')
const words = (known: string, more: readonly string[] = []): readonly string[] =>
  [
    'GlobalKnownHostsFile=/dev/null',
    `UserKnownHostsFile=${known}`,
    'IdentityFile=none',
    'NumberOfPasswordPrompts=2',
    'ConnectTimeout=20',
    ...more,
  ].flatMap(each => ['-o', each])
const place = ({ to }: PeerServer): string => `${to.user}@${to.host}`

const { password = '' } = world()
const yes = { 'continue connecting': 'yes' }

/** What each program is asked to do, and what shows that it did. */
const programs = {
  ssh: (server: PeerServer, settings: readonly string[]) => [
    '-F',
    'none',
    ...settings,
    '-p',
    `${server.to.port}`,
    place(server),
    'echo inside',
  ],
  sftp: (server: PeerServer, settings: readonly string[]) => ['-F', 'none', ...settings, '-P', `${server.to.port}`, place(server)],
  scp: (server: PeerServer, settings: readonly string[], file: string) => [
    '-F',
    'none',
    ...settings,
    '-P',
    `${server.to.port}`,
    file,
    `${place(server)}:copied`,
  ],
} as const

describe('SSH_ASKPASS', { skip: needsPrivilege() }, () => {
  const file = freshFile('file', 'text')
  for (const maker of ['OpenSSH', 'nacre'] as const)
    for (const [name, line] of Object.entries(programs))
      test(`answers ${maker}'s ${name} about the host, and with the password`, {}, async () => {
        await using server = await openSshServer({ accepts: { password } })
        const { env, asked } = answering({ ...yes, 'password:': password })
        const known = noHosts()
        const { code, stdout, stderr } = await finish([...makers[maker](name), ...line(server, words(known), file)], {
          env,
          stdin: 'pwd\n',
        })
        assert.equal(code, 0, `${stderr}\n${asked()}`)
        assert.match(asked(), /can't be established[\s\S]*continue connecting \(yes\/no[\s\S]*\|\S+@127\.0\.0\.1's password: /)
        assert.match(readFileSync(known, 'utf8'), /^\[127\.0\.0\.1\]:\d+ ssh-/)
        if (name === 'ssh') assert.equal(stdout.toString(), 'inside\n')
      })

  test('answers our ssh-copy-id', {}, async () => {
    await using server = await openSshServer({ accepts: { password }, config: ['AuthorizedKeysFile .ssh/authorized_keys'] })
    const { env, asked } = answering({ ...yes, 'password:': password })
    const key = newKey('ed25519')
    rmSync(`${world().home}/.ssh`, { recursive: true, force: true })
    const known = noHosts()
    const options = ['-i', key.publicPath, '-p', `${server.to.port}`, ...words(known), place(server)]
    const { code, stderr } = await finish([...nacre('ssh-copy-id'), ...options], { env, stdin: '' })
    assert.equal(code, 0, `${stderr}\n${asked()}`)
    assert.match(
      readFileSync(`${world().home}/.ssh/authorized_keys`, 'utf8'),
      new RegExp(key.line.split(' ')[1].slice(0, 40).replaceAll('+', '\\+')),
    )
  })

  for (const maker of ['OpenSSH', 'nacre'] as const) {
    test(`answers ${maker}'s ssh with the passphrase of a key, and with prompts`, {}, async () => {
      const key = userKey('ed25519', 'open sesame')
      await using server = await openSshServer({
        accepts: { keys: [key], prompts: [], chain: ['publickey,keyboard-interactive'] },
        pam: true,
      })
      const { env, asked } = answering({ ...yes, 'Enter passphrase for key': 'open sesame', 'Password:': password })
      const line = programs.ssh(server, [
        '-i',
        key.path,
        ...words(noHosts()).filter((each, at, all) => each !== 'IdentityFile=none' && all[at + 1] !== 'IdentityFile=none'),
      ])
      const { code, stdout, stderr } = await finish([...makers[maker]('ssh'), ...line], { env, stdin: '' })
      assert.equal(code, 0, `${stderr}\n${asked()}`)
      assert.equal(stdout.toString(), 'inside\n')
    })
    test(`that says no, or nothing, ends ${maker}'s ssh`, {}, async () => {
      await using server = await openSshServer({ accepts: { password } })
      for (const answer of ['no', '']) {
        const { env } = answering({ 'continue connecting': answer })
        const { code } = await finish([...makers[maker]('ssh'), ...programs.ssh(server, words(noHosts()))], { env, stdin: 'open' })
        assert.equal(code, 255)
      }
    })
  }

  test('that always says something else ends ours', {}, async () => {
    await using server = await openSshServer({ accepts: { password } })
    const { env, asked } = answering({ '': 'perhaps' })
    const { code } = await finish([...nacre('ssh'), ...programs.ssh(server, words(noHosts()))], { env, stdin: '' })
    assert.equal(code, 255)
    assert.ok(asked().split('\n').length < 100)
  })

  for (const [what, env] of [
    ['nobody is there', {}],
    ['the program may not be asked', { SSH_ASKPASS: '/bin/echo', SSH_ASKPASS_REQUIRE: 'never', DISPLAY: ':0' }],
    ['the program is not there', { SSH_ASKPASS: '/does/not/exist', SSH_ASKPASS_REQUIRE: 'force' }],
  ] as const)
    for (const [name, line] of Object.entries(programs))
      test(`our ${name} ends when ${what}, and reads nothing of standard input`, {}, async () => {
        await using server = await openSshServer({ accepts: { password } })
        for (const strict of ['StrictHostKeyChecking=ask', 'StrictHostKeyChecking=accept-new']) {
          const arguments_ = line(server, words(noHosts(), [strict]), file)
          const { code } = await finish([...nacre(name), ...arguments_], { env, stdin: 'open', seconds: 20 })
          assert.ok(code === 255 || code === 1, `${code}`)
        }
      })
})

interface RunningAgent extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
  list(): Promise<string>
}
const startAgent = async (maker: Maker): Promise<RunningAgent> => {
  const socket = freshPath('agent')
  const agent = await start([...makers[maker]('ssh-agent'), '-D', '-a', socket], { name: `${maker} ssh-agent` })
  for (let turn = 0; !existsSync(socket); turn++) {
    assert.ok(turn < 500, agent.log())
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const env = { SSH_AUTH_SOCK: socket }
  return {
    env,
    list: async () => (await finish(['ssh-add', '-l'], { env })).stdout.toString(),
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  }
}

describe('AddKeysToAgent', () => {
  const login = async (
    client: Maker,
    server: PeerServer,
    agent: RunningAgent,
    key: KeyFile,
    value: string,
    answers: Readonly<Record<string, string>> = {},
  ): Promise<Finished & { asked: string }> => {
    const known = noHosts()
    writeFileSync(known, server.to.hostKeys.map(line => `[${server.to.host}]:${server.to.port} ${line}\n`).join(''))
    const { env, asked } = answering({ 'Enter passphrase for key': key.passphrase ?? '', ...answers })
    const settings = [
      `AddKeysToAgent=${value}`,
      `UserKnownHostsFile=${known}`,
      'GlobalKnownHostsFile=/dev/null',
      'PreferredAuthentications=publickey',
    ]
    const line = programs.ssh(server, ['-i', key.path, ...settings.flatMap(each => ['-o', each])])
    const result = await finish([...makers[client]('ssh'), ...line], { env: { ...env, ...agent.env }, stdin: '' })
    return { ...result, asked: asked() }
  }
  for (const agentBy of ['OpenSSH', 'nacre'] as const)
    for (const client of ['OpenSSH', 'nacre'] as const)
      test(`of ${client}'s ssh, to ${agentBy}'s agent`, { seconds: 120 }, async () => {
        const key = newKey('ed25519', 'open sesame')
        const bare = newKey('ed25519')
        await using server = await openSshServer({ accepts: { keys: [key, bare] } })
        const given = async (value: string, answers?: Readonly<Record<string, string>>, of = key): Promise<string> => {
          await using agent = await startAgent(agentBy)
          const { code, stderr, asked } = await login(client, server, agent, of, value, answers)
          assert.equal(code, 0, stderr)
          const questions = asked.split('\n').flatMap(line => (line.includes('to agent?') ? [line.replace(of.path, 'PATH')] : []))
          return [(await agent.list()).replace(of.fingerprint, 'KEY').trim(), ...questions].join('; ')
        }
        const held = '256 KEY ed25519 of the tests (ED25519)'
        assert.equal(await given('yes'), held)
        assert.equal(await given('yes', {}, bare), held)
        assert.equal(await given('1m'), held)
        assert.equal(await given('confirm'), held)
        assert.equal(await given('no'), 'The agent has no identities.')
        const question = 'confirm|Add key PATH (ed25519 of the tests) to agent?'
        assert.equal(await given('ask', { 'to agent?': 'yes' }), `${held}; ${question}`)
        assert.equal(await given('ask', { 'to agent?': 'no' }), `The agent has no identities.; ${question}`)
        assert.equal(await given('ask'), `The agent has no identities.; ${question}`)
      })

  test('once it is there, nobody is asked for its passphrase again', {}, async () => {
    const key = newKey('ed25519', 'open sesame')
    await using server = await openSshServer({ accepts: { keys: [key] } })
    await using agent = await startAgent('nacre')
    assert.match((await login('nacre', server, agent, key, 'yes')).asked, /passphrase/)
    assert.equal((await login('nacre', server, agent, key, 'yes')).asked, '')
  })
  test('a key that is refused is not given to the agent', {}, async () => {
    const key = newKey('ed25519', 'open sesame')
    await using server = await openSshServer({ accepts: { keys: [userKey()] } })
    await using agent = await startAgent('nacre')
    const { code, asked } = await login('nacre', server, agent, key, 'yes')
    assert.equal(code, 255)
    assert.equal(asked, '')
    assert.equal((await agent.list()).trim(), 'The agent has no identities.')
  })
})
