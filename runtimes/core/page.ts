// Owns the page that runs the tests: it sends each result to the server it came from. The list of files is put into the
// bundle by whoever makes it.
import { files } from 'files-of-the-tests'
import { type Result, runFiles } from './node-test.ts'

const post = async (path: string, value: unknown): Promise<void> => {
  await fetch(path, { method: 'POST', body: JSON.stringify(value) })
}

// Sent together: a request per test would take longer than the tests.
let pending: Result[] = []
let sending: Promise<void> = Promise.resolve()
const heard = (result: Result): void => {
  pending.push(result)
  if (pending.length < 50) return
  const batch = pending
  pending = []
  sending = sending.then(() => post('/results', batch))
}

const { addEventListener } = globalThis as unknown as {
  addEventListener: (type: 'unhandledrejection', listener: (event: { readonly reason: unknown }) => void) => void
}
addEventListener('unhandledrejection', event =>
  heard({ name: 'unhandled rejection', is: 'failed', detail: String(event.reason), milliseconds: 0 }),
)

await runFiles(files, heard)
await sending
await post('/results', pending)
await post('/end', navigator.userAgent)
