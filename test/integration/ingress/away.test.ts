// The event log is away, or ClickHouse is: requests are served, what waits is bounded and told, and all of it arrives.
import { topicNames } from '@tokenledger/event-log';
import { encodeLandedLane, laneKey } from '@tokenledger/schemas';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { awayLog } from '../../support/away-log.ts';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const MIB = 1024 * 1024;
const answering = () =>
  scriptedUpstream((response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER));

async function chat(ingress: RunningIngress): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` };
  const answer = await request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers });
  await answer.body.dump();
  return answer.statusCode;
}

async function gauge(ingress: RunningIngress, name: string): Promise<number> {
  return Number(new RegExp(`^tokenledger_ingress_${name} (\\S+)$`, 'm').exec(await ingress.registry.metrics())?.[1]);
}

const until = (condition: () => Promise<boolean> | boolean, describe: string): Promise<unknown> =>
  waitFor(condition, { timeoutMs: 15_000, intervalMs: 50, describe });

test('while the log is away the ingress serves until its bound, says how far behind it is, and afterwards every event is there once', async () => {
  await using upstream = await answering();
  const log = awayLog();
  const BOUND = 60;
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    wrapLog: log.wrap,
    config: { journal_entries_max: BOUND, publish_retry_ms_max: 100 },
  });
  expect(await chat(ingress)).toBe(200);
  await until(async () => (await gauge(ingress, 'unpublished_events')) === 0, 'the first event in the log');
  log.away = true;
  for (let count = 0; count < BOUND; count++) expect(await chat(ingress)).toBe(200);
  expect(await chat(ingress)).toBe(503);
  await until(async () => (await gauge(ingress, 'unpublished_events')) === BOUND, 'the lag in events');
  await until(async () => (await gauge(ingress, 'publish_lag_seconds')) > 2, 'the lag in time to grow');
  expect(await gauge(ingress, 'journal_fill_ratio')).toBe(1);
  expect(ingress.state()).toMatchObject({ status: 'degraded' });
  expect(ingress.state().detail).toMatch(/the event log does not take events; 60 wait; the journal is full: new requests are refused/);

  log.away = false;
  const events = await ingress.events(1 + BOUND);
  expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(1 + BOUND);
  expect(events.map(({ sequence }) => sequence).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 1 + BOUND }, (_, index) => index + 1),
  );
  expect(upstream.seen.length).toBe(1 + BOUND);
  await until(async () => (await gauge(ingress, 'unpublished_events')) + (await gauge(ingress, 'publish_lag_seconds')) === 0, 'no lag');
  await until(() => ingress.state().status === 'ready', 'the ingress to be ready');
  expect(await chat(ingress)).toBe(200);
});

test('while nothing lands in ClickHouse the journal keeps everything, within its bound, says for how long, and lets go of it afterwards', async () => {
  await using upstream = await answering();
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    config: { journal_bytes_max: MIB, journal_segment_bytes_max: MIB, unlanded_warn_ms: 1000 },
  });
  const answered: number[] = [];
  do answered.push(await chat(ingress));
  while (answered.at(-1) === 200 && answered.length < 5000);
  const served = answered.length - 1;
  expect(answered.at(-1)).toBe(503);
  // Sent as ever: only ClickHouse is away.
  const events = await ingress.events(served);
  await until(async () => (await gauge(ingress, 'unlanded_events')) === served, 'all of them to be told');
  await until(async () => (await gauge(ingress, 'unpublished_events')) === 0, 'the log to have all of them');
  await until(async () => (await gauge(ingress, 'unlanded_age_seconds')) > 1, 'their age to grow');
  expect(await gauge(ingress, 'journal_bytes')).toBeLessThan(1.1 * MIB);
  expect(ingress.state().status).toBe('degraded');
  expect(ingress.state().detail).toMatch(
    new RegExp(`journal is full: .*; ${served} events were not seen in ClickHouse, the oldest for \\d+ s`),
  );

  await land(ingress, events[0]?.source ?? '', served);
  await until(
    async () => (await gauge(ingress, 'unlanded_events')) + (await gauge(ingress, 'unlanded_age_seconds')) === 0,
    'everything to land',
  );
  await until(async () => (await chat(ingress)) === 200, 'requests to be taken again');
  await until(() => ingress.state().status === 'ready', 'the ingress to be ready');
});

/** Says what the writer says once it sees them in ClickHouse. */
async function land(ingress: RunningIngress, source: string, through: number): Promise<void> {
  const { landed, usageEvents } = topicNames('tokenledger.');
  const producer = await ingress.log.producer();
  for (const [partition, { end }] of (await ingress.log.ranges(usageEvents)).entries()) {
    if (end === 0) continue;
    const value = encodeLandedLane({ source, partition, through, highest: through, missing: [], atMs: Date.now() });
    await producer.send(landed, partition, [{ key: laneKey(source, partition), value, headers: {} }]);
  }
  await producer.close();
}
