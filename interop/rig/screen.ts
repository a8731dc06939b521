// Owns what a test sees of a program on a terminal: its output so far, and waiting for a text in it. Knows nothing of SSH.
import { fileURLToPath } from 'node:url'
import { withinSeconds } from './process.ts'

/** Runs what follows on a terminal of 100 × 30 that becomes 120 × 40 at SIGUSR1. */
export const terminal = ['/usr/bin/python3', fileURLToPath(new URL('../peers/terminal.py', import.meta.url)), '100', '30', '120', '40']

/** Collects output and lets a test wait for a text in it. */
export class Screen {
  #text = ''
  #waiting: (() => void)[] = []
  add(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString()
    for (const wake of this.#waiting.splice(0)) wake()
  }
  get text(): string {
    return this.#text
  }
  async shows(pattern: RegExp): Promise<void> {
    await withinSeconds(
      30,
      (async () => {
        while (!pattern.test(this.#text)) await new Promise<void>(resolve => this.#waiting.push(resolve))
      })(),
      () => `${pattern} was not shown, but this: ${JSON.stringify(this.#text)}`,
    )
  }
}
