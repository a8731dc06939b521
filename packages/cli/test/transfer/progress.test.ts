// Owns the progress line: its format by the second, widths of wide names, who may be shown anything, several at once.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Progress, shownRate, shownSize, type Surface, terminalSurface } from '../../src/transfer/progress.ts'
import { fitted, widthOf } from '../../src/transfer/width.ts'

class Screen implements Surface {
  width = 80
  time = 0
  foreground = true
  shown: string[] = []
  ticking: (() => void) | undefined
  columns(): number {
    return this.width
  }
  now(): number {
    return this.time
  }
  mayShow(): boolean {
    return this.foreground
  }
  write(text: string): void {
    this.shown.push(text)
  }
  every(act: () => void): () => void {
    this.ticking = act
    return () => {
      this.ticking = undefined
    }
  }
  tick(seconds = 1): string {
    this.time += seconds * 1000
    this.shown = []
    this.ticking?.()
    return this.shown.join('')
  }
}

describe('a line', () => {
  test('has name, percent, bytes, rate and time left, as OpenSSH has them', () => {
    const screen = new Screen()
    const meter = new Progress(screen).begin('pearl.iso', 1_000_000_000)
    assert.deepEqual(screen.shown, [`\r${'pearl.iso'.padEnd(45)}   0%    0     0.0KB/s   --:-- ETA`])
    meter.update(100_000_000)
    assert.equal(screen.tick(), `\r${'pearl.iso'.padEnd(45)}  10%   95MB  95.4MB/s   00:09 ETA`)
    meter.update(150_000_000)
    assert.equal(screen.tick(), `\r${'pearl.iso'.padEnd(45)}  15%  143MB  90.6MB/s   00:08 ETA`)
    meter.update(1_000_000_000)
    screen.time = 10_000
    screen.shown = []
    meter.finish()
    assert.deepEqual(screen.shown, [`\r${'pearl.iso'.padEnd(45)} 100%  954MB  95.4MB/s   00:10    \n`])
  })
  test('says when nothing moves', () => {
    const screen = new Screen()
    const meter = new Progress(screen).begin('slow', 1000)
    meter.update(500)
    screen.tick()
    for (let second = 0; second < 4; second++) assert.doesNotMatch(screen.tick(), /stalled/)
    assert.match(screen.tick(), /- stalled -$/)
    meter.update(501)
    assert.doesNotMatch(screen.tick(), /stalled/)
  })
  test('of hours shows them', () => {
    const screen = new Screen()
    const meter = new Progress(screen).begin('long', 1_000_000)
    meter.update(100)
    assert.match(screen.tick(), / 2:46:39 ETA$/)
  })
  test('of a resumed file begins where it was, and its rate is that of what moved', () => {
    const screen = new Screen()
    const meter = new Progress(screen).begin('half', 2048, 1024)
    assert.match(screen.shown.join(''), / {2}50% 1024 /)
    meter.update(2048)
    screen.time = 1000
    screen.shown = []
    meter.finish()
    assert.match(screen.shown.join(''), / 100% 2048 {5}1\.0KB\/s {3}00:01/)
  })
  test('that is cut short does not pretend', () => {
    const screen = new Screen()
    const meter = new Progress(screen).begin('cut', 1000)
    meter.update(300)
    screen.time = 1000
    screen.shown = []
    meter.finish()
    assert.match(screen.shown.join(''), / {2}30% {2}300 .*\n$/)
    meter.finish()
    assert.equal(screen.shown.length, 1, 'it ends once')
  })
  test('of nothing is all of it', () => {
    const screen = new Screen()
    new Progress(screen).begin('empty', 0).finish()
    assert.match(screen.shown.at(-1) ?? '', / 100% {4}0 /)
  })
  test('follows the width', () => {
    const screen = new Screen()
    new Progress(screen).begin('a-name-that-is-longer-than-there-is-room', 10)
    screen.width = 45
    assert.match(screen.tick(), /^\ra-name-tha   0%/)
    screen.width = 20
    assert.match(screen.tick(), /^\r {3}0%/)
    screen.width = 3
    assert.equal(screen.tick(), '')
  })
  test('of wide characters takes the same columns', () => {
    const screen = new Screen()
    new Progress(screen).begin('珍珠.iso', 10)
    const [line] = screen.shown
    assert.equal(widthOf(line.slice(1)), 79)
    assert.ok(line.startsWith(`\r珍珠.iso${' '.repeat(37)} `))
  })
  test('shows control characters as text', () => {
    const screen = new Screen()
    new Progress(screen).begin('a\x1b[31m\n\u202eb', 10)
    assert.ok(screen.shown[0].startsWith('\ra\\x1b[31m\\x0a\\u{202e}b '), screen.shown[0])
  })
  test('is not shown in the background', () => {
    const screen = new Screen()
    screen.foreground = false
    const meter = new Progress(screen).begin('quiet', 10)
    assert.equal(screen.tick(), '')
    screen.foreground = true
    assert.notEqual(screen.tick(), '')
    meter.finish()
    assert.equal(screen.ticking, undefined, 'nothing ticks on')
  })
})

test('several at once are shown one at a time', () => {
  const screen = new Screen()
  const progress = new Progress(screen)
  const one = progress.begin('one', 10)
  const two = progress.begin('two', 10)
  assert.match(screen.tick(), /^\rone/)
  one.finish()
  assert.match(screen.tick(), /^\rtwo/)
  two.finish()
  assert.equal(screen.tick(), '')
})

test('without a surface nothing happens', () => {
  const progress = new Progress(undefined)
  assert.equal(progress.shows, false)
  progress.begin('x', 1).finish()
})

test('standard output is a surface only when it is a terminal', () => {
  const environment = { program: 'scp', variables: {}, stdin: process.stdin, stdout: process.stdout, stderr: process.stderr }
  assert.equal(
    terminalSurface({ ...environment, stdout: Object.assign(Object.create(process.stdout) as NodeJS.WriteStream, { isTTY: false }) }),
    undefined,
  )
})

test('sizes and rates have OpenSSH’s units', () => {
  assert.deepEqual([0, 999, 9_999, 10_000, 1_048_576, 50_000_000_000].map(shownSize), [
    '   0  ',
    ' 999  ',
    '9999  ',
    '  10KB',
    '1024KB',
    '  47GB',
  ])
  assert.deepEqual([0, 100, 1024, 1_500_000, 2e9].map(shownRate), ['  0.0KB', '  0.1KB', '  1.0KB', '  1.4MB', '  1.9GB'])
})

test('widths', () => {
  for (const [text, width] of [
    ['abc', 3],
    ['é', 1],
    ['e\u0301', 1],
    ['珍珠', 4],
    ['ｆｕ', 4],
    ['👩‍👩‍👧', 2],
    ['🐚', 2],
    ['한글', 4],
    ['\u0301', 0],
    ['', 0],
  ] as const)
    assert.equal(widthOf(text), width, JSON.stringify(text))
  assert.equal(fitted('珍珠', 3), '珍 ')
  assert.equal(fitted('ab', 4), 'ab  ')
})
