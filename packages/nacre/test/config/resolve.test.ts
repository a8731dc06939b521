// How documents become values: which block counts, which line wins, what is added up, and which file and line decided.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ConfigDocument, type ConfigSource, parseDocument } from '../../src/config/document.ts'
import { word, wordsPerLine, yesNo } from '../../src/config/kinds.ts'
import {
  type Decide,
  type Dialect,
  oneError,
  type Resolved,
  resolveConfig,
  resolveConfigLater,
  type ResolveOptions,
} from '../../src/config/resolve.ts'
import { list, set, unset } from '../../src/config/table.ts'

const dialect: Dialect = {
  table: {
    name: unset('Name', word, { oldNames: ['OldName'] }),
    flag: set('Flag', yesNo, false),
    files: list('Files', wordsPerLine),
    global: unset('Global', word, { onlyGlobal: true }),
    anywhere: unset('Anywhere', word, { everywhere: true }),
    rival: unset('Rival', word, { takes: (_, soFar) => soFar('name') === undefined }),
    later: unset('Later', word, { notInEffect: { asksNothing: value => value === 'none', otherwise: 'warn' } }),
    unsafe: unset('Unsafe', word, { notInEffect: { asksNothing: value => value === 'none', otherwise: 'refuse' } }),
    unknown: unset('IgnoreUnknown', word),
  },
  match: {
    criteria: { user: { takes: 'argument', withEquals: true }, tag: { takes: 'argument, empty too' }, final: { takes: 'nothing' } },
    negation: true,
    beforeAll: 1,
  },
  meaningless: new Map([
    ['old', 'deprecated'],
    ['quiet', 'silent'],
  ]),
  ignoreUnknown: 'unknown',
}

const file = (text: string, path = 'a'): ConfigDocument => parseDocument({ path, text })
const option = (text: string): ConfigDocument => parseDocument({ path: 'command line', text, isOption: true })
const isAda: Decide = ({ criterion, argument }) => criterion === 'user' && argument === 'ada'

const resolve = (documents: readonly ConfigDocument[], options: ResolveOptions = {}, decide: Decide = isAda): Resolved =>
  resolveConfig(documents, dialect, { decide }, { host: 'near', ...options })
const value = (text: string, property: string): unknown => resolve([file(text)]).values.get(property)
const problems = (text: string, decide?: Decide): readonly string[] => resolve([file(text)], {}, decide).problems.map(each => each.message)

describe('a value', () => {
  test('is the first that counts', () => {
    assert.equal(value('Name a\nName b\n', 'name'), 'a')
    assert.equal(value('Host far\nName a\nHost near\nName b\nHost *\nName c\n', 'name'), 'b')
  })

  test('has the file and line that decided, and the block they stand in', () => {
    const { decidedBy } = resolve([file('\nHost near\n  Name a\n', 'one'), file('Name b\n', 'two')])
    const [by, ...others] = decidedBy.get('name') ?? []
    assert.deepEqual([by.path, by.line, by.block?.raw, others.length], ['one', 3, 'near', 0])
  })

  test('of a list has all lines that added to it, in order', () => {
    const { values, decidedBy } = resolve([file('Files a b\nHost far\nFiles x\nHost *\nFiles c\n')])
    assert.deepEqual(values.get('files'), ['a', 'b', 'c'])
    assert.deepEqual(
      decidedBy.get('files')?.map(each => each.line),
      [1, 5],
    )
  })

  test('of the command line goes before files and has no line', () => {
    const { values, decidedBy } = resolve([option('Name=o'), file('Name f\n')])
    assert.equal(values.get('name'), 'o')
    assert.deepEqual(Object.keys(decidedBy.get('name')?.[0] ?? {}).includes('line'), false)
  })

  test('is there from an earlier reading', () => {
    const first = resolve([file('Name a\n')])
    const second = resolve([file('Name b\nFlag yes\n')], { after: first })
    assert.deepEqual([second.values.get('name'), second.values.get('flag')], ['a', true])
  })

  test('may leave no room for another', () => {
    assert.equal(value('Rival r\nName n\n', 'rival'), 'r')
    assert.equal(value('Name n\nRival r\n', 'rival'), undefined)
  })

  test('may count wherever it stands', () => assert.equal(value('Host far\nAnywhere x\nName n\n', 'anywhere'), 'x'))

  test('by an old name is the same, with a warning', () => {
    const { values, warnings } = resolve([file('OldName n\n')])
    assert.equal(values.get('name'), 'n')
    assert.deepEqual(warnings, ['a line 1: OldName is an old name; write Name.'])
  })
})

