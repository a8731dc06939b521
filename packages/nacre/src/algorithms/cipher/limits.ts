// Owns how much one key of a block cipher may protect. Knows no cipher.

/** RFC 4344 §3.2: a block of L bits, 2^(L/4) blocks. For AES's 128 bits that is 2^32 blocks of 16 bytes, 64 GiB. */
export const aesRekeyBytes = 2 ** 36

/** RFC 4344's rule would allow a block of 64 bits 2^16 blocks, 512 KiB, which nobody follows: 1 GiB, as OpenSSH does. */
export const smallBlockRekeyBytes = 2 ** 30
