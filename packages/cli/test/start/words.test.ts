// What `npm start` prints: true, short, and ready to be copied into a shell.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Facts, shortPath, welcome } from '../../src/start/words.ts'
import { newKey } from '../sshd/world.ts'

const key = await newKey()
const facts: Facts = {
  user: 'ada',
  uid: 1000,
  home: '/home/ada',
  host: '127.0.0.1',
  port: 2222,
  folder: '/src/nacre/.nacre',
  knownHosts: '/src/nacre/.nacre/known_hosts',
  authorizedKeys: '/src/nacre/.nacre/authorized_keys',
  hostKeys: [key],
  knownHostsLines: [7],
  ownKeys: ['/home/ada/.ssh/id_ed25519.pub'],
  password: 'abcd-efgh-jkmn-pqrs',
}

describe('a path is shown', () => {
  for (const [path, shown] of [
    ['/src/nacre/.nacre/x', '.nacre/x'],
    ['/home/ada/.ssh/x', '~/.ssh/x'],
    ['/etc/x', '/etc/x'],
    ['/src/nacre', '/src/nacre'],
    ['/src/nacre-other/x', '/src/nacre-other/x'],
  ])
    test(`${path} as ${shown}`, () => assert.equal(shortPath(path, '/src/nacre', '/home/ada'), shown))
})

describe('the welcome', () => {
  const text = welcome(facts, '/src/nacre')
  test('has commands that need nothing added', () => {
    const options = '-p 2222 -o UserKnownHostsFile=.nacre/known_hosts ada@127.0.0.1'
    assert.match(text, new RegExp(`^  ssh ${options}$`, 'm'))
    assert.match(text, new RegExp(`^  npx nacre ssh ${options}$`, 'm'))
  })
  test('has the fingerprint and where known_hosts has it', () => {
    assert.ok(text.includes(`ED25519 ${key.publicKey.fingerprint()}  (.nacre/known_hosts line 7)`))
  })
  test('names the keys it takes, and the password', () => {
    assert.match(text, /\.nacre\/authorized_keys, and your own: ~\/\.ssh\/id_ed25519\.pub\./)
    assert.match(text, /^One-time password:  abcd-efgh-jkmn-pqrs$/m)
  })
  test('says so when it runs as root', () =>
    assert.match(welcome({ ...facts, user: 'root', uid: 0 }, '/src/nacre'), /everything on this machine/))
  test('quotes names a shell would split', () =>
    assert.match(welcome({ ...facts, user: "o'neil x" }, '/src/nacre'), /'o'\\''neil x@127\.0\.0\.1'/))
})
