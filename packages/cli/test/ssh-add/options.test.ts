// The command line of ssh-add: which letters go together, and what they say of keys.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FatalError } from '../../src/fatal.ts'
import { UsageError } from '../../src/getopt.ts'
import { certificateLifetime } from '../../src/ssh-add/add.ts'
import { actionOf, readSshAddLine, sshAddSettings } from '../../src/ssh-add/options.ts'

const settings = (...argv: string[]) => sshAddSettings(readSshAddLine(argv), {})

describe('one action at a time', () => {
  for (const [argv, action] of [
    [['-l'], 'l'],
    [['-L'], 'L'],
    [['-D'], 'D'],
    [['-x'], 'x'],
    [['-X'], 'X'],
    [['-Q'], 'Q'],
    [['-d', 'file'], undefined],
    [['file'], undefined],
  ] as const)
    test(argv.join(' '), () => {
      assert.equal(actionOf(readSshAddLine(argv)), action)
    })
  for (const [argv, message] of [
    ['-lL', '-l flag already specified'],
    ['-ll', '-l flag already specified'],
    ['-Xx', '-X flag already specified'],
    ['-lD', 'Invalid combination of actions'],
    ['-xQ', 'Invalid combination of actions'],
  ] as const)
    test(`${argv} is refused`, () => {
      assert.throws(() => actionOf(readSshAddLine([argv])), { name: 'FatalError', message, exitCode: 255 })
    })
  test('letters that are none', () => {
    assert.throws(() => readSshAddLine(['-Z']), UsageError)
    assert.throws(() => readSshAddLine(['-t']), UsageError)
  })
})

describe('settings', () => {
  test('a lifetime in the units people write; none for 0', () => {
    assert.equal(settings('-t', '1h30m').lifetime, 5400)
    assert.equal(settings('-t', '0').lifetime, undefined)
    assert.equal(settings().lifetime, undefined)
    assert.throws(
      () => settings('-t', 'soon'),
      (error: unknown) => error instanceof FatalError && error.exitCode === 1,
    )
  })
  test('a hash in any case', () => {
    assert.equal(settings('-E', 'SHA512').hash, 'sha512')
    assert.equal(settings().hash, 'sha256')
    assert.throws(() => settings('-E', 'rot13'), { message: 'Invalid hash algorithm "rot13"' })
  })
  test('the library of security keys: the letter, the variable, or the one the agent has', () => {
    const provider = (argv: string[], variables: Record<string, string>) => sshAddSettings(readSshAddLine(argv), variables).skProvider
    assert.equal(provider(['-S', '/lib/a.so'], { SSH_SK_PROVIDER: '/lib/b.so' }), '/lib/a.so')
    assert.equal(provider([], { SSH_SK_PROVIDER: '/lib/b.so' }), '/lib/b.so')
    assert.equal(provider([], {}), 'internal')
  })
  test('ways and files of known hosts, in order', () => {
    const { ways, knownHosts } = settings('-h', 'a', '-H', 'one', '-h', 'a>b', '-H', 'two')
    assert.deepEqual(
      [ways, knownHosts],
      [
        ['a', 'a>b'],
        ['one', 'two'],
      ],
    )
  })
})

describe('a certificate is held', () => {
  const now = 1_000_000_000_000
  const ends = (seconds: number) => ({ validBefore: BigInt(now / 1000 + seconds) })
  test('five minutes longer than it is valid, clocks being different', () => {
    assert.equal(certificateLifetime(ends(3600), undefined, now), 3900)
    assert.equal(certificateLifetime(ends(-200), undefined, now), 100)
    assert.equal(certificateLifetime(ends(-301), undefined, now), 'expired')
  })
  test('no longer than was asked for, and as long as that if it has no end', () => {
    assert.equal(certificateLifetime(ends(3600), 60, now), 60)
    assert.equal(certificateLifetime(ends(3600), 7200, now), 3900)
    assert.equal(certificateLifetime({ validBefore: 0xffffffffffffffffn }, 60, now), 60)
    assert.equal(certificateLifetime({ validBefore: 0xffffffffffffffffn }, undefined, now), undefined)
    assert.equal(certificateLifetime({ validBefore: 0xfffffffffffffffen }, undefined, now), 0x7fffffff)
  })
})
