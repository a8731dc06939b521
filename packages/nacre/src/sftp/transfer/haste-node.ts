// Owns whether single operations on a disk are done at once or handed to another thread, which costs more than most of them
// take. Knows no operation.
import { statfs } from 'node:fs'
import { performance } from 'node:perf_hooks'

/**
 * File systems of Linux that lie on this machine, by the number statfs(2) has for them: ext, XFS, Btrfs, tmpfs, overlay, ZFS,
 * F2FS. Of all others, and elsewhere, nobody knows whether a server far away has to be asked.
 */
const nearby: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x2fc12fc1, 0xf2f52010])
/** What takes longer than this, in milliseconds, has waited for a disk. */
const tooLong = 5

export class Haste {
  #hasty: boolean

  constructor(hasty: boolean) {
    this.#hasty = hasty
  }

  /** For the file system `folder` is on. */
  static on(folder: string): Promise<Haste> {
    return new Promise(resolve => {
      statfs(folder, (error, stats) => resolve(new Haste(error === null && process.platform === 'linux' && nearby.has(Number(stats.type)))))
    })
  }

  /** Nothing has taken long yet. */
  get hasty(): boolean {
    return this.#hasty
  }

  /** `now` if that has been quick so far, else `later`. */
  do<T>(now: () => T, later: () => Promise<T>): T | Promise<T> {
    if (!this.#hasty) return later()
    const start = performance.now()
    try {
      return now()
    } finally {
      this.took(performance.now() - start)
    }
  }

  /** Something was done at once and took so many milliseconds. */
  took(milliseconds: number): void {
    if (milliseconds > tooLong) this.#hasty = false
  }
}
