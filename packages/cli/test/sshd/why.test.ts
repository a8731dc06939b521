// Who may log in and why, answered before anybody connects by what answers real logins.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatPublicKeyLine, parsePublicKeyLine } from 'nacre/keys'
import { whyLogin } from '../../src/sshd/why.ts'
import { accountAt, authorize, configOf, directoryOf, keptLog, newKey, onePassword, temporaryFolder } from './world.ts'

const signer = await newKey()
const key = parsePublicKeyLine(formatPublicKeyLine(signer.publicKey))

const ask = async (
  text: string,
  question: { readonly key?: typeof key; readonly from?: string; readonly user?: string } = { key },
  options = '',
) => {
  using folder = temporaryFolder()
  const account = accountAt(folder.path)
  authorize(account, [`${options}${formatPublicKeyLine(signer.publicKey)}`])
  const { log, lines } = keptLog('VERBOSE')
  const answer = await whyLogin(
    { user: account.name, from: '192.0.2.7', ...question },
    {
      parsed: configOf(`StrictModes no\nPermitRootLogin yes\n${text}`),
      directory: directoryOf([account]),
      only: undefined,
      accountsFor: () => onePassword('never asked'),
      log,
    },
  )
  return { ...answer, said: lines.join('\n') }
}

describe('why', () => {
  test('a key that is listed lets in, and where it stands is said', async () => {
    const { verdict, said } = await ask('')
    assert.equal(verdict, 'in')
    assert.match(said, /^Accepted key ED25519 SHA256:\S+ found at \S+\/authorized_keys:1$/m)
  })
  test('a forced command is said, of the key or of the configuration', async () => {
    assert.equal((await ask('', { key }, 'command="uptime" ')).command, 'uptime')
    assert.equal((await ask('Match Address 192.0.2.0/24\nForceCommand date\n', { key }, 'command="uptime" ')).command, 'date')
  })
  test('a list keeps out, by which line', async () => {
    const { verdict, said } = await ask('DenyUsers *@192.0.2.0/24\n')
    assert.equal(verdict, 'refused')
    assert.match(said, /not allowed because listed in DenyUsers/)
    assert.match(said, /^DenyUsers at test line 3 decided that\.$/m)
    assert.equal((await ask('DenyUsers *@192.0.2.0/24\n', { key, from: '198.51.100.1' })).verdict, 'in')
  })
  test('a list keeps out also whoever shows no key yet', async () => {
    assert.equal((await ask('AllowUsers somebody-else\n', {})).verdict, 'refused')
  })
  test('an address that the key is not for keeps out, and the line says so', async () => {
    const { verdict, said } = await ask('', { key }, 'from="10.0.0.0/8" ')
    assert.equal(verdict, 'refused')
    assert.match(said, /authorized_keys:1: the key may not be used from 192\.0\.2\.7/)
  })
  test('what is still to be shown is said', async () => {
    const { verdict, methods } = await ask('AuthenticationMethods publickey,password\n')
    assert.deepEqual([verdict, methods], ['more', ['password']])
  })
  test('without a key, which methods there are', async () => {
    const { verdict, methods } = await ask('KbdInteractiveAuthentication no\n', {})
    assert.deepEqual([verdict, methods], ['may-try', ['publickey', 'password']])
  })
  test('of nobody, that there is nobody', async () => {
    const { verdict, said } = await ask('', { user: 'nobody-here' })
    assert.equal(verdict, 'refused')
    assert.match(said, /^Invalid user nobody-here from 192\.0\.2\.7 port 0$/m)
  })
  test('RefuseConnection is an answer', async () => {
    const { verdict, said } = await ask('RefuseConnection yes\n')
    assert.equal(verdict, 'refused')
    assert.match(said, /RefuseConnection at test line 3 decided that/)
  })
})
