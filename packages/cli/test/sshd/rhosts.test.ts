// What .shosts and shosts.equiv say of a user of a host, line by line (hosts.equiv(5)).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { clientName } from '../../src/sshd/client-name.ts'
import { netgroupHas, parseRhosts, rhostsLine, type Visitor } from '../../src/sshd/rhosts.ts'

const visitor: Visitor = { host: 'desk.example.org', address: '192.0.2.7', user: 'lovelace' }
const verdict = async (text: string, who = visitor, here = 'lovelace', groups: Record<string, string> = {}) => {
  const lines = parseRhosts(text, () => {})
  const line = await rhostsLine(lines, who, here, (group, member) => netgroupHas(groups[group] ?? '', member))
  return line === undefined ? 'none' : `${line.negated ? 'no' : 'yes'} by ${line.line}`
}

describe('a line', () => {
  const cases: readonly [string, string][] = [
    ['', 'none'],
    ['desk.example.org', 'yes by 1'],
    ['DESK.Example.Org\n', 'yes by 1'],
    ['  desk.example.org\t', 'yes by 1'],
    ['192.0.2.7', 'yes by 1'],
    ['desk.example.org lovelace', 'yes by 1'],
    ['desk.example.org Lovelace', 'none'],
    ['desk.example.org babbage', 'none'],
    ['desk', 'none'],
    ['*.example.org', 'none'],
    ['cellar.example.org', 'none'],
    ['# desk.example.org', 'none'],
    ['NO_PLUS\ndesk.example.org', 'yes by 2'],
    ['+', 'none'],
    ['+ +', 'none'],
    ['desk.example.org +', 'none'],
    ['+desk.example.org +lovelace', 'yes by 1'],
    ['-desk.example.org', 'no by 1'],
    ['desk.example.org -lovelace', 'no by 1'],
    ['-desk.example.org\ndesk.example.org', 'no by 1'],
    ['desk.example.org\n-desk.example.org', 'yes by 1'],
    ['-desk.example.org babbage\ndesk.example.org', 'yes by 2'],
    ['desk.example.org lovelace more', 'none'],
    ['desk.example.org lovelace # why', 'none'],
    [`${'x'.repeat(1100)}\ndesk.example.org`, 'yes by 2'],
    ['desk.example.org\r', 'yes by 1'],
  ]
  for (const [text, expected] of cases)
    test(`${JSON.stringify(text.slice(0, 60))}: ${expected}`, async () => assert.equal(await verdict(text), expected))

  test('without a user is for the namesake alone', async () => {
    assert.equal(await verdict('desk.example.org', visitor, 'ada'), 'none')
    assert.equal(await verdict('desk.example.org lovelace', visitor, 'ada'), 'yes by 1')
  })
  test('with a netgroup is for its hosts, or its users', async () => {
    const groups = { desks: 'desks (desk.example.org,,) (192.0.2.8,,)', people: 'people (-,lovelace,example) (,babbage,)' }
    assert.equal(await verdict('@desks', visitor, 'lovelace', groups), 'yes by 1')
    assert.equal(await verdict('@desks @people', visitor, 'ada', groups), 'yes by 1')
    assert.equal(await verdict('@cellars', visitor, 'lovelace', groups), 'none')
    assert.equal(await verdict('-@desks\ndesk.example.org', visitor, 'lovelace', groups), 'no by 1')
    assert.equal(await verdict('@desks', { ...visitor, host: 'x', address: '192.0.2.8' }, 'lovelace', groups), 'yes by 1')
    assert.equal(await verdict('@all', visitor, 'lovelace', { all: 'all (,,)' }), 'yes by 1')
  })
  test('with a netgroup takes blanks around names, and as many as there may be', async () => {
    assert.equal(await verdict('@desks', visitor, 'lovelace', { desks: 'desks ( desk.example.org ,\t, )' }), 'yes by 1')
    // Blanks that could be parted in many ways once took an hour.
    const blanks = ' '.repeat(20_000)
    assert.equal(await verdict('@desks', visitor, 'lovelace', { desks: `(${blanks},${blanks}(other,,)` }), 'none')
  })
  test('that means nothing is told of', () => {
    const told: [number, string][] = []
    parseRhosts('+ +\na b c\n\n# x\nhost', (line, problem) => told.push([line, problem]))
    assert.deepEqual(told, [
      [1, 'it is for everybody, which is not taken'],
      [2, 'it has more than a host and a user'],
    ])
  })
})

describe('the name of an address', () => {
  const nameFor = async (name: string | undefined, back: readonly string[] | undefined, address = '192.0.2.7') => {
    const said: string[] = []
    const found = await clientName(address, text => said.push(text), {
      nameOf: async () => (name === undefined ? Promise.reject(new Error('ENOTFOUND')) : name),
      addressesOf: async (_, family) => {
        assert.equal(family, address.includes(':') && !address.startsWith('::ffff:') ? 6 : 4)
        return back ?? Promise.reject(new Error('ENOTFOUND'))
      },
    })
    return [found, ...said]
  }
  test('is in lower case when it maps back', async () => {
    assert.deepEqual(await nameFor('Desk.Example.ORG', ['192.0.2.9', '192.0.2.7']), ['desk.example.org'])
    assert.deepEqual(await nameFor('desk', ['192.0.2.7'], '::ffff:192.0.2.7'), ['desk'])
    assert.deepEqual(await nameFor('desk', ['2001:db8::7'], '2001:db8::7'), ['desk'])
  })
  test('is the address when it has none', async () => assert.deepEqual(await nameFor(undefined, []), ['192.0.2.7']))
  test('is the address when the name is of another', async () => {
    assert.match(
      (await nameFor('desk', ['192.0.2.9'])).join('|'),
      /^192\.0\.2\.7\|Address 192\.0\.2\.7 maps to desk, but this does not map back/,
    )
    assert.match((await nameFor('desk', undefined)).join('|'), /^192\.0\.2\.7\|reverse mapping checking getaddrinfo for desk/)
  })
  test('is never a name that looks like another address', async () => {
    assert.match((await nameFor('10.0.0.1', ['192.0.2.7'])).join('|'), /^192\.0\.2\.7\|Nasty PTR record/)
    assert.match((await nameFor('2.3.4', ['192.0.2.7'])).join('|'), /^192\.0\.2\.7\|Nasty PTR record/)
  })
})
