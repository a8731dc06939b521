// Owns a client's own meter: CPU and wall time of a stretch of work. Knows nothing of the work.
const cpuSeconds = (): number => {
  const usage = process.resourceUsage()
  return (usage.userCPUTime + usage.systemCPUTime) / 1e6
}

/** Seconds since now, when called again. */
export const meter = (): (() => { readonly cpu: number; readonly wall: number }) => {
  const cpu = cpuSeconds()
  const wall = performance.now()
  return () => ({ cpu: cpuSeconds() - cpu, wall: (performance.now() - wall) / 1000 })
}
