// The disk of the journal is full, stalls, or the clock jumps, seen from outside of the ingress: what a client gets, what reaches the provider, what is counted.
import { simulatedDisk } from '@tokenledger/journal';
import { request } from 'undici';
import { afterEach, expect, test, vi } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST } from '../../support/provider-answers.ts';
import { type RunningIngress, runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { testJournal } from '../../support/test-journal.ts';
import { waitFor } from '../../support/wait-for.ts';

const HEADERS = { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` };
const DAY_MS = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
});

async function chat(ingress: RunningIngress): Promise<number> {
  const answer = await request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers: HEADERS });
  await answer.body.dump();
  return answer.statusCode;
}

const answering = () =>
  scriptedUpstream((response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER));

async function count(ingress: RunningIngress, metric: string): Promise<number> {
  const escaped = metric.replaceAll(/[{}]/g, String.raw`\$&`);
  return Number(new RegExp(`^tokenledger_ingress_${escaped} (\\S+)$`, 'm').exec(await ingress.registry.metrics())?.[1] ?? 0);
}

/** A disk that takes nothing while it is full. */
function fillingDisk() {
  const disk = simulatedDisk();
  const state = { disk, isFull: false, failures: 0 };
  disk.before = async (operation) => {
    if (state.isFull && operation !== 'read') throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  return state;
}

test('on a full disk nothing is forwarded: 503, counted; the one that came as it filled up waits, and all goes on with the space', async () => {
  await using upstream = await answering();
  const filling = fillingDisk();
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    journal: await testJournal({ disk: filling.disk, onAlarm: () => filling.failures++ }),
  });
  expect(await chat(ingress)).toBe(200);
  filling.isFull = true;
  const waiting = chat(ingress);
  await waitFor(() => filling.failures > 0, { timeoutMs: 5000, describe: 'the disk to be found full' });
  const seen = upstream.seen.length;
  expect([await chat(ingress), await chat(ingress)]).toEqual([503, 503]);
  expect(upstream.seen.length).toBe(seen);
  expect(await count(ingress, 'unrecorded_total{reason="journal_full"}')).toBe(2);
  filling.isFull = false;
  expect(await waiting).toBe(200);
  await waitFor(async () => (await chat(ingress)) === 200, { timeoutMs: 5000, describe: 'requests to be taken again' });
  const events = await ingress.events(upstream.seen.length);
  expect(events.map(({ sequence }) => sequence).toSorted((a, b) => a - b)).toEqual(events.map((_, index) => index + 1));
});

test('with on_full: pass a request that cannot be recorded is served, counted, and has no event', async () => {
  await using upstream = await answering();
  const filling = fillingDisk();
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    config: { journal_on_full: 'pass' },
    journal: await testJournal({ disk: filling.disk, onAlarm: () => filling.failures++ }),
  });
  filling.isFull = true;
  const waiting = chat(ingress);
  await waitFor(() => filling.failures > 0, { timeoutMs: 5000, describe: 'the disk to be found full' });
  expect([await chat(ingress), await chat(ingress)]).toEqual([200, 200]);
  expect(await count(ingress, 'unrecorded_total{reason="journal_full_passed"}')).toBe(2);
  filling.isFull = false;
  expect(await waiting).toBe(200);
  expect(await ingress.events(1)).toMatchObject([{ outcome: 'ok', sequence: 1 }]);
});

test('while the disk stalls no byte of an answer goes out, what waits is bounded, more is refused at once, and nothing is lost', async () => {
  await using upstream = await answering();
  const disk = simulatedDisk();
  let stalled: (() => void)[] | null = null;
  disk.before = (operation) => {
    const waiting = stalled;
    return operation === 'sync' && waiting !== null ? new Promise((resolve) => void waiting.push(resolve)) : Promise.resolve();
  };
  const BUFFER_BYTES = 16_384;
  await using ingress = await runIngress({
    upstreamUrl: upstream.url,
    journal: await testJournal({ disk, bufferedBytesMax: BUFFER_BYTES }),
  });
  expect(await chat(ingress)).toBe(200);
  stalled = [];
  let answered = 0;
  const statuses: number[] = [];
  const all = Array.from({ length: 100 }, async () => {
    const status = await chat(ingress);
    statuses.push(status);
    if (status === 200) answered += 1;
  });
  // The refused are answered while the disk stands still; no other is.
  await waitFor(async () => statuses.length + (await count(ingress, 'journal_entries')) >= 100, {
    timeoutMs: 5000,
    describe: 'every request to wait or to be refused',
  });
  const refused = statuses.length;
  expect(answered).toBe(0);
  expect(refused).toBeGreaterThan(20);
  expect(refused).toBeLessThan(99);
  expect(await count(ingress, 'unrecorded_total{reason="journal_full"}')).toBe(refused);
  const waiting = stalled;
  stalled = null;
  for (const goOn of waiting) goOn();
  await Promise.all(all);
  expect(answered).toBe(100 - refused);
  expect(upstream.seen.length).toBe(1 + answered);
  await ingress.events(1 + answered);
});

/** A disk whose syncs stand still until they are let go. */
function stallingDisk() {
  const disk = simulatedDisk();
  const state = { disk, isStalled: false, waiting: [] as (() => void)[], syncs: 0, goOn };
  disk.before = (operation) => {
    if (operation !== 'sync') return Promise.resolve();
    state.syncs += 1;
    return state.isStalled ? new Promise((resolve) => void state.waiting.push(resolve)) : Promise.resolve();
  };
  return state;

  function goOn(): void {
    state.isStalled = false;
    for (const resolve of state.waiting.splice(0)) resolve();
  }
}

test('a short answer waits for one sync, which makes its opening and its closing safe together', async () => {
  await using upstream = await answering();
  const stalling = stallingDisk();
  await using ingress = await runIngress({ upstreamUrl: upstream.url, journal: await testJournal({ disk: stalling.disk }) });
  expect(await chat(ingress)).toBe(200);
  stalling.isStalled = true;
  const before = stalling.syncs;
  const answered = chat(ingress);
  await waitFor(() => stalling.waiting.length === 1, { timeoutMs: 5000, describe: 'a sync that somebody waits for' });
  stalling.goOn();
  expect(await answered).toBe(200);
  // Of those that nobody waits for there may be one more.
  expect(stalling.syncs - before).toBeLessThanOrEqual(2);
  await ingress.events(2);
});

test('while the disk stalls a stream has not begun, and its provider is not read ahead; then it is whole', async () => {
  const CHUNK = `data: {"choices":[{"index":0,"delta":{"content":"${'a'.repeat(1_000)}"}}]}\n\n`;
  const CHUNKS = 20_000;
  let written = 0;
  await using upstream = await scriptedUpstream(async (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (; written < CHUNKS; written += 1) if (!response.write(CHUNK)) await new Promise((resolve) => response.once('drain', resolve));
    response.end('data: [DONE]\n\n');
  });
  const stalling = stallingDisk();
  stalling.isStalled = true;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, journal: await testJournal({ disk: stalling.disk }) });
  let hasBegun = false;
  const read = request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_STREAM_REQUEST, headers: HEADERS }).then(
    async ({ body }) => {
      hasBegun = true;
      return body.text();
    },
  );
  let last = -1;
  await waitFor(() => (written > 0 && written === last) || ((last = written), false), {
    timeoutMs: 5000,
    intervalMs: 200,
    describe: 'the provider to be held up',
  });
  expect(hasBegun).toBe(false);
  expect(written).toBeLessThan(CHUNKS);
  stalling.goOn();
  const whole = await read;
  expect(whole.split('data: {"choices"').length - 1).toBe(CHUNKS);
  expect(whole.endsWith('data: [DONE]\n\n')).toBe(true);
});

test('an answer that breaks off before it may begin breaks off at the client, too, and is recorded', async () => {
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' });
    response.write('{"choices":[');
    setImmediate(() => response.destroy());
  });
  const stalling = stallingDisk();
  stalling.isStalled = true;
  await using ingress = await runIngress({ upstreamUrl: upstream.url, journal: await testJournal({ disk: stalling.disk }) });
  const answered = chat(ingress).catch(() => 'torn');
  await waitFor(() => stalling.waiting.length > 0, { timeoutMs: 5000, describe: 'a sync that somebody waits for' });
  stalling.goOn();
  expect(await answered).not.toBe(200);
  expect(await ingress.events(1)).toMatchObject([{ outcome: 'upstream_error' }]);
});

test.each([
  ['forward', DAY_MS],
  ['back', -DAY_MS],
])(
  'a clock that jumps a day %s in the middle of a request changes neither its hour nor its duration, and it is published',
  async (_way, jumpMs) => {
    let answer: (() => void) | undefined;
    await using upstream = await scriptedUpstream((response) => {
      answer = () => response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
    });
    const acceptedMs = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: acceptedMs });
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    const first = chat(ingress);
    await waitFor(() => answer, { timeoutMs: 5000, describe: 'the request at the provider' });
    vi.setSystemTime(acceptedMs + jumpMs);
    answer?.();
    expect(await first).toBe(200);
    upstream.answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
    expect(await chat(ingress)).toBe(200);
    const events = (await ingress.events(2)).toSorted((one, other) => one.sequence - other.sequence);
    expect(events.map(({ occurredAtMs }) => occurredAtMs - acceptedMs)).toEqual([0, jumpMs]);
    for (const { occurredAtMs, completedAtMs, durationMs } of events) {
      expect(durationMs).toBeGreaterThanOrEqual(0);
      expect(durationMs).toBeLessThan(10_000);
      expect((completedAtMs ?? 0) - occurredAtMs).toBe(durationMs);
    }
  },
);
