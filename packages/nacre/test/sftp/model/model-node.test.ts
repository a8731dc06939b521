// Files of the machine, and a folder of it as the root, do what the model of OpenSSH's sftp-server does.
import { mkdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { localFiles } from '../../../src/sftp/files/local-node.ts'
import { rootedFiles } from '../../../src/sftp/files/rooted-node.ts'
import { noAnyName } from '../../runtime.ts'
import { exceptionsOf } from './exceptions.ts'
import { FilesSubject } from './files-subject.ts'
import { clearPlace, deepBase, makePlace } from './places.ts'
import { sequences, tastes } from './sequences.ts'

const local = (): FilesSubject =>
  new FilesSubject('the disk', () => {
    const place = makePlace()
    return { files: localFiles(), base: place.base, clear: () => clearPlace(place) }
  })

const rooted = (): FilesSubject =>
  new FilesSubject('a folder as the root', () => {
    const place = makePlace()
    const files = rootedFiles(place.top)
    const clear = (): void => {
      files[Symbol.dispose]()
      clearPlace(place)
    }
    // Their own names are shorter, but the links that are compared by length lead through the same.
    mkdirSync(place.top + deepBase, { recursive: true, mode: 0o755 })
    return { files, base: deepBase, clear }
  })

describe('random operations on the disk, as OpenSSH answers them', { skip: noAnyName }, () => {
  for (const [often, taste] of tastes)
    describe(often, () => {
      test('files of the machine', () => sequences({ base: deepBase, subject: local(), count: 20, taste, exceptions: exceptionsOf.disk }))

      test('a folder of the machine as the root', () =>
        sequences({ base: deepBase, subject: rooted(), count: 15, taste, exceptions: exceptionsOf.root }))
    })
})
