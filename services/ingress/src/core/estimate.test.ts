import { UNKNOWN_USAGE, type Usage } from '@tokenledger/domain';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BYTES_PER_TOKEN, estimateUsage } from './estimate.ts';

const TEXT = { requestBytes: 4000, holdsMedia: false };
const MEDIA = { requestBytes: 4_000_000, holdsMedia: true };
const usage = (change: Partial<Usage>): Usage => ({ ...UNKNOWN_USAGE, ...change });
const STATED = usage({ uncached_input: 7, cache_read: 900, cache_write_5m: 0, cache_write_1h: 0, web_search_requests: 0 });
const seen = (contentBytes: number, stated: Usage | null = null) => ({ contentBytes, stated });

// The table of estimate.ts.
test.each([
  ['the request alone', TEXT, null, usage({ uncached_input: 1000 }), 'request_bytes'],
  ['an answer without content yet', TEXT, seen(0), usage({ uncached_input: 1000 }), 'request_bytes'],
  ['content', TEXT, seen(401), usage({ uncached_input: 1000, visible_output: 101 }), 'answer_bytes'],
  ['a stated input', TEXT, seen(0, STATED), STATED, 'answer_bytes'],
  ['a stated input and content', TEXT, seen(40, STATED), usage({ ...STATED, visible_output: 10 }), 'answer_bytes'],
  ['images and content', MEDIA, seen(40), usage({ visible_output: 10 }), 'answer_bytes'],
  ['images and a stated input', MEDIA, seen(0, STATED), STATED, 'answer_bytes'],
])('with %s', (_known, request, answer, expected, basis) => {
  expect(estimateUsage({ request, answer })).toEqual({ usage: expected, basis });
});

test('there is no estimate of what will be stated under a name of its own', () => {
  expect(estimateUsage({ request: { ...TEXT, reportedLater: true }, answer: seen(400, STATED) })).toBeNull();
});

test('there is no estimate where there is no basis', () => {
  expect(estimateUsage({ request: MEDIA, answer: null })).toBeNull();
  expect(estimateUsage({ request: MEDIA, answer: seen(0) })).toBeNull();
  expect(estimateUsage({ request: { requestBytes: null, holdsMedia: false }, answer: null })).toBeNull();
});

test('an estimate holds whole tokens, never 0 of what was seen, and nothing it has no basis for', () => {
  const bytes = fc.option(fc.nat());
  fc.assert(
    fc.property(bytes, fc.boolean(), fc.nat(), (requestBytes, holdsMedia, contentBytes) => {
      const estimate = estimateUsage({ request: { requestBytes, holdsMedia }, answer: seen(contentBytes) });
      if (estimate === null) return;
      const { uncached_input: input, visible_output: output, ...others } = estimate.usage;
      expect(input === null).toBe(holdsMedia || requestBytes === null);
      expect(output === null).toBe(contentBytes === 0);
      for (const tokens of [input, output]) if (tokens !== null) expect(Number.isSafeInteger(tokens)).toBe(true);
      if (output !== null) expect(output).toBeGreaterThanOrEqual(contentBytes / BYTES_PER_TOKEN);
      expect(new Set(Object.values(others))).toEqual(new Set([null]));
    }),
  );
});
