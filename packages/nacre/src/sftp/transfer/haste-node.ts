// Owns whether single operations on a disk are done at once or handed to another thread, which costs more than most of them
// take. Knows no operation.
import { statfs } from 'node:fs'
import { createPace, type Pace } from '../files/pace-node.ts'

/**
 * File systems of Linux that lie on this machine, by the number statfs(2) has for them: ext, XFS, Btrfs, tmpfs, overlay, ZFS,
 * F2FS. Of all others, and elsewhere, nobody knows whether a server far away has to be asked.
 */
const nearby: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010])

export class Haste {
  readonly #near: boolean
  readonly #pace: Pace

  constructor(near: boolean, pace = createPace()) {
    this.#near = near
    this.#pace = pace
  }

  /** For the file system `folder` is on. */
  static on(folder: string): Promise<Haste> {
    return new Promise(resolve => {
      statfs(folder, (error, stats) => resolve(new Haste(error === null && process.platform === 'linux' && nearby.has(Number(stats.type)))))
    })
  }

  /** Whether what begins at `now`, in milliseconds, is to be done at once. */
  hasty(now: number): boolean {
    return this.#near && this.#pace.atOnce(now)
  }

  /** `now` if that has been quick lately, else `later`. */
  do<T>(now: () => T, later: () => Promise<T>): T | Promise<T> {
    const began = performance.now()
    if (!this.hasty(began)) return later()
    try {
      return now()
    } finally {
      this.took(began)
    }
  }

  /** What began then was done at once and has just ended. */
  took(began: number): void {
    this.#pace.took(began, performance.now())
  }
}
