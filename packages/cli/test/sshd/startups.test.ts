// What a configuration says about who may begin to log in, and what the log says of those who may not.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import { Startups } from 'nacre/server'
import { createLog } from '../../src/sshd/log.ts'
import { logTurnedAway, startupRules } from '../../src/sshd/startups.ts'
import { configOf } from './world.ts'

const rulesOf = (text: string) => startupRules(configOf(text).config)

describe('the rules', () => {
  test('are OpenSSH’s without a word', () => {
    const rules = rulesOf('')
    assert.deepEqual(rules.maximum, { begin: 10, rate: 30, full: 100 })
    assert.equal(rules.perSource, undefined)
    assert.deepEqual(rules.sourceBits, { v4: 32, v6: 128 })
    assert.deepEqual(rules.penalties, {
      failed: 5000,
      invalidUser: 5000,
      noAttempt: 1000,
      tooLate: 10_000,
      refused: 10_000,
      minimum: 15_000,
      maximum: 600_000,
      sources4: 65_536,
      sources6: 65_536,
      overflow4: 'permissive',
      overflow6: 'permissive',
      exempt: [],
    })
  })

  test('are what the keywords say, and work', () => {
    const rules = rulesOf(
      'MaxStartups 3\nPerSourceMaxStartups 2\nPerSourceNetBlockSize 24:48\nPerSourcePenalties authfail:1h\nPerSourcePenaltyExemptList 10.0.0.0/8,::1',
    )
    assert.deepEqual(rules.maximum, { begin: 3, rate: 30, full: 3 })
    assert.equal(rules.perSource, 2)
    assert.deepEqual(rules.sourceBits, { v4: 24, v6: 48 })
    assert.equal(rules.penalties?.failed, 3_600_000)
    const { exempt } = rules.penalties
    assert.ok(typeof exempt === 'function')
    for (const [address, is] of [
      ['10.1.2.3', true],
      ['::ffff:10.1.2.3', true],
      ['::1', true],
      ['11.1.2.3', false],
    ] as const)
      assert.equal(exempt(address), is, address)
    assert.doesNotThrow(() => new Startups(rules))
  })

  test('have no penalties when the file wants none', () => assert.equal(rulesOf('PerSourcePenalties no').penalties, undefined))

  test('exempt addresses and blocks; names would exempt nobody and are refused', () => {
    assert.throws(() => rulesOf('PerSourcePenaltyExemptList *.example.org'), ConfigError)
  })
})

test('the log names both ends, how many there are, and the rule', () => {
  const lines: string[] = []
  const log = createLog(text => lines.push(text), 'INFO')
  const remote = { address: '::ffff:192.0.2.1', port: 4000, localAddress: '::ffff:192.0.2.9', localPort: 22 }
  logTurnedAway(log, 'startups', { count: 100, remote })
  logTurnedAway(log, 'source', { count: 5, remote: undefined })
  assert.match(lines[0], /drop connection #100 from \[192\.0\.2\.1\]:4000 on \[192\.0\.2\.9\]:22 past MaxStartups/)
  assert.match(lines[1], /drop connection #5 from \[UNKNOWN\]:65535 on \[UNKNOWN\]:65535 past PerSourceMaxStartups/)
})
