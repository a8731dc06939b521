// Owns the order of what is asked of one open file: reads go side by side, writes wait for the reads before them, contiguous
// small ones that wait become one, and everything else has the file to itself. Knows the files' interface and how reads are
// answered, nothing of requests otherwise.
import { SftpError } from '../../errors.ts'
import type { ServedFile } from '../extensions/row.ts'
import type { OpenFile, OpenOptions } from '../files.ts'
import { giveBack, keep, type Keeper, keepNoMore, largeBuffer, smallBuffer, takeBuffer } from './buffers.ts'
import type { WriteTarget } from './input.ts'
import type { Before } from './order.ts'
import { dataHead, type Reply } from './reply.ts'

/** What a lane needs of its session. */
export interface LaneHost {
  readonly reply: Reply
  /** Whether one more read may begin now; if not, the lane is pumped again when it may. */
  mayRead(lane: FileLane): boolean
  /** Reads begun and ended. */
  reading(by: 1 | -1): void
  /** Bytes taken up by writes that wait. */
  waiting(by: number): void
  /** Goes up whenever something was changed through this session. */
  readonly changes: number
  changed(): void
  /** The lane has something to do at the end of this turn. */
  wake(lane: FileLane): void
  /** Something of the lane is done. */
  progressed(lane: FileLane): void
}

interface Job {
  readonly kind: 'read' | 'write' | 'alone'
  readonly number: number
}

interface ReadJob extends Job {
  readonly kind: 'read'
  readonly position: number
  /** Bytes all parts ask for. */
  length: number
  /** Bytes that are read, once it has begun. */
  covers: number
  /** How much had been changed when it began. */
  changes: number
  readonly ids: number[]
  readonly lengths: number[]
  /** How many of them were there when it began; the others came meanwhile. */
  asked: number
}

export interface WriteJob extends Job, WriteTarget {
  readonly kind: 'write'
  readonly position: number
  readonly ids: number[]
  /** Where the data of a WRITE that is still coming begins; -1 when none is. */
  filling: number
}

interface AloneJob extends Job {
  readonly kind: 'alone'
  readonly run: () => Promise<void> | undefined
}

type AnyJob = ReadJob | WriteJob | AloneJob

/** A read covers this much at most, whatever is asked for by whoever reads in sequence. */
const readAhead = 256 * 1024
/** Reads, or full writes, that are under way at once on one file. */
const sideBySide = 4
/** A write this large need not wait for those before it. */
const fullWrite = 128 * 1024
/**
 * Milliseconds that what was read ahead is good for: others may change the file. Who reads more slowly than that gains nothing by it;
 * the end of the file is never told by what was read before somebody asked.
 */
const freshFor = 100

export class FileLane implements ServedFile, Before, Keeper {
  readonly file: OpenFile
  readonly path: string
  readonly options: OpenOptions
  readonly text: { position: number } | undefined
  number = -1
  bytesRead = 0
  bytesWritten = 0
  /** No more requests come: CLOSE came, or the session is over. */
  closing = false
  readonly #host: LaneHost
  readonly #queue: AnyJob[] = []
  #head = 0
  readonly #running = new Set<AnyJob>()
  #reads = 0
  #writes = 0
  #alone = false
  #pumping = false
  #issued = 0
  /** Where the read and the write would begin that continue the last ones. */
  #readNext = -1
  #writeNext = -1
  /** A read under way that covers more than was asked for. */
  #wide: ReadJob | undefined
  /** What was read and nobody has asked for yet. */
  #ahead: Uint8Array | undefined
  #aheadPosition = 0
  #aheadStart = 0
  #aheadEnd = 0
  #aheadChanges = 0
  #aheadTime = 0

  constructor(host: LaneHost, file: OpenFile, path: string, options: OpenOptions, text: boolean) {
    this.#host = host
    this.file = file
    this.path = path
    this.options = options
    this.text = text ? { position: 0 } : undefined
  }

  get idle(): boolean {
    return this.#head === this.#queue.length && this.#running.size === 0
  }

  /** Something that is done when all is done that was asked for so far. */
  upToNow(): Before {
    const last = this.#issued
    return { done: () => this.#oldest() > last }
  }

  /** Whether everything is done. */
  done(): boolean {
    return this.idle
  }

  #oldest(): number {
    let oldest = this.#head < this.#queue.length ? this.#queue[this.#head].number : this.#issued + 1
    for (const job of this.#running) if (job.number < oldest) oldest = job.number
    return oldest
  }

  #push(job: AnyJob): void {
    this.#queue.push(job)
    this.#host.wake(this)
  }

  // ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Answers a READ of `length` bytes, which is no more than the limit. */
  read(id: number, position: number, length: number): void {
    if (this.#head === this.#queue.length && this.#writes === 0 && !this.#alone) {
      if (this.#fromAhead(id, position, length) || this.#fromWide(id, position, length)) return
    }
    const last = this.#queue.length > this.#head ? this.#queue[this.#queue.length - 1] : undefined
    if (last?.kind === 'read' && position === last.position + last.length && last.length + length <= readAhead) {
      last.length += length
      last.ids.push(id)
      last.lengths.push(length)
    } else
      this.#push({ kind: 'read', number: ++this.#issued, position, length, covers: 0, changes: 0, ids: [id], lengths: [length], asked: 0 })
  }

  #fromAhead(id: number, position: number, length: number): boolean {
    const ahead = this.#ahead
    if (ahead === undefined) return false
    const from = position - this.#aheadPosition
    if (this.#aheadChanges !== this.#host.changes || from < this.#aheadStart || from + length > this.#aheadEnd) {
      // Those who read on want what comes after it, and those who do not want none of it.
      this.letGo()
      return false
    }
    if (performance.now() - this.#aheadTime > freshFor) {
      this.letGo()
      return false
    }
    this.#host.reply.data(id, ahead, from, length)
    this.bytesRead += length
    this.#readNext = position + length
    this.#aheadStart = from + length
    if (this.#aheadStart === this.#aheadEnd) this.letGo()
    return true
  }

  /** Whoever reads on while more than he asked for is being read gets it from there. */
  #fromWide(id: number, position: number, length: number): boolean {
    const wide = this.#wide
    if (wide === undefined || wide.changes !== this.#host.changes) return false
    if (position !== wide.position + wide.length || wide.length + length > wide.covers) return false
    wide.length += length
    wide.ids.push(id)
    wide.lengths.push(length)
    this.#readNext = position + length
    return true
  }

  letGo(): void {
    if (this.#ahead === undefined) return
    giveBack(this.#ahead)
    this.#ahead = undefined
    keepNoMore(this)
  }

  #startRead(job: ReadJob): void {
    this.letGo()
    const { position } = job
    const sequential = position === this.#readNext
    this.#readNext = position + job.length
    // Whoever reads in small steps and has not asked for more yet will do so.
    const isWide = sequential && this.#wide === undefined && this.#head === this.#queue.length && job.length <= readAhead / 2
    const covers = isWide ? readAhead : job.length
    const buffer = takeBuffer(dataHead + covers)
    job.covers = covers
    job.changes = this.#host.changes
    job.asked = job.ids.length
    if (isWide) this.#wide = job
    this.#reads++
    this.#running.add(job)
    this.#host.reading(1)
    const failed = (error: unknown): void => this.#notRead(job, buffer, error)
    try {
      const reading = this.file.read(position, buffer.subarray(dataHead, dataHead + covers))
      if (typeof reading === 'number') this.#deliver(job, buffer, reading)
      else reading.then(count => this.#deliver(job, buffer, count), failed)
    } catch (error) {
      failed(error)
    }
  }

  #notRead(job: ReadJob, buffer: Uint8Array, error: unknown): void {
    giveBack(buffer)
    for (const id of job.ids) this.#host.reply.refuse(id, error)
    this.#endRead(job)
  }

  #endRead(job: ReadJob): void {
    this.#reads--
    if (this.#wide === job) this.#wide = undefined
    this.#running.delete(job)
    this.#host.reading(-1)
    this.#host.progressed(this)
  }

  #deliver(job: ReadJob, buffer: Uint8Array, count: number): void {
    const { reply } = this.#host
    if (!(count >= 0 && count <= job.covers)) {
      this.#notRead(job, buffer, new RangeError(`a read of ${job.covers} bytes cannot give ${count}`))
      return
    }
    if (job.ids.length === 1 && count <= job.length && count > smallBuffer) {
      this.bytesRead += count
      reply.dataInPlace(job.ids[0], buffer, count)
    } else {
      let at = 0
      for (let i = 0; i < job.ids.length; i++) {
        const length = Math.min(job.lengths[i], count - at)
        if (i >= job.asked && length < job.lengths[i]) {
          this.#readAgain(job, i, at)
          break
        }
        if (length > 0) reply.data(job.ids[i], buffer, dataHead + at, length)
        else if (job.lengths[i] === 0) reply.data(job.ids[i], buffer, dataHead, 0)
        else reply.status(job.ids[i], 'eof', 'End of file')
        at += Math.max(0, length)
      }
      this.bytesRead += at
      if (at < count && !this.closing) {
        this.#ahead = buffer
        this.#aheadPosition = job.position - dataHead
        this.#aheadStart = dataHead + at
        this.#aheadEnd = dataHead + count
        this.#aheadChanges = job.changes
        this.#aheadTime = performance.now()
        keep(this)
      } else giveBack(buffer)
    }
    this.#endRead(job)
  }

  /** Those from the `first` on asked while `job` was under way, which ended `at` before them: the file may have grown since it began. */
  #readAgain(job: ReadJob, first: number, at: number): void {
    const [ids, lengths] = [job.ids.slice(first), job.lengths.slice(first)]
    const length = lengths.reduce((sum, each) => sum + each, 0)
    const again: ReadJob = { ...job, position: job.position + at, length, ids, lengths }
    this.#queue.splice(this.#head, 0, again)
    this.#host.wake(this)
  }

  // ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Where the `length` bytes of a WRITE are to go; `written` says that they are there. */
  beginWrite(id: number, position: number, length: number, whole: boolean): WriteJob {
    const last = this.#queue.length > this.#head ? this.#queue[this.#queue.length - 1] : undefined
    const sequential = position === this.#writeNext
    this.#writeNext = position + length
    // One that comes in pieces must not hold up those that are there, unless they wait anyway.
    if (
      last?.kind === 'write' &&
      last.filling < 0 &&
      position === last.position + last.used &&
      last.used + length <= last.buffer.length &&
      (whole || this.#running.size > 0) &&
      this.text === undefined
    ) {
      last.filling = last.used
      last.ids.push(id)
      return last
    }
    const buffer = takeBuffer(sequential ? Math.max(length, largeBuffer) : length)
    this.#host.waiting(buffer.length)
    const job: WriteJob = { kind: 'write', number: ++this.#issued, position, buffer, used: 0, ids: [id], filling: 0 }
    this.#push(job)
    return job
  }

  /** All of a WRITE is there. */
  written(job: WriteJob): void {
    job.filling = -1
    // Nothing is gained by waiting for what follows one that is full.
    if (job.used >= fullWrite) this.pump()
    else this.#host.wake(this)
  }

  /** What is there of a WRITE that will never be there as a whole does not count. */
  cutOff(job: WriteJob): void {
    job.ids.pop()
    job.used = job.filling
    job.filling = -1
  }

  #mayWrite(job: WriteJob): boolean {
    if (job.filling >= 0 || this.#alone || this.#reads > 0) return false
    if (this.#writes === 0) return true
    if (this.options.append || this.text !== undefined || this.#writes >= sideBySide || job.used < fullWrite) return false
    for (const other of this.#running)
      if (other.kind === 'write' && job.position < other.position + other.used && other.position < job.position + job.used) return false
    return true
  }

  #startWrite(job: WriteJob): void {
    this.letGo()
    this.#host.changed()
    this.#writes++
    this.#running.add(job)
    const { buffer, used } = job
    const { text } = this
    const position = text === undefined ? job.position : text.position
    if (text !== undefined) text.position += used
    try {
      const writing = used === 0 ? undefined : this.file.write(position, buffer.subarray(0, used))
      if (writing === undefined) this.#wrote(job)
      else
        writing.then(
          () => this.#wrote(job),
          (error: unknown) => this.#notWritten(job, error),
        )
    } catch (error) {
      this.#notWritten(job, error)
    }
  }

  #wrote(job: WriteJob): void {
    this.bytesWritten += job.used
    for (const id of job.ids) this.#host.reply.ok(id)
    this.#endWrite(job)
  }

  #notWritten(job: WriteJob, error: unknown): void {
    for (const id of job.ids) this.#host.reply.refuse(id, error)
    this.#endWrite(job)
  }

  #endWrite(job: WriteJob): void {
    this.#writes--
    this.#running.delete(job)
    giveBack(job.buffer)
    this.#host.changed()
    this.#host.waiting(-job.buffer.length)
    this.#host.progressed(this)
  }

  // ── all else ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Has `run` done once everything before is done, and nothing else meanwhile. `run` never rejects. */
  alone(run: () => Promise<void> | undefined): void {
    const atOnce = this.idle
    this.#push({ kind: 'alone', number: ++this.#issued, run })
    if (atOnce) this.pump()
  }

  #startAlone(job: AloneJob): void {
    this.#alone = true
    this.#running.add(job)
    const doing = job.run()
    if (doing === undefined) this.#endAlone(job)
    else void doing.then(() => this.#endAlone(job))
  }

  #endAlone(job: AloneJob): void {
    this.#alone = false
    this.#running.delete(job)
    this.#host.progressed(this)
  }

  /** Begins what may begin. */
  pump(): void {
    // What is done at once calls this again.
    if (this.#pumping) return
    this.#pumping = true
    this.#begin()
    this.#pumping = false
  }

  #begin(): void {
    while (this.#head < this.#queue.length) {
      const job = this.#queue[this.#head]
      if (job.kind === 'read') {
        if (this.#alone || this.#writes > 0 || this.#reads >= sideBySide || !this.#host.mayRead(this)) break
      } else if (job.kind === 'write') {
        if (!this.#mayWrite(job)) break
      } else if (this.#running.size > 0) break
      this.#take()
      if (job.kind === 'read') this.#startRead(job)
      else if (job.kind === 'write') this.#startWrite(job)
      else this.#startAlone(job)
    }
  }

  #take(): void {
    this.#head++
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0
      this.#head = 0
    } else if (this.#head >= 256) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
  }

  /** Reads that have not begun are not done any more; those who asked are gone. */
  forgetReads(): void {
    const left = this.#queue.splice(0).slice(this.#head)
    this.#head = 0
    const gone = new SftpError('connection-lost', 'Connection lost')
    for (const job of left) {
      if (job.kind !== 'read') this.#queue.push(job)
      else for (const id of job.ids) this.#host.reply.refuse(id, gone)
    }
  }
}
