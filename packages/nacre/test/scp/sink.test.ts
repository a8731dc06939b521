// Owns the receiving side of scp against a source played by hand: what lands where, which names are refused, and that nothing
// is reported whole that is not.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ScpError, SftpError } from '../../src/errors.ts'
import { receiveByScp } from '../../src/scp/client.ts'
import type { SinkOptions } from '../../src/scp/sink.ts'
import type { Files } from '../../src/sftp/files.ts'
import type { MemoryFiles } from '../../src/sftp/files/memory.ts'
import { Hand, pipePair } from './pipes.ts'
import { contentOf, namesIn, put, treeOf } from './trees.ts'

/** Plays `source` against a sink; gives what it reported and how it ended. */
const receive = async (files: Files, target: string, options: SinkOptions, source: (hand: Hand) => Promise<void>) => {
  const [ours, theirs] = pipePair()
  const hand = new Hand(theirs)
  const reports: string[] = []
  const copy = receiveByScp(ours, files, { path: target, shown: target }, { ...options, report: message => void reports.push(message) })
  const ended = copy.then(
    outcome => ({ errors: outcome.errors, error: undefined }),
    (error: unknown) => ({ errors: undefined, error }),
  )
  await source(hand)
  return { ...(await ended), reports, rest: hand.rest }
}

/** Sends one file that is taken. */
const file = async (hand: Hand, record: string, data: string): Promise<void> => {
  await hand.says(record)
  await hand.hears('\0')
  await hand.says(`${data}\0`)
  await hand.hears('\0')
}

const refused = async (options: SinkOptions, records: string, message: RegExp): Promise<MemoryFiles> => {
  const files = treeOf({ '/target': undefined, '/secret': 'old' })
  const result = await receive(files, '/target', options, async hand => {
    await hand.hears('\0')
    await hand.says(records)
  })
  assert.ok(result.error instanceof ScpError)
  assert.match(result.error.message, message)
  assert.match(result.rest, /^\x01scp: .*\n$/, 'the other side is told in one line')
  assert.equal(contentOf(files, '/secret'), 'old')
  return files
}

const refuses = async (options: SinkOptions, records: string, message: RegExp): Promise<void> => {
  await refused(options, records, message)
}

describe('a file lands', () => {
  test('inside a target that is a directory', async () => {
    const files = treeOf({ '/target': undefined })
    const { errors } = await receive(files, '/target', {}, async hand => {
      await hand.hears('\0')
      await file(hand, 'C0644 5 one\n', 'hello')
      await file(hand, 'C0600 0 two\n', '')
      hand.ends()
    })
    assert.equal(errors, 0)
    assert.deepEqual(namesIn(files, '/target'), ['/target/one', '/target/two'])
    assert.equal(contentOf(files, '/target/one'), 'hello')
    assert.equal(files.stat('/target/two', true).permissions, 0o600)
  })

  test('as the target when that is none, cut to its new length', async () => {
    const files = treeOf({ '/there': 'longer than before' })
    await receive(files, '/there', {}, async hand => {
      await hand.hears('\0')
      await file(hand, 'C0644 3 any\n', 'new')
      hand.ends()
    })
    assert.equal(contentOf(files, '/there'), 'new')
  })

  test('whole, however its bytes are cut up', async () => {
    const files = treeOf({})
    const data = Array.from({ length: 700_001 }, (_, index) => String.fromCharCode((index * 7) & 0xff)).join('')
    await receive(files, '/big', {}, async hand => {
      await hand.hears('\0')
      await hand.says(`C0644 ${data.length} big\n`)
      await hand.hears('\0')
      const pieces = [1, 2, 300_000, 65_536, 5]
      for (let at = 0, turn = 0; at < data.length; turn++) {
        const piece = data.slice(at, at + pieces[turn % pieces.length])
        await hand.says(piece)
        at += piece.length
      }
      await hand.says('\0')
      await hand.hears('\0')
      hand.ends()
    })
    assert.equal(contentOf(files, '/big'), data)
  })

  test('without setuid, unless -p asks for all of the mode and the times', async () => {
    const files = treeOf({ '/target': undefined })
    await receive(files, '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says('T5 0 6 0\n')
      await hand.hears('\0')
      await file(hand, 'C6755 1 plain\n', 'x')
      hand.ends()
    })
    assert.equal(files.stat('/target/plain', true).permissions, 0o755)
    await receive(files, '/target', { preserve: true }, async hand => {
      await hand.hears('\0')
      await hand.says('T1000000000 0 1000000001 0\n')
      await hand.hears('\0')
      await file(hand, 'C4771 1 kept\n', 'x')
      hand.ends()
    })
    const kept = files.stat('/target/kept', true)
    assert.equal(kept.permissions, 0o4771)
    assert.equal(kept.modified?.seconds, 1_000_000_000)
    assert.equal(kept.accessed?.seconds, 1_000_000_001)
  })

  test('in directories that come with -r, and their modes follow what is in them', async () => {
    const files = treeOf({ '/target': undefined })
    const { errors } = await receive(files, '/target', { recursive: true, preserve: true }, async hand => {
      await hand.hears('\0')
      for (const line of ['D0555 0 outer\n', 'D0700 0 inner\n']) {
        await hand.says(line)
        await hand.hears('\0')
      }
      await file(hand, 'C0444 2 deep\n', 'in')
      for (const line of ['E\n', 'E\n']) {
        await hand.says(line)
        await hand.hears('\0')
      }
      await file(hand, 'C0644 3 beside\n', 'out')
      hand.ends()
    })
    assert.equal(errors, 0)
    assert.deepEqual(namesIn(files, '/target'), ['/target/beside', '/target/outer/', '/target/outer/inner/', '/target/outer/inner/deep'])
    assert.equal(files.stat('/target/outer', true).permissions, 0o555)
  })
})

