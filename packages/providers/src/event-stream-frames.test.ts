import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventStreamFrames } from './event-stream-frames.ts';
import { chunkings } from './testing/chunkings.ts';
import { rawMessage, streamEvent, streamException, streamMessage } from './testing/event-stream.ts';

const LIMIT = 1000;

interface Cut {
  readonly frames: EventStreamFrames;
  /** `kind name payload` of each message, `oversized` and `broken` where they happened. */
  readonly seen: string[];
}

function frames(limit = LIMIT): Cut {
  const seen: string[] = [];
  const listener = {
    message: ({ kind, name, payload }: { kind: string; name: string; payload: Buffer }) =>
      seen.push(`${kind} ${name} ${payload.toString()}`),
    oversized: () => seen.push('oversized'),
    broken: () => seen.push('broken'),
  };
  return { frames: new EventStreamFrames(limit, listener), seen };
}

function cut(...chunks: readonly Buffer[]): readonly string[] {
  const { frames: reader, seen } = frames();
  for (const chunk of chunks) reader.push(chunk);
  return seen;
}

const A = streamEvent('a', { text: 'é' });
const B = streamException('throttlingException', 'slow down');
const LONG = streamEvent('long', 'x'.repeat(LIMIT));

function damaged(message: Buffer, at: number): Buffer {
  const copy = Buffer.from(message);
  copy[at] = (copy[at] as number) ^ 1;
  return copy;
}

describe('messages', () => {
  test('are told with their kind, what they are of, and their payload', () => {
    expect(cut(Buffer.concat([A, B]))).toEqual(['event a {"text":"é"}', 'exception throttlingException {"message":"slow down"}']);
    expect(cut(streamMessage({ ':message-type': 'error', ':error-code': '500' }, Buffer.alloc(0)))).toEqual(['error 500 ']);
    expect(cut(rawMessage(Buffer.alloc(0), Buffer.from('x')))).toEqual(['  x']);
  });

  test('headers of other types are passed over', () => {
    const others = [
      [0],
      [1],
      [2, 1],
      [3, 1, 2],
      [4, 1, 2, 3, 4],
      [5, 1, 2, 3, 4, 5, 6, 7, 8],
      [6, 0, 3, 1, 2, 3],
      [8, 1, 2, 3, 4, 5, 6, 7, 8],
      [9, ...Buffer.alloc(16)],
    ];
    const headers = others.map((value) => Buffer.from([1, 0x61, ...value]));
    const type = Buffer.from([13, ...Buffer.from(':message-type'), 7, 0, 5, ...Buffer.from('event')]);
    expect(cut(rawMessage(Buffer.concat([...headers, type]), Buffer.from('x')))).toEqual(['event  x']);
  });

  test('are the same however the bytes are cut', () => {
    const messages = fc
      .array(fc.constantFrom(A, B, LONG, rawMessage(Buffer.alloc(0), Buffer.alloc(0))), { maxLength: 8 })
      .map((list) => Buffer.concat(list));
    fc.assert(
      fc.property(chunkings(messages, 300), ({ bytes, chunks }) => {
        expect(cut(...chunks)).toEqual(cut(bytes));
      }),
    );
  });

  test('any bytes in any chunking are taken, and held no longer than one message', () => {
    fc.assert(
      fc.property(chunkings(fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))), fc.boolean(), ({ chunks }, starts) => {
        const { frames: reader } = frames();
        if (starts) reader.push(A);
        for (const chunk of chunks) reader.push(chunk);
        expect(reader.pendingBytes).toBeLessThanOrEqual(LIMIT);
      }),
    );
  });
});

describe('damage', () => {
  test.each([0, 4, 9])('in the prelude ends the reading: byte %d', (at) => {
    expect(cut(A, damaged(A, at), A)).toEqual([...cut(A), 'broken']);
  });

  test.each([12, 30, A.length - 1])('in what follows ends the reading: byte %d', (at) => {
    expect(cut(A, damaged(A, at), A)).toEqual([...cut(A), 'broken']);
  });

  test.each([
    [Buffer.from([200, 1])],
    [Buffer.from([1, 0x61])],
    [Buffer.from([1, 0x61, 7])],
    [Buffer.from([1, 0x61, 7, 0, 9, 1])],
    [Buffer.from([1, 0x61, 77])],
  ])('headers that do not end where they should end the reading: %j', (headers) => {
    expect(cut(rawMessage(headers, Buffer.alloc(0)), A)).toEqual(['broken']);
  });

  test('lengths that contradict each other end the reading, however well they are checked', () => {
    const prelude = rawMessage(Buffer.alloc(0), Buffer.alloc(0));
    const shorter = Buffer.from(prelude);
    shorter.writeUInt32BE(8, 4);
    expect(cut(shorter)).toEqual(['broken']);
  });
});

describe('a message that is too long', () => {
  test('passes unread, and the next one is read', () => {
    expect(cut(Buffer.concat([LONG, A]))).toEqual(['oversized', ...cut(A)]);
  });

  test('is not held', () => {
    const { frames: reader } = frames();
    reader.push(LONG.subarray(0, LIMIT - 1));
    expect(reader.pendingBytes).toBe(0);
  });

  test('is one that was given up, too', () => {
    const { frames: reader, seen } = frames();
    reader.push(A.subarray(0, 20));
    reader.giveUp();
    expect(reader.pendingBytes).toBe(0);
    reader.push(Buffer.concat([A.subarray(20), B]));
    expect(seen).toEqual(['oversized', ...cut(B)]);
  });

  test('nothing that is small is given up', () => {
    const { frames: reader, seen } = frames();
    reader.push(A.subarray(0, 11));
    reader.giveUp();
    reader.push(A.subarray(11));
    expect(seen).toEqual(cut(A));
  });
});
