// Owns an attacker of a root: a process that swaps folders, links and names inside it as fast as it can, for as long as it
// lives. Started by `race.ts`. What is outside it only points at.
import fs from 'node:fs'

const [root, seedText] = process.argv.slice(2)
process.chdir(root)

/** Xorshift, so that a seed says which order it was. */
let state = Number(seedText) | 1
const random = (below: number): number => {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % below
}

const attempt = (act: () => void): void => {
  try {
    act()
  } catch {
    // The other side got in the way.
  }
}

/** A folder, away for a moment and in its stead a link that leads out. */
const swapFolder = (target: string): void => {
  attempt(() => fs.renameSync('d', 'aside'))
  attempt(() => fs.symlinkSync(target, 'd'))
  attempt(() => fs.unlinkSync('d'))
  attempt(() => fs.renameSync('aside', 'd'))
}
/** The same in one step, by a rename over the link. */
const swapFile = (name: string, target: string): void => {
  attempt(() => fs.symlinkSync(target, 'swap'))
  attempt(() => fs.renameSync('swap', name))
  // When a folder was in the way, the link is there still: what is outside must not be written to from here.
  attempt(() => fs.unlinkSync('swap'))
  attempt(() => fs.writeFileSync('swap', 'inside', { flag: 'wx' }))
  attempt(() => fs.renameSync('swap', name))
}
const moves: readonly (() => void)[] = [
  () => swapFolder('../outside'),
  () => swapFolder(fs.realpathSync('../outside')),
  () => swapFolder('..'),
  () => swapFile('d/f', '../../outside/f'),
  () => swapFile('d/new', '../../outside/made'),
  () => swapFile('top', '../outside/f'),
  () => {
    // A folder that is deeper or less deep than it was when dots after it were counted.
    attempt(() => fs.renameSync('d/x/y', 'y'))
    attempt(() => fs.renameSync('y', 'd/x/y'))
  },
  () => {
    attempt(() => fs.renameSync('d/x', 'aside'))
    attempt(() => fs.symlinkSync('../../outside/x', 'd/x'))
    attempt(() => fs.unlinkSync('d/x'))
    attempt(() => fs.renameSync('aside', 'd/x'))
  },
  () => {
    attempt(() => fs.unlinkSync('l'))
    attempt(() => fs.symlinkSync('../../outside', 'l'))
    attempt(() => fs.unlinkSync('l'))
    attempt(() => fs.symlinkSync('d', 'l'))
  },
  () => {
    attempt(() => fs.linkSync('top', 'd/new'))
    attempt(() => fs.unlinkSync('d/new'))
  },
]

/** What the other side took away is put back. */
const mend = (): void => {
  attempt(() => fs.mkdirSync('d'))
  attempt(() => fs.mkdirSync('d/x'))
  attempt(() => fs.mkdirSync('d/x/y'))
  attempt(() => fs.writeFileSync('d/f', 'inside', { flag: 'wx' }))
  attempt(() => fs.writeFileSync('d/x/y/f', 'inside', { flag: 'wx' }))
  attempt(() => fs.rmSync('aside', { recursive: true, force: true }))
}

process.send?.('ready')
process.on('disconnect', () => process.exit())
const turn = (): void => {
  for (let round = 0; round < 50; round++) moves[random(moves.length)]()
  mend()
  setImmediate(turn)
}
turn()
