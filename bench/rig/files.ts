// Owns the files a run leaves on request: every figure as JSON, and the sections of the document, each between two marks so
// that a later run of one scenario replaces only its own. Knows nothing of what was measured.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { linesOf, type Rounds } from './report.ts'
import type { Scenario } from './scenario.ts'

export interface Result {
  readonly scenario: Scenario
  readonly rounds: Rounds
  /** Load average of the machine after each round. */
  readonly loads: readonly number[]
}

/** Writes machine, command, lines of the tables and all figures of all rounds. */
export const writeJson = (
  path: string,
  about: { readonly machine: readonly string[]; readonly command: readonly string[] },
  results: readonly Result[],
): void => {
  const scenarios = results.map(({ scenario, rounds, loads }) => ({
    name: scenario.name,
    loads,
    lines: linesOf(scenario.comparisons, rounds),
    floor: linesOf(scenario.floor?.comparisons ?? [], rounds),
    figures: Object.fromEntries(rounds),
  }))
  writeFileSync(path, `${JSON.stringify({ ...about, scenarios }, null, 2)}\n`)
}

const opening = (name: string): string => `<!-- measured: ${name} -->`
const closing = (name: string): string => `<!-- end of ${name} -->`

/** `text` with `body` between the marks of `name`: where they are, or at the end. */
const placed = (text: string, name: string, body: string): string => {
  const block = `${opening(name)}\n\n${body}\n\n${closing(name)}`
  const start = text.indexOf(opening(name))
  const end = text.indexOf(closing(name))
  if (start === -1 || end === -1) return `${text}${text === '' ? '' : '\n'}${block}\n`
  return `${text.slice(0, start)}${block}${text.slice(end + closing(name).length)}`
}

/** Writes the sections into `path`, with machine, versions and load before them, and leaves all else in it as it is. */
export const writeMarkdown = (
  path: string,
  machine: readonly string[],
  results: readonly Result[],
  sectionOf: (result: Result) => string,
): void => {
  const loads = results.flatMap(result => result.loads)
  const about = `${machine.join(' ')} Load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)} in the last run.`
  let text = existsSync(path) ? readFileSync(path, 'utf8') : ''
  text = placed(text, 'machine', about)
  for (const result of results) text = placed(text, result.scenario.name, sectionOf(result))
  writeFileSync(path, text)
}
