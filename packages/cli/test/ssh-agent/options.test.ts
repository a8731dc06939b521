// The command line of ssh-agent, the lines it prints, and where its socket is.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { forCsh, readSshAgentLine, sshAgentSettings } from '../../src/ssh-agent/options.ts'
import { hostLetters, placeInNewFolder, placeNamed } from '../../src/ssh-agent/place.ts'
import { endLines, startLines } from '../../src/ssh-agent/shell.ts'

const settings = (...argv: string[]) => sshAgentSettings(readSshAgentLine(argv))

describe('letters', () => {
  test('that exclude one another', () => {
    for (const argv of [['-cs'], ['-dD'], ['-dd'], ['-k', 'command'], ['-D', 'command'], ['-s', 'command'], ['-u', 'command'], ['-Z']])
      assert.throws(() => readSshAgentLine(argv), { name: 'UsageError' }, argv.join(' '))
  })
  test('what a command is', () => {
    assert.deepEqual(settings('-t', '5m', 'sh', '-c', 'true').command, ['sh', '-c', 'true'])
    assert.equal(settings('-t', '5m').lifetime, 300)
    assert.throws(() => settings('-t', 'soon'), { name: 'UsageError' })
  })
  test('which applications and libraries are allowed', () => {
    assert.deepEqual(settings().websafe, ['ssh:*'])
    assert.deepEqual(settings('-O', 'websafe-allow=ssh:*,https://example.org').websafe, ['ssh:*', 'https://example.org'])
    assert.deepEqual(settings('-O', 'no-restrict-websafe').websafe, ['*'])
    assert.equal(settings('-O', 'allow-remote-pkcs11').allowRemoteProviders, true)
    assert.deepEqual(settings('-P', '/opt/*,/usr/lib/*').providers, ['/opt/*', '/usr/lib/*'])
    for (const argv of [
      ['-O', 'nonsense'],
      ['-O', 'websafe-allow=a', '-O', 'websafe-allow=b'],
      ['-P', 'a', '-P', 'b'],
    ])
      assert.throws(() => settings(...argv), { name: 'FatalError' })
  })
  test('which shell it is for', () => {
    const csh = (argv: string[], shell?: string): boolean => forCsh(readSshAgentLine(argv), shell)
    assert.equal(csh([], '/bin/csh'), true)
    assert.equal(csh([], '/usr/bin/tcsh'), true)
    assert.equal(csh([], '/bin/bash'), false)
    assert.equal(csh([]), false)
    assert.equal(csh(['-c'], '/bin/sh'), true)
    assert.equal(csh(['-s'], '/bin/csh'), false)
  })
})

describe('lines for a shell', () => {
  test('set what clients look for', () => {
    assert.equal(
      startLines('/tmp/a', 42, { csh: false, exportPid: true }),
      'SSH_AUTH_SOCK=/tmp/a; export SSH_AUTH_SOCK;\nSSH_AGENT_PID=42; export SSH_AGENT_PID;\necho Agent pid 42;\n',
    )
    assert.equal(
      startLines('/tmp/a', 42, { csh: true, exportPid: true }),
      'setenv SSH_AUTH_SOCK /tmp/a;\nsetenv SSH_AGENT_PID 42;\necho Agent pid 42;\n',
    )
    assert.equal(
      startLines('/tmp/a', 42, { csh: false, exportPid: false }),
      'SSH_AUTH_SOCK=/tmp/a; export SSH_AUTH_SOCK;\necho Agent pid 42;\n',
    )
    assert.equal(endLines(42, false), 'unset SSH_AUTH_SOCK;\nunset SSH_AGENT_PID;\necho Agent pid 42 killed;\n')
    assert.equal(endLines(42, true), 'unsetenv SSH_AUTH_SOCK;\nunsetenv SSH_AGENT_PID;\necho Agent pid 42 killed;\n')
  })
  test('cannot be made to run something by the name of a folder', () => {
    const [line] = startLines("/tmp/$(touch x) `y`; it's", 1, { csh: false, exportPid: true }).split('\n')
    assert.equal(line, `SSH_AUTH_SOCK='/tmp/$(touch x) \`y\`; it'\\''s'; export SSH_AUTH_SOCK;`)
  })
})

describe('the place of the socket', () => {
  test('is a new folder that nobody else enters', () => {
    const temporary = mkdtempSync(join(tmpdir(), 'nacre-place-'))
    try {
      const place = placeInNewFolder(temporary, 42)
      assert.match(place.path, /\/ssh-[A-Za-z0-9]{12}\/agent\.42$/)
      assert.equal(statSync(dirname(place.path)).mode & 0o777, 0o700)
      place.leave()
      assert.deepEqual(readdirSync(temporary), [])
    } finally {
      rmSync(temporary, { recursive: true })
    }
  })
  test('has no more bytes than a socket may have', () => {
    assert.throws(() => placeNamed(`/tmp/${'x'.repeat(100)}`), /too long for Unix domain socket/)
    const temporary = mkdtempSync(join(tmpdir(), `nacre-${'x'.repeat(70)}-`))
    assert.throws(() => placeInNewFolder(temporary, 42), /too long/)
    assert.deepEqual(readdirSync(temporary), [], 'nothing is left of it')
    rmSync(temporary, { recursive: true })
    assert.ok(!existsSync(temporary))
  })
  test('is told apart by machine, in letters that are always the same', () => {
    assert.match(hostLetters('one.example'), /^[A-Za-z0-9]{10}$/)
    assert.equal(hostLetters('one.example'), hostLetters('one.example'))
    assert.notEqual(hostLetters('one.example'), hostLetters('two.example'))
  })
})
