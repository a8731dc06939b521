// Owns `npm run simulate`: runs seeds of the simulation one after the other, says how fast, and shows what fails so that it
// can be repeated. Knows nothing of what a simulation does.
import { parseArgs } from 'node:util'
import { simulate } from '../packages/nacre/test/simulation/simulation.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const usage = `npm run simulate -- [--seeds N] [--from S] [--keep-going]   N seeds from S on; default 10000 from 1
npm run simulate -- --seed X [--verbose]                    one seed, with everything that happens`

/** Lines of the trace that are shown of a failure when nobody asked for all. */
const lastLines = 25
const progressMilliseconds = 5000

const number = (name: string, text: string): number => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  console.error(`simulate: --${name} takes a whole number, not ${text}\n${usage}`)
  process.exit(2)
}

const shown = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

/** Runs a seed that failed again, and shows how it came to that. */
const explain = (seed: number): void => {
  const lines: string[] = []
  try {
    simulate(seed, line => lines.push(line))
    console.log(`seed ${seed} did not fail the second time: the simulation is not the same whenever it is run`)
  } catch (error) {
    console.log(`\nseed ${seed} fails:`)
    for (const line of lines.slice(-lastLines)) console.log(line.slice(0, 300))
    console.log(`${shown(error)}\n\nrepeat it with: npm run simulate -- --seed ${seed} --verbose`)
  }
}

const one = (seed: number): boolean => {
  try {
    const outcome = simulate(seed, values.verbose ? line => console.log(line) : undefined)
    console.log(`seed ${seed}: ${JSON.stringify(outcome)}`)
    return true
  } catch (error) {
    if (values.verbose) console.log(`seed ${seed} fails: ${shown(error)}`)
    else explain(seed)
    return false
  }
}

const many = (from: number, count: number): boolean => {
  const totals = { complete: 0, packets: 0, exchanges: 0, channels: 0, bytes: 0 }
  const failures: number[] = []
  const began = performance.now()
  let said = began
  let done = 0
  const rate = (): string => `${(done / ((performance.now() - began) / 1000)).toFixed(0)} seeds/s`
  for (let seed = from; seed < from + count; seed++) {
    try {
      const outcome = simulate(seed)
      totals.complete += Number(outcome.complete)
      for (const name of ['packets', 'exchanges', 'channels', 'bytes'] as const) totals[name] += outcome[name]
    } catch {
      failures.push(seed)
      explain(seed)
      if (!values['keep-going']) break
    }
    done++
    if (performance.now() - said < progressMilliseconds) continue
    said = performance.now()
    console.log(`${done} of ${count} seeds, ${rate()}`)
  }
  console.log(
    `${done} seeds from ${from}, ${rate()}: ${totals.complete} to their end, ${totals.packets} packets, ${totals.exchanges} key exchanges, ` +
      `${totals.channels} channels, ${Math.round(totals.bytes / 2 ** 20)} MiB`,
  )
  if (failures.length > 0) console.log(`FAILED: ${failures.length === 1 ? 'seed' : 'seeds'} ${failures.join(', ')}`)
  return failures.length === 0
}

if (values.help) console.log(usage)
else {
  const right =
    values.seed === undefined ? many(number('from', values.from), number('seeds', values.seeds)) : one(number('seed', values.seed))
  process.exitCode = right ? 0 : 1
}
