import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunkings } from './testing/chunkings.ts';
import { eventData, eventEnd, eventStart, SseEvents } from './sse-events.ts';

const LIMIT = 256;

/** Data of all events that a splitter gives, and the bytes it gave as parts. */
function events(chunks: readonly Buffer[]): { readonly data: readonly string[]; readonly parts: string } {
  const data: string[] = [];
  let parts = '';
  const splitter = new SseEvents(LIMIT, (bytes, from, to, whole) => {
    if (!whole) {
      parts += bytes.toString('latin1', from, to);
      return;
    }
    for (let at = from; at < to;) {
      const end = eventEnd(bytes, at, to);
      const text = eventData(bytes, at, end);
      if (text !== '') data.push(text);
      at = end;
    }
  });
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return { data, parts };
}

test('data lines of one event are joined, other fields and comments left out', () => {
  expect(events([Buffer.from(': hello\nevent: a\ndata: 1\ndata:2\nid: 7\n\ndata: 3\n\n')]).data).toEqual(['1\n2', '3']);
});

test('lines may end in CRLF', () => {
  expect(events([Buffer.from('data: 1\r\n\r\ndata: 2\r\n\r\n')]).data).toEqual(['1', '2']);
});

test('a last event counts without its blank line', () => {
  expect(events([Buffer.from('data: 1\n\ndata: 2')]).data).toEqual(['1', '2']);
});

test('any chunking gives the same events', () => {
  const line = fc.constantFrom('data: {"a":1}', 'data: é', 'event: x', ': ping', '', 'data: [DONE]', 'data:');
  const stream = fc
    .tuple(fc.array(line, { maxLength: 12 }), fc.constantFrom('\n', '\r\n'))
    .map(([lines, end]) => Buffer.from(lines.map((text) => text + end).join('')));
  fc.assert(
    fc.property(chunkings(stream), ({ bytes, chunks }) => {
      expect(events(chunks).data).toEqual(events([bytes]).data);
    }),
    { numRuns: 1000 },
  );
});

test('an event beyond the limit comes in parts, and the next one whole again', () => {
  const long = `data: ${'x'.repeat(1000)}\n\n`;
  const stream = Buffer.from(`data: 1\n\n${long}data: 2\n\n`);
  fc.assert(
    fc.property(chunkings(fc.constant(stream), 40), ({ chunks }) => {
      const given = events(chunks);
      expect(given.data).toEqual(['1', '2']);
      expect(given.parts).toBe(long);
    }),
  );
});

test('the event around an offset is found from its first line to its blank line', () => {
  const bytes = Buffer.from('data: 1\n\nevent: b\r\ndata: 2\r\n\r\ndata: 3\n\n');
  const at = bytes.indexOf('2');
  expect(eventStart(bytes, at, 0)).toBe(9);
  expect(eventEnd(bytes, at, bytes.length)).toBe(bytes.indexOf('data: 3'));
});
