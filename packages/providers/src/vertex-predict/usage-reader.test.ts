import { describe, expect, test } from 'vitest';
import type { RequestFacts } from '../surface.ts';
import { JSON_BODY, read } from '../testing/answers.ts';
import { vertexPredict } from './index.ts';

const embedding = (token_count: unknown): unknown => ({
  embeddings: { values: [0.25, -0.5], statistics: { truncated: false, token_count } },
});
const answer = (...predictions: readonly unknown[]): string => JSON.stringify({ predictions });

describe('predictions', () => {
  test('embeddings have the tokens of their instances, the characters where these are billed, and no output', () => {
    const body = JSON.stringify({ predictions: [embedding(4), embedding(6)], metadata: { billableCharacterCount: 37 } });
    expect(read(vertexPredict, JSON_BODY, body)).toMatchObject({
      usage: { uncached_input: 10, visible_output: 0, characters: 37, reasoning: null },
      rawUsage: JSON.stringify({
        statistics: [
          { truncated: false, token_count: 4 },
          { truncated: false, token_count: 6 },
        ],
        metadata: { billableCharacterCount: 37 },
      }),
      complete: true,
    });
    expect(read(vertexPredict, JSON_BODY, answer(embedding(4)))).toMatchObject({ usage: { uncached_input: 4, characters: null } });
  });

  test('images are counted', () => {
    const images = answer(
      { mimeType: 'image/png', bytesBase64Encoded: 'aGk=' },
      { gcsUri: 'gs://bucket/1.png' },
      { raiFilteredReason: 'no' },
    );
    expect(read(vertexPredict, JSON_BODY, images)).toMatchObject({ usage: { images: 2, uncached_input: null }, rawUsage: '{"images":2}' });
  });

  test.each([answer({ textEmbedding: [0.5] }), answer(), '{}', '{"predictions":"x"}'])('others state nothing: %s', (body) => {
    expect(read(vertexPredict, JSON_BODY, body)).toMatchObject({ usage: null, usageReason: 'not_reported', rawUsage: '' });
  });

  test.each(['four', 1.5, null, -1])('a count that is none (%j) makes usage null', (count) => {
    expect(read(vertexPredict, JSON_BODY, answer(embedding(4), embedding(count)))).toMatchObject({
      usage: null,
      usageReason: 'invalid_usage',
    });
  });

  test('an error is told by its canonical code', () => {
    const error = JSON.stringify({ error: { code: 403, message: 'no', status: 'PERMISSION_DENIED' } });
    expect(read(vertexPredict, { ...JSON_BODY, httpStatus: 403 }, error)).toMatchObject({
      usageReason: 'upstream_error',
      errorClass: 'PERMISSION_DENIED',
    });
  });
});

test.each([
  [{ instances: [{ content: 'a river' }] }, false],
  [{ instances: [{ text: 'a' }, { image: { gcsUri: 'gs://b/1.png' } }] }, true],
])('a request holds media where an instance does (%#)', (body, holdsMedia) => {
  const request = vertexPredict.readRequest(Buffer.from(JSON.stringify(body)), {
    injectUsage: false,
    path: { model: 'text-embedding-005' },
  });
  expect(request).toEqual<RequestFacts>({
    kind: 'request',
    model: 'text-embedding-005',
    streamed: false,
    injectedBody: undefined,
    holdsMedia,
    lastToolText: '',
  });
});
