import { expect, test } from 'vitest';
import { COUNT_NUMBERS, PART_NUMBERS, readCount, writeCount } from './count-batch.ts';
import { type CountMethod, NO_COUNT_REASONS, type NoCountReason, notCounted, type PartCount } from './count.ts';
import { GatheredParts } from './gathered-parts.ts';
import { TOKENIZER_NAMES } from './tokenizer.ts';

const METHODS: readonly CountMethod[] = ['exact', 'calibrated', 'approximate'];

test('each count comes back from its numbers', () => {
  const counts: PartCount[] = [
    ...TOKENIZER_NAMES.flatMap((tokenizer) =>
      METHODS.map((method, index): PartCount => ({ kind: 'counted', tokens: 1_000_000 + index, tokenizer, method })),
    ),
    ...(Object.keys(NO_COUNT_REASONS) as NoCountReason[]).map(notCounted),
  ];
  const numbers = new Float64Array(counts.length * COUNT_NUMBERS);
  for (const [index, count] of counts.entries()) writeCount(numbers, index, count);
  expect(counts.map((_, index) => readCount(numbers, index))).toEqual(counts);
});

const KIND = {
  kind: 'input',
  surface: 'openai.chat',
  provider: 'openai',
  model: 'gpt-4o',
  contentType: '',
  calibration: undefined,
} as const;

test('gathered parts stand one behind the other, those of one kind under one description', () => {
  const gathered = new GatheredParts<{ deadlineMs: number }>();
  gathered.add({ deadlineMs: 1 }, KIND, [Buffer.from('one'), Buffer.from(' and')], 7);
  gathered.add({ deadlineMs: 2 }, { ...KIND, model: 'gpt-4' }, [], 0);
  gathered.add({ deadlineMs: 3 }, { ...KIND }, [Buffer.from('three')], 5);
  const { bytes, kinds, parts } = gathered.message();
  expect(kinds.map(({ model }) => model)).toEqual(['gpt-4o', 'gpt-4']);
  expect([...parts]).toEqual([0, 7, 1, 1, 7, 2, 0, 12, 3]);
  expect(Buffer.from(bytes.subarray(0, 12)).toString()).toBe('one andthree');
});

test('a batch is full with 256 parts or a mebibyte; a longer part is alone in memory of its own, which is not used again', () => {
  const half = Buffer.alloc(600_000);
  const gathered = new GatheredParts<{ deadlineMs: number }>();
  gathered.add({ deadlineMs: 1 }, KIND, [half], half.length);
  expect([gathered.isFull, gathered.hasRoom(half.length), gathered.hasRoom(400_000)]).toEqual([false, false, true]);
  expect(gathered.clear()).toBe(true);
  for (let index = 0; index < 256; index += 1) gathered.add({ deadlineMs: 1 }, KIND, [Buffer.from('x')], 1);
  expect(gathered.isFull).toBe(true);
  expect(gathered.message().parts).toHaveLength(256 * PART_NUMBERS);
  gathered.clear();
  expect(gathered.hasRoom(3_000_000)).toBe(true);
  gathered.add({ deadlineMs: 1 }, KIND, [Buffer.alloc(3_000_000, 'x')], 3_000_000);
  expect(gathered.isFull).toBe(true);
  expect(gathered.message().bytes.at(-1)).toBe('x'.charCodeAt(0));
  expect(gathered.clear()).toBe(false);
});
