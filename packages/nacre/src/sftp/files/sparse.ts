// Owns the bytes of a file in memory, in pieces, so that holes cost nothing. Knows neither names nor permissions.

/** Bytes of a whole piece. The last written piece may be shorter: what is missing of it is zeros. */
const pieceSize = 64 * 1024
/** What the first write into a piece takes at least, so that appending byte by byte does not allocate each time. */
const smallestPiece = 256

export class SparseBytes {
  /** Bytes of the file, holes included. */
  length = 0
  /** Bytes of memory. */
  allocated = 0
  readonly #pieces = new Map<number, Uint8Array>()

  /** Fills `into` from `position` on; says how many bytes there were. */
  read(position: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.length - position))
    for (let done = 0; done < count;) {
      const at = position + done
      const offset = at % pieceSize
      const part = Math.min(count - done, pieceSize - offset)
      const piece = this.#pieces.get((at - offset) / pieceSize)
      const held = piece === undefined ? 0 : Math.max(0, Math.min(part, piece.length - offset))
      if (piece !== undefined && held > 0) into.set(piece.subarray(offset, offset + held), done)
      if (held < part) into.fill(0, done + held, done + part)
      done += part
    }
    return count
  }

  /** How much more memory writing `count` bytes at `position` takes. */
  cost(position: number, count: number): number {
    let more = 0
    for (let done = 0; done < count;) {
      const offset = (position + done) % pieceSize
      const part = Math.min(count - done, pieceSize - offset)
      const held = this.#pieces.get((position + done - offset) / pieceSize)?.length ?? 0
      more += this.#grown(held, offset + part) - held
      done += part
    }
    return more
  }

  write(position: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = position + done
      const offset = at % pieceSize
      const part = Math.min(bytes.length - done, pieceSize - offset)
      this.#piece((at - offset) / pieceSize, offset + part).set(bytes.subarray(done, done + part), offset)
      done += part
    }
    if (bytes.length > 0) this.length = Math.max(this.length, position + bytes.length)
  }

  /** Cuts, or lengthens with a hole. */
  truncate(length: number): void {
    if (length < this.length) {
      const offset = length % pieceSize
      const last = (length - offset) / pieceSize
      for (const [index, piece] of this.#pieces) {
        if (index > last || (index === last && offset === 0)) {
          this.#pieces.delete(index)
          this.allocated -= piece.length
        } else if (index === last) piece.fill(0, Math.min(offset, piece.length))
      }
    }
    this.length = length
  }

  /** Length of a piece of `held` bytes once it has `end` of them. */
  #grown(held: number, end: number): number {
    return end <= held ? held : Math.min(pieceSize, Math.max(end, held * 2, smallestPiece))
  }

  /** The piece `index`, at least `end` bytes long. */
  #piece(index: number, end: number): Uint8Array {
    const held = this.#pieces.get(index)
    if (held !== undefined && held.length >= end) return held
    const piece = new Uint8Array(this.#grown(held?.length ?? 0, end))
    if (held !== undefined) piece.set(held)
    this.allocated += piece.length - (held?.length ?? 0)
    this.#pieces.set(index, piece)
    return piece
  }
}
