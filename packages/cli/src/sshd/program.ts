// Owns running a small program of the system to its end and taking what it prints. Knows nothing of which one.
import { spawnClean } from '../spawn.ts'

export interface ProgramOptions {
  /** What it reads; nothing if left out. */
  readonly input?: string
  /** Its whole environment; ours if left out. */
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly timeout: number
}

/** What it printed, or `undefined` when it could not be started, did not end with 0, or took too long. */
export const runProgram = (file: string, args: readonly string[], options: ProgramOptions): Promise<string | undefined> =>
  new Promise(resolve => {
    const child = spawnClean(file, args, {
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'ignore'],
      timeout: options.timeout,
      ...(options.env === undefined ? {} : { env: options.env }),
    })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input)
    child.once('error', () => resolve(undefined))
    child.once('close', code => resolve(code === 0 ? Buffer.concat(chunks).toString('utf8') : undefined))
  })
