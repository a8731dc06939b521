// Owns running a page in headless Chromium: the server it comes from, what it reports, and a bridge from WebSockets to TCP.
// Knows nothing of what the page does.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type WebSocket, WebSocketServer } from 'ws'

const places = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** The browser's program, if there is one: CHROMIUM in the environment, or where systems keep it. */
export const chromiumPath = (): string | undefined => places.find(path => path !== undefined && existsSync(path))

const html = `<!doctype html><meta charset="utf-8"><title>nacre</title>
<script>
  addEventListener('error', event => fetch('/end', { method: 'POST', body: JSON.stringify({ error: String(event.message) }) }))
</script>
<script type="module" src="/page.js"></script>`

/** Bytes of binary messages to a port of this machine, and back. */
const bridge = (socket: WebSocket, port: number): void => {
  const tcp = connect(port, '127.0.0.1')
  tcp.setNoDelay(true)
  tcp.on('data', (bytes: Buffer) => {
    tcp.pause()
    socket.send(bytes, () => tcp.resume())
  })
  tcp.on('close', () => socket.close(1000))
  tcp.on('error', () => socket.close(1011))
  socket.on('message', (data: Buffer) => {
    if (!tcp.write(data)) {
      socket.pause()
      tcp.once('drain', () => socket.resume())
    }
  })
  socket.on('close', () => tcp.end())
  socket.on('error', () => tcp.destroy())
}

export interface PageOptions {
  /** The page's module. */
  readonly script: string
  /** Ports that the page may reach, by the path of their WebSocket. */
  readonly bridges?: Readonly<Record<string, number>>
  /** What the page fetches as `/given.json`. */
  readonly given?: unknown
  /** Called with each value that the page posts to `/results`. */
  readonly heard?: (value: unknown) => void
  readonly milliseconds?: number
}

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  options: PageOptions,
  end: (value: unknown) => void,
): Promise<void> => {
  const send = (type: string, body: string): void => void response.writeHead(200, { 'content-type': type }).end(body)
  switch (request.url) {
    case '/':
      return send('text/html', html)
    case '/page.js':
      return send('text/javascript', options.script)
    case '/given.json':
      return send('application/json', JSON.stringify(options.given ?? {}))
    case '/results':
      options.heard?.(JSON.parse(await text(request)))
      return send('text/plain', '')
    case '/end':
      end(JSON.parse(await text(request)))
      return send('text/plain', '')
    default:
      response.writeHead(404).end()
  }
}

/** Runs a page until it posts to `/end`, and gives what it posted. */
export const runPage = async (options: PageOptions): Promise<unknown> => {
  const program = chromiumPath()
  if (program === undefined) throw new Error('there is no Chromium here: install it, or say in CHROMIUM where it is')
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const server = createServer((request, response) => void answer(request, response, options, resolve).catch(reject))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    const port = options.bridges?.[request.url ?? '']
    if (port === undefined) socket.close(1008)
    else bridge(socket, port)
  })
  server.listen(0, '127.0.0.1')
  await new Promise(listening => server.once('listening', listening))
  const profile = mkdtempSync(join(tmpdir(), 'nacre-chromium-'))
  const flags = [
    '--headless=new',
    // Pages of our own only; the sandbox does not start as root.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--disable-background-timer-throttling',
    '--no-first-run',
    `--user-data-dir=${profile}`,
    `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  ]
  const browser = spawn(program, flags, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const kill = (): void => {
    // The whole group: the browser has processes of its own.
    if (browser.pid !== undefined && browser.exitCode === null && browser.signalCode === null) process.kill(-browser.pid, 'SIGKILL')
  }
  process.once('exit', kill)
  let said = ''
  browser.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const exited = new Promise<void>(gone => browser.once('exit', () => gone()))
  void exited.then(() => reject(new Error(`Chromium ended by itself:\n${said}`)))
  browser.once('error', reject)
  const timer = setTimeout(
    () => reject(new Error(`the page did not end in time; Chromium said:\n${said}`)),
    options.milliseconds ?? 120_000,
  )
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    kill()
    process.removeListener('exit', kill)
    await exited
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
