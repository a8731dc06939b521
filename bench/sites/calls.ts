// Owns the far end of the wire between the bench and its sites: calls come as lines of JSON on standard input, answers go as
// lines to standard output. Every site can also say what it has spent, settle its memory and profile itself. Knows no SSH.
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { createInterface } from 'node:readline'
import { writeHeapSnapshot } from 'node:v8'

/** What a call gets and gives must survive JSON. */
export type Handlers = Readonly<Record<string, (args: never) => unknown>>

interface Call {
  readonly id: number
  readonly call: string
  readonly args: unknown
}

/** CPU seconds of this process, all its threads included, user and system. */
const cpu = (): number => {
  const usage = process.resourceUsage()
  return (usage.userCPUTime + usage.systemCPUTime) / 1e6
}

type Collect = (options: { readonly type: 'major'; readonly execution: 'sync'; readonly flavor: 'last-resort' }) => void

/** Collects garbage and gives free pages back, as Node does by itself in a process that has been idle for a while. */
const settle = async (): Promise<void> => {
  const collect = (globalThis as { gc?: Collect }).gc
  // Code that has not run for some collections is dropped too; once would leave it to be missed later.
  for (let i = 0; i < 8; i++) {
    collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

let profiling: Session | undefined

const common: Handlers = {
  cpu,
  settle,
  async startProfile() {
    profiling = new Session()
    profiling.connect()
    await profiling.post('Profiler.enable')
    await profiling.post('Profiler.setSamplingInterval', { interval: 200 })
    await profiling.post('Profiler.start')
  },
  async stopProfile({ file }: { readonly file: string }) {
    const result = await profiling?.post('Profiler.stop')
    profiling?.disconnect()
    profiling = undefined
    writeFileSync(file, JSON.stringify(result?.profile))
  },
  /** From here on remembers who allocates, what is collected again included. */
  async startAllocationProfile() {
    profiling = new Session()
    profiling.connect()
    await profiling.post('HeapProfiler.startSampling', {
      samplingInterval: 2048,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    })
  },
  async stopAllocationProfile({ file }: { readonly file: string }) {
    const result = await profiling?.post('HeapProfiler.stopSampling')
    profiling?.disconnect()
    profiling = undefined
    writeFileSync(file, JSON.stringify(result?.profile))
  },
  /** Writes a snapshot of the heap and says what memory consists of, in bytes. */
  async snapshot({ file }: { readonly file: string }): Promise<NodeJS.MemoryUsage> {
    await settle()
    const memory = process.memoryUsage()
    writeHeapSnapshot(file)
    return memory
  },
}

/** Serves calls until standard input ends. */
export const serveCalls = (own: Handlers): void => {
  const handlers: Handlers = { ...common, ...own }
  const answerBench = async ({ id, call, args }: Call): Promise<void> => {
    let line: unknown
    try {
      line = { id, result: await (handlers[call] as (args: unknown) => unknown)(args) }
    } catch (error) {
      line = {
        id,
        error:
          error instanceof Error ? `${error.stack}${error.cause === undefined ? '' : `\ncaused by ${String(error.cause)}`}` : String(error),
      }
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  }
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => void answerBench(JSON.parse(line) as Call))
  lines.on('close', () => process.exit(0))
}
