// Owns how Node's calls of foreign functions (`node:ffi`) are had, where there are any. Knows nothing of what is called.

type Value = number | bigint | Uint8Array

/** What of `node:ffi` is used. */
export interface Foreign {
  dlopen(
    library: null,
    definitions: Readonly<Record<string, { readonly return: string; readonly arguments: readonly string[] }>>,
  ): { readonly functions: Readonly<Record<string, (...given: readonly Value[]) => number | bigint>> }
  getInt32(pointer: number | bigint): number
  getRawPointer(memory: Uint8Array): bigint
}

/** `node:ffi`, where there is one. That it is an experiment is ours to know, not the terminal's of whoever runs a command. */
export const foreignFunctions = (): Foreign | undefined => {
  const { emitWarning } = process
  process.emitWarning = (() => {}) as typeof emitWarning
  try {
    return (process.getBuiltinModule as (id: string) => Foreign | undefined)('node:ffi')
  } catch {
    return undefined
  } finally {
    process.emitWarning = emitWarning
  }
}
