import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonLines } from './json-lines.ts';
import { chunkings } from './testing/chunkings.ts';

interface Seen {
  readonly whole: readonly string[];
  readonly parts: string;
  readonly held: number;
}

function cut(chunks: readonly Buffer[], lineBytesMax: number): Seen {
  const whole: string[] = [];
  let parts = '';
  let held = 0;
  const lines = new JsonLines(lineBytesMax, (bytes, from, to, isWhole) => {
    const text = bytes.toString('latin1', from, to);
    if (isWhole) whole.push(text);
    else parts += text;
  });
  for (const chunk of chunks) {
    lines.push(chunk);
    held = Math.max(held, lines.heldBytes);
    // Bytes are valid during the push only.
    chunk.fill(0x58);
  }
  lines.end();
  return { whole, parts, held };
}

const texts = fc.array(fc.constantFrom('{"a":1}', '', '{}', '{"long":"0123456789"}'), { maxLength: 12 });

test('lines are the same however their bytes are cut, and what is held is bounded', () => {
  const bytes = texts.map((lines) => Buffer.from(lines.join('\n')));
  fc.assert(
    fc.property(chunkings(bytes, 20), fc.integer({ min: 1, max: 30 }), ({ bytes: whole, chunks }, max) => {
      const expected = whole.toString('latin1').split('\n');
      const seen = cut(chunks, max);
      expect(seen.whole).toEqual(expected.filter((line) => line !== '' && line.length <= max));
      expect(seen.parts).toBe(expected.filter((line) => line.length > max).join(''));
      expect(seen.held).toBeLessThanOrEqual(max);
    }),
  );
});

test('a line that is given up is passed on in parts, and the next is whole again', () => {
  const whole: string[] = [];
  const parts: string[] = [];
  const lines = new JsonLines(100, (bytes, from, to, isWhole) => (isWhole ? whole : parts).push(bytes.toString('latin1', from, to)));
  lines.push(Buffer.from('{"a"'));
  expect(lines.pending.toString()).toBe('{"a"');
  lines.giveUp();
  expect(lines.heldBytes).toBe(0);
  lines.push(Buffer.from(':1}\n{"b":2}\n'));
  expect({ parts, whole }).toEqual({ parts: ['{"a"', ':1}'], whole: ['{"b":2}'] });
});
