// Owns the thread that searches: it counts, runs targets when told to, and says what it found. Whoever started it watches that
// it does not hang. Knows nothing of time limits or files.
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../../packages/nacre/src/testing/random.ts'
import { Board } from './board.ts'
import { Counting } from './coverage.ts'
import type { Found, Progress } from './search.ts'
import type { Target } from './target.ts'

/** What the thread is started with. */
export interface WorkerData {
  readonly board: SharedArrayBuffer
  readonly seed: number
  /** Kept inputs by target. */
  readonly kept: Readonly<Record<string, readonly Uint8Array[]>>
}

export type Order =
  | { readonly do: 'turn'; readonly target: number; readonly milliseconds: number }
  /** Runs one input once. */
  | { readonly do: 'run'; readonly target: number; readonly input: Uint8Array }
  | { readonly do: 'distil'; readonly target: number; readonly maximumBytes: number }

export type Answer =
  | { readonly is: 'ready' }
  | { readonly is: 'found'; readonly found: Found }
  | { readonly is: 'done'; readonly progress?: Progress; readonly kept?: readonly Uint8Array[]; readonly failed?: boolean }

const serve = async (): Promise<void> => {
  const port = parentPort
  if (port === null) throw new Error('this file is run in a thread')
  const data = workerData as WorkerData
  // Counting begins before the library is loaded: V8 then prepares its code for it.
  const counting = new Counting()
  const [{ targets }, { Search }] = await Promise.all([import('../targets.ts'), import('./search.ts')])
  counting.take()
  let rejections = 0
  process.on('unhandledRejection', () => rejections++)
  const say = (answer: Answer): void => port.postMessage(answer)
  const board = new Board(data.board)
  const searches = new Map<number, InstanceType<typeof Search>>()
  const searchOf = (index: number): InstanceType<typeof Search> => {
    const known = searches.get(index)
    if (known !== undefined) return known
    const target: Target = targets[index]
    const made = new Search(target, index, data.kept[target.name] ?? [], {
      random: seededRandom(data.seed * 1000 + index),
      counting,
      board,
      rejections: () => rejections,
      found: found => say({ is: 'found', found }),
    })
    searches.set(index, made)
    return made
  }
  const obey = async (order: Order): Promise<Answer> => {
    const search = searchOf(order.target)
    if (order.do === 'turn') {
      await search.turn(order.milliseconds)
      return { is: 'done', progress: search.progress }
    }
    if (order.do === 'distil') return { is: 'done', kept: await search.distilled(order.maximumBytes) }
    board.begin(order.target, order.input)
    try {
      await search.target.run(order.input, () => {})
      return { is: 'done', failed: false }
    } catch {
      return { is: 'done', failed: true }
    } finally {
      board.end()
    }
  }
  port.on('message', (order: Order) => void obey(order).then(say))
  say({ is: 'ready' })
}

void serve()
