import { describe, expect, test } from 'vitest';
import type { RequestFacts } from '../surface.ts';
import { JSON_BODY, namedEvents, read, SSE } from '../testing/answers.ts';
import { openaiSpeech } from './index.ts';

const SOUND = { contentType: 'audio/mpeg' };

describe('an answer', () => {
  test('of events gives the usage of the last: what comes out is sound', () => {
    const text = namedEvents(
      { type: 'speech.audio.delta', audio: 'aGk=' },
      { type: 'speech.audio.done', usage: { input_tokens: 12, output_tokens: 90, total_tokens: 102 } },
    );
    expect(read(openaiSpeech, SSE, text)).toMatchObject({
      usage: { uncached_input: 12, visible_output: 0, output_audio: 90 },
      usageFlags: [],
      complete: true,
    });
  });

  test('that is sound states none, is not held, and is no text', () => {
    const reader = openaiSpeech.usageReader({ ...SOUND, httpStatus: 200, answerBytesMax: 1000 });
    expect(reader.sawContent).toBe(false);
    for (let count = 0; count < 100; count++) reader.push(Buffer.alloc(100_000, 0xff));
    expect(reader).toMatchObject({ sawContent: true, sawEnd: false, heldBytes: 0 });
    expect(reader.soFar().contentBytes).toBe(0);
    expect(reader.end()).toMatchObject({ usage: null, usageReason: 'not_reported', errorClass: '' });
  });

  test('that is an error tells its code', () => {
    const error = JSON.stringify({ error: { code: 'invalid_voice' } });
    expect(read(openaiSpeech, { ...JSON_BODY, httpStatus: 400 }, error)).toMatchObject({
      usageReason: 'upstream_error',
      errorClass: 'invalid_voice',
    });
    expect(read(openaiSpeech, { contentType: 'text/html', httpStatus: 502 }, '<html>')).toMatchObject({ usageReason: 'upstream_error' });
  });
});

test('a request says whether its answer is a stream of events', () => {
  const streamed = (format: object): boolean =>
    (
      openaiSpeech.readRequest(Buffer.from(JSON.stringify({ model: 'tts-1', input: 'hi', ...format })), {
        injectUsage: true,
      }) as RequestFacts
    ).streamed;
  expect([streamed({}), streamed({ stream_format: 'audio' }), streamed({ stream_format: 'sse' })]).toEqual([false, false, true]);
});
