import { describe, expect, it } from 'vitest';
import type { Checkpoint } from './checkpoint-reader.ts';
import type { FoldStartFacts } from './fold-start.ts';
import { foldStart } from './fold-start.ts';
import { EMPTY_METADATA, encodeOffsetMetadata } from './offset-metadata.ts';

function checkpointAt(offset: number): Checkpoint {
  const manifest = { number: 1, offset, last: null, numbers: { source: 's', given: {} }, scopes: 0, scopesDigest: '0', outputParts: 0 };
  return { manifest, parts: new Map(), outputs: [] };
}

const FOLDED = encodeOffsetMetadata(EMPTY_METADATA);
const NOTHING_FOLDED = encodeOffsetMetadata({ ...EMPTY_METADATA, nothingFolded: true });

/** Committed offset with metadata, offset of the checkpoint, start of the log; then what comes of it, without and with `rebuild`. */
const TABLE: readonly (readonly [
  committed: readonly [number, string] | null,
  checkpoint: number | null,
  start: number,
  expected: string,
  rebuilt: string,
])[] = [
  [null, null, 0, 'empty at 0', 'empty at 0'],
  [null, null, 5, 'OFFSET_UNCOMMITTED', 'OFFSET_UNCOMMITTED'],
  [null, 7, 5, 'checkpoint', 'checkpoint'],
  [[3, NOTHING_FOLDED], null, 0, 'empty at 3', 'empty at 3'],
  [[3, NOTHING_FOLDED], 7, 0, 'checkpoint', 'checkpoint'],
  [[9, ''], 7, 0, 'moved to 9', 'moved to 9'],
  [[3, ''], 7, 0, 'moved to 3', 'moved to 3'],
  [[9, ''], null, 2, 'CHECKPOINT_MISSING', 'empty at 2'],
  [[7, FOLDED], 7, 0, 'checkpoint', 'checkpoint'],
  [[6, FOLDED], 7, 0, 'checkpoint', 'checkpoint'],
  [[8, FOLDED], 7, 0, 'CHECKPOINT_MISSING', 'empty at 0'],
  [[8, FOLDED], null, 4, 'CHECKPOINT_MISSING', 'empty at 4'],
];

function outcome(facts: FoldStartFacts): string {
  try {
    const start = foldStart(facts);
    if (start.kind === 'checkpoint') return 'checkpoint';
    return start.kind === 'empty' ? `empty at ${start.offset}` : `moved to ${start.offset}`;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

describe('where a fold starts', () => {
  it.each(TABLE)(
    'committed %j, checkpoint at %j, log from %i: %s, and with rebuild %s',
    (committed, checkpoint, start, expected, rebuilt) => {
      const facts = {
        where: 't/0',
        committed: committed === null ? null : { offset: committed[0], metadata: committed[1] },
        checkpoint: checkpoint === null ? null : checkpointAt(checkpoint),
        range: { start, end: 10 },
        startAt: 'beginning',
      } as const;
      expect(outcome({ ...facts, rebuild: false })).toBe(expected);
      expect(outcome({ ...facts, rebuild: true })).toBe(rebuilt);
    },
  );

  it('takes what is left of the log when that is allowed', () => {
    expect(
      outcome({ where: 't/0', committed: null, checkpoint: null, range: { start: 5, end: 10 }, startAt: 'earliest', rebuild: false }),
    ).toBe('empty at 5');
  });
});
