/** Ways to cut an answer's bytes as a network might. */

export interface Chunking {
  readonly name: 'whole' | 'by line' | 'by byte' | 'at random' | 'with delays';
  readonly cut: (body: Buffer) => Iterable<Buffer>;
  /** Between two pieces, in milliseconds. */
  readonly delayMs: number;
}

export const DEFAULT_SEED = 20;
const RANDOM_PIECE_BYTES_MAX = 300;
/** Of an answer that is sent with delays. */
const DELAYED_PIECES = 4;
const DELAY_MS = 8;

/** The same seed cuts the same bytes alike. */
export function chunkings(seed: number): readonly Chunking[] {
  return [
    { name: 'whole', cut: (body) => (body.length === 0 ? [] : [body]), delayMs: 0 },
    { name: 'by line', cut: lines, delayMs: 0 },
    { name: 'by byte', cut: (body) => pieces(body, () => 1), delayMs: 0 },
    { name: 'at random', cut: (body) => randomPieces(body, seed, RANDOM_PIECE_BYTES_MAX), delayMs: 0 },
    // Twice the mean: so many pieces on average.
    { name: 'with delays', cut: (body) => randomPieces(body, seed + 1, Math.ceil((2 * body.length) / DELAYED_PIECES)), delayMs: DELAY_MS },
  ];
}

export const CHUNKINGS: readonly Chunking[] = chunkings(DEFAULT_SEED);

function randomPieces(body: Buffer, seed: number, bytesMax: number): Iterable<Buffer> {
  // Answers of different lengths are cut at different places.
  const random = generator(seed + body.length);
  return pieces(body, () => 1 + (random() % bytesMax));
}

function* pieces(body: Buffer, size: () => number): Iterable<Buffer> {
  let at = 0;
  while (at < body.length) {
    const end = at + size();
    yield body.subarray(at, end);
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