describe('Host', () => {
  test('chooses by any pattern, and a negated one excludes in any place', () => {
    for (const [patterns, holds] of [
      ['near', true],
      ['far ne?r', true],
      ['!far', false],
      ['* !near', false],
      ['!near *', false],
      ['NEAR', false],
      ['far,near', false],
    ] as const)
      assert.equal(value(`Host ${patterns}\nName n\n`, 'name') === 'n', holds, patterns)
  })

  test('is no keyword where nothing says which host', () => {
    const { problems: found } = resolveConfig([file('Host x\n')], dialect, { decide: isAda })
    assert.match(found[0].message, /Host is not a keyword/)
  })
})

describe('Match', () => {
  const holds = (line: string): boolean => value(`Match ${line}\nName n\n`, 'name') === 'n'

  test('needs every criterion to hold', () => {
    assert.ok(holds('user ada'))
    assert.ok(!holds('user bob'))
    assert.ok(!holds('user ada user bob'))
    assert.ok(!holds('user bob user ada'))
    assert.ok(holds('user ada !user bob'))
    assert.ok(!holds('!user ada'))
    assert.ok(holds('user=ada'))
    assert.ok(holds('all'))
    assert.ok(!holds('!all'))
    assert.ok(holds('user ada all'))
  })

  test('asks no further than it has to', () => {
    const asked: string[] = []
    resolve([file('Match user bob tag x\nName n\n')], {}, question => {
      asked.push(question.criterion)
      return false
    })
    assert.deepEqual(asked, ['user'])
  })

  test('says what is wrong with its line', () => {
    assert.match(problems('Match nonsense x\n')[0], /^a line 1: Match has the criterion “nonsense”/)
    assert.match(problems('Match user\n')[0], /without what it is compared with/)
    assert.match(problems('Match user ""\n')[0], /without what it is compared with/)
    assert.match(problems('Match all user ada\n')[0], /“all” together with other criteria/)
    assert.match(problems('Match tag x user ada all\n')[0], /“all” together with other criteria/)
    assert.match(problems('Match\n')[0], /needs one or more criteria/)
    assert.deepEqual(problems('Match tag ""\n'), [])
  })

  test('remembers which criteria were asked about without negation, in blocks that do not count too', () => {
    const { criteria } = resolve([file('Match user bob final\nMatch !tag x\n')])
    assert.deepEqual([...criteria], ['user', 'final'])
  })

  test('knows what was said before it', () => {
    let seen: unknown
    resolve([file('Name early\nMatch user ada\nName late\n')], {}, ({ soFar }) => {
      seen = soFar('name')
      return true
    })
    assert.equal(seen, 'early')
  })

  test('may be answered later', async () => {
    const { values } = await resolveConfigLater([file('Match user x\nName n\n')], dialect, { decide: async () => true })
    assert.equal(values.get('name'), 'n')
  })

  test('is refused on the command line, as Host and Include are', () => {
    for (const line of ['Match all', 'Host *', 'Include x'])
      assert.match(resolve([option(line)]).problems[0].message, /stands in files only/)
  })

  test('bars keywords that are for everybody', () =>
    assert.match(problems('Global a\nMatch user bob\nGlobal b\n')[0], /line 3: Global may not stand under Match/))
})

describe('a reading of blocks only', () => {
  test('takes nothing from outside of them', () => {
    const { values } = resolve([file('Name out\nFiles a\nMatch user ada\nName in\n')], { count: 'blocks' })
    assert.deepEqual([...values], [['name', 'in']])
  })
})

