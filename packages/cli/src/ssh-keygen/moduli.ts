// Owns `ssh-keygen -M`: making candidates for Diffie-Hellman groups, and testing them, in files. Knows nothing of arithmetic.
import { randomBytes } from 'node:crypto'
import { closeSync, createReadStream, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Environment } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { type KeygenCall, readNumber } from './call.ts'
import { temporaryName } from './key-files.ts'
import { formatGroupLine, groupTests, groupTypes, parseGroupLine } from './moduli-line.ts'
import { screen } from './moduli-screen.ts'
import { sieve } from './moduli-sieve.ts'
import type { Operation } from './operation.ts'

const usualBits = 3072
const leastBits = 512
const mostBits = 65_536
/** 127 MiB of bits, and all factors of 32 bits, as ssh-keygen has it: some minutes of work. */
const numbers = 127 * 2 ** 23
const factorsBelow = 2 ** 32
const usualRounds = 100
const leastRounds = 4

const number = (text: string, words = 'Invalid number'): number =>
  readNumber(text, 1, 2 ** 31 - 1, why => new FatalError(`${words}: ${text} (${why})`))

/** `name=value` options, each by its reader. Throws `FatalError` for others. */
const readOptions = (call: KeygenCall, what: string, readers: Readonly<Record<string, (value: string) => void>>): void => {
  for (const option of call.options) {
    const at = option.indexOf('=')
    const name = option.slice(0, Math.max(at, 0))
    if (!Object.hasOwn(readers, name)) throw new FatalError(`Option "${option}" is unsupported for moduli ${what}`)
    readers[name](option.slice(at + 1))
  }
}

const outputFile = (call: KeygenCall): string => {
  const [file, ...more] = call.operands
  if (file === undefined) throw new FatalError('No output file specified')
  if (more.length > 0) throw new FatalError('Too many output files specified')
  return file
}

/** Writes lines to a file or, for `-`, to standard output; whole lines, so that what is found stays found. */
const lineWriter = (
  file: string,
  flags: 'w' | 'a',
  what: string,
  environment: Environment,
): { write(text: string): void; close(): void } => {
  if (file === '-') return { write: text => void environment.stdout.write(text), close: () => {} }
  try {
    const handle = openSync(file, flags)
    return { write: text => void writeSync(handle, text), close: () => closeSync(handle) }
  } catch (error) {
    throw new FatalError(`Couldn't open ${what} file "${file}": ${systemText(error)}`)
  }
}

const two = (value: number): string => String(value).padStart(2, '0')

/** `Sat Nov 21 18:35:08 2026`, the time here. */
const shownTime = (time: Date): string => {
  const [day, month, date] = time.toDateString().split(' ')
  return `${day} ${month} ${date.replace(/^0/, ' ')} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())} ${time.getFullYear()}`
}

/** An odd number with exactly so many bits, the two highest set. */
const randomStart = (bits: number): bigint => {
  const random = BigInt(`0x${randomBytes(Math.ceil(bits / 8)).toString('hex')}`)
  return (random & ((1n << BigInt(bits)) - 1n)) | (3n << BigInt(bits - 2)) | 1n
}

export const generateModuli: Operation = {
  name: 'make candidates for groups',
  wanted: call => call.line.last('M') === 'generate',
  async run(call, environment) {
    const file = outputFile(call)
    let bits = usualBits
    let start: bigint | undefined
    readOptions(call, 'generation', {
      bits: value => (bits = number(value)),
      start: value => {
        if (!/^[0-9a-f]+$/i.test(value)) throw new FatalError('Invalid start point.')
        start = BigInt(`0x${value}`) | 1n
      },
    })
    const output = lineWriter(file, 'w', 'modulus candidate', environment)
    try {
      if (bits > mostBits || bits < leastBits) {
        logLine(environment, bits > mostBits ? `Too many bits: ${bits} > ${mostBits}` : `Too few bits: ${bits} < ${leastBits}`)
        throw new FatalError('modulus candidate generation failed')
      }
      // What is looked for is q; the group is 2q + 1.
      await generate(bits - 1, start ?? randomStart(bits - 1), output.write, environment)
      return 0
    } finally {
      output.close()
    }
  },
}

