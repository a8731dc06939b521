// Owns many small files over SFTP, each way, near and a little away. Knows nothing of tables.
import { goClient, nacreClient } from '../rig/client.ts'
import { type FileClient, filesOf, sftpProgram } from '../rig/file-client.ts'
import { FileRoom, sameTree } from '../rig/file-room.ts'
import { delayedLink } from '../rig/link.ts'
import type { Comparison, Contender, Figures, Scenario, Settings } from '../rig/scenario.ts'
import { nacreServer, type ServerEnd, sshdServer } from '../rig/server.ts'
import { gcm } from '../sites/types.ts'

const total = 5000
const fileBytes = 4096
/** Programs in JavaScript are compiled while they run; what is measured is what they settle at. */
const warmUp = 2000
/** How many the client in Go has under way. */
const lanes = 16
/** The delay there and back together. */
const milliseconds = 20
/** What is moved far away by who does one request after the other: 5,000 would take ten minutes. */
const slowTotal = 250
const patience = 300

const ways = ['getTree', 'putTree'] as const
type Way = (typeof ways)[number]

/** Moves a tree and compares; milliseconds for all files, less what a visit takes. */
const moved = async (server: ServerEnd, client: FileClient, room: FileRoom, way: Way, count: number): Promise<number> => {
  const from = room.tree(room.fresh('trees').slice(room.folder.length + 1), count, fileBytes)
  const visit = await client.work(server, 'visit', {}, patience)
  const to = room.fresh('moved')
  const { wall } = await client.work(
    server,
    way,
    { ...(way === 'getTree' ? { remote: from, local: to } : { local: from, remote: to }), lanes },
    patience,
  )
  sameTree(from, to)
  room.drop(from)
  room.drop(to)
  return (wall - visit.wall) * 1000
}

interface Ends {
  readonly server: () => Promise<ServerEnd>
  readonly client: () => Promise<FileClient>
  /** How many of the files go far. */
  readonly far?: number
}

const contender = (name: string, settings: Settings, { server: startServer, client: startClient, far = total }: Ends): Contender => ({
  name,
  async measure() {
    using room = new FileRoom()
    await using server = await startServer()
    await using client = await startClient()
    if (server.site !== undefined || client.site !== undefined) for (const way of ways) await moved(server, client, room, way, warmUp)
    const near = Math.ceil(total / settings.divisor)
    const figures: Record<string, number> = {}
    for (const way of ways) figures[`${way}.near`] = await moved(server, client, room, way, near)
    await using link = await delayedLink(server.port, milliseconds)
    const away = { ...server, port: link.port }
    const count = Math.ceil(far / settings.divisor)
    for (const way of ways) figures[`${way}.far`] = ((await moved(away, client, room, way, count)) * near) / count
    return figures satisfies Figures
  },
})

const row = (way: Way, where: 'near' | 'far', beside: string, theirs: string, most: number): Comparison => ({
  work: `${total} files of 4 KiB, ${way === 'getTree' ? 'get' : 'put'}, ${where === 'near' ? 0 : milliseconds} ms away, wall`,
  beside,
  unit: 'ms',
  ours: ['nacre', `${way}.${where}`],
  theirs: [theirs, `${way}.${where}`],
  target: { most },
})

const sshd = (): Promise<ServerEnd> => sshdServer(gcm)

export const smallFiles: Scenario = {
  name: 'small-files',
  about: `${total} files of 4 KiB over SFTP, with no delay and with ${milliseconds} ms`,
  title: 'Small files over SFTP',
  prose: [
    `A folder of ${total} files of 4 KiB, in memory on both sides, after ${warmUp} others each way for programs in JavaScript, once with no delay and once through a relay that holds every byte back for half of ${milliseconds} ms each way. Ours are both ends; OpenSSH is \`sftp -r\` at sshd; Go is pkg/sftp with ${lanes} files at once, at sshd. What arrived is compared, outside the measurement. Far away \`sftp -r\`, which does one request after the other, moves ${slowTotal} of the files, and its time is multiplied.`,
  ],
  mostRounds: 3,
  contenders: settings => [
    contender('nacre', settings, { server: () => nacreServer(gcm), client: () => filesOf(nacreClient(), gcm) }),
    ...(settings.probe !== undefined
      ? []
      : [
          contender('OpenSSH', settings, { server: sshd, client: async () => sftpProgram(gcm), far: slowTotal }),
          ...(settings.peers.goFiles ? [contender('Go', settings, { server: sshd, client: () => filesOf(goClient(), gcm) })] : []),
        ]),
  ],
  comparisons: ways.flatMap(way =>
    (['near', 'far'] as const).flatMap(where => [
      row(way, where, 'sftp -r at sshd', 'OpenSSH', 0.2),
      row(way, where, `Go's pkg/sftp at sshd, ${lanes} at once`, 'Go', 0.9),
    ]),
  ),
}
