import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTempDir } from '../../support/temp-dir.ts';
import { events, openPipeline, type Pipeline, recordOf, SOURCE } from './pipeline.ts';

const GARBAGE = Buffer.from([0xff, 0x00, 0x80, 0x0a]);
const [whole, lost] = events(2, 0);
const poison = { key: 'key-1', value: GARBAGE, headers: { 'tl-source': SOURCE, 'tl-sequence': '2' } };
const LETTER = `${SOURCE}/0/2`;

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openPipeline();
  // The same poison twice, and once without an identity.
  await pipeline.publish(0, [recordOf(whole!), poison, poison, { key: null, value: GARBAGE }]);
  await pipeline.drain();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

const rows = (sql: string) => pipeline.clickhouse.query<Record<string, unknown>>(sql);

test('poison that was published twice is one letter, and the partition has moved on', async () => {
  expect(await rows('SELECT source, sequence, count() AS letters FROM dead_letters GROUP BY ALL ORDER BY ALL')).toEqual([
    { source: '@tokenledger.usage.events/0', sequence: '4', letters: '1' },
    { source: SOURCE, sequence: '2', letters: '1' },
  ]);
  expect(await rows(`SELECT distinct_sequences, missing, repeats FROM completeness WHERE source = '${SOURCE}'`)).toEqual([
    { distinct_sequences: '2', missing: '0', repeats: '0' },
  ]);
});

test('letters are listed and shown', async () => {
  const list = await pipeline.cli('dead-letters', 'list', '--code', 'UNDECODABLE');
  expect(list.stdout).toMatch(/^LETTER\s+CODE\s+ORIGIN\s+RECORDED AT\s+PUT BACK$/m);
  expect(list.stdout).toMatch(new RegExp(`^${LETTER}\\s+UNDECODABLE\\s+tokenledger\\.usage\\.events/0 at 1\\s+\\S+\\s+-$`, 'm'));
  expect(list.stdout).toContain('@tokenledger.usage.events/0/3');
  const shown = await pipeline.cli('dead-letters', 'show', LETTER);
  expect(shown.stdout).toMatch(/^code:\s+UNDECODABLE$/m);
  expect(shown.stdout).toMatch(/^bytes:\s+4$/m);
  const unknown = await pipeline.cli('dead-letters', 'show', `${SOURCE}/0/9`);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('there is no dead letter')]);
});

test('what would be refused again is not sent', async () => {
  const result = await pipeline.cliAlone('dead-letters', 'retry', LETTER);
  expect([result.code, result.stderr]).toEqual([1, expect.stringContaining('would be refused again (UNDECODABLE')]);
});

test('one that was repaired counts once, however often it is put back', async () => {
  await using folder = await makeTempDir('repaired');
  const file = join(folder.path, 'event.avro');
  writeFileSync(file, recordOf(lost!).value!);
  // Twice before anybody has read it, and once after.
  for (let times = 0; times < 2; times += 1) {
    const result = await pipeline.cliAlone('dead-letters', 'retry', LETTER, '--from', file);
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining(`is put back as retry/${LETTER}, number 1`)]);
  }
  await pipeline.drain();
  const again = await pipeline.cliAlone('dead-letters', 'retry', LETTER, '--from', file);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('it is written. Nothing was sent.')]);
  await pipeline.drain();

  expect(await rows(`SELECT source, sequence, event_id FROM usage_events ORDER BY occurred_at`)).toEqual([
    { source: SOURCE, sequence: '1', event_id: whole!.eventId },
    { source: `retry/${LETTER}`, sequence: '1', event_id: lost!.eventId },
  ]);
  expect(await rows('SELECT count() AS letters FROM dead_letters')).toEqual([{ letters: '2' }]);
  const list = await pipeline.cli('dead-letters', 'list');
  expect(list.stdout).toMatch(new RegExp(`^${LETTER}\\s.*\\swritten$`, 'm'));
  const verdict = await pipeline.cli('verify');
  expect(verdict.stdout).toMatch(/^log\s+ok/m);
  expect(verdict.code).toBe(0);
});
