/** Ways to cut bytes, for property tests. */
import fc from 'fast-check';

export interface Chunked {
  readonly bytes: Buffer;
  readonly chunks: readonly Buffer[];
}

/** Bytes together with a random cut of them into chunks of up to `sizeMax` bytes, which own their memory. */
export function chunkings(bytes: fc.Arbitrary<Buffer>, sizeMax = 64): fc.Arbitrary<Chunked> {
  return bytes.chain((whole) =>
    fc
      .array(fc.integer({ min: 1, max: sizeMax }), { minLength: 1, maxLength: 200 })
      .map((sizes) => ({ bytes: whole, chunks: cut(whole, sizes) })),
  );
}

/** A random cut for bytes that are not known yet, into chunks of up to `sizeMax` bytes. */
export function cutting(sizeMax: number): fc.Arbitrary<(bytes: Buffer) => readonly Buffer[]> {
  return fc.array(fc.integer({ min: 1, max: sizeMax }), { minLength: 1, maxLength: 50 }).map((sizes) => (bytes) => cut(bytes, sizes));
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const end = at + (sizes[index % sizes.length] as number);
    chunks.push(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return chunks;
}
