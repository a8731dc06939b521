// Owns the reading of command lines without a shell, patterns, and the names a request may bring.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { quote } from '../../src/client/quote.ts'
import { isScpCommand, parseScpCommand } from '../../src/scp/command.ts'
import { braceAlternatives, expandPattern } from '../../src/scp/glob.ts'
import { scpCommand, wantedNames } from '../../src/scp/request.ts'
import { shellWords } from '../../src/scp/words.ts'

describe('a command line', () => {
  test('is read with its letters', () => {
    const command = parseScpCommand('/usr/bin/scp -v -rp -d -t -- -odd')
    assert.deepEqual(
      { ...command, words: command?.words.map(each => each.text) },
      { role: 'sink', recursive: true, preserve: true, directory: true, verbose: true, words: ['-odd'] },
    )
    assert.equal(parseScpCommand('scp -f a b')?.words.length, 2)
  })
  for (const line of [
    'scp -t a; rm b',
    'scp -t `id`',
    'scp -f $HOME/x',
    'scp -f "$HOME"',
    'scp -t a > b',
    'scp -t a\nid',
    'scp -t a & id',
    'scp -t (a)',
    "scp -t 'a",
    'scp -t "a',
    'scp -t a\\',
    'scp -t a # b',
    'scp -t',
    'scp a b',
    'scp -t -f a',
    'scp -S id -t a',
    'scp -o x -t a',
    'cat -t a',
    'xscp -t a',
    's* -t a',
    'PATH=/x scp -t a',
    '',
  ])
    test(`that is none of ours: ${JSON.stringify(line)}`, () => assert.equal(isScpCommand(line), false))

  test('is split as a shell splits it', () => {
    const texts = (line: string): readonly string[] | undefined => shellWords(line)?.map(each => each.text)
    assert.deepEqual(texts(`a 'b c' "d \\" e" f\\ g h'i'"j" '' x#y`), ['a', 'b c', 'd " e', 'f g', 'hij', '', 'x#y'])
    assert.deepEqual(texts('"a\\b"'), ['a\\b'])
  })
  test('brings back whatever was quoted', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }).map(each => each.replaceAll('\0', ''))), words => {
        assert.deepEqual(
          shellWords(quote(words))?.map(each => each.text),
          words,
        )
      }),
    )
  })
  test('knows a pattern from a quoted star, and a home from a quoted tilde', () => {
    const [star, quoted, mixed] = shellWords(`*.c '*.c' a'*'*`) ?? []
    assert.deepEqual([star.isPattern, quoted.isPattern, mixed.isPattern], [true, false, true])
    assert.equal(mixed.pattern, 'a\\**')
    assert.deepEqual(
      shellWords(`~/a ~bob/a '~/a' ~ "~bob"/a ~/'a b'`)?.map(each => [each.home, each.text]),
      [
        ['', '/a'],
        ['bob', '/a'],
        [undefined, '~/a'],
        ['', ''],
        [undefined, '~bob/a'],
        ['', '/a b'],
      ],
    )
  })
})

describe('a pattern', () => {
  test('in braces is several', () => {
    assert.deepEqual([...braceAlternatives('a{b,c{d,e}}f')].sort(), ['abf', 'acdf', 'acef'])
    assert.deepEqual(braceAlternatives('a{b}\\{c,d}'), ['a{b}\\{c,d}'])
    assert.ok(braceAlternatives('{a,b}'.repeat(30)).length <= 1024, 'no bomb')
  })
  test('finds what is there, sorted', async () => {
    const there: Readonly<Record<string, readonly string[]>> = {
      '.': ['b', 'a', '.h'],
      a: ['x.c', 'y.c'],
      b: ['x.c'],
      '/': ['a'],
      '/a': ['z'],
    }
    const tree = {
      names: async (directory: string) => there[directory] ?? [],
      exists: async (path: string) => {
        const at = path.lastIndexOf('/')
        return (there[at < 0 ? '.' : path.slice(0, at) || '/'] ?? []).includes(path.slice(at + 1))
      },
    }
    assert.deepEqual(await expandPattern('*', tree), ['a', 'b'])
    assert.deepEqual(await expandPattern('*/x.c', tree), ['a/x.c', 'b/x.c'])
    assert.deepEqual(await expandPattern('*/y.c', tree), ['a/y.c'])
    assert.deepEqual(await expandPattern('/*/?', tree), ['/a/z'])
    assert.deepEqual(await expandPattern('q*', tree), [])
  })

  test('is not looked for without end, and lets others have their turn', async () => {
    let looked = 0
    let turns = 0
    const turn = setInterval(() => turns++, 0)
    const endless = {
      names: async () => {
        // What never let go would never end by itself.
        if (++looked > 20_000) throw new Error('it goes on and on')
        return ['a', 'b', 'c']
      },
      exists: async () => true,
    }
    const found = await expandPattern('*/../'.repeat(1000) + '*', endless)
    clearInterval(turn)
    assert.equal(looked, 10_000)
    assert.ok(turns > 0, 'nobody else had a turn')
    assert.ok(found.length <= 100_000)
  })
})

describe('the names a request may bring', () => {
  const wants = (path: string, name: string): boolean => wantedNames(path)(name)
  for (const [path, yes, no] of [
    ['dir/file', ['file'], ['.bashrc', 'dir', 'files']],
    ['dir/', ['dir'], ['x']],
    ['*.txt', ['a.txt'], ['.a.txt', 'a.txt.exe']],
    ["'a b'", ['a b'], ['a', 'b']],
    ['a\\ b', ['a b'], ['a']],
    ['x/a y/b', ['a', 'b'], ['x', 'c']],
    ['{a,b}.c', ['a.c', 'b.c'], ['c.c']],
    ['$HOME/x', ['x'], ['.profile']],
    ['$(cat list)', [], ['a', 'list']],
    ['~', ['~'], ['root', '.ssh']],
  ] as const)
    test(path, () => {
      for (const name of yes) assert.ok(wants(path, name), name)
      for (const name of no) assert.ok(!wants(path, name), name)
    })
})

test('a request is one command, as OpenSSH sends it', () => {
  assert.equal(
    scpCommand({ role: 'sink', path: 'a b', recursive: true, preserve: true, directory: true, verbose: true }),
    'scp -v -r -p -d -t a b',
  )
  assert.equal(scpCommand({ role: 'source', path: '-x' }), 'scp -f -- -x')
})
