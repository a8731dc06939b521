// Owns the sending side of scp against a sink played by hand: the records, what is left out and said, and files that change
// while they are sent.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ScpError, SftpError } from '../../src/errors.ts'
import { sendByScp } from '../../src/scp/client.ts'
import type { CopyOptions } from '../../src/scp/source.ts'
import type { Files, OpenFile } from '../../src/sftp/files.ts'
import { nameFromBytes } from '../../src/sftp/names.ts'
import { Hand, pipePair } from './pipes.ts'
import { put, treeOf } from './trees.ts'

const send = async (files: Files, paths: readonly string[], options: CopyOptions, sink: (hand: Hand) => Promise<void>) => {
  const [ours, theirs] = pipePair()
  const hand = new Hand(theirs)
  const reports: string[] = []
  const sources = paths.map(path => ({ path, shown: path.slice(1) }))
  const ended = sendByScp(ours, files, sources, { ...options, report: message => void reports.push(message) }).then(
    outcome => ({ errors: outcome.errors, error: undefined }),
    (error: unknown) => ({ errors: undefined, error }),
  )
  await sink(hand)
  return { ...(await ended), reports, hand }
}

const takes = async (hand: Hand, record: string, data: string): Promise<void> => {
  await hand.hears(record)
  await hand.says('\0')
  await hand.hears(`${data}\0`)
  await hand.says('\0')
}

describe('records', () => {
  test('of files, one after the other, then the end', async () => {
    const files = treeOf({ '/one': 'hello', '/empty': '' })
    const { errors, hand } = await send(files, ['/one', '/empty'], {}, async hand => {
      await hand.says('\0')
      await takes(hand, 'C0644 5 one\n', 'hello')
      await takes(hand, 'C0644 0 empty\n', '')
    })
    assert.equal(errors, 0)
    assert.ok(hand.ended)
  })

  test('of a directory, with times', async () => {
    const files = treeOf({ '/d': undefined, '/d/f': 'x' })
    files.setAttributes('/d/f', { modified: { seconds: 11, nanoseconds: 5 }, accessed: { seconds: 12, nanoseconds: 0 } }, true)
    files.setAttributes(
      '/d',
      { modified: { seconds: -5, nanoseconds: 0 }, accessed: { seconds: 2, nanoseconds: 0 }, permissions: 0o2750 },
      true,
    )
    const { errors } = await send(files, ['/d/'], { recursive: true, preserve: true }, async hand => {
      await hand.says('\0')
      for (const line of ['T0 0 2 0\n', 'D2750 0 d\n', 'T11 0 12 0\n']) {
        await hand.hears(line)
        await hand.says('\0')
      }
      await takes(hand, 'C0644 1 f\n', 'x')
      await hand.hears('E\n')
      await hand.says('\0')
    })
    assert.equal(errors, 0)
  })

  test('of names of any bytes; one with a line feed is shown, not told', async () => {
    const odd = nameFromBytes(Uint8Array.of(0xff, 0x20, 0x5c, 0x22, 0x09))
    const files = treeOf({ [`/${odd}`]: '', '/a\nb\\c\x01': '' })
    await send(files, [`/${odd}`, '/a\nb\\c\x01'], {}, async hand => {
      await hand.says('\0')
      await takes(hand, 'C0644 0 \xff \\"\t\n', '')
      await takes(hand, 'C0644 0 a\\^Jb\\\\c\\^A\n', '')
    })
  })
})

describe('what is left out', () => {
  test('a directory without -r, and what is not there', async () => {
    const files = treeOf({ '/d': undefined, '/f': 'x' })
    const { errors, reports } = await send(files, ['/d', '/missing', '/f'], {}, async hand => {
      await hand.says('\0')
      await hand.hears('\x01scp: d: not a regular file\n\x01scp: missing: No such file or directory\n')
      await takes(hand, 'C0644 1 f\n', 'x')
    })
    assert.equal(errors, 2)
    assert.deepEqual(reports, ['d: not a regular file', 'missing: No such file or directory'])
  })

  test('what the sink does not want, and all below it', async () => {
    const files = treeOf({ '/d': undefined, '/d/f': 'x', '/g': 'y' })
    const { errors, reports } = await send(files, ['/d', '/g'], { recursive: true }, async hand => {
      await hand.says('\0')
      await hand.hears('D0755 0 d\n')
      await hand.says('\x01scp: d: Permission denied\n')
      await takes(hand, 'C0644 1 g\n', 'y')
    })
    assert.equal(errors, 1)
    assert.deepEqual(reports, ['scp: d: Permission denied'])
  })

  test('a circle of symbolic links ends', async () => {
    const files = treeOf({ '/d': undefined })
    files.symlink('/d', '/d/again')
    const [ours, theirs] = pipePair()
    const reports: string[] = []
    const copy = sendByScp(ours, files, [{ path: '/d', shown: 'd' }], { recursive: true, report: message => void reports.push(message) })
    theirs.tap({
      data(bytes) {
        // A sink that agrees to every line but errors.
        for (const line of Buffer.from(bytes).toString('latin1').split('\n')) if (/^[DE]/.test(line)) void theirs.write(Uint8Array.of(0))
      },
      end: () => {},
    })
    void theirs.write(Uint8Array.of(0))
    const { errors } = await copy
    assert.ok(errors >= 1)
    assert.ok(reports.length >= 1 && reports.every(each => /symbolic links|name too long|no more/i.test(each)), reports[0])
  })
})

