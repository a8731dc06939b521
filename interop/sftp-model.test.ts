// The model of a server of files is OpenSSH's sftp-server: both answer thousands of random requests alike, and have the same
// tree in the end. Our server over each kind of files answers like the model, but for the exceptions it knows by name.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Exception, exceptionsOf } from '../packages/nacre/test/sftp/model/exceptions.ts'
import { FilesSubject } from '../packages/nacre/test/sftp/model/files-subject.ts'
import { Model } from '../packages/nacre/test/sftp/model/model.ts'
import {
  type Operation,
  printed,
  randomFrom,
  seldom,
  someOperations,
  somePopulation,
  type Subject,
  type Taste,
} from '../packages/nacre/test/sftp/model/operations.ts'
import { clearPlace, deepBase, type DiskPlace, makePlace, reopenPlace, virtualBase } from '../packages/nacre/test/sftp/model/places.ts'
import { explained } from '../packages/nacre/test/sftp/model/run.ts'
import { localFiles, memoryFiles, overlayFiles, readOnlyFiles, rootedFiles, type Files } from '../packages/nacre/src/sftp/server/index.ts'
import { pipeToOurs } from './sftp/our-server.ts'
import { pipeTo, sftpServer } from './sftp/openssh-server.ts'
import { type ServerAt, WireSubject } from './sftp/wire-subject.ts'

const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const root = user.uid === 0
const seed = Number(process.env.NACRE_MODEL_SEED ?? 1)
/** How many times the sequences of a usual run, which are the same each time. */
const times = Number(process.env.NACRE_MODEL_TIMES ?? 1)
const launcher = fileURLToPath(new URL('../packages/cli/bin/nacre.js', import.meta.url))

const sequences = async (
  subject: Subject,
  count: number,
  taste: Taste,
  allowed: ReadonlySet<Exception>,
  base = deepBase,
): Promise<void> => {
  const model = new Model({ base, user, exceptions: allowed })
  try {
    for (const operations of seldom) {
      const difference = await explained(model, subject, operations, 0)
      if (difference !== undefined) assert.fail(difference)
    }
    for (let at = 0; at < count * times; at++) {
      const random = randomFrom(seed + at)
      const operations = [...somePopulation(random, 12, taste), ...someOperations(random, 60, taste)]
      const difference = await explained(model, subject, operations, seed + at)
      if (difference !== undefined) assert.fail(difference)
    }
  } finally {
    await subject.end()
  }
}

const tastes = [
  ['now and then something is odd', { oddness: 12, root, links: true }],
  ['everything is odd', { oddness: 50, root, links: true }],
] as const satisfies readonly (readonly [string, Taste])[]

describe('the model is OpenSSH', { skip: sftpServer === undefined && 'no sftp-server on this machine' }, () => {
  for (const [often, taste] of tastes)
    test(often, async () => {
      const openssh = new WireSubject('OpenSSH', async () => {
        const place = makePlace()
        return { pipe: pipeTo(sftpServer ?? '', [], place.base), base: place.base, clear: () => clearPlace(place) }
      })
      await sequences(openssh, 75, taste, exceptionsOf.openssh)
    })
})

/** A kind of files, empty but for the folder all happens in. */
interface Kind {
  readonly name: string
  readonly allowed: ReadonlySet<Exception>
  /** As the model calls it. */
  readonly base: string
  readonly sequences: number
  make(): { readonly files: Files; readonly base: string; clear(): void }
}

const memory = (): Files => {
  const files = memoryFiles({ user })
  let path = ''
  for (const name of virtualBase.split('/').slice(1)) files.makeDirectory((path += `/${name}`), {})
  return files
}

const kinds: readonly Kind[] = [
  {
    name: 'memory',
    sequences: 40,
    base: virtualBase,
    allowed: exceptionsOf.memory,
    make: () => ({ files: memory(), base: virtualBase, clear: () => undefined }),
  },
  {
    name: 'an overlay',
    sequences: 20,
    base: virtualBase,
    allowed: exceptionsOf.overlay,
    make: () => ({ files: overlayFiles(readOnlyFiles(memory()), memoryFiles({ user })), base: virtualBase, clear: () => undefined }),
  },
  {
    name: 'the disk',
    sequences: 25,
    base: deepBase,
    allowed: exceptionsOf.disk,
    make: () => {
      const place = makePlace()
      return { files: localFiles(), base: place.base, clear: () => clearPlace(place) }
    },
  },
  {
    name: 'a folder as the root',
    sequences: 15,
    base: deepBase,
    allowed: exceptionsOf.root,
    make: () => {
      const place = makePlace()
      mkdirSync(place.top + deepBase, { recursive: true, mode: 0o755 })
      const files = rootedFiles(place.top)
      const clear = (): void => {
        files[Symbol.dispose]()
        clearPlace(place)
      }
      return { files, base: deepBase, clear }
    },
  },
]

