import type { Counted, UsageEvent } from '@tokenledger/domain';
import { type SimulatedDisk, simulatedDisk } from '@tokenledger/journal';
import { decodeUsageEvent } from '@tokenledger/schemas';
import { afterEach, expect, test } from 'vitest';
import { ingressConfig } from './config.ts';
import { lostEvent } from './core/lost-event.ts';
import { type Counting, openCounting } from './counting.ts';
import { openJournalOn } from './journal.ts';

const AT_MS = Date.UTC(2026, 5, 1);
const ID = '01900000-0000-7000-8000-000000000000';
const CONFIG = ingressConfig.parse({ counting_deadline_ms: 30_000 });
const ANSWER = Buffer.from(JSON.stringify({ choices: [{ message: { role: 'assistant', content: 'The capital of France is Paris.' } }] }));

const cleanUp: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of cleanUp.splice(0)) await close();
});

function counting(change: Partial<typeof CONFIG> = {}): { readonly counting: Counting; readonly told: Counted[] } {
  const told: Counted[] = [];
  const opened = openCounting({ ...CONFIG, ...change }, (counted) => told.push(counted));
  if (opened === undefined) throw new Error('counting is off');
  cleanUp.push(() => opened.close());
  return { counting: opened, told };
}

let openings = 0;
const journalOn = (disk: SimulatedDisk) =>
  openJournalOn({
    disk,
    config: CONFIG,
    onAlarm: ({ kind }) => {
      // The disk of a process that has ended takes nothing any more.
      if (kind !== 'write_failed') throw new Error(kind);
    },
    now: () => AT_MS,
    newId: () => `01900000-0000-7000-8000-${String((openings += 1)).padStart(12, '0')}`,
  });

const request = (content: string, model = 'gpt-4o') => ({
  surface: 'openai.chat',
  provider: 'openai',
  model,
  body: Buffer.from(JSON.stringify({ model, messages: [{ role: 'user', content }] })),
});

/** An exchange that has ended, on a journal of its own. */
async function ended(begun: ReturnType<Counting['begin']>, answer: Buffer | null = ANSWER) {
  const disk = simulatedDisk();
  const journal = await journalOn(disk);
  const { source } = journal;
  const event = { ...lostEvent({ eventId: ID, source, sequence: 0, atMs: AT_MS }), outcome: 'ok', surface: 'openai.chat' } as const;
  const entry = journal.open({ partition: 0, facts: () => Buffer.alloc(0) });
  if (entry === null) throw new Error('the journal is full');
  if (answer !== null) begun.begins('application/json');
  if (answer !== null) begun.keep(answer);
  const finished: UsageEvent[] = [];
  const safe = begun.close({
    journal,
    entry,
    key: 'key',
    servedModel: '',
    now: () => AT_MS,
    eventOf: () => event,
    finished: (closed) => finished.push(closed),
  });
  const events = (): unknown[] => journal.pending(source, 0, 10).map(({ value }) => decodeUsageEvent(value));
  const synced = new Promise<void>((resolve) => journal.onSynced(safe, resolve));
  return { disk, journal, finished, events, synced };
}

test('an exchange is safe before it is counted, and gets its number with its count', async () => {
  const { counting: one, told } = counting();
  const { journal, events, finished, synced } = await ended(one.begin(request('What is the capital of France?')));
  await synced;
  // A thread takes longer than this disk does.
  expect([journal.fill().open, finished.length, told.length]).toEqual([1, 0, 0]);
  await one.idle();
  const arrived = new Promise<void>((resolve) => journal.onClosed(() => resolve()));
  if (events().length === 0) await arrived;
  const counted = { inputTokens: 14, outputTokens: 7, tokenizer: 'o200k_base', method: 'exact', reason: '' };
  expect(events()).toMatchObject([{ eventId: ID, sequence: 1, outcome: 'ok', counted }]);
  expect(finished).toMatchObject([{ sequence: 1, counted }]);
  expect(told).toEqual([counted]);
  expect(one.bytesHeld).toBe(0);
});

test('an exchange whose process ends before it is counted keeps its outcome and says why it has no count', async () => {
  const { counting: one } = counting();
  const { disk, synced } = await ended(one.begin(request('What is the capital of France?')));
  await synced;
  const left = disk.cutPower(0);
  await one.close();
  const next = await journalOn(left);
  expect(next.recovered).toMatchObject({ sources: 1, unresolved: 1 });
  const [lane] = next.lanes();
  const arrived = new Promise<void>((resolve) => next.onClosed(() => resolve()));
  if (next.pending(lane?.source ?? '', 0, 10).length === 0) await arrived;
  const [event] = next.pending(lane?.source ?? '', 0, 10).map(({ value }) => decodeUsageEvent(value));
  expect(event).toMatchObject({ eventId: ID, sequence: 1, outcome: 'ok', counted: { inputTokens: null, reason: 'closed' } });
});

test('what needs no thread is closed at once, with its reason', async () => {
  const { counting: one, told } = counting();
  const noVocabulary = await ended(one.begin(request('x', 'grok-4')));
  expect(noVocabulary.journal.fill().open).toBe(0);
  const noSurface = await ended(one.begin({ ...request('x'), surface: 'openai.images' }));
  expect(noSurface.finished).toMatchObject([{ sequence: 1, counted: { reason: 'not_countable_surface' } }]);
  expect(told.map(({ reason }) => reason)).toEqual(['no_tokenizer', 'not_countable_surface']);
  expect(one.bytesHeld).toBe(0);
});

test('without an answer that has content the input alone is counted', async () => {
  const { counting: one, told } = counting();
  await ended(one.begin(request('What is the capital of France?')), null);
  await one.idle();
  expect(told).toMatchObject([{ inputTokens: 14, outputTokens: null, method: 'exact', reason: 'no_answer' }]);
});

test('an answer that began anew is counted without what came of the one before', async () => {
  const { counting: one, told } = counting();
  const begun = one.begin(request('x'));
  begun.begins('application/json');
  begun.keep(Buffer.from('{"choices":[{"message":{"content":"half'));
  await ended(begun);
  await one.idle();
  expect(told).toMatchObject([{ outputTokens: 7, reason: '' }]);
});

test('what is kept is bounded: a longer answer is too large, what finds no room is overload, and room comes back', async () => {
  const MIB = 1024 * 1024;
  const { counting: one, told } = counting({ counting_bytes_max: MIB, counting_body_bytes_max: MIB });
  const large = one.begin(request('x'.repeat(MIB / 2)));
  const refused = one.begin(request('x'.repeat(MIB / 2)));
  await ended(refused);
  expect(told.at(-1)).toMatchObject({ inputTokens: null, outputTokens: null, reason: 'overload' });
  await ended(large, Buffer.alloc(MIB / 2));
  await one.idle();
  expect(told.at(-1)).toMatchObject({ outputTokens: null, reason: 'overload' });
  const long = one.begin(request('x'));
  await ended(long, Buffer.alloc(MIB + 1));
  await one.idle();
  expect(told.at(-1)).toMatchObject({ outputTokens: null, reason: 'too_large' });
  expect(one.bytesHeld).toBe(0);
});

test('a counter that ends lets go of what waits for it', async () => {
  const { counting: one, told } = counting();
  const { journal } = await ended(one.begin(request('x')));
  await one.close();
  await one.idle();
  expect(told).toMatchObject([{ reason: 'closed' }]);
  expect(journal.fill().open).toBe(0);
});

test('no threads: nothing is counted', () => {
  expect(openCounting({ ...CONFIG, counting_threads: 0 }, () => undefined)).toBeUndefined();
});
