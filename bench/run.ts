// Owns `npm run bench`: options, getting ready, rounds in which all contenders take turns, the table. Asserts nothing of
// times: it fails only when something could not be run. Knows no scenario.
import { mkdirSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { benchFolder, bundleSites, installPeers } from './rig/build.ts'
import { allFigures, table } from './rig/report.ts'
import type { Figures, Scenario, Settings } from './rig/scenario.ts'
import { buildSsh2Addon } from './rig/ssh2-addon.ts'
import { scenarios } from './scenarios.ts'

const usage = `usage: npm run bench -- [options] [scenario …]

  --rounds N   rounds in which all take turns; 5 if left out
  --mib N      size of one bulk transfer; 1024 if left out
  --quick      2 rounds of 256 MiB, a fifth of the sessions, connections and keystrokes
  --profile    profiles our own contenders once instead: what costs most CPU, and who allocates
  --heap       looks into the heaps of our own idle contenders once instead: what they hold, by constructor and holder

${scenarios.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}
`

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const whole = (text: string | undefined, otherwise: number): number => {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new TypeError(`${text} is no whole number above 0`)
  return value
}

const parsed = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    mib: { type: 'string' },
    quick: { type: 'boolean' },
    profile: { type: 'boolean' },
    heap: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})
const { values: options, positionals } = parsed
const unknown = positionals.find(name => !scenarios.some(each => each.name === name))
if (options.help === true || unknown !== undefined) {
  if (unknown !== undefined) console.error(`bench: there is no scenario "${unknown}"`)
  console.log(usage)
  process.exit(unknown === undefined ? 0 : 2)
}
const quick = options.quick === true
const probing = options.heap === true ? 'heap' : options.profile === true ? 'profile' : undefined
const rounds = probing !== undefined ? 1 : whole(options.rounds, quick ? 2 : 5)

console.log('Getting ready: peers from npm, the addon of ssh2, bundles of our sites.')
installPeers()
const addonFault = buildSsh2Addon()
await bundleSites()
const folder = join(benchFolder, 'dist/profiles')
mkdirSync(folder, { recursive: true })
const settings: Settings = {
  bytes: whole(options.mib, quick ? 256 : 1024) * 2 ** 20,
  divisor: quick ? 5 : 1,
  ssh2Addon: addonFault === undefined,
  probe: probing === undefined ? undefined : { kind: probing, folder },
}

const load = (): string => loadavg()[0].toFixed(1)
let failed = false

const measure = async (scenario: Scenario): Promise<void> => {
  const contenders = scenario.contenders(settings)
  const figures = new Map<string, (Figures | undefined)[]>(contenders.map(({ name }) => [name, []]))
  const loads: string[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) {
      process.stderr.write(`${scenario.name}, round ${round} of ${rounds}: ${contender.name}\n`)
      let measured: Figures | undefined
      try {
        measured = await contender.measure()
      } catch (error) {
        failed = true
        console.error(`bench: ${scenario.name}, ${contender.name}: ${error instanceof Error ? error.message : String(error)}`)
      }
      figures.get(contender.name)?.push(measured)
    }
    loads.push(load())
  }
  console.log(`\n## ${scenario.name}: ${scenario.about}\n`)
  if (probing === undefined) console.log(`${table(scenario.comparisons, figures)}\n`)
  console.log(`All figures, medians of ${rounds} rounds (load average after each: ${loads.join(', ')}):\n${allFigures(figures)}`)
  for (const note of scenario.notes) console.log(`\n${note}`)
}

const processors = cpus()
console.log(
  `Node ${process.versions.node}, OpenSSL ${process.versions.openssl}; ${processors.length} × ${processors[0].model}; load average ${load()}.`,
)
console.log(addonFault === undefined ? 'ssh2 has its native addon.' : `ssh2 is without its native addon: ${addonFault}`)
for (const scenario of scenarios) if (positionals.length === 0 || positionals.includes(scenario.name)) await measure(scenario)
process.exit(failed ? 1 : 0)
