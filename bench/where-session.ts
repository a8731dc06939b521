// Owns a table of where the CPU of a process goes that opens or serves sessions, by what it is for: sockets, public keys,
// hashes, packets, JavaScript by whose it is, garbage, of what Linux's `perf` has recorded. Starts nothing.
//
//   NODE_OPTIONS='--perf-basic-prof --interpreted-frames-native-stack' npm run bench -- --rounds 1 session
//   perf record -e cpu-clock -F 4000 -g -p PID -o /tmp/perf.data     meanwhile, PID that of the site to look at
//   perf script -i /tmp/perf.data -F ip,sym,dso | node bench/where-session.ts
import { type Frame, inKernel, printKinds } from './rig/stacks.ts'

/** What a sample is for when one of its frames says so, looked at in this order. */
const telling: readonly { readonly kind: string; readonly pattern: RegExp }[] = [
  {
    kind: 'garbage',
    pattern: /Scaveng|Heap::CollectGarbage|Sweep|MarkCompact|MarkingVisitor|ConcurrentMarking|HandleExternalMemoryInterrupt/,
  },
  {
    kind: 'compiling',
    pattern: /v8::internal::(compiler|maglev|baseline)::|OptimizingCompileDispatcher|TurbofanCompilationJob|v8::internal::Compiler::/,
  },
  {
    kind: 'public keys: OpenSSL and what leads to it',
    pattern: /node::crypto::(Sign|Verify|DH|Key|SecretKey|ImportRaw|PublicKey|NativeKey)|EVP_PKEY|ossl_(ed|x)25519|ncrypto::EVPKey/,
  },
  { kind: 'hashes and randomness', pattern: /node::crypto::(Hash|Random)|EVP_Digest|RAND_/ },
  { kind: 'AES-GCM of packets', pattern: /node::crypto::Cipher|wasm-function|EVP_Cipher/ },
]

const ofSockets = /^(uv_|node::(Libuv|Stream|TCP|HandleWrap|WriteWrap|ReqWrap|EmitToJS|ShutdownWrap))/
const ofScript = /^JS:.*? (node:\S+|file:\/\/)/

/** `stack` has the innermost frame at the front. */
const kindOf = (stack: readonly Frame[]): string => {
  const told = telling.find(({ pattern }) => stack.some(({ symbol }) => pattern.test(symbol)))
  if (told !== undefined) return told.kind
  if (inKernel(stack[0])) return 'sockets: the kernel'
  if (ofSockets.test(stack[0].symbol)) return 'sockets: libuv and Node'
  for (const { symbol } of stack) {
    const script = ofScript.exec(symbol)?.[1]
    if (script === undefined) continue
    if (script.startsWith('node:internal/crypto')) return 'JavaScript of node:crypto'
    return script.startsWith('node:') ? 'JavaScript of node:net and its streams' : 'JavaScript of the program'
  }
  return 'event loop, malloc and the rest'
}

await printKinds(kindOf)
