// Owns the table: medians of figures and of the ratios round by round, against targets. Knows nothing of how it was measured.
import type { Comparison, Figures, Unit } from './scenario.ts'
import { median, spread } from './statistics.ts'

/** Figures by contender, one entry a round; a round that failed is `undefined`. */
export type Rounds = ReadonlyMap<string, readonly (Figures | undefined)[]>

const digits: Readonly<Record<Unit, number>> = { 's/GiB': 3, 'MiB/s': 0, ms: 2, µs: 1, KiB: 1 }

const show = (value: number, unit: Unit): string => `${value.toFixed(digits[unit])} ${unit}`
const showRatio = (value: number): string => value.toFixed(value < 0.1 ? 3 : 2)

const header = ['work', 'beside', 'nacre', 'theirs', 'ratio (min–max)', 'target', '']

/** One row of the table, or what is missing for it. */
const row = ({ work, beside, unit, ours, theirs, target }: Comparison, rounds: Rounds): readonly string[] => {
  const figures = ([contender, figure]: readonly [string, string]): readonly (number | undefined)[] =>
    (rounds.get(contender) ?? []).map(each => each?.[figure])
  const our = figures(ours)
  const their = figures(theirs)
  const pairs = our.flatMap((value, index) => {
    const other = their[index]
    return value === undefined || other === undefined || other <= 0 ? [] : [[value, other] as const]
  })
  const wanted = target === undefined ? '' : 'most' in target ? `≤ ${target.most}` : `≥ ${target.least}`
  if (pairs.length === 0) return [work, beside, '–', '–', 'not measured', wanted, '']
  const ratio = spread(pairs.map(([a, b]) => a / b))
  const met = target === undefined ? '' : ('most' in target ? ratio.median <= target.most : ratio.median >= target.least) ? 'met' : 'missed'
  return [
    work,
    beside,
    show(median(pairs.map(([value]) => value)), unit),
    show(median(pairs.map(([, value]) => value)), unit),
    `${showRatio(ratio.median)} (${showRatio(ratio.least)}–${showRatio(ratio.most)})`,
    wanted,
    met,
  ]
}

/** The table in Markdown, its columns aligned so that it also reads on a terminal. */
export const table = (comparisons: readonly Comparison[], rounds: Rounds): string => {
  const rows = comparisons.map(each => row(each, rounds))
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map(each => each[column].length)))
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(header), `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}

/** Every figure of every contender, medians over the rounds: for whoever wants more than the comparisons. */
export const allFigures = (rounds: Rounds): string => {
  const lines: string[] = []
  for (const [contender, measured] of rounds) {
    const good = measured.filter(each => each !== undefined)
    const names = [...new Set(good.flatMap(each => Object.keys(each)))]
    const shown = names.map(name => `${name} ${Number(median(good.flatMap(each => (name in each ? [each[name]] : []))).toPrecision(4))}`)
    lines.push(`  ${contender}: ${shown.join(', ')}`)
  }
  return lines.join('\n')
}
