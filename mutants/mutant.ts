// Owns the shape of a mutant: a fault planted on purpose, and the tests that must notice. Knows nothing of running them.

export interface Mutant {
  /** What is broken, in words. */
  readonly name: string
  /** The source file, under packages/nacre/src. */
  readonly file: string
  /** Source text that stands there exactly once, and what it becomes. */
  readonly from: string
  readonly to: string
  /** The test file, under packages/nacre/test, and the names of tests in it, each of which must fail. Choose a quick file. */
  readonly test: string
  readonly fails: readonly string[]
}