describe('a name is refused', () => {
  for (const name of ['..', '.', '', '../secret', '/secret', 'a/b', 'a/../../secret', 'nul\0byte'])
    test(JSON.stringify(name), () => refuses({}, `C0644 3 ${name}\nnew`, /unexpected filename/))
  for (const name of ['..', '.', 'a/b', '/'])
    test(`${JSON.stringify(name)} of a directory`, () => refuses({ recursive: true }, `D0755 0 ${name}\n`, /unexpected filename/))

  test('that nobody asked for', async () => {
    const files = await refused({ wanted: name => name === 'asked' }, 'C0644 3 .bashrc\nnew', /filename does not match request: \.bashrc/)
    assert.deepEqual(namesIn(files, '/target'), [])
  })
  test('that nobody asked for, of a directory', () =>
    refuses({ recursive: true, wanted: name => name === 'asked' }, 'D0755 0 .ssh\n', /does not match request/))
  test('below a directory only when it leads out of it', async () => {
    const files = treeOf({ '/target': undefined, '/secret': 'old' })
    const result = await receive(files, '/target', { recursive: true, wanted: name => name === 'asked' }, async hand => {
      await hand.hears('\0')
      await hand.says('D0755 0 asked\n')
      await hand.hears('\0')
      await file(hand, 'C0644 2 anything\n', 'ok')
      await hand.says('C0644 3 ../../secret\nnew')
    })
    assert.ok(result.error instanceof ScpError)
    assert.deepEqual(namesIn(files, '/target'), ['/target/asked/', '/target/asked/anything'])
    assert.equal(contentOf(files, '/secret'), 'old')
  })
  test('is shown without what would steer a terminal', () => refuses({}, 'C0644 3 \x1b]0;x\x07/\n', /\\x1b\]0;x\\x07/))
})

describe('the protocol is broken by', () => {
  test('a directory without -r', () => refuses({}, 'D0755 0 sub\n', /received directory without -r/))
  for (const line of ['C644 3 a', 'C0648 3 a', 'C0644 -3 a', 'C0644 99999999999999999999 a', 'C0644 9007199254740993 a', 'C0644 3', 'C'])
    test(`the line ${JSON.stringify(line)}`, () => refuses({}, `${line}\n`, /protocol error/))
  for (const line of ['T1 0 2', 'Tx 0 2 0', 'T-1 0 2 0'])
    test(`the line ${JSON.stringify(line)}`, () => refuses({}, `${line}\n`, /malformed times/))
  test('the end of a directory that never began', () => refuses({}, 'E\n', /^E$/))
  test('words after the first record', async () => {
    const files = treeOf({ '/target': undefined })
    const result = await receive(files, '/target', {}, async hand => {
      await hand.hears('\0')
      await file(hand, 'C0644 1 a\n', 'x')
      await hand.says('hello\n')
    })
    assert.match(String(result.error), /expected control record/)
  })
  test('a line without an end', async () => {
    const files = treeOf({ '/target': undefined })
    const result = await receive(files, '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says(`C0644 1 ${'x'.repeat(20_000)}`)
    })
    assert.ok(result.error instanceof ScpError)
    assert.equal(result.error.code, 'SCP_PROTOCOL')
    assert.match(result.error.message, /16384/)
  })
  test('what a shell says first, which is passed on', () => refuses({}, 'bash: scp: command not found\n', /^bash: scp: command not found$/))
})

