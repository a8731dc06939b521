// Accounts by a command of the administrator's: what it is told, what its verdicts do to a login and its sessions, and that a command
// that fails lets nobody in.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { AuthenticationError, Secret } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import { readLine } from '../../src/sshd/account-program.ts'
import { commandAccounts } from '../../src/sshd/command-accounts.ts'
import { accountAt, authorize, directoryOf, newKey, temporaryFolder, world } from './world.ts'

/** The usual answers; a test puts others before them. */
const usual = `
case "$question" in
  *'"phase":"authenticate"'*)
    echo '{"ask":[{"is":"hidden","text":"Password: "}]}'
    read -r answer
    case "$answer" in '{"answers":["sesame"]}') verdict accepted;; *) verdict refused;; esac;;
  *'"phase":"account"'*) verdict accepted;;
  *) verdict ignored;;
esac`

/** A server whose accounts are known to a shell script. */
const site = async (before = '', script = usual) => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  const key = await newKey()
  authorize(account, [formatPublicKeyLine(key.publicKey)])
  const path = join(folder.path, 'accounts.sh')
  const asked = join(folder.path, 'asked')
  writeFileSync(
    path,
    `verdict() { printf '{"verdict":"%s"}\\n' "$1"; exit 0; }
read -r question
printf '%s %s\\n' "$question" "$*" >>'${asked}'
${before}
${script}
`,
  )
  const it = await world(account, {
    config: 'StrictModes no',
    setup: {
      directory: directoryOf([account]),
      accountsFor: () => commandAccounts({ command: `/bin/sh ${path} word`, user: account.name, lookUp: async () => account }),
    },
  })
  return {
    ...it,
    key,
    account,
    asked: (): readonly string[] => (existsSync(asked) ? readFileSync(asked, 'utf8').trim().split('\n') : []),
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}
const byPassword = { password: 'sesame', preferred: ['password'] }

describe('a password', () => {
  test('is asked for by the command, whatever the method', async () => {
    await using it = await site()
    for (const preferred of [['password'], ['keyboard-interactive']]) await (await it.logIn({ password: 'sesame', preferred })).close()
    await assert.rejects(it.logIn({ password: 'wrong', preferred: ['password'] }), AuthenticationError)
    assert.deepEqual(
      it.lines.filter(line => line.includes(' ssh2')).map(line => line.replace(/ for .*/, '')),
      ['Accepted password', 'Accepted keyboard-interactive', 'Failed password'],
    )
  })
  test('goes through a pipe: arguments have the words of the configuration alone', async () => {
    await using it = await site()
    await (await it.logIn(byPassword)).close()
    assert.equal(
      it.asked()[0],
      `{"phase":"authenticate","user":"${it.account.name}","service":"sshd","address":"192.0.2.7","port":50022} word`,
    )
    assert.doesNotMatch(it.lines.join('\n'), /sesame/)
  })
  test('of a name that is nobody is asked for too, and counts for nothing', async () => {
    await using it = await site('', 'echo \'{"ask":[{"is":"hidden","text":"Password: "}]}\'; read -r answer; verdict accepted')
    await assert.rejects(it.logIn({ ...byPassword, user: 'nobody-here' }), AuthenticationError)
    assert.match(it.asked()[0], /"user":"nobody-here"/)
  })
  test('and a second question are carried by keyboard-interactive alone', async () => {
    const twice = `echo '{"ask":[{"is":"info","text":"Two things."},{"is":"hidden","text":"Password: "}]}'; read -r one
      echo '{"ask":[{"is":"visible","text":"Code: "}]}'; read -r two
      case "$one$two" in '{"answers":["sesame"]}{"answers":["42"]}') verdict accepted;; esac; verdict refused`
    const before = `case "$question" in *authenticate*) ${twice};; esac`
    await using it = await site(before)
    await assert.rejects(it.logIn(byPassword), AuthenticationError)
    assert.match(it.lines.join('\n'), /The method "password" cannot carry all that is asked/)
    const seen: string[] = []
    const client = await it.logIn({
      preferred: ['keyboard-interactive'],
      answer: ({ instruction, prompts }) => {
        seen.push(`${instruction}|${prompts.map(({ prompt, echo }) => `${prompt}${echo}`).join()}`)
        return prompts.map(({ echo }) => (echo ? '42' : 'sesame'))
      },
    })
    await client.close()
    assert.deepEqual(seen, ['Two things.|Password: false', '|Code: true'])
  })
  test('that has expired is changed in the conversation the command has', async () => {
    await using it = await site(
      `case "$question" in
        *'"phase":"account"'*) if [ -e "$0.new" ]; then verdict accepted; else verdict password-expired; fi;;
        *change-password*)
          echo '{"ask":[{"is":"hidden","text":"New: ","means":"new-password"}]}'
          read -r answer
          case "$answer" in '{"answers":["Sesame"]}') : >"$0.new"; verdict accepted;; esac; verdict refused;;
      esac`,
    )
    await assert.rejects(it.logIn({ signers: [it.key] }), AuthenticationError)
    await assert.rejects(it.logIn({ ...byPassword, newPassword: () => new Secret('bad') }), AuthenticationError)
    await (await it.logIn({ ...byPassword, newPassword: () => new Secret('Sesame') })).close()
    await (await it.logIn({ signers: [it.key] })).close()
  })
})

