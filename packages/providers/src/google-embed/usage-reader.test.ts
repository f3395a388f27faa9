import { describe, expect, test } from 'vitest';
import { JSON_BODY, read } from '../testing/answers.ts';
import { googleEmbed } from './index.ts';

function embedded(usageMetadata?: unknown): string {
  return JSON.stringify({ embeddings: [{ values: [0.25, -0.5] }], ...(usageMetadata === undefined ? {} : { usageMetadata }) });
}

describe('embeddings', () => {
  test('have input and no output', () => {
    const usage = { promptTokenCount: 4, promptTokenDetails: [{ modality: 'TEXT', tokenCount: 4 }] };
    expect(read(googleEmbed, JSON_BODY, embedded(usage))).toMatchObject({
      usage: { uncached_input: 4, input_image: 0, visible_output: 0, reasoning: null },
      usageFlags: [],
      rawUsage: JSON.stringify(usage),
      servedModel: '',
      complete: true,
    });
  });

  test('of images and sounds have them in classes of their own', () => {
    const promptTokenDetails = [
      { modality: 'IMAGE', tokenCount: 258 },
      { modality: 4, tokenCount: 32 },
    ];
    expect(read(googleEmbed, JSON_BODY, embedded({ promptTokenCount: 300, promptTokenDetails }))).toMatchObject({
      usage: { uncached_input: 10, input_image: 258, input_audio: 32 },
    });
    expect(read(googleEmbed, JSON_BODY, embedded({ promptTokenCount: 30, promptTokenDetails }))).toMatchObject({
      usage: { uncached_input: 30, input_image: null },
      usageFlags: ['split_unknown', 'contradictory'],
    });
  });

  test('of models that report nothing have no usage', () => {
    expect(read(googleEmbed, JSON_BODY, embedded())).toMatchObject({ usage: null, usageReason: 'not_reported', complete: true });
    expect(read(googleEmbed, JSON_BODY, embedded({}))).toMatchObject({ usage: null, usageReason: 'not_reported' });
  });

  test.each([{ promptTokenCount: 'four' }, { promptTokenCount: 1, promptTokenDetails: 'x' }, 'four'])('are invalid with %j', (usage) => {
    expect(read(googleEmbed, JSON_BODY, embedded(usage))).toMatchObject({ usage: null, usageReason: 'invalid_usage' });
  });

  test('nothing can be estimated from vectors', () => {
    const reader = googleEmbed.usageReader({ ...JSON_BODY, httpStatus: 200, answerBytesMax: 1000 });
    reader.push(Buffer.from(embedded()));
    expect(reader.soFar()).toMatchObject({ stated: null, contentBytes: 0 });
  });

  test('an error is told by its canonical code', () => {
    const error = { error: { code: 400, message: 'no', status: 'INVALID_ARGUMENT' } };
    expect(read(googleEmbed, { ...JSON_BODY, httpStatus: 400 }, JSON.stringify(error))).toMatchObject({ errorClass: 'INVALID_ARGUMENT' });
  });
});
