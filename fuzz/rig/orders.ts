// Owns what the thread that searches is told, and what it answers.
import type { Found, Progress } from './search.ts'

/** What the thread is started with. */
export interface WorkerData {
  readonly board: SharedArrayBuffer
  readonly seed: number
  /** Kept inputs by target. */
  readonly kept: Readonly<Record<string, readonly Uint8Array[]>>
}

export type Order =
  | { readonly do: 'turn'; readonly target: number; readonly milliseconds: number }
  /** Runs one input once. */
  | { readonly do: 'run'; readonly target: number; readonly input: Uint8Array }
  /** Says which inputs are worth keeping, at most so many bytes. */
  | { readonly do: 'distil'; readonly target: number; readonly maximumBytes: number }

/** No more orders: the thread ends by itself. */
export const leave = 'leave'

export type Answer =
  | { readonly is: 'ready' }
  | { readonly is: 'found'; readonly found: Found }
  /** The search itself is at fault. */
  | { readonly is: 'broken'; readonly why: string }
  | { readonly is: 'done'; readonly progress?: Progress; readonly kept?: readonly Uint8Array[]; readonly failed?: boolean }
