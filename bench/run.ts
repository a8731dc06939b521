// Owns `npm run bench`: options, getting ready, rounds in which all contenders take turns, the tables. Asserts nothing of
// times: it fails only when something could not be run. Knows no scenario.
import { mkdirSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchFolder, bundleSites, installPeers } from './rig/build.ts'
import { findPeers } from './rig/peers.ts'
import { type Result, writeJson, writeMarkdown } from './rig/files.ts'
import { allFigures, section } from './rig/report.ts'
import type { Contender, Figures, Scenario, Settings } from './rig/scenario.ts'
import { scenarios } from './scenarios.ts'

const usage = `usage: npm run bench -- [options] [scenario …]

  --rounds N       rounds in which all take turns; 5 if left out
  --mib N          size of one bulk transfer; 1024 if left out
  --quick          2 rounds of 256 MiB, a fifth of the sessions, connections and keystrokes
  --markdown FILE  writes the sections of docs/performance.md; where FILE has them already they are replaced
  --json FILE      writes every figure of every round
  --profile        profiles our own contenders once instead: what costs most CPU, and who allocates
  --accelerated    with --profile or --heap: our contenders use the accelerator
  --heap           looks into the heaps of our own contenders once instead: what they hold, by constructor and holder

${scenarios.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}
`

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const whole = (text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`${text} is no whole number above 0`)
  return value
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    mib: { type: 'string' },
    quick: { type: 'boolean' },
    markdown: { type: 'string' },
    json: { type: 'string' },
    profile: { type: 'boolean' },
    heap: { type: 'boolean' },
    accelerated: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const unknown = positionals.find(name => !scenarios.some(each => each.name === name))
if (options.help === true || unknown !== undefined) {
  if (unknown !== undefined) console.error(`bench: there is no scenario "${unknown}"`)
  console.log(usage)
  process.exit(unknown === undefined ? 0 : 2)
}
const quick = options.quick === true
const probing = options.heap === true ? 'heap' : options.profile === true ? 'profile' : undefined
const rounds = probing !== undefined ? 1 : whole(options.rounds, quick ? 2 : 5)

console.log('Getting ready: peers, the addon of ssh2, bundles of our sites.')
installPeers()
await bundleSites()
const folder = join(benchFolder, 'dist/profiles')
mkdirSync(folder, { recursive: true })
const settings: Settings = {
  bytes: whole(options.mib, quick ? 256 : 1024) * 2 ** 20,
  divisor: quick ? 5 : 1,
  peers: findPeers(),
  probe: probing === undefined ? undefined : { kind: probing, accelerated: options.accelerated === true, folder },
}

const load = (): number => loadavg()[0]
let failed = false

const mostOfAMessage = 1000

/** A busy machine makes a deadline pass now and then: what fails is tried once more. */
const attempt = async (scenario: string, contender: Contender): Promise<Figures | undefined> => {
  for (let tries = 0; tries < 2; tries++) {
    try {
      return await contender.measure()
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      console.error(`bench: ${scenario}, ${contender.name}: ${message.slice(0, mostOfAMessage)}`)
    }
  }
  failed = true
  return undefined
}

const measure = async (scenario: Scenario): Promise<Result> => {
  const contenders = scenario.contenders(settings)
  const figures = new Map<string, (Figures | undefined)[]>(contenders.map(({ name }) => [name, []]))
  const loads: number[] = []
  const count = Math.min(rounds, scenario.mostRounds ?? rounds)
  for (let round = 0; round < count; round++) {
    // Nobody is always the first, when a processor is fresh, nor always behind the same other.
    const first = round % contenders.length
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      process.stderr.write(`${scenario.name}, round ${round + 1} of ${count}: ${contender.name}\n`)
      figures.get(contender.name)?.push(await attempt(scenario.name, contender))
    }
    loads.push(load())
  }
  return { scenario, rounds: figures, loads }
}

const sectionOf = ({ scenario, rounds: measured }: Result): string => section(scenario, measured)

const processors = cpus()
const machine = [
  `${processors.length} processors, ${processors[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB.`,
  ...settings.peers.remarks,
]
for (const remark of machine) console.log(remark)
const results: Result[] = []
for (const scenario of scenarios) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue
  if (scenario.contenders(settings).length === 0) {
    console.log(`\n${scenario.name}: there is nothing here to measure it with.`)
    continue
  }
  const result = await measure(scenario)
  if (probing !== undefined) continue
  results.push(result)
  console.log(`\n${sectionOf(result)}\n`)
  const loads = result.loads.map(each => each.toFixed(1)).join(', ')
  console.log(`All figures, medians of ${result.loads.length} rounds (load average after each: ${loads}):\n${allFigures(result.rounds)}`)
}
if (options.json !== undefined) writeJson(options.json, { machine, command: process.argv.slice(2) }, results)
if (options.markdown !== undefined) writeMarkdown(options.markdown, machine, results, sectionOf)
process.exit(failed ? 1 : 0)