describe('a file that changes while it is sent', () => {
  /** Files whose data is not what their size says. */
  const lying = (data: string, size: number, fail?: Error): Files => {
    const tree = treeOf({ '/f': data })
    return {
      ...tree,
      stat: (path, follow) => tree.stat(path, follow),
      open(path, options, attributes): OpenFile {
        const file = tree.open(path, options, attributes)
        return {
          ...file,
          write: () => {},
          setAttributes: () => {},
          sync: () => {},
          statvfs: () => file.statvfs(),
          close: () => file.close(),
          stat: () => ({ ...file.stat(), size }),
          read(position, into) {
            if (fail !== undefined && position > 0) throw fail
            return file.read(position, into)
          },
        }
      },
    }
  }

  test('and shrinks is filled with zeros and called an error', async () => {
    const { errors, reports } = await send(lying('abc', 6), ['/f'], {}, async hand => {
      await hand.says('\0')
      await hand.hears('C0644 6 f\n')
      await hand.says('\0')
      await hand.hears('abc\0\0\0\x01scp: f: the file became shorter while it was sent\n')
      await hand.says('\0')
    })
    assert.equal(errors, 1)
    assert.equal(reports.length, 1)
  })

  test('and grows is sent as long as it was', async () => {
    const { errors } = await send(lying('abcdef', 3), ['/f'], {}, async hand => {
      await hand.says('\0')
      await takes(hand, 'C0644 3 f\n', 'abc')
    })
    assert.equal(errors, 0)
  })

  test('or cannot be read any further keeps the conversation in step', async () => {
    const size = 300_000
    const fail = new SftpError('failure', 'broken', { errno: 'EIO' })
    const { errors } = await send(lying('x'.repeat(size), size, fail), ['/f'], {}, async hand => {
      await hand.says('\0')
      await hand.hears(`C0644 ${size} f\n`)
      await hand.says('\0')
      await hand.hears(`${'x'.repeat(262_144)}${'\0'.repeat(size - 262_144)}\x01scp: f: Input/output error\n`)
      await hand.says('\0')
    })
    assert.equal(errors, 1)
  })
})

describe('a sink that', () => {
  test('goes away in the middle cuts the copy off', async () => {
    const files = treeOf({})
    put(files, '/big', 'x'.repeat(3_000_000))
    const { error } = await send(files, ['/big'], {}, async hand => {
      await hand.says('\0')
      await hand.hears('C0644 3000000 big\n')
      hand.goes()
    })
    assert.ok(error instanceof ScpError)
    assert.equal(error.code, 'SCP_CUT_OFF')
  })
  test('gives up says why', async () => {
    const { error, reports } = await send(treeOf({ '/f': '' }), ['/f'], {}, hand => hand.says('\x02scp: quota\x07 exceeded\n'))
    assert.ok(error instanceof ScpError)
    assert.equal(error.code, 'SCP_REFUSED')
    assert.deepEqual(reports, ['scp: quota\\x07 exceeded'])
  })
  test('is no scp at all is quoted', async () => {
    const { error } = await send(treeOf({ '/f': '' }), ['/f'], {}, hand => hand.says('sh: scp: not found\n'))
    assert.match(String(error), /sh: scp: not found/)
  })
  test('says nothing and ends is a cut', async () => {
    const { error } = await send(treeOf({ '/f': '' }), ['/f'], {}, async hand => hand.ends())
    assert.ok(error instanceof ScpError)
    assert.equal(error.code, 'SCP_CUT_OFF')
  })
})

test('a watch sees each file begin, move and end', async () => {
  const seen: string[] = []
  const watch = (name: string, size: number) => ({
    moved: (bytes: number) => void seen.push(`${name} ${bytes}/${size}`),
    ended: () => void seen.push(`${name} over`),
  })
  await send(treeOf({ '/f': 'abc' }), ['/f'], { watch }, async hand => {
    await hand.says('\0')
    await takes(hand, 'C0644 3 f\n', 'abc')
  })
  assert.deepEqual(seen, ['f 3/3', 'f over'])
})
