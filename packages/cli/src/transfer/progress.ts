// Owns the line that shows how a transfer goes: name, percent, bytes, rate, time left, in OpenSSH's format. It is told numbers,
// and asks its surface for the width, the time and whether it may show anything. Knows nothing of files.
import { readFileSync } from 'node:fs'
import { escapeForPeople } from 'nacre'
import type { Environment } from '../environment.ts'
import { fitted } from './width.ts'

/** One transfer on its way. Safe to call after `finish`. */
export interface Meter {
  /** Bytes that have been moved so far, those of an earlier attempt included; `size` when it has become known better. */
  update(done: number, size?: number): void
  /** The last line stays. */
  finish(): void
}

/** Where lines are shown. */
export interface Surface {
  /** Columns now. */
  columns(): number
  /** Milliseconds of a clock that only goes forward. */
  now(): number
  /** Whether we are in the foreground of the terminal. */
  mayShow(): boolean
  write(text: string): void
  /** Calls `act` once a second, and when the width changes, until the result is called. */
  every(act: () => void): () => void
}

const unitsOf = ' KMGT'

/** Bytes in four digits and a unit, as OpenSSH's format_size. */
export const shownSize = (bytes: number): string => {
  let value = bytes
  let unit = 0
  for (; value >= 10_000 && unit < unitsOf.length - 1; unit++) value = Math.floor((value + 512) / 1024)
  return `${String(Math.floor(value)).padStart(4)}${unitsOf[unit]}${unit > 0 ? 'B' : ' '}`
}

/** Bytes a second, never below a kilobyte's unit. */
export const shownRate = (bytes: number): string => {
  let value = Math.floor(bytes) * 100
  let unit = 0
  for (; value >= 100_000 && unit < unitsOf.length - 1; unit++) value = Math.floor((value + 512) / 1024)
  if (unit === 0) {
    unit = 1
    value = Math.floor((value + 512) / 1024)
  }
  return `${String(Math.floor((value + 5) / 100)).padStart(3)}.${Math.floor((value + 5) / 10) % 10}${unitsOf[unit]}B`
}

const two = (value: number): string => String(value).padStart(2, '0')

const shownTime = (seconds: number): string => {
  const whole = Math.floor(seconds)
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor(whole / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `  ${two(minutes)}:${two(whole % 60)}`
}

/** Columns of all but the name. */
const columnsOfNumbers = 35
/** Seconds without a byte after which a transfer is called stalled. */
const stallSeconds = 5
/** How much of the rate shown before stays in the next. */
const inertia = 0.9

class Line implements Meter {
  readonly #surface: Surface
  readonly #name: string
  #size: number
  readonly #start: number
  readonly #started: number
  readonly #over: () => void
  #counter: number
  /** What the last line showed, and when. */
  #shown: number
  #shownAt: number
  #rate = 0
  #stalled = 0
  #finished = false

  constructor(surface: Surface, file: { readonly name: string; readonly size: number; readonly start: number }, over: () => void) {
    this.#surface = surface
    this.#name = escapeForPeople(file.name)
    this.#size = file.size
    this.#start = file.start
    this.#counter = file.start
    this.#shown = file.start
    this.#started = surface.now()
    this.#shownAt = this.#started
    this.#over = over
  }

  update(done: number, size = this.#size): void {
    this.#counter = done
    this.#size = size
  }

  finish(): void {
    if (this.#finished) return
    this.#finished = true
    if (this.#surface.mayShow()) this.#surface.write(`${this.#text(true)}\n`)
    this.#over()
  }

  show(): void {
    if (this.#surface.mayShow()) this.#surface.write(this.#text(false))
  }

  #text(last: boolean): string {
    const now = this.#surface.now()
    const left = Math.max(0, this.#size - this.#counter)
    const elapsed = (left > 0 && !last ? now - this.#shownAt : now - this.#started) / 1000
    const moved = left > 0 && !last ? this.#counter - this.#shown : this.#counter - this.#start
    // At the end it is the rate of the whole.
    const before = left > 0 && !last ? this.#rate : 0
    const current = elapsed > 0 ? moved / elapsed : moved
    this.#rate = before === 0 ? current : before * inertia + current * (1 - inertia)
    this.#stalled = this.#counter === this.#shown ? this.#stalled + (now - this.#shownAt) / 1000 : 0
    this.#shown = this.#counter
    this.#shownAt = now
    const columns = this.#surface.columns()
    // Not even the percentage would fit.
    if (columns < 4) return ''
    const percent = this.#size > 0 ? Math.floor((this.#counter / this.#size) * 100) : 100
    const numbers = ` ${String(percent).padStart(3)}% ${shownSize(this.#counter)} ${shownRate(this.#rate)}/s ${this.#time(left, elapsed, last)}`
    const width = columns - columnsOfNumbers
    return `\r${width > 0 ? fitted(this.#name, width) : ''}${numbers}`.slice(0, columns + 1 + this.#name.length)
  }

  #time(left: number, elapsed: number, last: boolean): string {
    if (left > 0 && !last && this.#stalled >= stallSeconds) return '- stalled -'
    if (left > 0 && this.#rate < 1) return '  --:-- ETA'
    return left > 0 ? `${shownTime(left / this.#rate)} ETA` : `${shownTime(elapsed)}    `
  }
}

/** Shows meters one at a time: the one that began first, of those that go on. */
export class Progress {
  readonly #surface: Surface | undefined
  readonly #lines = new Set<Line>()
  #stop: (() => void) | undefined

  /** Without a surface nothing is ever shown. */
  constructor(surface: Surface | undefined) {
    this.#surface = surface
  }

  get shows(): boolean {
    return this.#surface !== undefined
  }

  /** Begins to show a transfer. `start`: bytes that were there already. The name is escaped. */
  begin(name: string, size: number, start = 0): Meter {
    if (this.#surface === undefined) return silent
    const line = new Line(this.#surface, { name, size, start }, () => this.#ended(line))
    this.#lines.add(line)
    if (this.#lines.size === 1) line.show()
    this.#stop ??= this.#surface.every(() => {
      const [first] = this.#lines
      ;(first as Line | undefined)?.show()
    })
    return line
  }

  #ended(line: Line): void {
    this.#lines.delete(line)
    if (this.#lines.size > 0) return
    this.#stop?.()
    this.#stop = undefined
  }
}

const silent: Meter = { update: () => {}, finish: () => {} }

/** Whether the terminal's foreground belongs to our process group; true where that cannot be told. */
const inForeground = (): boolean => {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    // The second field may hold blanks. Then: state, parent, group, session, terminal, the terminal's group.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[2] === fields[5]
  } catch {
    return true
  }
}

type TerminalStream = NodeJS.WritableStream & { readonly columns?: number }

/** Standard output as a surface; `undefined` when it is no terminal. */
export const terminalSurface = (environment: Environment): Surface | undefined => {
  const { stdout } = environment
  if (stdout.isTTY !== true) return undefined
  const terminal: TerminalStream = stdout
  return {
    columns: () => terminal.columns ?? 80,
    now: () => performance.now(),
    mayShow: inForeground,
    write: text => void terminal.write(text),
    every: act => {
      const timer = setInterval(act, 1000)
      timer.unref()
      terminal.on('resize', act)
      return () => {
        clearInterval(timer)
        terminal.removeListener('resize', act)
      }
    },
  }
}
