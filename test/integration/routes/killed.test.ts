// What the journal knows of a request with several attempts when its process dies.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_REQUEST } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';

const FAILED =
  '{"error":{"type":"server_error"},"model":"gpt-4o-mini-2024-07-18","usage":{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107}}';

test('a kill in the middle of a second attempt leaves one event with both: what the first cost, and an estimate of the second', async () => {
  await using failing = await scriptedUpstream((response) => {
    response.writeHead(500, { 'content-type': 'application/json' });
    response.end(FAILED);
  });
  await using silent = await scriptedUpstream(() => undefined);
  await using folder = await makeTempDir('killed-attempt');
  const [journal, left] = [join(folder.path, 'journal'), join(folder.path, 'left')];
  let ids: unknown[];
  {
    await using ingress = await runIngress({
      upstreamUrl: failing.url,
      config: { journal_dir: journal },
      channels: [
        { id: 'a', provider: 'openai', base_url: failing.url },
        { id: 'b', provider: 'openai', base_url: silent.url, region: 'us' },
      ],
      routes: [
        {
          id: 'chat',
          models: ['gpt-4o-mini'],
          retries: 0,
          channels: [{ channel: 'a' }, { channel: 'b', model: 'gpt-4.1-mini', cheaper: true }],
        },
      ],
    });
    const leaving = new AbortController();
    const asked = request(`${ingress.url}/v1/chat/completions`, {
      method: 'POST',
      body: CHAT_REQUEST,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
      signal: leaving.signal,
    });
    await waitFor(() => silent.seen.length === 1, { timeoutMs: 10_000, describe: 'the second attempt at its provider' });
    // What a process leaves that is killed now: all that the operating system has.
    await cp(journal, left, { recursive: true });
    ids = [...failing.seen, ...silent.seen].map(({ headers }) => headers['x-request-id']);
    leaving.abort();
    await expect(asked).rejects.toThrow(/abort/);
    await ingress.stop(500);
  }
  await using next = await runIngress({ upstreamUrl: failing.url, config: { journal_dir: left } });
  const [event] = await next.events(1);
  expect(event).toMatchObject({
    outcome: 'unresolved',
    requestedModel: 'gpt-4o-mini',
    channelId: 'b',
    region: 'us',
    routeType: 'cheaper_pool',
    routeReason: 'route/chat/fallback',
  });
  expect(event?.attempts).toMatchObject([
    {
      channelId: 'a',
      httpStatus: 500,
      errorClass: 'server_error',
      usage: { uncached_input: 100, visible_output: 7 },
      usageSource: 'reported',
    },
    {
      channelId: 'b',
      httpStatus: null,
      errorClass: 'unresolved',
      requestedModel: 'gpt-4.1-mini',
      usageSource: 'estimated',
      usageBasis: 'request_bytes',
    },
  ]);
  expect(event?.attempts.map(({ attemptId }) => attemptId)).toEqual(ids);
});

test('a kill in the first attempt at a channel that is no first choice leaves what was asked of it', async () => {
  await using silent = await scriptedUpstream(() => undefined);
  await using folder = await makeTempDir('killed-first');
  const [journal, left] = [join(folder.path, 'journal'), join(folder.path, 'left')];
  {
    await using ingress = await runIngress({
      upstreamUrl: silent.url,
      config: { journal_dir: journal },
      channels: [{ id: 'a', provider: 'openai', base_url: silent.url }],
      routes: [{ id: 'chat', channels: [{ channel: 'a', model: 'gpt-4.1-mini' }] }],
    });
    const leaving = new AbortController();
    const asked = request(`${ingress.url}/v1/chat/completions`, {
      method: 'POST',
      body: CHAT_REQUEST,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
      signal: leaving.signal,
    });
    await waitFor(() => silent.seen.length === 1, { timeoutMs: 10_000, describe: 'the request at its provider' });
    await cp(journal, left, { recursive: true });
    leaving.abort();
    await expect(asked).rejects.toThrow(/abort/);
    await ingress.stop(500);
  }
  await using next = await runIngress({ upstreamUrl: silent.url, config: { journal_dir: left } });
  expect((await next.events(1))[0]).toMatchObject({
    outcome: 'unresolved',
    requestedModel: 'gpt-4o-mini',
    attempts: [{ channelId: 'a', requestedModel: 'gpt-4.1-mini', usageSource: 'estimated' }],
  });
});
