// Owns `npm run check`: runs every check there is, two at a time, and prints what failed whole and what passed as one
// line. Knows nothing of what the checks look at. `npm run check lint types` runs only those.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Check {
  readonly name: string
  /** What to do when it fails. */
  readonly hint: string
  /** A command of a dev dependency, or a script of ours (it ends in `.ts`), and its arguments. */
  readonly command: readonly string[]
}

const checks: readonly Check[] = [
  { name: 'types', hint: 'tsc', command: ['typescript:tsc', '-p', '.'] },
  { name: 'lint', hint: 'the rules are in .oxlintrc.json, file and function sizes among them', command: ['oxlint:oxlint'] },
  { name: 'format', hint: 'run `npm run format`', command: ['oxfmt:oxfmt', '--check'] },
  { name: 'layers', hint: 'the order is in tools/check-layers.ts', command: ['tools/check-layers.ts'] },
  {
    name: 'exports',
    hint: 'remove what nobody uses, or make it part of a public index',
    command: ['knip:knip', '--no-progress', '--no-config-hints'],
  },
  { name: 'docs', hint: 'run `npm run docs`', command: ['tools/docs.ts', '--check'] },
]

/** The path of a dev dependency's program: `package:program`. */
const programPath = (name: string): string => {
  const [folder, program] = name.split(':')
  const manifest = JSON.parse(readFileSync(join(root, 'node_modules', folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>
  }
  return join(root, 'node_modules', folder, typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[program])
}

const run = (check: Check): Promise<{ passed: boolean; seconds: number; output: string }> =>
  new Promise(resolve => {
    const [first, ...rest] = check.command
    const script = first.endsWith('.ts') ? join(root, first) : programPath(first)
    const started = performance.now()
    const child = spawn(process.execPath, ['--conditions=nacre-source', script, ...rest], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const keep = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('close', code => resolve({ passed: code === 0, seconds: (performance.now() - started) / 1000, output }))
  })

const asked = process.argv.slice(2)
const unknown = asked.find(name => !checks.some(check => check.name === name))
if (unknown !== undefined) {
  console.error(`check: there is no check "${unknown}"; there are ${checks.map(check => check.name).join(', ')}`)
  process.exit(2)
}
if (!existsSync(join(root, 'node_modules'))) {
  console.error('check: run `npm ci` first')
  process.exit(2)
}
const waiting = checks.filter(check => asked.length === 0 || asked.includes(check.name))
let failed = false
const worker = async (): Promise<void> => {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const result = await run(check)
    if (result.passed) console.log(`ok      ${check.name} (${result.seconds.toFixed(1)} s)`)
    else {
      failed = true
      console.log(`${result.output.trimEnd()}\nFAILED  ${check.name} (${check.hint})`)
    }
  }
}
await Promise.all([worker(), worker()])
process.exitCode = failed ? 1 : 0
