// A client that sends or takes too slowly is ended within a limit, and holds nothing afterwards.
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { rawClient } from '../../support/raw-client.ts';
import { type RunningIngress, runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { type AnswerScript, scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const SLOW = { headers_timeout_ms: 1000, request_timeout_ms: 1500, answer_stall_timeout_ms: 1000 };
/** The time after which a connection is ended, and then some for a busy machine. */
const WITHIN_MS = 15_000;
const MIB = 1024 * 1024;

const chatAnswer: AnswerScript = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
const HEAD = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\n`;
const WHOLE = `${HEAD}content-length: ${CHAT_REQUEST.length}\r\n\r\n${CHAT_REQUEST}`;

async function expectNothingHeld(ingress: RunningIngress): Promise<void> {
  await waitFor(async () => (await ingress.registry.metrics()).includes('request_bytes_in_flight 0'), {
    timeoutMs: WITHIN_MS,
    describe: 'all to be let go',
  });
}

describe('a client that drips', () => {
  test.each([
    ['its head', HEAD, 0],
    ['nothing at all', '', 0],
    ['its body', `${HEAD}content-length: 100000\r\n\r\n{`, 1],
    ['chunks of its body', `${HEAD}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n`, 1],
    ['an extension of a chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n1;`, 1],
  ])('%s is told so and ended, even if it never closes its half', async (_what, begin, events) => {
    await using upstream = await scriptedUpstream(chatAnswer);
    await using ingress = await runIngress({ upstreamUrl: upstream.url, config: SLOW });
    await using client = await rawClient(ingress.url);
    client.write(begin);
    const drip = begin.endsWith('{\r\n') ? '1\r\na\r\n' : 'a';
    await waitFor(
      () => {
        // What is ended already is dripped into as well: what is only half closed would go on for ever.
        if (client.ended || begin !== '') client.write(drip);
        return client.cutOff;
      },
      {
        timeoutMs: WITHIN_MS,
        intervalMs: 50,
        describe: () => `the client to be cut off; it was told ${JSON.stringify(client.received())}`,
      },
    );
    expect(client.statuses()).toEqual([408]);
    expect(upstream.seen).toEqual([]);
    const found = await ingress.events(events);
    expect(found.map(({ outcome }) => outcome)).toEqual(Array.from({ length: events }, () => 'client_aborted'));
    await expectNothingHeld(ingress);
  });
});

describe('a client that takes nothing', () => {
  const large = JSON.stringify({ ...(JSON.parse(CHAT_ANSWER) as object), padding: randomBytes(6 * MIB).toString('hex') });

  test.each([
    ['of an answer that is there', '/v1/chat/completions', 'application/json', 1],
    ['of a stream', '/v1/chat/completions', 'text/event-stream', 1],
    ['of what is no surface', '/channels/openai/v1/videos', 'video/mp4', 1],
    ['of a call that costs nothing', '/v1/moderations', 'application/json', 0],
  ])('%s is dropped', async (_what, path, contentType, events) => {
    let closed = false;
    await using upstream = await scriptedUpstream((response) => {
      response.once('close', () => (closed = true));
      response.writeHead(200, { 'content-type': contentType }).end(large);
    });
    await using ingress = await runIngress({ upstreamUrl: upstream.url, config: SLOW });
    await using client = await rawClient(ingress.url);
    client.pause();
    client.write(WHOLE.replace('/v1/chat/completions', path));
    await waitFor(() => closed, { timeoutMs: WITHIN_MS, describe: 'the provider to be let go' });
    await expectNothingHeld(ingress);
    client.resume();
    await client.end();
    expect(client.received().length).toBeLessThan(large.length);
    expect(await ingress.events(events)).toHaveLength(events);
  });

  test('of many small answers on one connection is dropped', async () => {
    const answer = CHAT_ANSWER.replace('Hello', 'a'.repeat(60_000));
    await using upstream = await scriptedUpstream(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
    );
    await using ingress = await runIngress({ upstreamUrl: upstream.url, config: SLOW });
    await using client = await rawClient(ingress.url);
    client.pause();
    client.write(WHOLE.repeat(400));
    await waitFor(() => upstream.seen.length > 100, { timeoutMs: WITHIN_MS, describe: 'many requests at the provider' });
    await expectNothingHeld(ingress);
  });
});
