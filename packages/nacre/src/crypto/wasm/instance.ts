// Owns making an instance of WebAssembly from its bytes in base64. Knows nothing of what it computes, and keeps nothing.

// The lib of this project has no DOM, where TypeScript keeps WebAssembly's types.
interface WebAssemblyGlobal {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** The exports of a new instance; `undefined` where WebAssembly, or a feature of it, is missing or forbidden. */
export const instantiate = (binary: string): unknown => {
  try {
    const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyGlobal }).WebAssembly
    return new Instance(new Module(Uint8Array.from(atob(binary), character => character.charCodeAt(0)))).exports
  } catch {
    return undefined
  }
}
