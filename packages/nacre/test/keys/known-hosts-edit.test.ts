// known_hosts as text: what is removed, hashed, found and added, and that all else stays as it is.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addKnownHost, findKnownHost, hashKnownHosts, removeKnownHost } from '../../src/keys/known-hosts-edit.ts'
import { hashHostName, lookUpHostKey, parseKnownHosts } from '../../src/keys/known-hosts.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { crypto, publicKey } from './fixtures.ts'

const one = publicKey('ed25519').withComment('')
const two = publicKey('rsa2048').withComment('')
const { random } = crypto

describe('removing', () => {
  test('takes the whole line of a host, whichever of its names is meant, and nothing else', () => {
    const text = `# top\n\na.example,b.example ${one} mine\n  c.example\t${two}  \n[a.example]:2222 ${one}\r\n# end`
    assert.deepEqual(removeKnownHost(text, 'B.example'), {
      text: `# top\n\n  c.example\t${two}  \n[a.example]:2222 ${one}\r\n# end\n`,
      removed: [3],
      problems: [],
    })
    assert.deepEqual(removeKnownHost(text, '[a.example]:2222').removed, [5])
    assert.equal(removeKnownHost(text, 'd.example').text, text, 'nothing to remove: not even a line break is added')
  })

  test('hashed lines, wildcards and their negation', () => {
    const text = `${hashHostName('a.example', random)} ${one}\n*.example,!a.example ${two}\n`
    assert.deepEqual(removeKnownHost(text, 'a.example').removed, [1])
    assert.deepEqual(removeKnownHost(text, 'b.example').removed, [2])
    assert.deepEqual(removeKnownHost(text, 'example').removed, [])
  })

  test('authorities and revoked keys stay', () => {
    const text = `@cert-authority *.example ${one}\n@revoked a.example ${one}\n`
    assert.deepEqual(removeKnownHost(text, 'a.example'), { text, removed: [], problems: [] })
  })

  test('lines that cannot be read stay, and are told', () => {
    const text = `nothing\n@strange a ${one}\n|1|x|y ${one}\na 1024 35 123\na ${one}\n`
    const { text: left, removed, problems } = removeKnownHost(text, 'a')
    assert.equal(left, `nothing\n@strange a ${one}\n|1|x|y ${one}\na 1024 35 123\n`)
    assert.deepEqual(removed, [5])
    assert.deepEqual(
      problems.map(each => each.line),
      [1, 2, 3, 4],
    )
    assert.match(problems[1].problem, /marker @strange is not known/)
    assert.match(problems[2].problem, /hashed host name is damaged/)
  })

  test('a key nobody could read is no reason to keep a line', () => {
    assert.deepEqual(removeKnownHost('a ssh-ed25519 AAAA!\n', 'a'), { text: '', removed: [1], problems: [] })
  })
})

describe('hashing', () => {
  const text = `# top\nA.example,10.0.0.1 ${one} mine\r\n*.wild ${two}\n@revoked c.example ${two}\n${hashHostName('h.example', random)} ${one}\nlast.example ${two}`
  const { text: hashed, hashed: count, wildcards, problems } = hashKnownHosts(text, random)

  test('gives each name a line of its own, found as before', () => {
    assert.equal(count, 3)
    assert.equal(hashed.split('\n').length, 8)
    const file = parseKnownHosts(hashed, 'hashed')
    for (const host of ['a.example', '10.0.0.1', 'last.example', 'x.wild', 'h.example']) {
      const keys = [one, two].map(key => lookUpHostKey([file], { host, port: 22 }, key.blob).is)
      const before = [one, two].map(key => lookUpHostKey([parseKnownHosts(text, 'plain')], { host, port: 22 }, key.blob).is)
      assert.deepEqual(keys, before, host)
    }
    assert.doesNotMatch(hashed, /A\.example|10\.0\.0\.1|last\.example/)
  })

  test('leaves wildcards, markers, hashed lines and comments as they are, and tells of wildcards', () => {
    const lines = text.split('\n')
    for (const i of [0, 2, 3, 4]) assert.ok(hashed.split('\n').includes(lines[i]), lines[i])
    assert.deepEqual(wildcards, [{ line: 3, names: '*.wild' }])
    assert.deepEqual(problems, [])
    assert.equal(hashKnownHosts(hashed, random).text, hashed, 'a second time changes nothing')
  })

  test('loses no name of a list with holes in it', () => {
    const found = hashKnownHosts(`a,,b ${one}\n, ${one}\n`, random)
    assert.equal(found.hashed, 2)
    assert.equal(findKnownHost(found.text, 'b').length, 1)
    assert.ok(found.text.endsWith(`\n, ${one}\n`))
  })

  test('each name has a salt of its own', () => {
    const salts = [...hashed.matchAll(/\|1\|([^|]+)\|/g)].map(each => each[1])
    assert.equal(new Set(salts).size, salts.length)
  })
})

