// Command lines by the rules of getopt(3), with ssh's one extension, and the help made from the same table.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { getopt, helpText, UsageError, usageText } from '../src/getopt.ts'

const table = [
  { letter: 'v', help: 'say more; may be repeated' },
  { letter: 'T', help: 'no terminal' },
  { letter: '4', help: undefined },
  { letter: 'p', value: 'port', help: 'connect to this port' },
  {
    letter: 'o',
    value: 'option',
    help: 'an option as in ssh_config, for the options that have no letter of their own, of which there are many',
  },
] as const

const ssh = (...argv: string[]) => getopt(argv, table, { operandsBeforeEnd: 1 })
const posix = (...argv: string[]) => getopt(argv, table)

describe('options', () => {
  test('letters may be bundled and repeated', () => {
    const line = posix('-vT', '-v', '-v4')
    assert.deepEqual([line.count('v'), line.count('T'), line.count('4'), line.count('p')], [3, 1, 1, 0])
  })

  test('a value is glued or the next argument, at the end of a bundle too', () => {
    for (const argv of [['-p', '22'], ['-p22'], ['-vp22'], ['-vp', '22']]) assert.deepEqual(posix(...argv).all('p'), ['22'], argv.join(' '))
  })

  test('a value may look like an option, be empty, or be --', () => {
    const line = posix('-o', '-v', '-p', '', '-o', '--')
    assert.deepEqual([line.all('o'), line.last('p'), line.count('v')], [['-v', '--'], '', 0])
  })

  test('repeated values and the order of all options are kept', () => {
    const line = posix('-o', 'a', '-v', '-ob')
    assert.deepEqual([line.all('o'), line.last('o'), line.last('p')], [['a', 'b'], 'b', undefined])
    assert.deepEqual(line.given, [
      { letter: 'o', value: 'a' },
      { letter: 'v', value: '' },
      { letter: 'o', value: 'b' },
    ])
  })

  test('an unknown letter and a missing value are usage errors', () => {
    for (const [argv, message] of [
      [['-vx'], /^unknown option -- x$/],
      [['--port'], /^unknown option -- -$/],
      [['-p'], /^option -p needs a value: port$/],
      [['-\x1b'], /^unknown option -- \\x1b$/],
    ] as const)
      assert.throws(
        () => posix(...argv),
        (error: unknown) => {
          assert.ok(error instanceof UsageError)
          assert.equal(error.code, 'USAGE')
          assert.match(error.message, message)
          return true
        },
      )
  })

  test('the types know which letters there are', () => {
    const line = posix('-v')
    assert.equal(line.count('v'), 1)
    // @ts-expect-error there is no such letter.
    assert.equal(line.count('z'), 0)
  })
})

describe('operands', () => {
  test('the first operand ends the options', () => {
    const line = posix('-v', 'file', '-v')
    assert.equal(line.count('v'), 1)
    assert.deepEqual(line.operands, ['file', '-v'])
  })

  test('a lone dash is an operand', () => {
    assert.deepEqual(posix('-', '-v').operands, ['-', '-v'])
  })

  test('ssh takes options after the host, but not after the command', () => {
    const line = ssh('-v', 'host', '-p', '22', '-T', 'ls', '-v', '-l')
    assert.deepEqual([line.count('v'), line.count('T'), line.last('p')], [1, 1, '22'])
    assert.deepEqual(line.operands, ['host', 'ls', '-v', '-l'])
  })

  test('-- ends the options wherever it stands, once', () => {
    assert.deepEqual(ssh('host', '--', '-v', '--').operands, ['host', '-v', '--'])
    assert.deepEqual(ssh('--', 'host', '-v').operands, ['host', '-v'])
    assert.equal(ssh('--', 'host', '-v').count('v'), 0)
  })
})

describe('help', () => {
  test('--help and --version are understood where an option could stand', () => {
    assert.equal(ssh('-v', '--help').wants, 'help')
    assert.equal(ssh('--version').wants, 'version')
    assert.equal(ssh('host', 'ls', '--help').wants, undefined)
  })

  test('is made from the table, aligned and wrapped, without the letters that are only accepted', () => {
    const text = helpText({
      program: 'ssh',
      usage: ['[options] host', '-Q query'],
      about: 'Logs in.',
      options: table,
      notes: ['Exits with 255.'],
    })
    assert.equal(
      text,
      `usage: ssh [options] host
       ssh -Q query

Logs in.

  -v                say more; may be repeated
  -T                no terminal
  -p port           connect to this port
  -o option         an option as in ssh_config, for the options that have no
                    letter of their own, of which there are many

Exits with 255.
`,
    )
    assert.equal(usageText({ program: 'x', usage: ['y'] }), 'usage: x y\n')
  })
})
