// Owns `npm run mutants`: plants each fault of mutants/ in a copy of the packages, runs the tests that must notice, and
// demands that they fail by an assertion while the rest of their file still passes. `npm run mutants word` runs those whose
// name has the word. Knows nothing of what the faults mean.
import {
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mutants } from '../mutants/table.ts'
import type { Mutant } from '../mutants/mutant.ts'

const root = realpathSync(fileURLToPath(new URL('..', import.meta.url)))
// Now and then a test waits for what the fault keeps from coming: one more than there are processors.
const atOnce = availableParallelism() + 1
const timeout = 20_000

/** What became of a test: passed, failed because it noticed something, or failed because it could not run. */
type Outcome = 'passed' | 'noticed' | 'broken'

const packages = readdirSync(join(root, 'packages'))

/** A copy of the sources and tests in which faults can be planted. Packages of the workspace find each other in the copy. */
const makeCopy = (): string => {
  const copy = mkdtempSync(join(tmpdir(), 'nacre-mutants-'))
  for (const name of packages) {
    const from = join(root, 'packages', name)
    cpSync(from, join(copy, 'packages', name), {
      recursive: true,
      filter: path => !/^(node_modules|dist|build)(\/|$)/.test(relative(from, path)),
    })
  }
  linkModules(join(root, 'node_modules'), join(copy, 'node_modules'), copy)
  return copy
}

const linkModules = (from: string, to: string, copy: string): void => {
  mkdirSync(to)
  for (const name of readdirSync(from)) {
    const path = join(from, name)
    // A scope that is itself a link may lead round in a ring.
    if (name.startsWith('@') && !lstatSync(path).isSymbolicLink()) linkModules(path, join(to, name), copy)
    else {
      const own = lstatSync(path).isSymbolicLink() ? relative(root, realpathSync(path)) : ''
      symlinkSync(own.startsWith('packages/') ? join(copy, own) : path, join(to, name))
    }
  }
}

/** Runs one test file of a copy. */
const runTests = async (copy: string, test: string): Promise<ReadonlyMap<string, Outcome>> => {
  const outcomes = new Map<string, Outcome>()
  const stream = run({
    files: [join(copy, 'packages/nacre/test', test)],
    cwd: copy,
    execArgv: ['--conditions=nacre-source'],
    timeout,
  })
  for await (const { type, data } of stream) {
    if (type !== 'test:pass' && type !== 'test:fail') continue
    // A suite fails because a test in it does, and a file because a suite does.
    if (data.details.type === 'suite') continue
    const cause: unknown = type === 'test:fail' ? data.details.error.cause : undefined
    const assertion = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ERR_ASSERTION'
    outcomes.set(data.name, type === 'test:pass' ? 'passed' : assertion ? 'noticed' : 'broken')
  }
  return outcomes
}

/** Why this is no proof that the fault is noticed; `undefined` when it is. */
const judge = ({ fails, test }: Mutant, outcomes: ReadonlyMap<string, Outcome>): string | undefined => {
  for (const name of fails) {
    const outcome = outcomes.get(name)
    if (outcome === undefined) return `the test "${name}" did not run: does ${test} still load?`
    if (outcome === 'passed') return `the test "${name}" passes in spite of it`
    if (outcome === 'broken') return `the test "${name}" fails, but by no assertion`
  }
  const others = [...outcomes].filter(([name]) => !fails.includes(name))
  if (others.length > 0 && !others.some(([, outcome]) => outcome === 'passed')) return `no other test of ${test} passes: too much is broken`
  return undefined
}

/** Runs `work` on each item, each worker with a copy of its own. */
const eachInCopies = async <T>(
  items: readonly T[],
  copies: readonly string[],
  work: (item: T, copy: string) => Promise<void>,
): Promise<void> => {
  const left = [...items]
  const worker = async (copy: string): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item, copy)
  }
  await Promise.all(copies.map(worker))
}

const problems: string[] = []
const word = process.argv[2] ?? ''
const chosen = mutants.filter(({ name }) => name.includes(word))
if (chosen.length === 0) problems.push(`no mutant has "${word}" in its name`)

const runnable = chosen.filter(({ name, file, from }) => {
  const count = readFileSync(join(root, 'packages/nacre/src', file), 'utf8').split(from).length - 1
  if (count !== 1)
    problems.push(`${name}: its text stands ${count} times in ${file}, and must once. The source has changed: adapt the row.\n${from}`)
  return count === 1
})

if (runnable.length > 0) {
  const copies = Array.from({ length: atOnce }, makeCopy)
  // Nearly all sources are the same from run to run: they are compiled once.
  process.env.NODE_COMPILE_CACHE = join(copies[0], 'compiled')
  try {
    const files = [...new Set(runnable.map(each => each.test))]
    const healthy = new Map<string, ReadonlyMap<string, Outcome>>()
    await eachInCopies(files, copies, async (test, copy) => void healthy.set(test, await runTests(copy, test)))
    await eachInCopies(runnable, copies, async (mutant, copy) => {
      const without = mutant.fails.filter(name => healthy.get(mutant.test)?.get(name) !== 'passed')
      const problemBefore = without.length > 0 ? `without the fault these do not pass either: ${without.join(' · ')}` : undefined
      const path = join(copy, 'packages/nacre/src', mutant.file)
      const source = readFileSync(path, 'utf8')
      writeFileSync(
        path,
        source.replace(mutant.from, () => mutant.to),
      )
      const began = performance.now()
      const outcomes = await runTests(copy, mutant.test)
      writeFileSync(path, source)
      const problem = problemBefore ?? judge(mutant, outcomes)
      if (problem === undefined) console.log(`noticed   ${mutant.name} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
      else {
        const noticing = [...outcomes].filter(([, outcome]) => outcome === 'noticed').map(([name]) => name)
        problems.push(`${mutant.name}: ${problem}. By assertion fail: ${noticing.join(' · ') || 'none'}`)
      }
    })
  } finally {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true })
  }
}

for (const problem of problems) console.error(`MISSED    ${problem}`)
console.log(`${chosen.length - problems.length} of ${chosen.length} faults are noticed (${(performance.now() / 1000).toFixed(0)} s)`)
process.exitCode = problems.length === 0 ? 0 : 1
