import { expect, test } from 'vitest';
import { sampleEvent } from './sample-books.ts';
import { type Change, changedAttempt } from './what-if.ts';

const [attempt, unknown] = sampleEvent(1, [
  { model: 'small', tokens: { input: 70, cached: 30, output: 5 } },
  { model: 'small', tokens: null },
]).attempts;
if (attempt === undefined || unknown === undefined) throw new Error('there are two attempts');
const change = (some: Partial<Change>): Change => ({ models: new Map(), ...some });

test('on another model the tokens are the same, at its provider or at another', () => {
  expect(changedAttempt(attempt, change({ models: new Map([['small', { model: 'mid' }]]) }))).toEqual({
    ...attempt,
    requestedModel: 'mid',
    servedModel: 'mid',
  });
  expect(changedAttempt(attempt, change({ models: new Map([['small', { model: 'mid', provider: 'other' }]]) }))).toMatchObject({
    provider: 'other',
  });
});

test('a model goes by the name that it was asked for by, too; the one that it answered by comes first', () => {
  const dated = { ...attempt, servedModel: 'small-2026-01-01' };
  const asked = new Map([['small', { model: 'mid' }]]);
  expect(changedAttempt(dated, change({ models: asked }))).toMatchObject({ servedModel: 'mid' });
  const both = new Map([...asked, ['small-2026-01-01', { model: 'large' }]]);
  expect(changedAttempt(dated, change({ models: both }))).toMatchObject({ servedModel: 'large' });
});

test('nothing changes for another model, nor where nobody knows the usage', () => {
  expect(changedAttempt(attempt, change({ models: new Map([['big', { model: 'mid' }]]), tier: 'batch' }))).toBeNull();
  expect(changedAttempt(unknown, change({ tier: 'batch' }))).toBeNull();
});

test('at another tier it is of that tier', () => {
  expect(changedAttempt(attempt, change({ tier: 'batch' }))).toEqual({ ...attempt, serviceTier: 'batch' });
});

test.each([
  [0, 100, 0],
  [33, 67, 33],
  [100, 0, 100],
])('with %d %% of the text from a cache, as much is read in all and nothing is written', (cachedPercent, uncached, read) => {
  const changed = changedAttempt(attempt, change({ cachedPercent }));
  expect(changed?.usage).toMatchObject({ uncached_input: uncached, cache_read: read, cache_write_5m: 0, visible_output: 5 });
});
