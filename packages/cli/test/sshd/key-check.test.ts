// Keys against authorized_keys: where the files are, whom they trust (StrictModes), and which lines count.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { formatPublicKeyLine } from 'nacre/keys'
import { authorizedKeysPath, findKey, type KeyCheckRules } from '../../src/sshd/key-check.ts'
import { accountAt, authorize, newKey, temporaryFolder } from './world.ts'

const usual: KeyCheckRules = { files: ['.ssh/authorized_keys'], strict: true }
const signer = await newKey()
const line = formatPublicKeyLine(signer.publicKey)
const { blob } = signer.publicKey

/** A home with this authorized_keys; `find` asks for the key, `said` is what the log was told. */
const home = (lines: readonly string[] = [line]) => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  const path = authorize(account, lines)
  const said: string[] = []
  const find = (changes: Partial<KeyCheckRules> = {}, address: string | undefined = '192.0.2.7') =>
    findKey(account, blob, address, { ...usual, ...changes }, text => said.push(text))
  return { account, path, said, find, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

describe('the place of the file', () => {
  const account = { name: 'ada', uid: 1000, gid: 1000, home: '/home/ada/', shell: '/bin/sh' }
  for (const [pattern, path] of [
    ['.ssh/authorized_keys', '/home/ada/.ssh/authorized_keys'],
    ['%h/keys', '/home/ada//keys'],
    ['/etc/ssh/keys/%u', '/etc/ssh/keys/ada'],
    ['/keys/%U', '/keys/1000'],
    ['/100%%/%x', '/100%/%x'],
  ])
    test(`${pattern} is ${path}`, () => assert.equal(authorizedKeysPath(pattern, account), path))
})

describe('a key', () => {
  test('is found with its place', () => {
    using it = home(['# mine', line])
    assert.deepEqual([it.find()?.file, it.find()?.line], [it.path, 2])
  })
  test('is found in the second file when the first is missing', () => {
    using it = home()
    assert.equal(it.find({ files: ['none', '.ssh/missing', '.ssh/authorized_keys'] })?.file, it.path)
    assert.deepEqual(it.said, [])
  })
  test('that is not listed is not found', async () => {
    using it = home([formatPublicKeyLine((await newKey()).publicKey)])
    assert.equal(it.find(), undefined)
  })
  test('is refused by a line with an option nobody knows, and the log says where', () => {
    using it = home([`sandbox="strict" ${line}`])
    assert.equal(it.find(), undefined)
    assert.match(it.said.join(), /authorized_keys:1 lets nobody in: the option "sandbox" is not known/)
  })
  test('is refused from elsewhere, and a later line may take it', () => {
    using it = home([`from="10.0.0.0/8" ${line}`])
    assert.equal(it.find(), undefined)
    assert.equal(it.find({}, undefined), undefined)
    assert.notEqual(it.find({}, '10.1.1.1'), undefined)
    using both = home([`from="10.0.0.0/8" ${line}`, `restrict ${line}`])
    assert.equal(both.find()?.line, 2)
  })
  test('is refused once it has expired', () => {
    using it = home([`expiry-time="20200101Z" ${line}`])
    assert.equal(it.find(), undefined)
    assert.match(it.said.join(), /expired/)
    using later = home([`expiry-time="29990101Z" ${line}`])
    assert.notEqual(later.find(), undefined)
  })
  test('on a line for certificates is refused', () => {
    using it = home([`cert-authority ${line}`])
    assert.equal(it.find(), undefined)
  })
  test('brings its options along', () => {
    using it = home([`command="backup",restrict ${line}`])
    assert.equal(it.find()?.options.command, 'backup')
    assert.equal(it.find()?.options.may.pty, false)
  })
})

describe('StrictModes', () => {
  const refuses = (change: (it: ReturnType<typeof home>) => void, told: RegExp): void => {
    using it = home()
    assert.notEqual(it.find(), undefined)
    change(it)
    assert.equal(it.find(), undefined)
    assert.match(it.said.join(), told)
  }
  test('refuses a file its group may write', () => refuses(it => chmodSync(it.path, 0o620), /bad ownership or modes for file/))
  test('refuses a file all may write', () => refuses(it => chmodSync(it.path, 0o602), /bad ownership or modes for file/))
  test('refuses a folder others may write', () =>
    refuses(it => chmodSync(join(it.account.home, '.ssh'), 0o770), /bad ownership or modes for directory .*\.ssh$/))
  test('refuses a home others may write', () => refuses(it => chmodSync(it.account.home, 0o777), /bad ownership or modes for directory/))
  test("refuses another account's file", { skip: process.geteuid?.() !== 0 }, () =>
    refuses(it => chownSync(it.path, 54321, 54321), /bad ownership or modes for file/),
  )
  test('looks at where a link leads', () =>
    refuses(it => {
      const shared = join(it.account.home, 'shared')
      mkdirSync(shared)
      renameSync(it.path, join(shared, 'keys'))
      symlinkSync(join(shared, 'keys'), it.path)
      assert.notEqual(it.find(), undefined)
      chmodSync(shared, 0o777)
    }, /bad ownership or modes for directory .*shared$/))
  test('can be turned off', () => {
    using it = home()
    chmodSync(it.path, 0o666)
    chmodSync(it.account.home, 0o777)
    assert.notEqual(it.find({ strict: false }), undefined)
  })
})

describe('a file that is not there', () => {
  test('is named with the reason, where the log wants details', () => {
    using it = home()
    const missing: string[] = []
    assert.equal(it.find({ files: ['.ssh/keys', '.ssh/authorized_keys/below', 'no*'], sayMissing: text => missing.push(text) }), undefined)
    const user = it.account.name
    assert.deepEqual(missing, [
      `Could not open user '${user}' authorized keys '${it.account.home}/.ssh/keys': No such file or directory (ENOENT)`,
      `Could not open user '${user}' authorized keys '${it.account.home}/.ssh/authorized_keys/below': Not a directory (ENOTDIR)`,
      `No file is named by 'no*' of AuthorizedKeysFile for user '${user}'`,
    ])
    assert.deepEqual(it.said, [])
  })
  test('is not the same as one that cannot be read', () => {
    using it = home()
    symlinkSync('loop', join(it.account.home, 'loop'))
    assert.equal(it.find({ files: ['loop'] }), undefined)
    assert.match(it.said.join(), /^Could not open user '\S+' authorized keys '\S+\/loop': Too many symbolic links encountered \(ELOOP\)$/)
  })
})

describe('what is no file', () => {
  test('a folder is refused', () => {
    using it = home()
    assert.equal(it.find({ files: ['.ssh'] }), undefined)
    assert.match(it.said.join(), /not a regular file/)
  })
  test('a pipe is refused at once instead of waited for', () => {
    using it = home()
    execFileSync('mkfifo', [join(it.account.home, 'pipe')])
    assert.equal(it.find({ files: ['pipe'] }), undefined)
    assert.match(it.said.join(), /not a regular file/)
  })
  test('binary noise lets nobody in', () => {
    using it = home()
    writeFileSync(
      it.path,
      Uint8Array.from({ length: 4096 }, (_, index) => (index * 7) & 0xff),
    )
    assert.equal(it.find(), undefined)
  })
})
