import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { JsonArrayElements } from './json-array.ts';
import { chunkings } from './testing/chunkings.ts';

interface Cut {
  readonly elements: readonly string[];
  readonly oversizedBytes: number;
  readonly closed: boolean;
}

function cut(chunks: readonly (Buffer | string)[], elementBytesMax = 1000): Cut {
  const elements: string[] = [];
  let oversizedBytes = 0;
  const array = new JsonArrayElements(elementBytesMax, (bytes, from, to, whole) => {
    if (whole) elements.push(bytes.toString('utf8', from, to));
    else oversizedBytes += to - from;
  });
  for (const chunk of chunks) {
    array.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    expect(array.heldBytes).toBeLessThanOrEqual(elementBytesMax);
  }
  return { elements, oversizedBytes, closed: array.closed };
}

describe('an array of objects', () => {
  test('is given out object by object, whatever stands between them', () => {
    expect(cut(['[{"a":1}\n,\r\n{"b":{"c":[2]}} , {}\n]\n']).elements).toEqual(['{"a":1}', '{"b":{"c":[2]}}', '{}']);
  });

  test('is not closed by what its texts hold', () => {
    expect(cut([String.raw`[{"a":"}],\"{"},{"b":"\\"}`])).toEqual({
      elements: [String.raw`{"a":"}],\"{"}`, String.raw`{"b":"\\"}`],
      oversizedBytes: 0,
      closed: false,
    });
  });

  test('other elements are passed over', () => {
    expect(cut(['["{}",1,null,[{"a":1}],{"b":2}]'])).toEqual({ elements: ['{"b":2}'], oversizedBytes: 0, closed: true });
  });

  test('what follows its end is not read', () => {
    expect(cut(['[{"a":1}]', ',{"b":2}]'])).toEqual({ elements: ['{"a":1}'], oversizedBytes: 0, closed: true });
  });

  test('gives the same however it is cut', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const arrays = fc.array(fc.dictionary(fc.string(), value, { maxKeys: 3 }), { maxLength: 5 });
    fc.assert(
      fc.property(
        arrays.chain((array) =>
          chunkings(fc.constant(Buffer.from(JSON.stringify(array, null, 1)))).map(({ chunks }) => ({ array, chunks })),
        ),
        ({ array, chunks }) => {
          const { elements, closed } = cut(chunks, 1_000_000);
          expect(elements.map((element) => JSON.parse(element) as unknown)).toEqual(JSON.parse(JSON.stringify(array)));
          expect(closed).toBe(true);
        },
      ),
    );
  });
});

describe('an element over the limit', () => {
  const long = `{"a":"${'x'.repeat(50)}"}`;

  test('passes in parts that nobody holds, and the next is whole again', () => {
    for (const size of [1, 7, 19, 1000]) {
      const text = `[${long},{"b":2}]`;
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) => text.slice(index * size, (index + 1) * size));
      expect(cut(chunks, 20)).toEqual({ elements: ['{"b":2}'], oversizedBytes: long.length, closed: true });
    }
  });

  test('is what an element becomes that is given up', () => {
    const elements: string[] = [];
    const array = new JsonArrayElements(1000, (bytes, from, to, whole) => {
      if (whole) elements.push(bytes.toString('utf8', from, to));
    });
    array.push(Buffer.from('[{"a":'));
    array.giveUp();
    expect(array.heldBytes).toBe(0);
    array.push(Buffer.from('1},{"b":2}'));
    expect(elements).toEqual(['{"b":2}']);
  });
});

test('whatever the bytes, nothing throws and the cut does not matter', () => {
  const piece = fc.oneof(fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', '{"a":1}'), fc.string({ maxLength: 3 }));
  fc.assert(
    fc.property(chunkings(fc.array(piece, { maxLength: 40 }).map((pieces) => Buffer.from(pieces.join('')))), ({ bytes, chunks }) => {
      expect(cut(chunks, 12)).toEqual(cut([bytes], 12));
    }),
    { numRuns: 500 },
  );
});
