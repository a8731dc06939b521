// Owns the tables: medians of figures and of the ratios round by round, against targets. Knows nothing of how it was measured.
import type { Comparison, Figures, Scenario, Source, Target, Unit } from './scenario.ts'
import { median, type Spread, spread } from './statistics.ts'

/** Figures by contender, one entry a round; a round that failed is `undefined`. Who cannot run here has no entry at all. */
export type Rounds = ReadonlyMap<string, readonly (Figures | undefined)[]>

const digits: Readonly<Record<Unit, number>> = { 's/GiB': 3, 'MiB/s': 0, ms: 2, µs: 1, KiB: 1, MiB: 0, '/s': 0 }

const show = (value: number, unit: Unit): string => `${value.toFixed(digits[unit])} ${unit}`
const showRatio = (value: number): string => value.toFixed(value < 0.1 ? 3 : 2)
const showTarget = (target: Target | undefined, unit: Unit): string => {
  if (target === undefined) return ''
  if ('below' in target) return `< ${target.below} ${unit}`
  return 'most' in target ? `≤ ${target.most}` : `≥ ${target.least}`
}

const isMet = (target: Target, ours: number, ratio: number): boolean => {
  if ('below' in target) return ours < target.below
  return 'most' in target ? ratio <= target.most : ratio >= target.least
}

/** Two figures set beside each other: medians, and the ratios within each round. */
interface Beside {
  readonly ours: number
  readonly theirs: number
  readonly ratio: Spread
  readonly met: boolean | undefined
}

/** A line of the table in figures; `undefined` where a contender ran and gave none. */
export interface Line {
  readonly comparison: Comparison
  readonly plain: Beside | undefined
  /** Left out where there is nothing accelerated to show. */
  readonly accelerated?: Beside | undefined
}

const beside = (ours: Source, theirs: Source, target: Target | undefined, rounds: Rounds): Beside | undefined => {
  const figures = ([contender, figure]: Source): readonly (number | undefined)[] =>
    (rounds.get(contender) ?? []).map(each => each?.[figure])
  const their = figures(theirs)
  const pairs = figures(ours).flatMap((value, index) => {
    const other = their[index]
    return value === undefined || other === undefined || other <= 0 ? [] : [[value, other] as const]
  })
  if (pairs.length === 0) return undefined
  const ratio = spread(pairs.map(([a, b]) => a / b))
  const own = median(pairs.map(([value]) => value))
  return {
    ours: own,
    theirs: median(pairs.map(([, value]) => value)),
    ratio,
    met: target === undefined ? undefined : isMet(target, own, ratio.median),
  }
}

/** The lines that can be shown: those whose contenders could run here. */
export const linesOf = (comparisons: readonly Comparison[], rounds: Rounds): readonly Line[] =>
  comparisons
    .filter(({ ours, theirs }) => rounds.has(ours[0]) && rounds.has(theirs[0]))
    .map(comparison => {
      const { ours, theirs, target, accelerated } = comparison
      return {
        comparison,
        plain: beside(ours, theirs, target, rounds),
        ...(accelerated !== undefined && rounds.has(accelerated.ours[0])
          ? { accelerated: beside(accelerated.ours, theirs, accelerated.target, rounds) }
          : {}),
      }
    })

const verdict = (met: boolean | undefined): string => (met === undefined ? '' : met ? 'met' : 'missed')

const ratioCell = (found: Beside | undefined): string =>
  found === undefined ? 'not measured' : `${showRatio(found.ratio.median)} (${showRatio(found.ratio.least)}–${showRatio(found.ratio.most)})`

const plainHeader = ['work', 'beside', 'nacre', 'theirs', 'ratio (min–max)', 'target', '']
const acceleratedHeader = ['accelerated', 'ratio (min–max)', 'target', '']

const cells = (
  { comparison: { work, beside: whom, unit, target, accelerated }, plain, ...more }: Line,
  wide: boolean,
): readonly string[] => {
  const figure = (value: number | undefined): string => (value === undefined ? '–' : show(value, unit))
  const first = [work, whom, figure(plain?.ours), figure(plain?.theirs), ratioCell(plain), showTarget(target, unit), verdict(plain?.met)]
  if (!wide) return first
  if (!('accelerated' in more)) return [...first, '', '', '', '']
  const second = more.accelerated
  return [...first, figure(second?.ours), ratioCell(second), showTarget(accelerated?.target, unit), verdict(second?.met)]
}

/** A table in Markdown, its columns aligned so that it also reads on a terminal. */
export const aligned = (header: readonly string[], rows: readonly (readonly string[])[]): string => {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map(each => each[column].length)))
  const line = (row: readonly string[]): string => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(header), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}

/** The table, with columns for the accelerator if it was measured. */
export const table = (lines: readonly Line[]): string => {
  const wide = lines.some(line => 'accelerated' in line)
  return aligned(
    wide ? [...plainHeader, ...acceleratedHeader] : plainHeader,
    lines.map(line => cells(line, wide)),
  )
}

const floorHeader = ['work', 'beside', 'bare Node', 'theirs', 'ratio (min–max)']

const floorTable = (lines: readonly Line[]): string =>
  aligned(
    floorHeader,
    lines.map(line => cells(line, false).slice(0, floorHeader.length)),
  )

/** Every figure of every contender, medians over the rounds. */
export const mediansOf = (rounds: Rounds): ReadonlyMap<string, Figures> =>
  new Map(
    [...rounds].map(([contender, measured]) => {
      const good = measured.filter(each => each !== undefined)
      const names = [...new Set(good.flatMap(each => Object.keys(each)))]
      return [contender, Object.fromEntries(names.map(name => [name, median(good.flatMap(each => (name in each ? [each[name]] : [])))]))]
    }),
  )

/** The same as text: for whoever wants more than the comparisons. */
export const allFigures = (rounds: Rounds): string =>
  [...mediansOf(rounds)]
    .map(
      ([contender, figures]) =>
        `  ${contender}: ${Object.entries(figures)
          .map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
          .join(', ')}`,
    )
    .join('\n')

/** What stands in the document under a scenario's heading. */
export const section = ({ title, prose, comparisons, floor, extra }: Scenario, rounds: Rounds): string => {
  const floorLines = floor === undefined ? [] : linesOf(floor.comparisons, rounds)
  return [
    `## ${title}`,
    ...prose,
    table(linesOf(comparisons, rounds)),
    ...(floor === undefined || floorLines.length === 0 ? [] : [floor.prose, floorTable(floorLines)]),
    ...(extra === undefined ? [] : [extra(mediansOf(rounds))]),
  ].join('\n\n')
}
