// Files that answer when a test lets them: reads, writes and closes of open files wait at a gate, and are told apart.
import type { Files, OpenFile } from '../../../src/sftp/files.ts'

export interface Waiting {
  readonly what: 'read' | 'write' | 'close' | 'stat' | 'setAttributes' | 'rename' | 'makeDirectory' | 'path-stat'
  readonly position: number
  readonly length: number
  go(error?: Error): Promise<void>
}

export class Gates {
  readonly waiting: Waiting[] = []
  /** Everything that was asked for, in order. */
  readonly seen: string[] = []

  #wait<T>(what: Waiting['what'], position: number, length: number, act: () => T | Promise<T>): Promise<T> {
    this.seen.push(position < 0 ? what : `${what} ${position}+${length}`)
    return new Promise((resolve, reject) => {
      const entry: Waiting = {
        what,
        position,
        length,
        go: async error => {
          this.waiting.splice(this.waiting.indexOf(entry), 1)
          if (error === undefined) resolve(Promise.resolve().then(act))
          else reject(error)
          for (let i = 0; i < 5; i++) await new Promise(next => setImmediate(next))
        },
      }
      this.waiting.push(entry)
    })
  }

  /** Lets everything through, until nothing waits. */
  async all(): Promise<void> {
    while (this.waiting.length > 0) await this.waiting[0].go()
  }

  file(file: OpenFile): OpenFile {
    return {
      read: (position, into) => this.#wait('read', position, into.length, () => file.read(position, into)),
      write: (position, bytes) => this.#wait('write', position, bytes.length, () => file.write(position, bytes)),
      stat: () => this.#wait('stat', -1, 0, () => file.stat()),
      setAttributes: attributes => this.#wait('setAttributes', -1, 0, () => file.setAttributes(attributes)),
      sync: () => file.sync(),
      statvfs: () => file.statvfs(),
      close: () => this.#wait('close', -1, 0, () => file.close()),
    }
  }

  /** `files`, of which what is opened waits; what changes paths too with `paths`. */
  around(files: Files, paths = false): Files {
    const opened: Files = {
      ...files,
      open: async (path, options, attributes) => this.file(await files.open(path, options, attributes)),
    }
    if (!paths) return opened
    return {
      ...opened,
      rename: (from, to, replace) => this.#wait('rename', -1, 0, () => files.rename(from, to, replace)),
      makeDirectory: (path, attributes) => this.#wait('makeDirectory', -1, 0, () => files.makeDirectory(path, attributes)),
      stat: (path, follow) => this.#wait('path-stat', -1, 0, () => files.stat(path, follow)),
    }
  }
}
