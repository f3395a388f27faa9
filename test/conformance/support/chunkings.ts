/** Ways to cut an answer's bytes as a network might. */

export interface Chunking {
  readonly name: string;
  readonly cut: (body: Buffer) => Iterable<Buffer>;
}

export const CHUNKINGS: readonly Chunking[] = [
  { name: 'whole', cut: (body) => [body] },
  { name: 'byte by byte', cut: (body) => pieces(body, () => 1) },
  { name: 'in pieces of 7 bytes', cut: (body) => pieces(body, () => 7) },
  { name: 'line by line', cut: lines },
  {
    name: 'in random pieces (seed 20)',
    cut: (body) => {
      const random = generator(20);
      return pieces(body, () => 1 + (random() % 300));
    },
  },
];

function* pieces(body: Buffer, size: () => number): Iterable<Buffer> {
  let at = 0;
  while (at < body.length) {
    const end = at + size();
    // A copy, overwritten afterwards, so that a reader which holds on to a chunk is found out.
    const piece = Buffer.from(body.subarray(at, end));
    yield piece;
    piece.fill(0x58);
    at = end;
  }
}

function* lines(body: Buffer): Iterable<Buffer> {
  let at = 0;
  while (at < body.length) {
    const feed = body.indexOf('\n', at);
    const end = feed < 0 ? body.length : feed + 1;
    yield body.subarray(at, end);
    at = end;
  }
}

/** Numerical Recipes' linear congruential generator, its high bits. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
