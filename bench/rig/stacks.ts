// Owns reading what Linux's `perf script` says of samples, and the table of their kinds. Knows no kind.
import { createInterface } from 'node:readline'

export interface Frame {
  readonly symbol: string
  readonly file: string
}

export const inKernel = ({ file }: Frame): boolean => file.includes('[kernel') || file.includes('.ko')

/** Reads stacks from standard input and prints the share of each kind. `kindOf` gets them with the innermost frame at the front. */
export const printKinds = async (kindOf: (stack: readonly Frame[]) => string): Promise<void> => {
  const counts = new Map<string, number>()
  let total = 0
  let stack: Frame[] = []
  const end = (): void => {
    if (stack.length > 0) {
      const kind = kindOf(stack)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      total++
    }
    stack = []
  }
  for await (const line of createInterface({ input: process.stdin })) {
    const match = /^\s*[0-9a-f]+ (.*) \((.*)\)$/.exec(line)
    if (match === null) end()
    else stack.push({ symbol: match[1], file: match[2] })
  }
  end()
  for (const [kind, count] of [...counts].toSorted(([, a], [, b]) => b - a))
    console.log(`${((100 * count) / total).toFixed(1).padStart(5)} %  ${kind}`)
  console.log(`${total} samples`)
}
