// Owns how inputs are kept in files: one file of good inputs for a target, one file for each finding. Lines in quotes are
// texts, other lines are hex digits, so that both can be read and edited. Knows nothing of what inputs mean.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('..', import.meta.url))

const writeInput = (input: Uint8Array): string => {
  const text = Buffer.from(input).toString('utf8')
  const readable = input.length > 0 && Buffer.from(text, 'utf8').equals(input) && !/[\x00-\x08\x0e-\x1f\x7f\u{ffff}]/u.test(text)
  return readable
    ? JSON.stringify(text).replaceAll(/[\u007f-\uffff]/g, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : Buffer.from(input).toString('hex')
}
const readInput = (line: string): Uint8Array =>
  new Uint8Array(line.startsWith('"') ? Buffer.from(JSON.parse(line) as string, 'utf8') : Buffer.from(line, 'hex'))

const inputsIn = (text: string): readonly Uint8Array[] =>
  text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => readInput(line === '-' ? '' : line))

const corpusFile = (target: string): string => join(folder, 'corpus', `${target}.txt`)
const findingsFolder = (target: string): string => join(folder, 'findings', target)

/** The kept inputs of a target: together they reach all that was ever reached. */
export const keptInputs = (target: string): readonly Uint8Array[] =>
  existsSync(corpusFile(target)) ? inputsIn(readFileSync(corpusFile(target), 'utf8')) : []

export const keepInputs = (target: string, inputs: readonly Uint8Array[]): void => {
  mkdirSync(join(folder, 'corpus'), { recursive: true })
  const lines = inputs.map(input => (input.length === 0 ? '-' : writeInput(input)))
  writeFileSync(corpusFile(target), `# Kept by npm run fuzz -- --keep.\n${lines.join('\n')}\n`)
}

export interface Finding {
  readonly name: string
  /** What was wrong when it was found. */
  readonly what: string
  readonly input: Uint8Array
}

/** All that was ever found in a target; each stays as a test. */
export const findingsOf = (target: string): readonly Finding[] => {
  const from = findingsFolder(target)
  if (!existsSync(from)) return []
  return readdirSync(from)
    .filter(name => name.endsWith('.txt'))
    .sort()
    .map(name => {
      const text = readFileSync(join(from, name), 'utf8')
      const what = /^# (.*)$/m.exec(text)?.[1] ?? name
      return { name, what, input: inputsIn(text)[0] ?? new Uint8Array(0) }
    })
}

/** Writes a finding and returns its path, from the root of the checkout. */
export const keepFinding = (target: string, input: Uint8Array, what: string): string => {
  mkdirSync(findingsFolder(target), { recursive: true })
  const name = `${createHash('sha256').update(input).digest('hex').slice(0, 12)}.txt`
  const words = what.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300)
  writeFileSync(join(findingsFolder(target), name), `# ${words}\n${input.length === 0 ? '-' : writeInput(input)}\n`)
  return join('fuzz/findings', target, name)
}