describe('our server', () => {
  for (const kind of kinds)
    for (const [often, taste] of tastes)
      test(`over ${kind.name}, when ${often}`, async () => {
        const ours = new WireSubject(`our server over ${kind.name}`, async () => {
          const { files, base, clear } = kind.make()
          return { pipe: pipeToOurs(files, { start: base }), base, clear }
        })
        await sequences(ours, kind.sequences, taste, kind.allowed, kind.base)
      })
})

/** Nobody in particular: of no group, and owner of the folder all happens in. */
const nobody = { uid: 65_534, gid: 65_534 }
const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
/** Our command, as it was bundled before these tests. */
const ourCommand = [process.execPath, launcher, 'sftp-server']
/** Whether somebody without rights can start our command from here. */
const nobodyCanStart = (): boolean =>
  root && /usage/.test(String(spawnSync('setpriv', [...asNobody, ...ourCommand, '-h'], { timeout: 60_000 }).output))

/** What root has put there before. */
const prepared = async (place: DiskPlace, below: readonly Operation[]): Promise<void> => {
  chownSync(place.base, nobody.uid, nobody.gid)
  const population = new FilesSubject('below', () => ({ files: localFiles(), base: place.base }))
  await population.reset()
  for (const operation of below) await population.perform(operation)
  await population.end()
  reopenPlace(place)
}

describe('somebody who is not root', { skip: !root && 'only root can become somebody else' }, () => {
  const taste: Taste = { oddness: 10, root: false, links: true }

  const run = async (
    name: string,
    count: number,
    base: string,
    allowed: ReadonlySet<Exception>,
    make: (below: readonly Operation[]) => Promise<ServerAt>,
  ): Promise<void> => {
    for (let at = 0; at < count * times; at++) {
      const random = randomFrom(seed + at)
      const below = somePopulation(random, 30, { ...taste, root: true })
      const operations = someOperations(random, 60, taste)
      const model = new Model({ base, user: nobody, exceptions: allowed, first: below, firstUser: { uid: 0, gid: 0 } })
      const subject = new WireSubject(name, () => make(below))
      try {
        const difference = await explained(model, subject, operations, seed + at)
        if (difference !== undefined) assert.fail(`${difference}\nRoot had done this:\n${printed(below)}`)
      } finally {
        await subject.end()
      }
    }
  }

  const asProcess =
    (command: readonly string[]) =>
    async (below: readonly Operation[]): Promise<ServerAt> => {
      const place = makePlace()
      await prepared(place, below)
      const pipe = pipeTo('setpriv', [...asNobody, ...command], place.base)
      return { pipe, base: place.base, clear: () => clearPlace(place) }
    }

  test('is the model with OpenSSH', { skip: sftpServer === undefined && 'no sftp-server on this machine' }, () =>
    run('OpenSSH', 30, deepBase, exceptionsOf.openssh, asProcess([sftpServer ?? ''])),
  )

  test('has the same rights in memory', () =>
    run('our server over memory', 30, virtualBase, exceptionsOf.memory, async below => {
      const user = { uid: 0, gid: 0 }
      const files = memoryFiles({ user })
      let path = ''
      for (const name of virtualBase.split('/').slice(1)) files.makeDirectory((path += `/${name}`), {})
      files.setAttributes(path, nobody, true)
      const population = new FilesSubject('below', () => ({ files, base: virtualBase }))
      await population.reset()
      for (const operation of below) await population.perform(operation)
      for (let at = virtualBase; at.lastIndexOf('/') > 0;) {
        at = at.slice(0, at.lastIndexOf('/'))
        files.setAttributes(at, { permissions: 0o755, uid: 0, gid: 0 }, true)
      }
      Object.assign(user, nobody)
      return { pipe: pipeToOurs(files, { start: virtualBase }), base: virtualBase, clear: () => undefined }
    }))

  test('has the same rights with our command', { skip: !nobodyCanStart() && 'this folder is not for everybody to read' }, () =>
    run('nacre sftp-server', 20, deepBase, exceptionsOf.disk, asProcess(ourCommand)),
  )
})
