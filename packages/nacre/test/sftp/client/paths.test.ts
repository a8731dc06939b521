// Paths as text, names that can be none, and which servers need to be treated differently.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { badName, folderOf, joinPath, nameOf, sendable } from '../../../src/sftp/client/paths.ts'
import { quirksOf } from '../../../src/sftp/client/quirks.ts'

describe('paths', () => {
  test('are joined', () => {
    for (const [folder, name, path] of [
      ['/srv', 'a', '/srv/a'],
      ['/srv/', 'a', '/srv/a'],
      ['/', 'a', '/a'],
      ['.', 'a', 'a'],
      ['', 'a', 'a'],
      ['..', 'a', '../a'],
    ] as const)
      assert.equal(joinPath(folder, name), path)
  })

  test('are taken apart', () => {
    for (const [path, folder, name] of [
      ['/srv/a', '/srv', 'a'],
      ['/srv/a//', '/srv', 'a'],
      ['/srv//a', '/srv', 'a'],
      ['/a', '/', 'a'],
      ['a', '.', 'a'],
      ['a/b', 'a', 'b'],
      ['/', '/', ''],
      ['//', '/', ''],
      ['', '.', ''],
    ] as const) {
      assert.equal(folderOf(path), folder, path)
      assert.equal(nameOf(path), name, path)
    }
  })

  test('that are empty or hold a NUL are never sent', () => {
    for (const path of ['', 'a\0b'])
      assert.throws(
        () => sendable(path, { operation: 'stat', path }),
        (error: unknown) => error instanceof SftpError && error.status === 'invalid-filename' && error.operation === 'stat',
      )
    assert.equal(sendable('a\nb', { operation: 'stat' }), 'a\nb')
  })
})

describe('names from the server', () => {
  test('that could lead elsewhere are told', () => {
    for (const name of ['', '/', '../x', 'a/b', '/etc/passwd', 'a\0'])
      assert.equal(badName('/srv', name)?.status, 'invalid-filename', JSON.stringify(name))
    for (const name of ['a', '...', '-rf', '~', 'a\\b', 'con', '\udcff', '\u202e', '\n']) assert.equal(badName('/srv', name), undefined)
  })

  test('are escaped', () => {
    assert.match(badName('/s\nv', '\x1b/')?.message ?? '', /"\\x1b\/".*has a slash/)
  })
})

describe('servers that are known', () => {
  test('by the order in which they take the paths of SYMLINK', () => {
    for (const version of ['AsyncSSH_2.10.1', 'ssh2js1.15.0']) assert.equal(quirksOf(version).linkFirst, true, version)
    for (const version of ['OpenSSH_9.2p1', 'paramiko_3.0', 'nacre_0.1', '']) assert.equal(quirksOf(version).linkFirst, false, version)
  })

  test('by what they take though they do not say so', () => {
    assert.equal(quirksOf('OpenSSH_8.4p1 Debian-5').request, 255 * 1024)
    assert.equal(quirksOf('OpenSSH_7.4').renameRefuses, true)
    for (const version of ['OpenSSH_8.5', 'OpenSSH_9.2p1', 'OpenSSH_10.1', 'OpenSSH_for_Windows_9.5', 'x', ''])
      assert.equal(quirksOf(version).request, undefined, version)
  })
})
