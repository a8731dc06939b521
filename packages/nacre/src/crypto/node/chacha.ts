// Owns the choice of ChaCha20 and Poly1305 in Node. Knows nothing of packets.
import { pureChaChaPoly } from '../chacha-poly-pure.ts'

export const nodeChaChaPoly = pureChaChaPoly
