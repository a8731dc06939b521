// Owns the thread that searches: it counts, runs targets when told to, and says what it found. Whoever started it watches that
// it does not hang. Knows nothing of time limits or files.
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../../packages/nacre/src/testing/random.ts'
import { Board } from './board.ts'
import { Counting } from './coverage.ts'
import { type Answer, leave, type Order, type WorkerData } from './orders.ts'
import type { Target } from './target.ts'

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
  port.on('message', (order: Order | typeof leave) => {
    if (order === leave) {
      counting.stop()
      port.close()
      return
    }
    obey(order).then(say, (error: unknown) => say({ is: 'broken', why: error instanceof Error ? String(error.stack) : String(error) }))
  })
  say({ is: 'ready' })
}

void serve()
