// Who may log in at all: accounts that exist, are not locked or expired, have a shell, and are on the lists.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Account, ShadowEntry } from '../../src/sshd/account.ts'
import { type EligibilityRules, findCandidate, type NameList, today } from '../../src/sshd/eligible.ts'
import { directoryOf } from './world.ts'

const ada: Account = { name: 'ada', uid: 1000, gid: 1000, home: '/home/ada', shell: '/bin/sh' }
const list = (...patterns: readonly string[]): NameList => ({ patterns, from: 'sshd_config line 3' })
const rules: EligibilityRules = {
  allowUsers: list(),
  denyUsers: list(),
  allowGroups: list(),
  denyGroups: list(),
  lockedMayUseKeys: false,
  only: undefined,
}
const origin = { address: '192.0.2.7', host: 'desk.example.org' }
const usual: ShadowEntry = { hash: '$6$a$b', lastChange: 19000, maximumAge: 99999, expires: undefined }

const find = (changes: Partial<EligibilityRules> = {}, account: Account = ada, shadow: ShadowEntry | undefined = usual, name = 'ada') =>
  findCandidate(name, origin, directoryOf([account], shadow === undefined ? {} : { ada: shadow }), { ...rules, ...changes })

describe('an account', () => {
  test('that is in order may log in', async () => {
    const found = await find()
    assert.deepEqual([found.account, found.shadow, found.problem], [ada, usual, undefined])
  })
  test('that does not exist may not, and its name is escaped for the log', async () => {
    const found = await find({}, ada, usual, 'bob\u202e')
    assert.equal(found.account, undefined)
    assert.equal(found.problem, 'Invalid user bob\\u{202e}')
  })
  test('whose shell is no program may not', async () => {
    for (const shell of ['/nonexistent/sh', '/etc/passwd', '/']) assert.match((await find({}, { ...ada, shell })).problem ?? '', /shell/)
  })
  test('whose password is locked by ! may not, unless PAM is asked for; by * it may', async () => {
    const locked = { ...usual, hash: '!$6$a$b' }
    assert.match((await find({}, ada, locked)).problem ?? '', /locked/)
    assert.equal((await find({ lockedMayUseKeys: true }, ada, locked)).problem, undefined)
    assert.equal((await find({}, ada, { ...usual, hash: '*' })).problem, undefined)
  })
  test('that has expired may not; on its last day it may', async () => {
    assert.match((await find({}, ada, { ...usual, expires: today() - 1 })).problem ?? '', /expired/)
    assert.equal((await find({}, ada, { ...usual, expires: today() })).problem, undefined)
  })
  test('other than our own may not when we are not root', async () => {
    assert.match((await find({ only: { ...ada, uid: 1001, name: 'eve' } })).problem ?? '', /can only serve eve/)
    assert.equal((await find({ only: ada })).problem, undefined)
  })
  test('gives nothing of itself away when it may not', async () => {
    const found = await find({ denyUsers: list('ada') })
    assert.deepEqual([found.account, found.shadow], [undefined, undefined])
  })
})

describe('the lists', () => {
  test('DenyUsers beats AllowUsers, and the log says which line decided', async () => {
    const { problem, decidedBy } = await find({ allowUsers: list('ada'), denyUsers: list('a*') })
    assert.equal(problem, 'User ada from desk.example.org not allowed because listed in DenyUsers')
    assert.deepEqual(decidedBy, { keyword: 'DenyUsers', from: 'sshd_config line 3' })
  })
  test('AllowUsers shuts out everybody else', async () => {
    assert.match((await find({ allowUsers: list('bob', 'eve') })).problem ?? '', /because not listed in AllowUsers$/)
    assert.equal((await find({ allowUsers: list('bob', 'a?a') })).problem, undefined)
  })
  test('a pattern with @ also asks where from: address, block or name', async () => {
    for (const [pattern, may] of [
      ['ada@192.0.2.0/24', true],
      ['ada@192.0.2.*', true],
      ['ada@*.EXAMPLE.org', true],
      ['ada@198.51.100.0/24', false],
      ['bob@192.0.2.*', false],
      ['ada@*,!192.0.2.7', false],
      ['ada@*,!desk.*', false],
    ] as const)
      assert.equal((await find({ allowUsers: list(pattern) })).problem === undefined, may, pattern)
  })
  test('groups: one of the account’s has to be allowed, and none denied', async () => {
    const own = { ...directoryOf([ada]), groups: async () => ['ada', 'staff'] }
    const by = async (changes: Partial<EligibilityRules>) => (await findCandidate('ada', origin, own, { ...rules, ...changes })).problem
    assert.equal(await by({ allowGroups: list('wheel', 'st*') }), undefined)
    assert.match((await by({ allowGroups: list('wheel') })) ?? '', /because none of user's groups are listed in AllowGroups$/)
    assert.match((await by({ denyGroups: list('staff'), allowGroups: list('staff') })) ?? '', /because a group is listed in DenyGroups$/)
    assert.match((await find({ allowGroups: list('wheel') })).problem ?? '', /because not in any group$/)
  })
  test('users are asked about before groups', async () => {
    assert.match((await find({ denyUsers: list('ada'), denyGroups: list('*') })).problem ?? '', /DenyUsers/)
  })
})
