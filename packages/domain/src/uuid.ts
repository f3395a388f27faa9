/** UUIDv7 and UUIDv8 (RFC 9562 §5.7, §5.8). Time, randomness and digests come in as arguments. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Builds a UUIDv7 from milliseconds since the epoch and at least 10 random bytes, read from `offset`. */
export function uuidv7(nowMs: number, random: Uint8Array, offset = 0): string {
  const high = Math.floor(nowMs / 0x1_0000_0000);
  const low = nowMs >>> 0;
  const at = (index: number): string => HEX[random[offset + index] as number] as string;
  const version = HEX[0x70 | ((random[offset] as number) & 0x0f)] as string;
  const variant = HEX[0x80 | ((random[offset + 2] as number) & 0x3f)] as string;
  return (
    (HEX[(high >>> 8) & 0xff] as string) +
    (HEX[high & 0xff] as string) +
    (HEX[low >>> 24] as string) +
    (HEX[(low >>> 16) & 0xff] as string) +
    '-' +
    (HEX[(low >>> 8) & 0xff] as string) +
    (HEX[low & 0xff] as string) +
    '-' +
    version +
    at(1) +
    '-' +
    variant +
    at(3) +
    '-' +
    at(4) +
    at(5) +
    at(6) +
    at(7) +
    at(8) +
    at(9)
  );
}

/** Builds a UUIDv8 from the first 16 bytes of a digest: whoever computes the same digest gives the same id. */
export function uuidv8(digest: Uint8Array): string {
  const bytes = Buffer.from(digest.subarray(0, 16));
  bytes[6] = 0x80 | ((bytes[6] as number) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] as number) & 0x3f);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** True for a UUID in canonical lower-case form, whatever its version. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text);
}
