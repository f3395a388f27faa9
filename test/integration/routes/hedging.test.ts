// A second channel is asked while the first is still to answer.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { UsageEvent } from '@tokenledger/domain';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_CLASSES, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

const served: AnswerScript = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(CHAT_ANSWER) });
  response.end(CHAT_ANSWER);
};
/** Fails, and tells when the ingress has turned away from it. */
function failing() {
  const { promise: givenUp, resolve } = Promise.withResolvers<void>();
  const answer: AnswerScript = (response) => {
    response.on('close', resolve);
    response.writeHead(503, { 'content-type': 'application/json' }).write('{');
  };
  return { answer, givenUp };
}
const silent: AnswerScript = () => undefined;

/** Answers once the test says so. */
function held(answer: AnswerScript) {
  const waiting: (() => void)[] = [];
  return {
    answer: ((response, seen) => void waiting.push(() => void answer(response, seen))) satisfies AnswerScript,
    release: () => waiting.splice(0).forEach((go) => go()),
  };
}

async function hedged(a: AnswerScript, b: AnswerScript, route: object = {}, config: object = {}) {
  const stack = new AsyncDisposableStack();
  const upstreamA = stack.use(await scriptedUpstream(a));
  const upstreamB = stack.use(await scriptedUpstream(b));
  const ingress = stack.use(
    await runIngress({
      upstreamUrl: upstreamA.url,
      config,
      channels: [
        { id: 'a', provider: 'openai', base_url: upstreamA.url },
        { id: 'b', provider: 'openai', base_url: upstreamB.url },
      ],
      routes: [{ id: 'chat', hedge_after_ms: 50, channels: [{ channel: 'a' }, { channel: 'b' }], ...route }],
    }),
  );
  return { ingress, seenByA: upstreamA.seen, seenByB: upstreamB.seen, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const chat = (url: string, signal?: AbortSignal) =>
  request(`${url}/v1/chat/completions`, {
    method: 'POST',
    body: CHAT_REQUEST,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    ...(signal === undefined ? {} : { signal }),
  });
const attemptsOf = (event: UsageEvent | undefined) =>
  event?.attempts.map(
    ({ channelId, httpStatus, errorClass, usageSource }) => `${channelId} ${httpStatus} ${errorClass || 'fine'} ${usageSource}`,
  );

test('the second channel serves where the first is late; what the first may have cost is estimated', async () => {
  await using system = await hedged(silent, served);
  const answer = await chat(system.ingress.url);
  expect([answer.statusCode, await answer.body.text()]).toEqual([200, CHAT_ANSWER]);
  const [event] = await system.ingress.events(1);
  expect(attemptsOf(event)).toEqual(['a null hedged estimated', 'b 200 fine reported']);
  expect(event).toMatchObject({ outcome: 'ok', channelId: 'b', routeType: 'backup', routeReason: 'route/chat/hedge' });
  expect(event?.attempts[1]).toMatchObject({ usage: CHAT_CLASSES });
  expect(event?.attempts[0]).toMatchObject({ usageBasis: 'request_bytes' });
  const ids = [...system.seenByA, ...system.seenByB].map(({ headers }) => headers['x-request-id']);
  expect(event?.attempts.map(({ attemptId }) => attemptId)).toEqual(ids);
});

test('the first serves where it answers first, and the second is given up', async () => {
  const first = held(served);
  await using system = await hedged(first.answer, silent);
  const asked = chat(system.ingress.url);
  await waitFor(() => system.seenByB.length === 1, { timeoutMs: 5_000, describe: 'the second channel to be asked' });
  first.release();
  expect((await asked).statusCode).toBe(200);
  const [event] = await system.ingress.events(1);
  expect(attemptsOf(event)).toEqual(['b null hedged estimated', 'a 200 fine reported']);
  expect(event).toMatchObject({ channelId: 'a', routeType: 'direct' });
});

test('no second channel is asked where the first answers in time, and never where the route does not say so', async () => {
  await using system = await hedged(served, served, { hedge_after_ms: 5_000 });
  expect((await chat(system.ingress.url)).statusCode).toBe(200);
  expect(attemptsOf((await system.ingress.events(1))[0])).toEqual(['a 200 fine reported']);
  const first = held(served);
  await using other = await hedged(first.answer, served, { hedge_after_ms: undefined });
  const asked = chat(other.ingress.url);
  await waitFor(() => other.seenByA.length === 1, { timeoutMs: 5_000, describe: 'the first channel to be asked' });
  setTimeout(first.release, 150);
  expect((await asked).statusCode).toBe(200);
  expect(other.seenByB).toEqual([]);
});

test('a second channel that fails leaves the first to answer, and the other way round', async () => {
  const [first, failed] = [held(served), failing()];
  await using system = await hedged(first.answer, failed.answer);
  const asked = chat(system.ingress.url);
  await failed.givenUp;
  first.release();
  expect((await asked).statusCode).toBe(200);
  expect(attemptsOf((await system.ingress.events(1))[0])).toEqual(['b 503 fine none', 'a 200 fine reported']);

  const failure = failing();
  const [late, second] = [held(failure.answer), held(served)];
  await using other = await hedged(late.answer, second.answer);
  const askedOther = chat(other.ingress.url);
  await waitFor(() => other.seenByB.length === 1, { timeoutMs: 5_000, describe: 'the second channel to be asked' });
  late.release();
  await failure.givenUp;
  second.release();
  expect((await askedOther).statusCode).toBe(200);
  expect(attemptsOf((await other.ingress.events(1))[0])).toEqual(['a 503 fine none', 'b 200 fine reported']);
});

test('where both fail, the attempts that are left follow, and never more than the route allows', async () => {
  const failure = failing();
  const [first, second] = [held(failure.answer), held((response) => void response.writeHead(503).end('{}'))];
  await using system = await hedged(first.answer, second.answer, { attempts_max: 2 });
  const asked = chat(system.ingress.url);
  await waitFor(() => system.seenByB.length === 1, { timeoutMs: 5_000, describe: 'the second channel to be asked' });
  first.release();
  await failure.givenUp;
  second.release();
  expect((await asked).statusCode).toBe(503);
  const [event] = await system.ingress.events(1);
  expect(event?.attempts.map(({ channelId, httpStatus }) => `${channelId} ${httpStatus}`)).toEqual(['a 503', 'b 503']);
  expect([system.seenByA.length, system.seenByB.length]).toEqual([1, 1]);
});

test('a client that leaves has its first attempt read on, and its second given up', async () => {
  const first = held(served);
  await using system = await hedged(first.answer, silent);
  const leaving = new AbortController();
  const asked = chat(system.ingress.url, leaving.signal);
  await waitFor(() => system.seenByB.length === 1, { timeoutMs: 5_000, describe: 'the second channel to be asked' });
  leaving.abort();
  await expect(asked).rejects.toThrow(/abort/);
  await waitFor(async () => (await system.ingress.registry.metrics()).includes('ingress_draining 1'), {
    timeoutMs: 5_000,
    describe: 'the ingress to see that the client left',
  });
  first.release();
  const [event] = await system.ingress.events(1);
  expect(event).toMatchObject({ outcome: 'client_aborted' });
  expect(attemptsOf(event)).toEqual(['b null hedged estimated', 'a 200 fine reported']);
});

test('a kill while both are out leaves one event with both', async () => {
  await using folder = await makeTempDir('killed-hedge');
  const [journal, left] = [join(folder.path, 'journal'), join(folder.path, 'left')];
  {
    await using system = await hedged(silent, silent, {}, { journal_dir: journal });
    const leaving = new AbortController();
    const asked = chat(system.ingress.url, leaving.signal);
    await waitFor(() => system.seenByB.length === 1, { timeoutMs: 5_000, describe: 'the second channel to be asked' });
    await cp(journal, left, { recursive: true });
    leaving.abort();
    await expect(asked).rejects.toThrow(/abort/);
    await system.ingress.stop(500);
  }
  await using next = await runIngress({ upstreamUrl: 'http://127.0.0.1:1', config: { journal_dir: left } });
  const [event] = await next.events(1);
  expect(event).toMatchObject({ outcome: 'unresolved' });
  expect(attemptsOf(event)).toEqual(['a null unresolved estimated', 'b null unresolved estimated']);
});
