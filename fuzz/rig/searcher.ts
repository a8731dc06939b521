// Owns the watch over the thread that searches: it is given orders one at a time, ended when an input keeps it busy for too
// long or uses up its memory, and started again. Knows nothing of targets but their place in the table.
import { Worker } from 'node:worker_threads'
import { Board } from './board.ts'
import { minimised } from './minimise.ts'
import type { Found } from './search.ts'
import { type Answer, leave, type Order, type WorkerData } from './orders.ts'

type Done = Extract<Answer, { readonly is: 'done' }>
/** An input that nothing came back from. */
interface Lost {
  readonly is: 'lost'
  readonly target: number
  readonly input: Uint8Array
  readonly what: string
}

export interface SearcherOptions {
  readonly seed: number
  readonly kept: Readonly<Record<string, readonly Uint8Array[]>>
  /** How long one input may take. */
  readonly hangMilliseconds: number
  readonly found: (found: Found) => void
}

const watchMilliseconds = 100
const heapMegabytes = 1024

export class Searcher {
  readonly #options: SearcherOptions
  #board = new Board()
  #worker: Worker | undefined

  constructor(options: SearcherOptions) {
    this.#options = options
  }

  async #started(): Promise<Worker> {
    if (this.#worker !== undefined) return this.#worker
    this.#board = new Board()
    const workerData: WorkerData = { board: this.#board.shared, seed: this.#options.seed, kept: this.#options.kept }
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
    })
    this.#worker = worker
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject)
      worker.once('message', () => {
        worker.off('error', reject)
        resolve()
      })
    })
    return worker
  }

  /** Gives an order and waits for what becomes of it. */
  async order(order: Order, hangMilliseconds = this.#options.hangMilliseconds): Promise<Done | Lost> {
    const worker = await this.#started()
    return new Promise((resolve, reject) => {
      let seen = -1
      let since = performance.now()
      const watch = setInterval(() => {
        const { running } = this.#board
        if (running === undefined || running.turn !== seen) {
          seen = running?.turn ?? -1
          since = performance.now()
        } else if (performance.now() - since > hangMilliseconds) lose(`hangs: no end after ${hangMilliseconds} ms`)
      }, watchMilliseconds)
      const settle = (): void => {
        clearInterval(watch)
        worker.off('message', heard).off('error', broke).off('exit', left)
      }
      const lose = (what: string): void => {
        const { running } = this.#board
        settle()
        this.#worker = undefined
        worker.on('error', () => {})
        void worker.terminate()
        if (running === undefined) reject(new Error(`the search broke off: ${what}`))
        else resolve({ is: 'lost', target: running.target, input: running.input, what })
      }
      const heard = (answer: Answer): void => {
        if (answer.is === 'found') this.#options.found(answer.found)
        if (answer.is === 'broken') {
          settle()
          reject(new Error(`the search is at fault: ${answer.why}`))
        }
        if (answer.is !== 'done') return
        settle()
        resolve(answer)
      }
      const broke = (error: Error & { readonly code?: string }): void =>
        lose(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'uses up the memory' : `ends the thread: ${error.stack ?? error.message}`)
      const left = (code: number): void => lose(`ends the thread with code ${code}`)
      worker.on('message', heard).on('error', broke).on('exit', left)
      worker.postMessage(order)
    })
  }

  /** The input again, alone, to see that it was at fault; then smaller, as far as a few attempts go. */
  async confirmed(lost: Lost): Promise<Uint8Array | undefined> {
    const again = async (input: Uint8Array, milliseconds: number): Promise<boolean> =>
      (await this.order({ do: 'run', target: lost.target, input }, milliseconds)).is === 'lost'
    if (!(await again(lost.input, this.#options.hangMilliseconds))) return undefined
    return minimised(lost.input, smaller => again(smaller, 1500), 60)
  }

  /** Lets the thread end by itself; one that counts is not always to be ended from outside. */
  close(): void {
    this.#worker?.postMessage(leave)
    this.#worker = undefined
  }
}
