// Owns requests by name: finds the row, puts the request behind what it must not overtake, and sends what the row answers.
// Knows no extension.
import { SftpError } from '../../errors.ts'
import { whenThere } from '../../io/soon.ts'
import { Reader } from '../../wire/reader.ts'
import type { ExtensionRow, Serving } from '../extensions/row.ts'
import { isOf } from '../extensions/row.ts'
import type { MaybePromise } from '../files.ts'
import type { FileLane } from './lane.ts'
import { type ReceivedRequest, shortName } from './options.ts'
import type { Reply } from './reply.ts'

export interface ExtendedHost extends Serving {
  readonly reply: Reply
  fileOf(handle: Uint8Array): FileLane
  allow(id: number, name: string, changes: boolean, told: Omit<ReceivedRequest, 'id' | 'name'>): void
  perform(id: number, work: () => MaybePromise<void>): Promise<void> | undefined
  inOrder(paths: readonly string[], changes: boolean, start: () => Promise<void> | undefined): void
  changed(): void
}

const send = (reply: Reply, id: number, row: ExtensionRow, answer: unknown): void => {
  if (row.answer.as === 'status') reply.ok(id)
  else if (row.answer.as === 'name') reply.path(id, String(answer))
  else reply.fields(id, row.answer.fields, answer)
}

/**
 * Does `act` while nothing else is done with any of `lanes`. It takes its place in all of them at once, so that of two such
 * requests one comes first everywhere and none waits in a circle.
 */
const withAll = (lanes: readonly FileLane[], act: () => Promise<void> | undefined): void => {
  if (lanes.length === 1) {
    lanes[0].alone(act)
    return
  }
  let missing = lanes.length
  let free = (): void => {}
  const finished = new Promise<void>(resolve => {
    free = resolve
  })
  const arrive = (): Promise<void> => {
    if (--missing === 0) {
      const doing = act()
      if (doing === undefined) free()
      else void doing.then(free)
    }
    return finished
  }
  for (const lane of lanes) lane.alone(arrive)
}

const pathsOf = (host: ExtendedHost, row: ExtensionRow, request: unknown): readonly string[] => {
  const paths = row.paths?.(request)
  if (paths === undefined) return row.changes ? ['/'] : []
  // A path that cannot be made absolute, as one with `~`, is refused or read by the row.
  return paths.map(path => host.absolute(path === '' ? '.' : path))
}

/** `bytes` are the packet after its id, and its own. */
export const extendedRequest = (host: ExtendedHost, id: number, bytes: Uint8Array): void => {
  const reader = new Reader(bytes)
  const name = reader.text()
  const row = host.extensions.find(each => each.name === name)
  if (row?.request === undefined || !isOf(row, host.version))
    throw new SftpError('op-unsupported', `The extension is not supported in version ${host.version}`)
  const request = row.request.read(reader)
  const lanes = [...new Set(row.handles?.(request).map(handle => host.fileOf(handle)))]
  const [path, target] = row.paths?.(request) ?? []
  host.allow(id, shortName(name), row.changes, {
    ...(path === undefined ? {} : { path }),
    ...(target === undefined ? {} : { target }),
    ...(lanes.length === 0 ? {} : { handle: lanes[0].number }),
  })
  const serve = (): Promise<void> | undefined =>
    host.perform(id, () => {
      if (row.changes) host.changed()
      return whenThere(row.serve(host, request), answer => {
        if (row.changes) host.changed()
        send(host.reply, id, row, answer)
      })
    })
  if (lanes.length > 0) withAll(lanes, serve)
  else host.inOrder(pathsOf(host, row, request), row.changes, serve)
}
