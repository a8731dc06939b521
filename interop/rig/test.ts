// Owns the wrapper around a test that shows the logs of every program it started when it fails. Knows nothing of SSH.
import { test as nodeTest, type TestContext } from 'node:test'
import { startedHere, type Running } from './process.ts'

export interface Options {
  /** Seconds; 60 by default. */
  readonly seconds?: number
  /** Why it cannot run here. */
  readonly skip?: string | false
}

const tail = (running: Running): string => {
  const lines = running.log().trimEnd().split('\n')
  const shown = lines.slice(-40)
  return [
    `── ${running.name} ──`,
    ...(lines.length > shown.length ? [`(${lines.length - shown.length} lines before)`] : []),
    ...shown,
  ].join('\n')
}

/** Like `test` of node:test. A failure shows what the peers had to say. */
export const test = (name: string, options: Options, body: (context: TestContext) => Promise<void>): void => {
  void nodeTest(name, { timeout: (options.seconds ?? 60) * 1000, skip: options.skip ?? false }, async context => {
    const started: Running[] = []
    try {
      await startedHere.run(started, () => body(context))
    } catch (error) {
      for (const running of started) context.diagnostic(tail(running))
      throw error
    }
  })
}
