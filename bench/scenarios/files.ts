// Owns one large file over SFTP, each way, near and far. Every figure is that of the whole transfer less that of a visit that
// moves nothing; what arrived is compared with what was sent. Knows nothing of tables.
import { nacreClient, ssh2Client } from '../rig/client.ts'
import { type FileClient, filesOf, rcloneProgram, sftpProgram } from '../rig/file-client.ts'
import { FileRoom, sameFile } from '../rig/file-room.ts'
import { delayedLink } from '../rig/link.ts'
import { profiled } from '../rig/profile.ts'
import type { Comparison, Contender, Figures, Scenario, Settings, Target } from '../rig/scenario.ts'
import { nacreServer, type ServerEnd, ssh2Server, sshdServer } from '../rig/server.ts'
import { gcm } from '../sites/types.ts'

const GiB = 2 ** 30
const MiB = 2 ** 20
const warmUpBytes = 128 * MiB
/** Of the file that goes far, to that which stays near. */
const farShare = 1 / 8

type Way = 'get' | 'put'
const ways: readonly Way[] = ['get', 'put']

/** Moves the file and compares; says what it took, less what a visit takes. */
const moved = async (server: ServerEnd, client: FileClient, room: FileRoom, way: Way, bytes: number): Promise<Figures> => {
  const from = room.file('source', bytes)
  const spend = async (call: 'visit' | Way, to: string): Promise<{ server: number; client: number; wall: number }> => {
    const before = await server.cpu()
    const work = way === 'get' ? { remote: from, local: to } : { local: from, remote: to }
    const { cpu, wall } = await client.work(server, call, call === 'visit' ? {} : work)
    return { server: (await server.cpu()) - before, client: cpu, wall }
  }
  const visit = await spend('visit', '')
  const to = room.fresh('target')
  const whole = await spend(way, to)
  sameFile(from, to)
  room.drop(to)
  const perGiB = GiB / bytes
  const ofServer = (whole.server - visit.server) * perGiB
  const ofClient = (whole.client - visit.client) * perGiB
  return { server: ofServer, client: ofClient, both: ofServer + ofClient, wall: (whole.wall - visit.wall) * 1000 }
}

interface Ends {
  readonly server: () => Promise<ServerEnd>
  readonly client: () => Promise<FileClient>
}

const contender = (name: string, settings: Settings, { server: startServer, client: startClient }: Ends, delay: number): Contender => ({
  name,
  async measure() {
    using room = new FileRoom()
    await using near = await startServer()
    await using client = await startClient()
    const bytes = delay === 0 ? settings.bytes : Math.round(settings.bytes * farShare)
    // Programs in JavaScript are compiled while they run; what is measured is what they settle at.
    if (near.site !== undefined || client.site !== undefined) for (const way of ways) await moved(near, client, room, way, warmUpBytes)
    await using link = delay === 0 ? undefined : await delayedLink(near.port, delay)
    const server = link === undefined ? near : { ...near, port: link.port }
    const figures: Record<string, number> = {}
    for (const way of ways) {
      const { probe } = settings
      if (probe?.kind === 'profile' && near.site !== undefined && client.site !== undefined)
        await profiled(probe.folder, `${name} ${way}`, { server: near.site, client: client.site }, bytes / GiB, () =>
          moved(server, client, room, way, bytes),
        )
      for (const [figure, value] of Object.entries(await moved(server, client, room, way, bytes))) figures[`${way}.${figure}`] = value
    }
    return figures
  },
})

const ours = (accelerated = false): Ends => ({
  server: () => nacreServer(gcm, { accelerated }),
  client: () => filesOf(nacreClient({ accelerated }), gcm),
})
const sshd = (): Promise<ServerEnd> => sshdServer(gcm)
const sftp = async (): Promise<FileClient> => sftpProgram(gcm)
const ssh2 = ({ peers }: Settings) => ({ addon: peers.ssh2Addon, noDelay: true })
const ssh2Files = (settings: Settings): Promise<FileClient> => filesOf(ssh2Client(ssh2(settings)), gcm)

const row = (
  work: string,
  way: Way,
  figure: 'both' | 'server' | 'client' | 'wall',
  ours: string,
  beside: string,
  theirs: string,
  target?: Target,
): Comparison => ({
  work: `${way}, ${work}`,
  beside,
  unit: figure === 'wall' ? 'ms' : 's/GiB',
  ours: [ours, `${way}.${figure}`],
  theirs: [theirs, `${way}.${figure}`],
  ...(target === undefined ? {} : { target }),
  ...(ours === 'nacre' ? { accelerated: { ours: ['accelerated', `${way}.${figure}`], ...(target === undefined ? {} : { target }) } } : {}),
})