describe('Include', () => {
  const texts: Readonly<Record<string, string>> = {
    plain: 'Name included\n',
    blocks: 'Match user ada\nName ada\nMatch all\nFlag yes\n',
    hosts: 'Host near\nName near\n',
    circle: 'Include circle circle\n',
    broken: 'Flag perhaps\n',
  }
  const read = (text: string, options: ResolveOptions = {}): Resolved =>
    resolveConfig(
      [file(text)],
      dialect,
      { decide: isAda, include: ({ pattern }) => (texts[pattern] === undefined ? [] : [file(texts[pattern], pattern)]) },
      { host: 'near', ...options },
    )

  test('stands where it is written', () => {
    assert.equal(read('Include plain\nName n\n').values.get('name'), 'included')
    assert.equal(read('Name n\nInclude plain\n').values.get('name'), 'n')
    assert.equal(read('Include nothing\nName n\n').values.get('name'), 'n')
  })

  test('belongs to the block it stands in, whatever blocks it has itself', () => {
    const { values } = read('Host far\nInclude blocks plain hosts\nHost *\nFiles f\n')
    assert.deepEqual([...values.keys()], ['files'])
    const { values: near } = read('Host near\nInclude blocks\nFiles f\n')
    assert.deepEqual([...near.keys()], ['name', 'flag', 'files'])
  })

  test('is heard again for its blocks only', () =>
    assert.deepEqual([...read('Include blocks\n', { count: 'blocks' }).values.keys()], ['name', 'flag']))

  test('is checked though it does not count, with its own file and line', () => {
    const [error] = read('Host far\nInclude broken\n').problems
    assert.deepEqual([error?.path, error?.line], ['broken', 1])
  })

  test('in circles ends at once', () => {
    const { problems: found } = read('Include circle\n')
    assert.equal(found.length, 1)
    assert.match(found[0].message, /nested more than 16 deep/)
  })
})

describe('what is wrong', () => {
  test('is all told, in order, also of blocks that do not count', () => {
    assert.deepEqual(
      resolve([file('Flag maybe\nHost far\nNonsense 1\nFlag "\n')]).problems.map(each => each.line),
      [1, 3, 4],
    )
  })

  test('is one error for whoever throws it', () => {
    const error = oneError(resolve([file('Flag maybe\nNonsense 1\n')]).problems)
    assert.equal(error?.message, 'a line 1: Flag must be yes or no, not "maybe". a line 2: Nonsense is not a keyword nacre knows.')
    assert.equal(oneError([]), undefined)
  })

  test('is no unknown keyword that may be one', () => {
    assert.deepEqual(problems('IgnoreUnknown Foo*,!Foox\nFoobar 1\n'), [])
    assert.equal(problems('IgnoreUnknown Foo*,!Foox\nFoox 1\n').length, 1)
    assert.equal(problems('Foo 1\nIgnoreUnknown Foo\n').length, 1)
  })

  test('is a name that is nearly one, which is named', () => assert.match(problems('Nmae x\n')[0], /Did you mean Name\?/))

  test('is no keyword without meaning: it warns, or says nothing', () => {
    const { problems: found, warnings } = resolve([file('Old 1\nQuiet 1\nHost far\nOld 2\n')])
    assert.deepEqual([found.length, warnings], [0, ['a line 1: Old has had no meaning for years; remove it.']])
  })
})

describe('what has no effect', () => {
  const found = (documents: readonly ConfigDocument[]): readonly string[] =>
    resolve(documents).withoutEffect.map(({ name, otherwise, statement }) => `${name} ${otherwise} ${statement.line ?? ''}`.trim())

  test('is named with its line when it counts and asks for something', () => {
    assert.deepEqual(found([file('Later x\nUnsafe y\n')]), ['Later warn 1', 'Unsafe refuse 2'])
    assert.deepEqual(found([file('Later none\nHost far\nUnsafe y\n')]), [])
    assert.deepEqual(found([file('Later none\nLater x\n')]), [], 'a later line does not count')
  })

  test('is refused when it is asked for by hand', () => assert.deepEqual(found([option('Later=x')]), ['Later refuse']))
})

describe('a source', () => {
  const statements = (source: Partial<ConfigSource> & { text: string }): readonly string[] =>
    parseDocument({ path: 'p', ...source }).statements.map(each => `${each.line ?? 'o'} ${each.name} [${each.words.join('|')}] ${each.raw}`)

  test('is its statements in order, with lines and what follows as it stands', () =>
    assert.deepEqual(statements({ text: '\ufeff# c\r\n\n  Name = "a b" c # d\r\nHOST x\n' }), [
      '3 name [a b|c] "a b" c # d',
      '4 host [x] x',
    ]))

  test('has quotes within words too, and backslashes before quotes, backslashes and spaces', () =>
    assert.deepEqual(
      statements({ text: `Name a"b c"d 'e"f' \\"g h\\ i j\\k "l\\ m"\n` }).map(each => each.split(' [')[1].split(']')[0]),
      ['ab cd|e"f|"g|h i|j\\k|l\\ m'],
    ))

  test('of one option is one line', () => assert.deepEqual(statements({ text: 'Name=a', isOption: true }), ['o name [a] a']))

  test('ends a line at a NUL, as programs in C do', () =>
    assert.deepEqual(statements({ text: 'Name a\0b\nFlag yes\n' }), ['1 name [a] a', '2 flag [yes] yes']))
})
