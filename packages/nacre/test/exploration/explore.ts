// Owns walking every sequence of an alphabet up to a depth, and holding what happens against a model. Knows neither what
// the letters mean nor what is driven. A sequence goes no further once model and subject agree that it is over.
import assert from 'node:assert/strict'

/** What a model says about one letter: the next state, what is seen from outside, and whether anything can follow. */
export interface Reaction<State> {
  readonly state: State
  readonly seen: readonly string[]
  readonly over?: boolean
}

/** A model: pure, and written from the RFCs. */
export interface Model<State> {
  readonly first: State
  /**
   * The letters that can be tried in a state, `last` as the end of a sequence: there may be more of those, to try all that
   * can be said at every place that can be reached. Messages of a peer can always be tried, calls of an application not.
   */
  readonly letters: (state: State, last: boolean) => readonly string[]
  readonly step: (state: State, letter: string) => Reaction<State>
}

/** What is driven: a fresh one for each sequence. */
export interface Subject {
  /** Does what the letter means, and returns what was seen since. */
  readonly act: (letter: string) => readonly string[]
}

export interface Walk {
  /** Every sequence that was compared, each prefix counted once. */
  readonly sequences: number
  /** Sequences that were driven from the beginning; the others are their prefixes. */
  readonly runs: number
}

const most = 12

/** Adds steps to every walk; for a long search. */
const deeper = Number(process.env.NACRE_EXPLORE_DEEPER ?? 0)

/**
 * Walks all sequences of up to `depth` letters. `afterwards` is a letter that must have no effect once it is over. Fails
 * with the sequences on which model and subject differ, one for each kind of difference.
 */
export const explore = <State>(model: Model<State>, fresh: () => Subject, depth: number, afterwards?: string): Walk => {
  const differences = new Map<string, string>()
  let sequences = 0
  let runs = 0
  // Most sequences end in an error, whose stack nobody looks at.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const letters: string[] = []
  const expected: (readonly string[])[] = []

  const compare = (): void => {
    runs++
    const subject = fresh()
    for (const [index, letter] of letters.entries()) {
      const seen = subject.act(letter)
      if (seen.join('\n') === expected[index].join('\n')) continue
      const kind = `${letter}: ${expected[index].join(', ')} / ${seen.join(', ')}`
      if (!differences.has(kind)) differences.set(kind, told(letters.slice(0, index + 1), expected[index], seen))
      return
    }
  }

  const walk = (state: State, left: number, over: boolean): void => {
    if (over && afterwards !== undefined) {
      letters.push(afterwards)
      expected.push([])
      compare()
      letters.pop()
      expected.pop()
      return
    }
    if (over || left === 0 || differences.size >= most) {
      compare()
      return
    }
    const possible = model.letters(state, left === 1)
    if (possible.length === 0) compare()
    for (const letter of possible) {
      const reaction = model.step(state, letter)
      letters.push(letter)
      expected.push(reaction.seen)
      sequences++
      walk(reaction.state, left - 1, reaction.over === true)
      letters.pop()
      expected.pop()
    }
  }

  walk(model.first, depth + deeper, false)
  Error.stackTraceLimit = stackTraceLimit
  assert.equal(differences.size, 0, `model and subject differ:\n\n${[...differences.values()].join('\n\n')}\n`)
  return { sequences, runs }
}

const told = (letters: readonly string[], model: readonly string[], seen: readonly string[]): string =>
  [
    `  after:    ${letters.slice(0, -1).join(' · ') || '(the beginning)'}`,
    `  comes:    ${letters.at(-1)}`,
    `  model:    ${model.join(', ') || '(nothing is seen)'}`,
    `  subject:  ${seen.join(', ') || '(nothing is seen)'}`,
  ].join('\n')
