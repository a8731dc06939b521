// Owns what the command line of `scp` says: letters, places, and what is handed to `ssh`.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readScpCopy, readScpLine } from '../../src/scp/options.ts'
import { sshArguments } from '../../src/transfer/connect.ts'

const read = (...argv: readonly string[]) => readScpCopy(readScpLine(argv))
const settings = (...argv: readonly string[]) => read(...argv, 'a', 'h:b').settings

describe('letters', () => {
  test('alone mean SFTP through this machine', () => {
    assert.deepEqual(settings(), {
      protocol: 'sftp',
      between: 'through',
      recursive: false,
      preserve: false,
      quiet: false,
      batch: false,
      verbose: false,
      trusting: false,
      limit: undefined,
      requests: undefined,
      requestSize: undefined,
      server: undefined,
      program: undefined,
    })
  })
  test('come bundled and glued', () => {
    const { recursive, preserve, quiet, limit, requests, requestSize } = settings('-rpql100', '-Xnrequests=7', '-X', 'buffer=32k')
    assert.deepEqual([recursive, preserve, quiet, limit, requests, requestSize], [true, true, true, 102_400, 7, 32_768])
  })
  test('that contradict one another: the last holds', () => {
    assert.equal(settings('-O').protocol, 'scp')
    assert.equal(settings('-O', '-s').protocol, 'sftp')
    assert.equal(settings('-s', '-O').protocol, 'scp')
    assert.equal(settings('-R').between, 'there')
    assert.equal(settings('-R', '-3').between, 'through')
  })
  for (const [letters, message] of [
    [['-l', '0'], /-l 0: a limit/],
    [['-l', 'fast'], /-l fast/],
    [['-X', 'nrequests=0'], /nrequests/],
    [['-X', 'buffer=x'], /buffer/],
    [['-X', 'depth=3'], /nrequests=number and buffer=bytes/],
    [['-P', '70000'], /not a port/],
    [['-P', 'x'], /not a port/],
    [['-Z'], /unknown option -- Z/],
  ] as const)
    test(`${letters.join(' ')} is refused`, () => assert.throws(() => read(...letters, 'a', 'h:b'), message))
  test('need a source and a target', () => {
    assert.throws(() => read(), /at least one source/)
    assert.throws(() => read('a'), /at least one source/)
  })
})

describe('places', () => {
  test('have the port of -P, unless they name their own', () => {
    const { sources, target } = read('-P', '2022', 'h:a', 'scp://i:2023/b', 'local', 'j:c')
    assert.deepEqual(
      [...sources, target].map(each => (each.is === 'remote' ? each.host.port : 'local')),
      [2022, 2023, 'local', 2022],
    )
  })
})

test('ssh is told what OpenSSH’s scp tells it, in the order given', () => {
  const words = (...argv: readonly string[]): readonly string[] =>
    sshArguments(readScpLine([...argv, 'a', 'h:b']), { batch: argv.includes('-B') })
  const bare = ['-x', '-oPermitLocalCommand=no', '-oClearAllForwardings=yes', '-oRemoteCommand=none', '-oRequestTTY=no']
  assert.deepEqual(words('-r', '-p', '-l', '9'), [...bare, '-oForwardAgent=no'])
  assert.deepEqual(words('-qC4', '-B', '-P', '3', '-i', 'k', '-J', 'j', '-F', 'f', '-c', 'c', '-o', 'X=y', '-v'), [
    ...bare,
    '-q',
    '-C',
    '-4',
    '-i',
    'k',
    '-J',
    'j',
    '-F',
    'f',
    '-c',
    'c',
    '-o',
    'X=y',
    '-v',
    '-oBatchmode=yes',
    '-oForwardAgent=no',
  ])
  assert.deepEqual(words('-A'), [...bare, '-A', '-oForwardAgent=no'])
})
