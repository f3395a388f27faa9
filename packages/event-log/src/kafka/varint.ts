/** Numbers of variable length as Kafka's records have them: zigzag, seven bits a byte, the lowest first. */

function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

export function varintBytes(value: number): number {
  const unsigned = zigzag(value);
  if (unsigned < 0x80) return 1;
  if (unsigned < 0x4000) return 2;
  if (unsigned < 0x20_0000) return 3;
  return unsigned < 0x1000_0000 ? 4 : 5;
}

/** Returns the place behind it. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  let rest = zigzag(value);
  let next = at;
  while (rest >= 0x80) {
    bytes[next] = (rest & 0x7f) | 0x80;
    next += 1;
    rest >>>= 7;
  }
  bytes[next] = rest;
  return next + 1;
}