export const files: Scenario = {
  name: 'files',
  about: 'one file over SFTP, get and put: wall and CPU of both ends',
  title: 'Files over SFTP',
  prose: [
    'One file of 1 GiB that lies in memory on both sides. Connecting, logging in and opening SFTP are taken off; what arrived is compared with what was sent, outside the measurement. aes128-gcm, but for rclone, which cannot be told. "OpenSSH" is the program `sftp` at sshd with sftp-server; ssh2 is `fastGet` and `fastPut`, at a server that does each request by one call of node:fs.',
  ],
  contenders: settings => [
    contender('nacre', settings, ours(settings.probe?.accelerated), 0),
    ...(settings.probe !== undefined
      ? []
      : [
          ...(settings.peers.accelerator ? [contender('accelerated', settings, ours(true), 0)] : []),
          contender('OpenSSH', settings, { server: sshd, client: sftp }, 0),
          contender('ssh2', settings, { server: () => ssh2Server(gcm, ssh2(settings)), client: () => ssh2Files(settings) }, 0),
          contender('sftp at nacre', settings, { server: ours().server, client: sftp }, 0),
          contender('nacre at sshd', settings, { server: sshd, client: ours().client }, 0),
          ...(settings.peers.rclone
            ? [contender('rclone at sshd', settings, { server: sshd, client: async () => rcloneProgram() }, 0)]
            : []),
        ]),
  ],
  comparisons: ways.flatMap(way => [
    row('wall', way, 'wall', 'nacre', 'OpenSSH', 'OpenSSH', { most: 0.5 }),
    row('CPU of both ends', way, 'both', 'nacre', 'OpenSSH', 'OpenSSH', { most: 0.6 }),
    row('wall', way, 'wall', 'nacre', 'ssh2', 'ssh2', { most: 0.5 }),
    row('CPU of both ends', way, 'both', 'nacre', 'ssh2', 'ssh2', { most: 0.6 }),
    row('sftp at our server, CPU of the server', way, 'server', 'sftp at nacre', 'sftp at sshd', 'OpenSSH', { most: 0.65 }),
    row('our client at sshd, wall', way, 'wall', 'nacre at sshd', 'sftp at sshd', 'OpenSSH', { most: 0.9 }),
    row('our client at sshd, wall', way, 'wall', 'nacre at sshd', 'rclone at sshd', 'rclone at sshd', { most: 0.7 }),
    row('our client at sshd, CPU of the client', way, 'client', 'nacre at sshd', 'sftp at sshd', 'OpenSSH'),
  ]),
}

const farMilliseconds = 100

export const farFiles: Scenario = {
  name: 'files-far',
  about: `one file over SFTP with ${farMilliseconds} ms of delay`,
  title: 'Files over SFTP, far away',
  prose: [
    `The same with an eighth of the bytes, through a relay that holds every byte back for half of ${farMilliseconds} ms each way and is otherwise as fast as it can. All clients talk to OpenSSH's sshd.`,
  ],
  mostRounds: 3,
  contenders: settings => [
    contender('nacre at sshd', settings, { server: sshd, client: ours().client }, farMilliseconds),
    ...(settings.probe !== undefined
      ? []
      : [
          contender('nacre', settings, ours(), farMilliseconds),
          contender('OpenSSH', settings, { server: sshd, client: sftp }, farMilliseconds),
          contender('ssh2 at sshd', settings, { server: sshd, client: () => ssh2Files(settings) }, farMilliseconds),
        ]),
  ],
  comparisons: ways.flatMap(way => [
    row(`${farMilliseconds} ms away, our client at sshd, wall`, way, 'wall', 'nacre at sshd', 'sftp at sshd', 'OpenSSH', { most: 0.5 }),
    row(`${farMilliseconds} ms away, our client at sshd, wall`, way, 'wall', 'nacre at sshd', 'ssh2 at sshd', 'ssh2 at sshd', {
      most: 0.2,
    }),
    row(`${farMilliseconds} ms away, both ends ours, wall`, way, 'wall', 'nacre', 'sftp at sshd', 'OpenSSH'),
  ]),
}
