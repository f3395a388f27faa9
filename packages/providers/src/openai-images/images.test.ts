import { describe, expect, test } from 'vitest';
import { JSON_BODY, namedEvents, read, SSE } from '../testing/answers.ts';
import { openaiImages } from './index.ts';

const USAGE = { input_tokens: 50, input_tokens_details: { text_tokens: 10, image_tokens: 40 }, output_tokens: 1056, total_tokens: 1106 };

describe('a plain answer', () => {
  const usageOf = (answer: object): object =>
    read(openaiImages, JSON_BODY, JSON.stringify({ created: 1, data: [{ b64_json: 'aGk=' }], ...answer }));

  test('takes images out of the input; what comes out is an image', () => {
    expect(usageOf({ usage: USAGE })).toMatchObject({
      usage: { uncached_input: 10, input_image: 40, cache_read: null, visible_output: 0, output_image: 1056, images: null },
      usageFlags: ['split_unknown'],
      rawUsage: JSON.stringify(USAGE),
    });
  });

  test('takes text out of the output where it is stated', () => {
    expect(usageOf({ usage: { ...USAGE, output_tokens_details: { text_tokens: 56, image_tokens: 1000 } } })).toMatchObject({
      usage: { visible_output: 56, output_image: 1000 },
    });
    expect(usageOf({ usage: { ...USAGE, output_tokens_details: { image_tokens: 2000 } } })).toMatchObject({
      usage: { visible_output: 1056, output_image: null },
      usageFlags: ['split_unknown', 'contradictory'],
    });
  });

  test('of a model that is sold by the image shows how many there are', () => {
    expect(usageOf({ data: [{ url: 'a' }, { url: 'b' }] })).toMatchObject({
      usage: { images: 2, uncached_input: null, visible_output: null, output_image: null },
      usageReason: '',
      rawUsage: '',
    });
    expect(usageOf({ data: [] })).toMatchObject({ usage: null, usageReason: 'not_reported' });
  });

  test('that is an error has none', () => {
    const error = { error: { code: 'unknown_parameter', type: 'invalid_request_error' } };
    expect(read(openaiImages, { ...JSON_BODY, httpStatus: 400 }, JSON.stringify(error))).toMatchObject({
      usage: null,
      usageReason: 'upstream_error',
      errorClass: 'unknown_parameter',
    });
  });
});

describe('a stream', () => {
  test.each(['image_generation', 'image_edit'])('of %s gives the usage of its last event', (kind) => {
    const text = namedEvents(
      { type: `${kind}.partial_image`, b64_json: 'aGk=' },
      { type: `${kind}.completed`, b64_json: 'aGk=', usage: USAGE },
    );
    expect(read(openaiImages, SSE, text)).toMatchObject({ usage: { input_image: 40, output_image: 1056 }, complete: true });
    expect(read(openaiImages, SSE, text.slice(0, -60))).toMatchObject({ usage: null, usageReason: 'cut_off', complete: false });
  });

  test('that fails has an error', () => {
    const text = namedEvents(
      { type: 'image_generation.partial_image', b64_json: 'aGk=' },
      { type: 'error', error: { code: 'moderation_blocked' } },
    );
    expect(read(openaiImages, SSE, text)).toMatchObject({ usage: null, usageReason: 'upstream_error', errorClass: 'moderation_blocked' });
  });

  test('that breaks off is no text', () => {
    const reader = openaiImages.usageReader({ ...SSE, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(namedEvents({ type: 'image_generation.partial_image', b64_json: 'aGk='.repeat(99) })));
    reader.measureContent();
    expect(reader.sawContent).toBe(true);
    expect(reader.sawEnd).toBe(false);
    expect(reader.soFar().contentBytes).toBe(0);
  });
});

describe('a request', () => {
  const facts = (path: string, body: string, contentType: string): object =>
    openaiImages.readRequest(Buffer.from(body), { injectUsage: true, endpoint: { method: 'POST', path }, contentType });

  test('for an image from a prompt is text', () => {
    const body = JSON.stringify({ prompt: 'a cat', stream: true });
    expect(facts('/v1/images/generations', body, 'application/json')).toMatchObject({ model: '', streamed: true, holdsMedia: false });
  });

  test('for an edit holds images, in a form or by reference', () => {
    expect(facts('/v1/images/edits', '{"model":"gpt-image-1"}', 'application/json')).toMatchObject({
      model: 'gpt-image-1',
      holdsMedia: true,
    });
    const form = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\ngpt-image-1\r\n--b--\r\n';
    expect(facts('/v1/images/edits', form, 'multipart/form-data; boundary=b')).toMatchObject({ model: 'gpt-image-1', holdsMedia: true });
  });
});
