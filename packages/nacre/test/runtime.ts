// Which runtime the tests run in, for the few that are about Node itself. Not a test itself.

const runtime = 'Bun' in globalThis ? 'Bun' : 'Deno' in globalThis ? 'Deno' : 'process' in globalThis ? 'Node' : 'the web'

/** For `skip`: why a test does not run in these runtimes, or `false` where it does. */
export const notIn = (runtimes: readonly ('Bun' | 'Deno' | 'the web')[], why: string): string | false =>
  runtimes.some(each => each === runtime) ? `${runtime}: ${why}` : false

export const isNode = runtime === 'Node'

/** Whether names of files that are not UTF-8 reach the disk: Deno makes text of every path. */
export const takesAnyName = runtime !== 'Deno'
export const noAnyName = notIn(['Deno'], 'names are UTF-8')

/** Deno's clock of files begins in 1970. */
export const beginsIn1970 = runtime === 'Deno'

/** Only old files and old peers want it, and nothing for the web that is worth having brings it. */
export const hasTripleDes = runtime !== 'the web'
