// Owns what the operating system says of processes: CPU of a process and of the children it has waited for, and memory in
// proportion to who shares it. Knows nothing of what they run.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { descendantsOf } from '../../interop/rig/process.ts'

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** What follows the program's name in /proc/PID/stat; the name may hold anything but is the only thing in parentheses. */
const statFields = (pid: number): readonly string[] => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

const programName = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()

/** CPU seconds, user and system, all threads, with those of all children that ended and theirs. To 10 ms. */
const cpuWithChildren = (pid: number): number => {
  const fields = statFields(pid)
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) / ticksPerSecond
}

/** Waits until `pid` has no processes below it and gives the CPU seconds of all there were. */
export const cpuOfSettledTree = async (pid: number, seconds = 10): Promise<number> => {
  const until = Date.now() + seconds * 1000
  while (descendantsOf(pid).length > 0) {
    if (Date.now() > until) throw new Error(`processes below ${pid} (${programName(pid)}) did not end within ${seconds} s`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return cpuWithChildren(pid)
}

/** CPU seconds of `pid` and of all processes below it as they are now, with those of children they have waited for. */
export const cpuOfTree = (pid: number): number => [pid, ...descendantsOf(pid)].reduce((sum, each) => sum + cpuWithChildren(each), 0)

const statusOf = (pid: number, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)

/** KiB of memory `pid` has now. From here on its peak counts anew. */
export const startPeak = (pid: number): number => {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return statusOf(pid, 'VmRSS')
}

/** The most memory `pid` has had since `startPeak`, in KiB. */
export const peakOf = (pid: number): number => statusOf(pid, 'VmHWM')

/**
 * Proportional set size of one process, in KiB, without pages of files: those do not grow with connections, and the share of
 * them that falls to one process changes whenever another starts or ends that runs the same program.
 */
const pssOf = (pid: number): number => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return ['Pss_Anon', 'Pss_Shmem'].reduce(
    (sum, field) => sum + Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0),
    0,
  )
}

/** Proportional set size, without files, of `pid` and the processes below it that run the same program, in KiB. */
export const pssOfTree = (pid: number): number => {
  const name = programName(pid)
  let sum = pssOf(pid)
  for (const each of descendantsOf(pid)) {
    try {
      if (programName(each) === name) sum += pssOf(each)
    } catch {
      // It ended while we looked.
    }
  }
  return sum
}
