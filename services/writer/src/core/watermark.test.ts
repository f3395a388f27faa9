import { expect, test } from 'vitest';
import { watermarkMs } from './watermark.ts';

const LATENESS_MS = 1_000;

test.each([
  { given: 'nothing is written', newestMs: null, behind: [], watermark: null },
  { given: 'everything is written', newestMs: 50_000, behind: [], watermark: 49_000 },
  { given: 'a partition is behind', newestMs: 50_000, behind: [{ newestMs: 20_000 }, { newestMs: 30_000 }], watermark: 19_000 },
])('$given: the watermark is $watermark', ({ newestMs, behind, watermark }) => {
  expect(watermarkMs({ newestMs, behind }, LATENESS_MS)).toBe(watermark);
});
