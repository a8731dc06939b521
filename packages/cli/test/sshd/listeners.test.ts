// Where a server listens by its configuration, and whom it turns away when too many knock at once.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { placesOf, shareOf, turnsAway } from '../../src/sshd/listeners.ts'
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
  test('turns nobody away below its beginning', () => assert.equal(turnsAway(9, rules, 0), false))
  test('turns away with its rate at the beginning', () => {
    assert.equal(turnsAway(10, rules, 0.299), true)
    assert.equal(turnsAway(10, rules, 0.301), false)
  })
  test('turns away ever more of them', () => {
    assert.equal(turnsAway(55, rules, 0.649), true)
    assert.equal(turnsAway(55, rules, 0.651), false)
  })
  test('turns all away when it is full, and with a rate of 100 from the beginning', () => {
    assert.equal(turnsAway(100, rules, 0.999), true)
    assert.equal(turnsAway(10, { begin: 10, rate: 100, full: 10 }, 0.999), true)
  })
  test('is divided among workers, who count for themselves; nobody is left with nothing', () => {
    assert.deepEqual(shareOf(rules, 1), rules)
    assert.deepEqual(shareOf(rules, 4), { begin: 3, rate: 30, full: 25 })
    assert.deepEqual(shareOf({ begin: 1, rate: 100, full: 1 }, 8), { begin: 1, rate: 100, full: 1 })
  })
})
