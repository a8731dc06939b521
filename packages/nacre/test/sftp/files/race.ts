// Owns a race between files that are to stay in a folder and a process that swaps what is in it. Counts what came from
// outside, and compares what is outside before and after. Knows no test runner.
import { fork } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { SftpError } from '../../../src/errors.ts'
import { rootedFiles, type RootedFilesOptions } from '../../../src/sftp/files/rooted-node.ts'
import { type Operation, operations } from './every-operation.ts'

/** Told by its text, and by its size where only that is seen. */
const secret = 'OUTSIDE'.padEnd(1234, '.')

export interface Race {
  /** Operations that did what they were to do, and those refused, by name. */
  readonly done: number
  readonly refused: number
  /** What must not be: each with the operation and what was seen. */
  readonly escapes: readonly string[]
  /** How often a careless reader of the same files, at the same time, read what is outside. */
  readonly carelessEscapes: number
  readonly carelessReads: number
}

const layOut = (base: string): string => {
  const root = join(base, 'root')
  fs.mkdirSync(join(root, 'd/x/y'), { recursive: true })
  fs.mkdirSync(join(root, 'folder'))
  for (const name of ['d/f', 'd/x/y/f', 'top', 'safe']) fs.writeFileSync(join(root, name), 'inside')
  fs.symlinkSync('d', join(root, 'l'))
  fs.mkdirSync(join(base, 'outside/x/y'), { recursive: true })
  for (const name of ['outside/f', 'f', 'outside/x/f', 'outside/x/y/f']) fs.writeFileSync(join(base, name), secret)
  return root
}

/** All that is beside the root. */
const outsideOf = (base: string): string =>
  [base, join(base, 'f'), ...fs.readdirSync(join(base, 'outside'), { recursive: true }).map(name => join(base, 'outside', String(name)))]
    .toSorted()
    .map(path => {
      const { ino, mode, nlink, uid, size, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true })
      return [path, ino, mode, nlink, uid, size, mtimeNs, ctimeNs].join(' ')
    })
    .join('\n')

/** As many do it: the real path is looked at, and then the path is opened. */
const readCarelessly = (root: string, path: string): string => {
  try {
    const real = fs.realpathSync(root + path)
    if (!real.startsWith(`${root}/`)) return 'refused'
    return fs.readFileSync(root + path, 'latin1')
  } catch {
    return 'refused'
  }
}

const paths = ['/d/f', '/d/new', '/d/x/y/f', '/d/x/../f', '/d/x/y/../../f', '/l/f', '/l/x/y/f', '/top', '/d', '/d/x/y/', '/l']

/** A folder inside is made again when an operation has moved it away. */
const mend = (root: string, away: string): void => {
  for (const [name, make] of [
    ['safe', (path: string) => fs.writeFileSync(path, 'inside')],
    ['folder', (path: string) => fs.mkdirSync(path)],
  ] as const) {
    if (!fs.existsSync(join(root, name))) make(join(root, name))
  }
  // What has come to be there is moved out of the attacker's reach before it is removed: he would fill it meanwhile.
  const moved = join(away, 'new')
  try {
    fs.renameSync(join(root, 'new'), moved)
  } catch {
    return
  }
  fs.rmSync(moved, { recursive: true, force: true })
}

const isFromOutside = (seen: string): boolean => seen.includes('OUTSIDE') || / 1234 /.test(seen)

/**
 * Runs every operation on every path in turn while the attacker swaps, until `enough` says so. The careless reader reads as
 * often in between.
 */
export const race = async (
  base: string,
  seed: number,
  options: RootedFilesOptions,
  enough: (soFar: { readonly rounds: number; readonly carelessEscapes: number }) => boolean,
): Promise<Race> => {
  const root = layOut(base)
  // Beside all that is watched.
  const away = fs.mkdtempSync(`${base}-away-`)
  const attacker = fork(join(import.meta.dirname, 'attacker.ts'), [root, String(seed)], { execArgv: ['--conditions=nacre-source'] })
  const gone = new Promise<void>(resolve => attacker.once('exit', () => resolve()))
  const escapes: string[] = []
  const tally = { done: 0, refused: 0, carelessEscapes: 0, carelessReads: 0 }
  const files = rootedFiles(root, options)
  const one = async (operation: Operation, path: string): Promise<void> => {
    try {
      const seen = await operation.act(files, path)
      tally.done++
      // The text of a link says what the attacker wrote, which is inside.
      if (operation.name !== 'read a link' && isFromOutside(seen)) escapes.push(`${operation.name} ${path}: ${seen}`)
    } catch (error) {
      if (!(error instanceof SftpError)) throw error
      tally.refused++
    }
  }
  try {
    await new Promise(resolve => attacker.once('message', resolve))
    const before = outsideOf(base)
    for (let rounds = 0; !enough({ rounds, carelessEscapes: tally.carelessEscapes }); rounds++) {
      for (const operation of operations) {
        for (const path of paths) {
          await one(operation, path)
          tally.carelessReads++
          if (readCarelessly(root, path) === secret) tally.carelessEscapes++
        }
        mend(root, away)
      }
      if (outsideOf(base) !== before) escapes.push(`changed outside:\n${before}\nis now\n${outsideOf(base)}`)
      if (escapes.length > 0) break
    }
  } finally {
    attacker.kill('SIGKILL')
    await gone
    files[Symbol.dispose]()
    fs.rmSync(away, { recursive: true, force: true })
  }
  return { ...tally, escapes }
}