const generate = async (bits: number, start: bigint, write: (text: string) => void, environment: Environment): Promise<void> => {
  const begun = new Date()
  logLine(environment, `${shownTime(begun)} Sieve next ${2 * numbers} plus ${bits}-bit`)
  const found = await sieve({ start, numbers, factorsBelow }, () => new Promise(resolve => setImmediate(resolve)))
  const sieved = new Date()
  const seconds = Math.round((sieved.getTime() - begun.getTime()) / 1000)
  logLine(environment, `${shownTime(sieved)} Sieved with ${found.tried} small primes in ${seconds} seconds`)
  let count = 0
  for (const modulus of found.candidates()) {
    const group = { type: groupTypes.sophieGermain, tests: groupTests.sieve, tries: found.tried, size: bits - 1, generator: 0, modulus }
    write(formatGroupLine(group, new Date()))
    count++
  }
  logLine(environment, `${shownTime(new Date())} Found ${count} candidates`)
}

interface ScreenCall {
  readonly rounds: number
  readonly generator: number | undefined
  /** Lines that are left out at the beginning. */
  readonly skip: number
  /** Lines that are looked at; all when `undefined`. */
  readonly lines: number | undefined
  readonly checkpoint: string | undefined
}

const readScreenCall = (call: KeygenCall): ScreenCall => {
  let [rounds, skip, lines] = [usualRounds, 0, 0]
  let generator: number | undefined
  let checkpoint: string | undefined
  readOptions(call, 'screening', {
    lines: value => (lines = Number.parseInt(value, 10) || 0),
    'start-line': value => (skip = Number.parseInt(value, 10) || 0),
    checkpoint: value => (checkpoint = value),
    generator: value => (generator = number(value, 'Generator invalid')),
    'prime-tests': value => (rounds = number(value)),
  })
  return { rounds, generator, skip, lines: lines === 0 ? undefined : lines, checkpoint }
}

/** Where an earlier run stopped. */
const readCheckpoint = (path: string, environment: Environment): number => {
  if (!existsSync(path)) return 0
  const line = Number.parseInt(readFileSync(path, 'utf8'), 10)
  logLine(environment, Number.isNaN(line) ? `Failed to load checkpoint from '${path}'` : `Loaded checkpoint from '${path}' line ${line}`)
  return Number.isNaN(line) ? 0 : line
}

/** Whole or not at all: a run that is cut off can go on. */
const writeCheckpoint = (path: string, line: number): void => {
  const temporary = temporaryName(path)
  writeFileSync(temporary, `${line}\n`, { mode: 0o600 })
  renameSync(temporary, path)
}

const inputOf = (call: KeygenCall, environment: Environment): NodeJS.ReadableStream => {
  if (call.file === undefined || call.file === '-') return environment.stdin
  if (existsSync(call.file)) return createReadStream(call.file)
  throw new FatalError(`Couldn't open modulus candidate file "${call.file}": No such file or directory`)
}

export const screenModuli: Operation = {
  name: 'test candidates for groups',
  wanted: call => call.line.last('M') === 'screen',
  async run(call, environment) {
    const file = outputFile(call)
    const how = readScreenCall(call)
    const input = inputOf(call, environment)
    const output = lineWriter(file, 'a', 'moduli', environment)
    try {
      if (how.rounds < leastRounds) {
        logLine(environment, `Minimum primality trials is ${leastRounds}`)
        throw new FatalError('modulus screening failed')
      }
      await screenAll(input, how, output.write, call, environment)
      return 0
    } finally {
      output.close()
    }
  },
}

const screenAll = async (
  input: NodeJS.ReadableStream,
  how: ScreenCall,
  write: (text: string) => void,
  call: KeygenCall,
  environment: Environment,
): Promise<void> => {
  const begun = Date.now()
  const skip = Math.max(how.skip, how.checkpoint === undefined ? 0 : readCheckpoint(how.checkpoint, environment))
  const end = how.lines === undefined ? Infinity : how.skip + how.lines
  let [at, safe, possible] = [0, 0, 0]
  for await (const text of createInterface({ input, crlfDelay: Infinity })) {
    if (at >= end) break
    if (++at <= skip) continue
    if (how.checkpoint !== undefined) writeCheckpoint(how.checkpoint, at)
    const line = parseGroupLine(text)
    if (line === undefined) continue
    const result = await screen(line, how)
    if (result.is === 'safe' || result.counts) possible++
    if (result.is === 'safe') {
      write(formatGroupLine(result.group, new Date()))
      safe++
    } else if (call.verbose > 0) logLine(environment, `debug1: ${String(at).padStart(10)}: ${result.why}`)
  }
  if (how.checkpoint !== undefined) rmSync(how.checkpoint, { force: true })
  const seconds = Math.round((Date.now() - begun) / 1000)
  logLine(environment, `${shownTime(new Date())} Found ${safe} safe primes of ${possible} candidates in ${seconds} seconds`)
}
