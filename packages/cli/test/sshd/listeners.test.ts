// Where a server listens by its configuration, and what each of its workers may take.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { placesOf, shareOf } from '../../src/sshd/listeners.ts'
import { configOf } from './world.ts'

const places = (text: string): readonly string[] => placesOf(configOf(text).config).map(({ host, port }) => `${host} ${port}`)

describe('the places to listen at', () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['', ['0.0.0.0 22', ':: 22']],
    ['Port 2022', ['0.0.0.0 2022', ':: 2022']],
    ['Port 22\nPort 2022\nAddressFamily inet', ['0.0.0.0 22', '0.0.0.0 2022']],
    ['AddressFamily inet6', [':: 22']],
    ['ListenAddress 127.0.0.1\nPort 22\nPort 2022', ['127.0.0.1 22', '127.0.0.1 2022']],
    ['ListenAddress 127.0.0.1:2200\nPort 22', ['127.0.0.1 2200']],
    ['ListenAddress [::1]:2200\nListenAddress 127.0.0.1\n', ['::1 2200', '127.0.0.1 22']],
    ['ListenAddress *:2200\nAddressFamily inet', ['0.0.0.0 2200']],
    ['ListenAddress 127.0.0.1\nListenAddress 127.0.0.1:22', ['127.0.0.1 22']],
  ]
  for (const [text, expected] of cases) test(JSON.stringify(text), () => assert.deepEqual(places(text), expected))
})

describe('MaxStartups', () => {
  const rules = { begin: 10, rate: 30, full: 100 }
  test('is divided among workers, who count for themselves; nobody is left with nothing', () => {
    assert.deepEqual(shareOf(rules, 1), rules)
    assert.deepEqual(shareOf(rules, 4), { begin: 3, rate: 30, full: 25 })
    assert.deepEqual(shareOf({ begin: 1, rate: 100, full: 1 }, 8), { begin: 1, rate: 100, full: 1 })
  })
})
