// Owns the order of what is asked of paths: several requests are under way at once, but one that changes something waits for
// those before it that are about the same path, or one above or below it, and those after it wait in turn. Paths are compared
// as text: names that lead to one file by links are not known to be one. Knows no packets.

/** Normal form for comparison only: dots and doubled slashes go, as if there were no links. */
export const plainPath = (path: string): string => {
  if (!/\/\.{0,2}(?:\/|$)/.test(path)) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

const isWithin = (path: string, above: string): boolean =>
  path.startsWith(above) && (path.length === above.length || above === '/' || path[above.length] === '/')

const related = (one: readonly string[], other: readonly string[]): boolean => {
  for (const a of one) for (const b of other) if (isWithin(a, b) || isWithin(b, a)) return true
  return false
}

/** Something not done yet that a request waits for, apart from other requests about paths. */
export interface Before {
  done(): boolean
}

interface Step {
  readonly paths: readonly string[]
  readonly changes: boolean
  before: readonly Before[]
  /** What it does; never rejects. */
  readonly start: () => Promise<void> | undefined
}

/** So many are under way at once; others wait. */
const mostUnderWay = 64

export class PathOrder {
  readonly #underWay = new Set<Step>()
  #changing = 0
  readonly #waiting: Step[] = []
  #next = 0
  readonly #ended: () => void

  /** `ended` is called when something that took its time is done. */
  constructor(ended: () => void) {
    this.#ended = ended
  }

  get idle(): boolean {
    return this.#underWay.size === 0 && this.#next === this.#waiting.length
  }

  /** Whether a step that only looks at paths could start at once. */
  get quiet(): boolean {
    return this.#changing === 0 && this.#next === this.#waiting.length && this.#underWay.size < mostUnderWay
  }

  /** Starts `start` at once if nothing speaks against it, else when nothing does any more. Paths are absolute and plain. */
  add(paths: readonly string[], changes: boolean, before: readonly Before[], start: () => Promise<void> | undefined): void {
    const step: Step = { paths, changes, before, start }
    if (this.#next === this.#waiting.length && this.#mayStart(step)) this.#start(step)
    else this.#waiting.push(step)
  }

  #mayStart(step: Step): boolean {
    if (this.#underWay.size >= mostUnderWay) return false
    if (step.before.length > 0) {
      step.before = step.before.filter(each => !each.done())
      if (step.before.length > 0) return false
    }
    if (!step.changes && this.#changing === 0) return true
    for (const other of this.#underWay) if ((step.changes || other.changes) && related(step.paths, other.paths)) return false
    return true
  }

  #start(step: Step): void {
    const doing = step.start()
    if (doing === undefined) return
    this.#underWay.add(step)
    if (step.changes) this.#changing++
    void doing.then(() => {
      this.#underWay.delete(step)
      if (step.changes) this.#changing--
      this.#ended()
    })
  }

  /** Starts what may start by now. Call it when something a step may wait for is done. */
  pump(): void {
    while (this.#next < this.#waiting.length && this.#mayStart(this.#waiting[this.#next])) this.#start(this.#waiting[this.#next++])
    if (this.#next === this.#waiting.length && this.#next > 0) {
      this.#waiting.length = 0
      this.#next = 0
    } else if (this.#next > 1024) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
  }
}
