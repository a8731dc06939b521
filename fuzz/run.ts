// Owns `npm run fuzz`: options, turns for all targets, the table at the end, and that findings and good inputs are kept. Knows
// no target.
import { parseArgs } from 'node:util'
import { seededRandom } from '../packages/nacre/src/testing/random.ts'
import { Searcher } from './rig/searcher.ts'
import type { Found, Progress } from './rig/search.ts'
import { findingsOf, keepFinding, keepInputs, keptInputs } from './rig/store.ts'
import { targets } from './targets.ts'

const usage = `usage: npm run fuzz -- [options]

  --seconds N      in all; 60 if left out
  --target NAME    only this target, or those whose names begin so; may be repeated
  --seed S         the choices of chance; another one each time if left out
  --hang SECONDS   an input that takes longer is a finding; 10 if left out
  --keep           writes the inputs that reach the most with the fewest bytes to fuzz/corpus
  --list           says what there is to fuzz

What is found is written to fuzz/findings, made as small as it gets; npm test runs it from then on.
`

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    hang: { type: 'string' },
    keep: { type: 'boolean' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

const number = (text: string | undefined, otherwise: number): number => {
  const value = Number(text ?? otherwise)
  if (!(value > 0)) throw new TypeError(`${text} is no number above 0`)
  return value
}

/** A target that begins in the same way as a word asked for. */
const asked = targets
  .map((target, index) => ({ target, index }))
  .filter(({ target }) => options.target === undefined || options.target.some(name => target.name.startsWith(name)))
if (options.help === true || options.list === true || asked.length === 0) {
  console.log(options.list === true ? targets.map(({ name, about }) => `${name.padEnd(30)} ${about}`).join('\n') : usage)
  process.exit(options.help === true || options.list === true ? 0 : 2)
}

const seconds = number(options.seconds, 60)
const seed = Math.floor(number(options.seed, 1 + Math.random() * 1e6))
/** Turns of a target: several, so that a search cut short has seen all of them. */
const rounds = Math.max(1, Math.min(10, Math.floor(seconds / asked.length)))
const kept = Object.fromEntries(
  asked.map(({ target }) => [target.name, [...keptInputs(target.name), ...findingsOf(target.name).map(each => each.input)]]),
)

const found: { readonly at: string; readonly what: string; readonly target: string; readonly seconds: number }[] = []
const began = performance.now()
const elapsed = (): number => (performance.now() - began) / 1000
const report = ({ target, input, what }: Found): void => {
  const at = keepFinding(target, input, what)
  found.push({ at, what, target, seconds: elapsed() })
  console.log(`FOUND after ${elapsed().toFixed(1)} s in ${target}: ${what}\n      ${at}`)
}

console.log(`fuzzing ${asked.length} targets for ${seconds} s, seed ${seed}`)
const searcher = new Searcher({ seed, kept, hangMilliseconds: number(options.hang, 10) * 1000, found: report })
const progress = new Map<string, Progress>()
/** After an input that nothing came back from, a target is left alone: it would only find it again. */
const givenUp = new Set<number>()

// Some take longer than their turn: by chance, so that it is not always the same ones that have what is left.
const chance = seededRandom(seed)
const order = asked.map(each => ({ each, place: chance.below(2 ** 32) }))
order.sort((a, b) => a.place - b.place)

for (let round = 0; round < rounds; round++) {
  for (const [position, { each }] of order.entries()) {
    const { target, index } = each
    if (givenUp.has(index)) continue
    const turnsLeft = (rounds - round) * asked.length - position
    const milliseconds = Math.max(20, (seconds * 1000 - elapsed() * 1000) / turnsLeft)
    const outcome = await searcher.order({ do: 'turn', target: index, milliseconds })
    if (outcome.is === 'done') {
      if (outcome.progress !== undefined) progress.set(target.name, outcome.progress)
      continue
    }
    const input = await searcher.confirmed(outcome)
    if (input === undefined) {
      console.log(`once in ${target.name}: ${outcome.what}; not so when it was run again`)
      continue
    }
    report({ target: target.name, input, what: outcome.what })
    givenUp.add(index)
  }
}

if (options.keep === true) {
  for (const { target, index } of asked) {
    if (givenUp.has(index)) continue
    const outcome = await searcher.order({ do: 'distil', target: index, maximumBytes: 4 * 1024 })
    if (outcome.is === 'done' && outcome.kept !== undefined) keepInputs(target.name, outcome.kept)
  }
}
searcher.close()

const column = (text: string | number, width: number): string => String(text).padStart(width)
console.log(
  `\n${'target'.padEnd(30)}${column('executions', 12)}${column('per s', 10)}${column('corpus', 8)}${column('lines', 8)}${column('slowest', 12)}`,
)
for (const { target } of asked) {
  const of = progress.get(target.name)
  if (of === undefined) continue
  const perSecond = Math.round((of.executions / Math.max(1, of.milliseconds)) * 1000)
  console.log(
    target.name.padEnd(30) +
      column(of.executions, 12) +
      column(perSecond, 10) +
      column(of.corpus, 8) +
      column(of.lines, 8) +
      column(`${of.slowest.toFixed(1)} ms`, 12),
  )
}
const total = [...progress.values()].reduce((sum, each) => sum + each.executions, 0)
console.log(
  `\n${total} executions in ${elapsed().toFixed(0)} s, seed ${seed}: ${found.length === 0 ? 'nothing found' : `${found.length} found`}`,
)
process.exitCode = found.length > 0 ? 1 : 0
