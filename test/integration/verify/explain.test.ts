import { type Attempt, UNKNOWN_USAGE, type UsageEvent } from '@tokenledger/domain';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { events, openPipeline, type Pipeline, recordOf, SOURCE } from './pipeline.ts';

const OCCURRED_AT = Date.parse('2026-03-01T10:00:00.000Z');
const ID = `${OCCURRED_AT.toString(16)
  .padStart(12, '0')
  .replace(/^(.{8})/, '$1-')}-7abc-8def-0123456789ab`;
const REFUSED_ID = ID.replace(/.$/, 'c');
const HIT_ID = ID.replace(/.$/, 'd');
const RESULT_ID = ID.replace('-7abc', '-8abc');

const [sample] = events(1, 0);
const [attempt] = sample!.attempts;

/** The first channel billed what it had written before it broke; the second one served. */
const failed: Attempt = {
  ...attempt!,
  attemptId: 'first',
  channelId: 'main',
  provider: 'openai',
  servedModel: 'gpt-4o-mini-2024-07-18',
  requestedModel: 'gpt-4o-mini',
  startedAtMs: OCCURRED_AT + 2,
  completedAtMs: OCCURRED_AT + 300,
  timeToFirstByteMs: 100,
  httpStatus: 503,
  errorClass: 'server_error',
  usage: { ...UNKNOWN_USAGE, uncached_input: 1000, visible_output: 10 },
  usageSource: 'reported',
  usageReason: '',
  usageFlags: ['split_unknown'],
};
const served: Attempt = {
  ...failed,
  attemptId: 'second',
  channelId: 'spare',
  startedAtMs: OCCURRED_AT + 301,
  completedAtMs: OCCURRED_AT + 900,
  httpStatus: 200,
  errorClass: '',
  usage: { ...UNKNOWN_USAGE, uncached_input: 1000, cache_read: 0, visible_output: 20 },
  usageFlags: [],
};
const whole: UsageEvent = {
  ...sample!,
  eventId: ID,
  requestId: ID,
  occurredAtMs: OCCURRED_AT,
  routeType: 'backup',
  routeReason: 'main failed',
  channelId: 'spare',
  provider: 'openai',
  attempts: [failed, served],
};
/** What the provider stated later, under an id of its own. */
const result: UsageEvent = {
  ...whole,
  eventId: RESULT_ID,
  kind: 'import',
  adjustsEventId: ID,
  sequence: 2,
  attempts: [{ ...served, usage: { ...UNKNOWN_USAGE, uncached_input: 100, visible_output: 0 } }],
};
const refused: UsageEvent = { ...whole, eventId: REFUSED_ID, sequence: 3, attempts: [{ ...served, startedAtMs: 1 }] };
/** Nothing was forwarded: the answer that the second attempt had came again. */
const hit: UsageEvent = {
  ...whole,
  eventId: HIT_ID,
  requestId: HIT_ID,
  sequence: 4,
  outcome: 'cache_hit',
  routeType: 'cache',
  routeReason: 'same_request',
  servedModel: served.servedModel,
  requestedModel: served.requestedModel,
  serviceTier: '',
  region: '',
  attempts: [],
  avoidedUsage: served.usage,
};

let pipeline: Pipeline;
beforeAll(async () => {
  pipeline = await openPipeline();
  await pipeline.publish(0, [whole, result, refused, hit].map(recordOf));
  await pipeline.drain();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

test('a request is told from its row: both attempts with their usage and cost, the prices, and what came later', async () => {
  const { stdout, stderr, code } = await pipeline.cli('explain', ID.toUpperCase());
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(new RegExp(`^event: +${ID} \\(usage\\)$`, 'm'));
  expect(stdout).toMatch(/^Route\n {2}type: +backup\n {2}reason: +main failed\n {2}channel: +spare \(openai/m);
  // gpt-4o-mini: 0.15 USD per million in, 0.60 out.
  expect(stdout).toMatch(
    /^ {2}1 +main +openai +gpt-4o-mini-2024-07-18 +503 +server_error +\+2 ms +100 ms +\+300 ms +reported +0\.000156$/m,
  );
  expect(stdout).toMatch(/^ {2}2 +spare +openai +gpt-4o-mini-2024-07-18 +200 +- +\+301 ms +100 ms +\+900 ms +reported +0\.000162$/m);
  expect(stdout).toContain('  1: uncached_input 1000, visible_output 10 (split_unknown)\n  2: uncached_input 1000, visible_output 20\n');
  expect(stdout).toMatch(/^ {2}2 +visible_output +20 +0\.6 +1000000 +1 +0\.000012 +list,cost,billable /m);
  expect(stdout).toMatch(/^Sum\n {2}input tokens: +2000\n {2}output tokens: +30\n {2}usage: +reported\n/m);
  expect(stdout).toMatch(/^ {2}cost: +0\.000318 USD$/m);
  expect(stdout).toMatch(new RegExp(`^  import +${RESULT_ID} .* 100 +0 +0\\.000015 `, 'm'));
  expect(stdout).toMatch(/^ {2}cost with these: +0\.000333000000 USD$/m);
});

test('as JSON it has every column, the attempts one by one', async () => {
  const { stdout } = await pipeline.cli('explain', RESULT_ID, '--format', 'json');
  const { event, related } = JSON.parse(stdout) as { event: Record<string, unknown>; related: readonly unknown[] };
  expect(related).toEqual([]);
  expect(event).toMatchObject({
    event_id: RESULT_ID,
    adjusts_event_id: ID,
    source: SOURCE,
    input_tokens: '100',
    output_tokens: '0',
    cost_usd: '0.000015',
    attempts: [{ channel_id: 'spare', uncached_input_tokens: '100', cost_usd: '0.000015' }],
    line_items: [{ attempt: 1, usage_class: 'uncached_input', quantity: '100', amount_usd: '0.000015' }],
  });
  const rows = await pipeline.clickhouse.query<{ name: string }>(
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'usage_events' AND position(name, '.') = 0 AND default_kind != 'EPHEMERAL'`,
  );
  expect(
    Object.keys(event)
      .filter((name) => !['attempts', 'line_items', 'avoided'].includes(name))
      .toSorted(),
  ).toEqual(rows.map(({ name }) => name).toSorted());
});

test('an answer from the response cache has no cost and says what it saved', async () => {
  const { stdout } = await pipeline.cli('explain', HIT_ID);
  expect(stdout).toMatch(/^Route\n {2}type: +cache\n {2}reason: +same_request\n {2}channel: +spare /m);
  expect(stdout).toMatch(/^Sum\n {2}usage: +none, nothing was forwarded\n {2}cost: +none, nothing was forwarded\n/m);
  expect(stdout).toMatch(/^ {2}saved: +0\.000162 USD\n {2}avoided: +uncached_input 1000, visible_output 20$/m);
  expect(stdout).not.toContain('Attempts');
});

test('an event that was refused leads to its letter, and an id that nothing has is said to be none', async () => {
  expect(await pipeline.cli('explain', REFUSED_ID)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`was refused \\(EVENT_INVALID: .*dead-letters show ${SOURCE}/0/3`)),
  });
  expect(await pipeline.cli('explain', 'nobody')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no event and no request has'),
  });
});