describe('what is cut off', () => {
  const cut = async (records: string, answers: string, how: 'ends' | 'goes'): Promise<void> => {
    const result = await receive(treeOf({ '/target': undefined }), '/target', { recursive: true }, async hand => {
      await hand.hears('\0')
      await hand.says(records)
      await hand.hears(answers)
      hand[how]()
    })
    assert.ok(result.error instanceof ScpError)
    assert.equal(result.error.code, 'SCP_CUT_OFF')
  }
  for (const how of ['ends', 'goes'] as const) {
    test(`in the data (${how})`, () => cut('C0644 5 a\nhel', '\0', how))
    test(`before the last word on a file (${how})`, () => cut('C0644 3 a\nhel', '\0', how))
    test(`in a line (${how})`, () => cut('C0644 3', '', how))
    test(`in a directory (${how})`, () => cut('D0755 0 a\n', '\0', how))
  }
})

describe('an error', () => {
  test('of the source is reported, and the rest follows', async () => {
    const files = treeOf({ '/target': undefined })
    const { errors, reports } = await receive(files, '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says('\x01scp: gone: No such file\x1b or directory\n')
      await file(hand, 'C0644 1 there\n', 'x')
      hand.ends()
    })
    assert.equal(errors, 1)
    assert.deepEqual(reports, ['scp: gone: No such file\\x1b or directory'])
    assert.equal(contentOf(files, '/target/there'), 'x')
  })
  test('that the source calls fatal ends the copy', async () => {
    const { error } = await receive(treeOf({ '/target': undefined }), '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says('\x02scp: no more\n')
    })
    assert.ok(error instanceof ScpError)
    assert.equal(error.code, 'SCP_REFUSED')
  })
  test('after the data makes a file one that did not arrive', async () => {
    const { errors } = await receive(treeOf({ '/target': undefined }), '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says('C0644 3 a\n')
      await hand.hears('\0')
      await hand.says('abc\x01scp: a: read error\n')
      await hand.hears('\0')
      hand.ends()
    })
    assert.equal(errors, 1)
  })
  test('of opening leaves out one file', async () => {
    const files = treeOf({ '/target': undefined, '/target/taken': undefined })
    const { errors } = await receive(files, '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says('C0644 3 taken\n')
      await hand.hears('\x01scp: /target/taken: Is a directory\n')
      await file(hand, 'C0644 1 free\n', 'x')
      hand.ends()
    })
    assert.equal(errors, 1)
    assert.equal(contentOf(files, '/target/free'), 'x')
  })
  test('of writing is told once all of the file has come, and the rest follows', async () => {
    const tree = treeOf({ '/target': undefined })
    let writes = 0
    const full: Files = {
      ...tree,
      open(path, options, attributes) {
        const opened = tree.open(path, options, attributes)
        if (!path.endsWith('full')) return opened
        return {
          ...opened,
          read: (position, into) => opened.read(position, into),
          stat: () => opened.stat(),
          setAttributes: each => opened.setAttributes(each),
          close: () => opened.close(),
          async write() {
            writes++
            throw new SftpError('no-space-on-filesystem', 'full', { errno: 'ENOSPC' })
          },
        }
      },
    }
    const { errors } = await receive(full, '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says('C0644 2000000 full\n')
      await hand.hears('\0')
      await hand.says(`${'x'.repeat(2_000_000)}\0`)
      await hand.hears('\x01scp: /target/full: No space left on device\n')
      await file(hand, 'C0644 1 free\n', 'x')
      hand.ends()
    })
    assert.equal(errors, 1)
    assert.ok(writes <= 4, 'nothing is written any more once it failed')
    assert.equal(contentOf(tree, '/target/free'), 'x')
  })
  test('-d refuses a target that is no directory', async () => {
    const files = treeOf({ '/file': 'x' })
    for (const [target, reason] of [
      ['/file', 'Not a directory'],
      ['/missing', 'No such file or directory'],
    ]) {
      const result = await receive(files, target, { directory: true }, async hand => {
        await hand.hears(`\x01scp: ${target}: ${reason}\n`)
      })
      assert.ok(result.error instanceof ScpError)
    }
  })
  test('of ours, a mistake in the program, is not swallowed', async () => {
    const tree = treeOf({ '/target': undefined })
    const broken: Files = {
      ...tree,
      stat: (path, follow) => tree.stat(path, follow),
      open: () => {
        throw new TypeError('a mistake')
      },
    }
    const { error } = await receive(broken, '/target', {}, async hand => {
      await hand.hears('\0')
      await hand.says('C0644 3 a\n')
      await hand.hears('\x01scp: /target/a: internal error\n')
      hand.ends()
    })
    assert.ok(error instanceof TypeError)
  })
})

test('an existing file keeps its mode without -p', async () => {
  const files = treeOf({})
  put(files, '/kept', 'old', 0o640)
  await receive(files, '/kept', {}, async hand => {
    await hand.hears('\0')
    await file(hand, 'C0777 3 kept\n', 'new')
    hand.ends()
  })
  assert.equal(files.stat('/kept', true).permissions, 0o640)
})
