// Owns running the core tests in one runtime and counting what came of them. Knows the runtimes by their command lines and by
// how their test runners sum up.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runPage } from '../chromium.ts'
import { bundleTests } from './bundle.ts'
import type { Result } from './node-test.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = 'packages/nacre/test'
/** Seconds all tests of a runtime may take, on a machine that has other things to do. */
const patience = 900

export interface Counts {
  readonly passed: number
  readonly skipped: number
  readonly failed: number
  /** What to read when something failed. */
  readonly log: string
  /** Whole files that were left out, and why. */
  readonly leftOut: Readonly<Record<string, string>>
}

/** Those that walk or draw many cases and so take longest. */
const long = /^(exploration\/|simulation\/|sftp\/(model\/|files\/race-|transfer\/(faults|misbehaving\/)))/

/** The files of the core tests. `quick` leaves out the long ones. */
export const coreTests = (quick: boolean): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(name => name.replaceAll('\\', '/'))
    .filter(name => name.endsWith('.test.ts') && !name.startsWith('types/'))
    .filter(name => !quick || !long.test(name))
    .sort()

const outputOf = (command: readonly string[], seconds: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    let output = ''
    const keep = (chunk: Buffer): void => void (output += chunk.toString())
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000)
    child.once('error', reject)
    child.once('close', () => {
      clearTimeout(timer)
      resolve(output)
    })
  })

/** The number that stands with `pattern`, last in the output; `undefined` when the runner did not get so far. */
const counted = (output: string, pattern: RegExp): number | undefined => {
  const found = [...output.matchAll(pattern)].at(-1)
  return found === undefined ? undefined : Number(found[1])
}

/** What the runners say of tests that pass. */
const passing = /^\s*(ok |\(pass\)|# Subtest|---|\.\.\.|duration_ms|type:|1\.\.|running \d)| \.\.\.( ok \(\d+\S*\))?$/

type Runner = 'node' | 'bun' | 'deno'

const argumentsFor: Record<Runner, readonly string[]> = {
  // In one process, as the others do it: a process for each file costs three times the tests.
  node: [
    '--conditions=nacre-source',
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-isolation=none',
    '--test-timeout=120000',
    '--test-reporter=tap',
  ],
  bun: ['--conditions=nacre-source', 'test', '--timeout=120000'],
  deno: ['test', '-A', '--no-check', '--conditions=nacre-source'],
}

const sums: Record<Runner, { readonly passed: RegExp; readonly failed: RegExp; readonly skipped: RegExp }> = {
  node: { passed: /^# pass (\d+)/gm, failed: /^# fail (\d+)/gm, skipped: /^# skipped (\d+)/gm },
  bun: { passed: /^ *(\d+) pass$/gm, failed: /^ *(\d+) fail$/gm, skipped: /^ *(\d+) skip$/gm },
  // Deno counts what stands in suites as steps.
  deno: { passed: /\| \d+ passed \((\d+) steps\)/g, failed: /\| (\d+) failed/g, skipped: /ignored \((\d+) steps?\)/g },
}

/** The tests as they are, by the runtime's own runner. */
export const runCore = async (runner: Runner, program: string, quick: boolean): Promise<Counts> => {
  const files = coreTests(quick).map(name => `./${folder}/${name}`)
  const log = await outputOf([program, ...argumentsFor[runner], ...files], patience)
  const { passed, failed, skipped } = sums[runner]
  const passes = counted(log, passed)
  return {
    passed: passes ?? 0,
    // Without a sum the runner was killed, or died.
    failed: (counted(log, failed) ?? 0) + (passes === undefined ? 1 : 0),
    skipped: counted(log, skipped) ?? 0,
    log: log
      .split('\n')
      .filter(line => !passing.test(line))
      .join('\n')
      .slice(-20_000),
    leftOut: {},
  }
}

/** The tests in a page. */
export const runCoreInChromium = async (quick: boolean): Promise<Counts> => {
  const { text, leftOut } = await bundleTests(coreTests(quick))
  const counts = { passed: 0, skipped: 0, failed: 0 }
  let log = ''
  const heard = (value: unknown): void => {
    for (const { name, is, detail } of value as readonly Result[]) {
      counts[is]++
      if (is === 'failed') log += `${name}\n  ${detail}\n`
    }
  }
  const end = await runPage({ script: text, heard, milliseconds: patience * 1000 })
  const died = typeof end !== 'string'
  return {
    ...counts,
    failed: counts.failed + (died ? 1 : 0),
    log: died ? `${log}the page ended with ${JSON.stringify(end)}` : log,
    leftOut,
  }
}