describe('the account phase', () => {
  test('comes after a key too, and its text is for the person', async () => {
    await using it = await site(
      `case "$question" in *'"phase":"account"'*) echo '{"verdict":"refused","text":"Come back on Monday.\\\\n","log":"weekend"}'; exit 0;; esac`,
    )
    const told: string[] = []
    await assert.rejects(it.logIn({ signers: [it.key], onBanner: text => told.push(text) }), AuthenticationError)
    assert.deepEqual(told, ['Come back on Monday.\n'])
    assert.match(it.lines.join('\n'), /^AuthenticationCommand says: weekend$/m)
    assert.match(it.lines.join('\n'), /^Access denied for user \S+ by AuthenticationCommand: AuthenticationCommand refused the account$/m)
    assert.doesNotMatch(it.lines.join('\n'), /^Accepted/m)
  })
  test('is not asked about a key that is only shown', async () => {
    await using it = await site()
    await assert.rejects(it.logIn({ signers: [await newKey()] }), AuthenticationError)
    assert.deepEqual(it.asked(), [])
  })
})

describe('sessions', () => {
  test('run in what the command opens, once for a connection, which it is told the end of', async () => {
    await using it = await site(
      `case "$question" in *open-session*) echo '{"verdict":"accepted","environment":{"TEAM":"pearl"}}'; exit 0;; esac`,
    )
    const client = await it.logIn({ signers: [it.key] })
    for (let count = 0; count < 2; count++) assert.equal((await client.run('echo $TEAM')).stdout, 'pearl\n')
    await client.close()
    const phases = (): readonly string[] => it.asked().map(line => JSON.parse(line.slice(0, line.lastIndexOf(' '))).phase)
    for (let tries = 0; tries < 200 && phases().length < 3; tries++) await delay(20)
    assert.deepEqual(phases(), ['account', 'open-session', 'close-session'])
  })
  test('do not run where it refuses them', async () => {
    await using it = await site(
      `case "$question" in *open-session*) echo '{"verdict":"refused","text":"Too many sessions.\\\\n"}'; exit 0;; esac`,
    )
    await using client = await it.logIn({ signers: [it.key] })
    const { stdout, stderr, exit } = await client.run('echo free')
    assert.deepEqual([stdout, stderr, exit], ['', 'Too many sessions.\n', { code: 254 }])
  })
})

describe('a command that fails lets nobody in, and the log says why', () => {
  for (const [why, script, message] of [
    ['it fails after a verdict', 'printf \'{"verdict":"accepted"}\\n\'; exit 3', /it ended with 3/],
    ['it says nothing', 'exit 0', /it ended without a verdict/],
    ['it says what is not JSON', 'echo accepted', /a line that is not JSON/],
    ['it says neither', "echo '{}'", /neither "ask" nor "verdict"/],
    ['it goes on', 'echo \'{"verdict":"accepted"}\'; echo \'{"verdict":"accepted"}\'', /it went on after its verdict/],
    ['it says too much', 'yes ""', /it said more than \d+ bytes/],
    ['it asks where nobody can be asked', 'echo \'{"ask":[{"is":"hidden","text":"?"}]}\'', /it asked where nobody can be asked/],
  ] as const)
    test(why, async () => {
      await using it = await site('', script)
      await assert.rejects(it.logIn({ signers: [it.key] }), AuthenticationError)
      assert.match(it.lines.join('\n'), message)
    })
  for (const [why, command, user, message] of [
    ['it is not there', '/nonexistent/program', 'me', /ENOENT/],
    ['its user is not there', '/usr/bin/true', 'nobody-by-that-name', /the user "nobody-by-that-name" it is to run as does not exist/],
    ['others may change it', '/tmp', 'me', /not a regular file|bad ownership or modes/],
  ] as const)
    test(why, async () => {
      const said: string[] = []
      const account = accountAt('/')
      const login = commandAccounts({ command, user, lookUp: async name => (name === 'me' ? account : undefined) }).begin({
        user: account.name,
        account,
        shadow: undefined,
        address: undefined,
        port: undefined,
        service: 'sshd',
        permitEmpty: false,
        signal: new AbortController().signal,
        say: text => said.push(text),
      })
      assert.equal(await login.authenticate(async () => [new Secret('sesame')]), false)
      assert.equal((await login.permitted()).is, 'denied')
      assert.match(said.join('\n'), message)
    })
  for (const line of [
    '[]',
    '"accepted"',
    '{"ask":[{"is":"loud","text":"?"}]}',
    '{"ask":[{"is":"hidden"}]}',
    '{"verdict":"accepted","environment":{"A=B":"x"}}',
    '{"verdict":"accepted","environment":{"A":1}}',
    `{"ask":[${Array.from({ length: 129 }, () => '{"is":"info","text":""}').join()}]}`,
  ])
    test(`a line of it is none: ${line.slice(0, 60)}`, () => assert.throws(() => readLine(line), /^Error: it/))
})
