// The command line of ssh-copy-id: -i, whose file may be missing, and what goes on to ssh. And the command that is run there.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { UsageError } from '../../src/getopt.ts'
import { installCommand } from '../../src/ssh-copy-id/install.ts'
import { readCopyIdCall } from '../../src/ssh-copy-id/options.ts'

describe('ssh-copy-id’s command line', () => {
  it('-i takes the next word only when a host is left', () => {
    assert.deepEqual(readCopyIdCall(['-i', 'host']).identity, { file: undefined })
    assert.deepEqual(readCopyIdCall(['-i', 'key', 'host']).identity, { file: 'key' })
    assert.deepEqual(readCopyIdCall(['-i', '-f', 'host']).identity, { file: undefined })
    assert.deepEqual(readCopyIdCall(['-i', '--', 'host']).identity, { file: undefined })
    assert.equal(readCopyIdCall(['host']).identity, undefined)
  })
  it('keeps what is for ssh in order', () => {
    const call = readCopyIdCall(['-oA=b', '-F', 'none', '-p22', '-sn', '-t', 'x', '-o', 'C=d', 'me@host'])
    assert.deepEqual(call.sshOptions, [
      { letter: 'o', value: 'A=b' },
      { letter: 'F', value: 'none' },
      { letter: 'o', value: 'C=d' },
    ])
    assert.deepEqual([call.port, call.sftp, call.dryRun, call.targetPath, call.host], ['22', true, true, 'x', 'me@host'])
  })
  it('refuses no host, two hosts, letters nobody knows', () => {
    for (const argv of [[], ['-i'], ['a', 'b'], ['-z', 'a'], ['-p']]) assert.throws(() => readCopyIdCall(argv), UsageError, argv.join(' '))
  })
})

describe('the command that is run on the other side', () => {
  const inHome = (before: string | undefined, path: string | undefined): { text: string; mode: number } => {
    const home = mkdtempSync(join(tmpdir(), 'copy-id-'))
    try {
      const file = join(home, path ?? '.ssh/authorized_keys')
      if (before !== undefined) {
        execFileSync('mkdir', ['-p', join(file, '..')])
        writeFileSync(file, before)
      }
      execFileSync('/bin/sh', ['-c', installCommand(path, false)], { env: { HOME: home, PATH: process.env['PATH'] }, input: 'new line\n' })
      return { text: readFileSync(file, 'utf8'), mode: statSync(file).mode & 0o777 }
    } finally {
      rmSync(home, { recursive: true })
    }
  }
  it('makes the file for its owner alone', () => assert.deepEqual(inHome(undefined, undefined), { text: 'new line\n', mode: 0o600 }))
  it('adds behind a whole line', () => assert.equal(inHome('old\n', undefined).text, 'old\nnew line\n'))
  it('ends a line that has no end', () => assert.equal(inHome('old', undefined).text, 'old\nnew line\n'))
  it('takes an empty file as it is', () => assert.equal(inHome('', undefined).text, 'new line\n'))
  it('takes a path for nothing but a path', () => assert.equal(inHome(undefined, `d 'x" $(id)/*`).text, 'new line\n'))
})