describe('finding', () => {
  const text = `# top\na.example,b.example ${one} mine\n@cert-authority *.example ${two}\n${hashHostName('a.example', random)} ${two}\na.example ssh-ed25519 damaged\n`

  test('lines with their numbers, markers and keys', () => {
    const found = findKnownHost(text, 'A.example')
    assert.deepEqual(
      found.map(each => [each.line, each.marker, each.entry?.line]),
      [
        [2, 'none', 2],
        [3, 'cert-authority', 3],
        [4, 'none', 4],
        [5, 'none', undefined],
      ],
    )
    assert.deepEqual(found[0].lines, [`a.example,b.example ${one} mine`])
    assert.ok(found[0].entry?.key.equals(one))
    assert.deepEqual(findKnownHost(text, 'c.org'), [])
  })

  test('shown hashed, one line for each name', () => {
    const [first, second] = findKnownHost(text, 'a.example', { hash: random })
    assert.equal(first.lines.length, 2)
    assert.equal(findKnownHost(`${first.lines.join('\n')}\n`, 'b.example')[0].line, 2)
    assert.deepEqual(second.lines, [`@cert-authority *.example ${two}`])
  })
})

describe('adding', () => {
  test('a line at the end, unless it is known', () => {
    const first = addKnownHost('# no line break', { host: 'a.example', port: 2222 }, one.blob)
    assert.deepEqual(first, { text: `# no line break\n[a.example]:2222 ${one}\n`, added: true })
    assert.deepEqual(addKnownHost(first.text, { host: 'A.example', port: 2222 }, one.blob, { hash: random }), {
      text: first.text,
      added: false,
    })
    const second = addKnownHost(first.text, { host: 'a.example', port: 2222 }, two.blob, { hash: random })
    assert.ok(second.added && second.text.startsWith(first.text) && !second.text.slice(first.text.length).includes('a.example'))
    assert.equal(findKnownHost(second.text, '[a.example]:2222').length, 2)
    assert.equal(addKnownHost('', { host: 'a', port: 22 }, one.blob).text, `a ${one}\n`)
    assert.equal(addKnownHost(`b ${one}\r\n`, { host: 'a', port: 22 }, one.blob).text, `b ${one}\r\na ${one}\r\n`)
    assert.throws(() => addKnownHost('', { host: 'a,*', port: 22 }, one.blob), TypeError)
  })
})

test('random files: an edit leaves all lines it is not about as they are', () => {
  const pieces = [
    ...['\n', '\r\n', '# comment\n', '   \n', 'nothing\n', '@strange x y z\n', `a.example ${one}\n`, `a.example,b ${two} c\r\n`],
    ...[
      `\tb\t${one}\n`,
      `*.example ${two}\n`,
      `@revoked a.example ${one}\n`,
      `[a.example]:22 ${one}\n`,
      `${hashHostName('a.example', random)} ${one}\n`,
      `ü ${two}\n`,
    ],
  ]
  for (let seed = 1; seed <= 300; seed++) {
    const chance = seededRandom(seed)
    const text =
      Array.from({ length: chance.below(12) }, () => chance.pick(pieces)).join('') + chance.pick(['', '', `a.example ${one}`, '# end'])
    const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? []
    const found = findKnownHost(text, 'a.example')
      .filter(each => each.marker === 'none')
      .map(each => each.line)
    const removal = removeKnownHost(text, 'a.example')
    assert.deepEqual(removal.removed, found, `seed ${seed}`)
    const left = lines.filter((_, i) => !found.includes(i + 1)).join('')
    assert.equal(removal.text, found.length === 0 || left === '' || left.endsWith('\n') ? left : `${left}\n`, `seed ${seed}`)
    const hashed = hashKnownHosts(text, chance.bytes).text.match(/[^\n]*\n|[^\n]+$/g) ?? []
    const untouched = lines.filter(each => /^\s*(#|@|\||nothing|\*|$)/.test(each)).map(each => each.trimEnd())
    assert.deepEqual(
      hashed.map(each => each.trimEnd()).filter(each => untouched.includes(each)),
      untouched,
      `seed ${seed}`,
    )
  }
})
