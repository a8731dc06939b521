// Names and numbers of users and groups, from files as passwd(5) and group(5) describe them.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { userInfo } from 'node:os'
import { test } from 'node:test'
import { noAccounts, parseAccounts, readAccounts } from '../../../src/sftp/files/accounts-node.ts'
import { folderFor } from './on-disk.ts'

const passwd = `root:x:0:0:root:/root:/bin/bash
toor:x:0:0::/root:/bin/sh
anna:x:1000:1000:Anna,,,:/home/anna:/bin/bash
anna:x:1001:1001:::/bin/false
+nis:x:5:5:::
broken line
: x:7:
homeless:x:1002:1002:::/bin/false
wordy:x:a1:1:::
`

test('the first row of a name or of a number counts; rows that are none are left out', () => {
  const { names, ids, homes } = parseAccounts(passwd)
  assert.deepEqual(
    [...names],
    [
      [0, 'root'],
      [1000, 'anna'],
      [1001, 'anna'],
      [1002, 'homeless'],
    ],
  )
  assert.deepEqual(
    [...ids],
    [
      ['root', 0],
      ['toor', 0],
      ['anna', 1000],
      ['homeless', 1002],
    ],
  )
  assert.deepEqual([homes.get('anna'), homes.has('homeless')], ['/home/anna', false])
})

test('users and groups are told apart, and missing files know nobody but the process itself', t => {
  const folder = folderFor(t)
  fs.writeFileSync(`${folder}/passwd`, passwd)
  fs.writeFileSync(`${folder}/group`, 'wheel:x:0:root,anna\nstaff:x:50:\n')
  const accounts = readAccounts(`${folder}/passwd`, `${folder}/group`)
  assert.deepEqual([accounts.nameOf('user', 0), accounts.nameOf('group', 0), accounts.nameOf('group', 51)], ['root', 'wheel', ''])
  assert.deepEqual([accounts.idOf('group', 'staff'), accounts.idOf('user', 'staff')], [50, undefined])
  assert.equal(accounts.homeOf('anna'), '/home/anna')
  const none = readAccounts(`${folder}/none`, `${folder}/none`)
  const { uid, username, homedir } = userInfo()
  assert.deepEqual([none.nameOf('user', uid), none.nameOf('user', uid + 1), none.idOf('user', username)], [username, '', uid])
  assert.equal(none.homeOf(''), homedir)
})

test('those who show no accounts know none', () => {
  assert.deepEqual([noAccounts.nameOf('user', 0), noAccounts.idOf('user', 'root'), noAccounts.homeOf('root')], ['', undefined, undefined])
})
