// Results of batches and stored responses, however malicious: nothing is thrown, the same is counted in any chunks, and no more is held than the bound.
import { USAGE_CLASSES } from '@tokenledger/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SSE_EVENT_BYTES_MAX } from '../answer-reader.ts';
import { SURFACES, type SurfaceName } from '../surfaces.ts';
import { cutting } from '../testing/chunkings.ts';
import { hostileAnswer, hostileResults } from '../testing/hostile.ts';
import { resultReader, type ResultsKind } from './result-reader.ts';
import type { ResultFact, ResultReader } from './result.ts';

const MIB = 1024 * 1024;
const KINDS: readonly ResultsKind[] = ['response', 'batches', 'file', 'message_batch'];

function readerOf(kind: ResultsKind, contentType: string, facts: ResultFact[]): ResultReader {
  return resultReader({
    kind,
    contentType,
    name: 'named',
    httpStatus: 200,
    answerBytesMax: MIB,
    surface: (name) => SURFACES[name as SurfaceName],
    onFact: (fact) => facts.push(fact),
  });
}

function factsOf(kind: ResultsKind, contentType: string, chunks: readonly Buffer[]): readonly ResultFact[] {
  const facts: ResultFact[] = [];
  const reader = readerOf(kind, contentType, facts);
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  reader.whole();
  return facts;
}

describe.each(KINDS)('%s', (kind) => {
  test('any bytes in any chunks name the same results, whose usage are counts', () => {
    fc.assert(
      fc.property(fc.oneof(hostileAnswer, hostileResults), cutting(60), ({ bytes, contentType }, cut) => {
        const facts = factsOf(kind, contentType, [bytes]);
        expect(factsOf(kind, contentType, cut(bytes))).toEqual(facts);
        for (const fact of facts) {
          if (fact.kind !== 'result') continue;
          for (const [name, count] of Object.entries(fact.answer.usage ?? {})) {
            expect(USAGE_CLASSES).toContain(name);
            if (count !== null) expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  test.each(['{"custom_id":"1","response":{"body":"', '', '{"custom_id":"1"}\n'])(
    'what goes on and on after %j is held up to its bound',
    (begin) => {
      const reader = readerOf(kind, 'application/json', []);
      reader.push(Buffer.from(begin));
      const chunk = Buffer.alloc(256 * 1024, 'a');
      let held = 0;
      for (let bytes = 0; bytes < 12 * MIB; bytes += chunk.length) {
        reader.push(chunk);
        held = Math.max(held, reader.heldBytes);
      }
      expect(held).toBeLessThanOrEqual(SSE_EVENT_BYTES_MAX + chunk.length);
      expect(reader.end().usage).toBeNull();
    },
  );
});
